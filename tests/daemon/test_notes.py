"""The log: what is taken is written in order, with its time; what is not grave enough is not."""

import re
from pathlib import Path

from paceline.adapters.clock import SystemClock
from paceline.daemon.notes import NoteLog
from paceline.daemon.settings import Settings
from paceline.replica.effects import Note

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\S+ n1 (\w+): (.*)")


def lines_of(folder: Path) -> list[tuple[str, str]]:
    text = (folder / "paceline.log").read_text(encoding="utf-8")
    return [match.groups() for line in text.splitlines() if (match := LINE.fullmatch(line))]


def test_notes_of_the_level_and_above_are_written_in_order(tmp_path: Path) -> None:
    log = NoteLog(Settings(log_dir=tmp_path), node="n1", clock=SystemClock(), is_journal=False)
    log.set_level("info")
    log.write(Note(level="debug", code="small", message="no"))
    for number in range(500):
        log.write(Note(level="info", code="decided", message=f"{number}", facts=(("why", "x"),)))
    log.set_level("warning")
    log.say("notice", "later", "no")
    log.say("error", "broken", "two\nlines", position="4")
    log.close()
    expected = [("info", f"decided: {number} (why=x)") for number in range(500)]
    assert lines_of(tmp_path) == [*expected, ("error", "broken: two | lines (position=4)")]
    assert log.lost == 0
