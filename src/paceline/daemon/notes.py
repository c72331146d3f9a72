"""The log: one line per decision, with its reason; and the same as a stream for subscribers.

A thread of its own writes, from a bounded queue: a full or slow disk loses lines (counted), it
never stalls the loop.

    2026-11-23T06:12:55.123+00:00 worker1 notice: plan-made: 3 actions (position=41)
"""

import logging
import queue
import sys
from collections import deque
from datetime import UTC, datetime
from logging.handlers import QueueListener, RotatingFileHandler
from typing import Any, NamedTuple

from paceline.daemon.settings import LEVELS, Settings
from paceline.ports.clock import Clock
from paceline.replica.effects import Note

QUEUE_MAX = 20_000
"""Lines that may wait for the disk."""
SUBSCRIBER_NOTES_MAX = 1000
"""Notes that may wait for one reader."""
SUBSCRIBERS_MAX = 32
NOTICE = 25
"""Between info and warning, as syslog has it."""
LOG_FILE = "paceline.log"
FILE_MODE = 0o640

_NUMBERS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "notice": NOTICE,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
_SYSLOG_PRIORITIES = {
    logging.DEBUG: 7,
    logging.INFO: 6,
    NOTICE: 5,
    logging.WARNING: 4,
    logging.ERROR: 3,
}


def format_note(note: Note) -> str:
    """Return the note as one line."""
    facts = [f"{name}={value}" for name, value in note.facts]
    if note.position:
        facts.append(f"position={note.position}")
    tail = f" ({', '.join(facts)})" if facts else ""
    line = f"{note.code}: {note.message}{tail}"
    return line.replace("\n", " | ").replace("\r", "")


class _Line(NamedTuple):
    """A note that waits for the thread: making text of it is the thread's work.

    A plan of a thousand resources is thousands of notes in one turn of the loop.
    """

    number: int
    created: float
    note: Note


class _Listener(QueueListener):
    """Makes records of lines, in its thread."""

    def prepare(self, record: Any) -> logging.LogRecord:
        """Return the record of a `_Line`."""
        line: _Line = record
        made = logging.LogRecord("paceline", line.number, "", 0, format_note(line.note), None, None)
        made.created = line.created
        return made


class _Formatter(logging.Formatter):
    def __init__(self, node: str, *, is_journal: bool) -> None:
        super().__init__()
        self._node = node
        self._is_journal = is_journal

    def format(self, record: logging.LogRecord) -> str:
        if self._is_journal:
            return f"<{_SYSLOG_PRIORITIES.get(record.levelno, 6)}>{record.getMessage()}"
        at = datetime.fromtimestamp(record.created, UTC).astimezone()
        level = record.levelname.lower()
        return (
            f"{at.isoformat(timespec='milliseconds')} {self._node} {level}: {record.getMessage()}"
        )


class Subscription:
    """The notes that wait for one reader; what does not fit is counted."""

    def __init__(self, level: str) -> None:
        """Take notes of `level` and above."""
        self.lowest = _NUMBERS.get(level, NOTICE)
        self.waiting: deque[tuple[int, Note]] = deque()
        self.lost = 0

    def put(self, time_ms: int, note: Note) -> None:
        """Keep a note for the reader."""
        if _NUMBERS.get(note.level, NOTICE) < self.lowest:
            return
        if len(self.waiting) >= SUBSCRIBER_NOTES_MAX:
            self.lost += 1
            return
        self.waiting.append((time_ms, note))


class NoteLog:
    """Takes notes: to the file, to the journal where systemd collects it, to subscribers."""

    def __init__(self, settings: Settings, *, node: str, clock: Clock, is_journal: bool) -> None:
        """Begin to write. Raises OSError where the folder cannot be used."""
        logging.addLevelName(NOTICE, "NOTICE")
        settings.log_dir.mkdir(mode=0o755, parents=True, exist_ok=True)
        file = RotatingFileHandler(
            settings.log_dir / LOG_FILE,
            maxBytes=settings.log_bytes_max,
            backupCount=settings.log_files_max,
            encoding="utf-8",
        )
        (settings.log_dir / LOG_FILE).chmod(FILE_MODE)
        file.setFormatter(_Formatter(node, is_journal=False))
        handlers: list[logging.Handler] = [file]
        if is_journal:
            journal = logging.StreamHandler(sys.stderr)
            journal.setFormatter(_Formatter(node, is_journal=True))
            handlers.append(journal)
        self._waiting: queue.Queue[_Line] = queue.Queue(QUEUE_MAX)
        self._listener = _Listener(self._waiting, *handlers)
        self._lowest = _NUMBERS[settings.log_level]
        self._clock = clock
        self.lost = 0
        """How many lines were lost to a slow disk."""
        self._subscriptions: list[Subscription] = []
        self._listener.start()

    def set_level(self, level: str) -> None:
        """From now on take notes of this level and graver ones."""
        self._lowest = _NUMBERS[level]

    def write(self, note: Note) -> None:
        """Take a note."""
        number = _NUMBERS.get(note.level, NOTICE)
        if number >= self._lowest:
            try:
                self._waiting.put_nowait(_Line(number, self._clock.wall_ms() / 1000, note))
            except queue.Full:
                self.lost += 1
        for each in self._subscriptions:
            each.put(self._clock.wall_ms(), note)

    def say(self, level: str, code: str, message: str, **facts: str) -> None:
        """Take a note of the daemon's own."""
        self.write(Note(level=level, code=code, message=message, facts=tuple(facts.items())))

    def subscribe(self, level: str) -> Subscription | None:
        """Return a new subscription, None where there are too many or the level is unknown."""
        if level not in LEVELS or len(self._subscriptions) >= SUBSCRIBERS_MAX:
            return None
        self._subscriptions.append(Subscription(level))
        return self._subscriptions[-1]

    def unsubscribe(self, subscription: Subscription) -> None:
        """Forget a subscription."""
        self._subscriptions.remove(subscription)

    def close(self) -> None:
        """Write what waits and end the thread."""
        self._listener.stop()
