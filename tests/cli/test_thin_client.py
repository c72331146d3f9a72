"""The thin client: what it sends where, and how it shows the answers."""

import json
import subprocess
import sys
from _socket import socketpair
from pathlib import Path

import pytest

from paceline.cli.main import _is_in_place, _show_answers


@pytest.mark.parametrize(
    ("words", "is_in_place"),
    [
        (["status"], False),
        (["-f", "cib.xml", "constraint"], True),
        (["constraint", "--corosync_conf=x"], True),
        (["resource", "--help"], True),
        (["cluster", "cib", "saved.xml"], True),
        (["cluster", "start", "--all"], False),
        (["resource", "create", "A", "Dummy", "--", "-f"], False),
        ([], True),
    ],
)
def test_words_that_name_files_run_in_place(words: list[str], is_in_place: bool) -> None:
    assert _is_in_place(words) is is_in_place


def test_answers_are_shown_as_they_come_and_the_status_is_returned(
    capsys: pytest.CaptureFixture[str],
) -> None:
    ours, theirs = socketpair()
    for record in ({"out": "a\n"}, {"err": "b\n"}, {"out": "c\n"}, {"exit": 3}):
        theirs.sendall(json.dumps(record).encode() + b"\n")
    assert _show_answers(ours) == 3
    shown = capsys.readouterr()
    assert (shown.out, shown.err) == ("a\nc\n", "b\n")


def test_a_broken_connection_is_unknown_not_done(capsys: pytest.CaptureFixture[str]) -> None:
    ours, theirs = socketpair()
    theirs.sendall(b'{"out":"working\\n"}\n')
    theirs.close()
    assert _show_answers(ours) == 1
    assert "unknown" in capsys.readouterr().err


def test_client_loads_only_what_starts_fast() -> None:
    code = "import sys, paceline.cli.main; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert not loaded & {"lxml", "msgspec", "socket", "asyncio", "dataclasses", "subprocess"}


def test_pcs_on_a_file_works_from_end_to_end(tmp_path: Path) -> None:
    cib = tmp_path / "cib.xml"
    cib.write_text(
        "<cib><configuration><crm_config/><nodes/><resources/><constraints/></configuration></cib>"
    )
    cib.chmod(0o640)
    command = [sys.executable, "-m", "paceline.cli.main", "-f", str(cib), "property", "set"]
    done = subprocess.run([*command, "maintenance-mode=true"], capture_output=True, check=False)
    assert done.returncode == 0
    assert b'name="maintenance-mode" value="true"' in cib.read_bytes()
    assert cib.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["cib.xml"]
