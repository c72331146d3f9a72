"""The journal on disk: appended, one fdatasync a batch, begun anew with each checkpoint.

    idle --write--> writing (in a thread) --on disk--> JournalWritten --> idle
                    writing --disk refused--> JournalFailed --pause--> writing again

What was confirmed is on the disk. After a failed fdatasync the kernel may have dropped what it
could not write, so nothing of the file's unconfirmed end is trusted: the confirmed part is copied
to a new file with what follows.
"""

import asyncio
import contextlib
import os
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec

from paceline.adapters.cib_on_disk import (
    CIB_NAME,
    OLDER_FOLDER,
    CibOnDisk,
    check_cib_files,
    has_cib,
    read_cib_copy,
)
from paceline.adapters.durable_files import put_aside, sync_folder
from paceline.adapters.journal_format import (
    HEADER,
    RecordKind,
    decode_journal,
    encode_record,
    first_digest,
)
from paceline.model.errors import InvariantError
from paceline.ports.journal import JournalEventHandler
from paceline.replica.effects import KeepCib, WriteCib, WriteJournal
from paceline.replica.events import JournalFailed, JournalWritten
from paceline.replica.identity import Stored

JOURNAL_NAME = "journal"
RETRY_SECONDS = 1.0
QUEUE_BYTES_MAX = 512 * 1024 * 1024
"""What may wait for a disk that refuses; a checkpoint makes what waits before it void."""
JOURNAL_BYTES_MAX = 2 * 1024 * 1024 * 1024


class FileJournal:
    """The journal of one node in one folder; see `ports.journal.Journal`."""

    def __init__(
        self,
        handler: JournalEventHandler,
        folder: Path,
        *,
        on_problem: Callable[[str], None],
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        """Keep the journal in `folder`; `on_problem` gets what is for the log only."""
        self._folder = folder
        self._handler = handler
        self._loop = loop or asyncio.get_running_loop()
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._file = JournalFile(folder)
        self._on_problem = on_problem
        self._cib = CibOnDisk(folder, on_problem=on_problem, loop=self._loop)
        self._queue: deque[WriteJournal] = deque()
        self._queue_bytes = 0
        self._is_writing = False
        self._idle = asyncio.Event()
        self._idle.set()
        self._last_error = ""
        self._is_closing = False

    def read(self) -> Stored:
        """Return what is on the disk and open the journal for writing; once, at the start.

        A damaged cib.xml is put aside: the next one is written from the journal. A sound one is
        returned with the rest where the journal holds nothing. Raises OSError where the folder
        cannot be used at all.
        """
        problem = check_cib_files(self._folder)
        if problem:
            # This runs in a thread of the caller's choice.
            self._loop.call_soon_threadsafe(self._on_problem, problem)
        stored = self._file.open()
        if stored.checkpoint is None and not stored.records:
            stored = msgspec.structs.replace(stored, cib=read_cib_copy(self._folder))
        return stored

    def write(self, request: WriteJournal) -> None:
        """Append the records; `JournalWritten` follows, or `JournalFailed` and later attempts.

        Raises InvariantError where far too much waits for the disk.
        """
        if request.checkpoint is not None:
            self._queue.clear()
            self._queue_bytes = 0
        self._queue_bytes += _bytes_of(request)
        if self._queue_bytes > QUEUE_BYTES_MAX:
            raise InvariantError(f"{self._queue_bytes} bytes wait for the journal's disk")
        self._queue.append(request)
        if not self._is_writing:
            self._begin()

    def write_cib(self, request: WriteCib) -> None:
        """Write cib.xml and its digest; a failure is told to the log only."""
        self._cib.write(request)

    def keep_cib(self, request: KeepCib) -> None:
        """Keep a configuration that lost; a failure is told to the log only."""
        self._cib.keep(request.configuration, request.version)

    async def close(self) -> None:
        """Write what is queued, as far as the disk lets, and let the file go."""
        self._is_closing = True
        await self._idle.wait()
        await self._cib.close()
        self._thread.shutdown(wait=True)
        self._file.close()

    def _begin(self) -> None:
        """Write all that waits as one batch."""
        batch = tuple(self._queue)
        self._queue.clear()
        self._queue_bytes = 0
        self._is_writing = True
        self._idle.clear()
        writing = self._loop.run_in_executor(self._thread, self._file.append, batch)
        writing.add_done_callback(lambda done: self._written(batch, done))

    def _written(self, batch: tuple[WriteJournal, ...], done: "asyncio.Future[None]") -> None:
        error = done.exception()
        self._is_writing = False
        if error is None:
            self._last_error = ""
            self._handler(JournalWritten(sequence=batch[-1].sequence))
            if self._queue:
                self._begin()
            else:
                self._idle.set()
            return
        if not isinstance(error, OSError):
            raise error
        self._put_back(batch)
        if str(error) != self._last_error:
            self._last_error = str(error)
            self._handler(JournalFailed(sequence=batch[-1].sequence, error=str(error)))
        if self._is_closing:
            self._idle.set()
        else:
            self._is_writing = True
            self._loop.call_later(RETRY_SECONDS, self._begin)

    def _put_back(self, batch: tuple[WriteJournal, ...]) -> None:
        """Queue a batch again, before what came meanwhile, unless that makes it void."""
        if any(request.checkpoint is not None for request in self._queue):
            return
        self._queue.extendleft(reversed(batch))
        self._queue_bytes += sum(map(_bytes_of, batch))


class JournalFile:
    """The file itself; `append` runs in one thread at a time."""

    def __init__(self, folder: Path) -> None:
        """Name the file; `open` comes first."""
        self._folder = folder
        self._path = folder / JOURNAL_NAME
        self._file = -1
        self._confirmed_bytes = 0
        self._digest = first_digest()
        self._is_suspect = False

    def open(self) -> Stored:
        """Read what is there; put a damaged file aside and go on with its good part.

        Raises OSError.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            with self._path.open("rb") as file:
                raw = file.read(JOURNAL_BYTES_MAX)
        except FileNotFoundError:
            raw = b""
        content = decode_journal(raw)
        fault = content.fault
        detail = ""
        if fault:
            aside = put_aside(self._path)
            detail = f"{self._path}: {fault}; kept as {aside.name}"
        elif not raw and has_cib(self._folder):
            # It is written before the first cib.xml: somebody or something took it away.
            fault = "lost"
            detail = f"{self._path} is empty or gone; {CIB_NAME} of then is kept in {OLDER_FOLDER}"
        self._digest = content.digest
        if fault or not raw:
            good = raw[: content.good_bytes]
            self._begin_anew(good or HEADER)
        else:
            self._file = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
            self._confirmed_bytes = content.good_bytes
        return Stored(
            checkpoint=content.checkpoint,
            records=content.records,
            was_damaged=bool(fault),
            detail=detail,
        )

    def append(self, batch: tuple[WriteJournal, ...]) -> None:
        """Put a batch on the disk, whole, before this returns. Raises OSError."""
        checkpoints = [i for i, request in enumerate(batch) if request.checkpoint is not None]
        if checkpoints:
            batch = batch[checkpoints[-1] :]
        digest = first_digest() if checkpoints else self._digest
        encoded = []
        for request in batch:
            contents = [(RecordKind.ENTRY, record) for record in request.records]
            if request.checkpoint is not None:
                contents.insert(0, (RecordKind.CHECKPOINT, request.checkpoint))
            for kind, content in contents:
                record, digest = encode_record(kind, content, digest)
                encoded.append(record)
        raw = b"".join(encoded)
        if checkpoints:
            self._begin_anew(HEADER + raw)
        elif self._is_suspect:
            self._begin_anew(os.pread(self._file, self._confirmed_bytes, 0) + raw)
        else:
            self._append(raw)
        self._digest = digest

    def close(self) -> None:
        """Let the file go."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _append(self, raw: bytes) -> None:
        try:
            _write_all(self._file, raw)
        except OSError:
            # A full disk took a part: cut it off, so that the next attempt begins where this did.
            self._is_suspect = True
            os.ftruncate(self._file, self._confirmed_bytes)
            self._is_suspect = False
            raise
        self._is_suspect = True
        os.fdatasync(self._file)
        self._is_suspect = False
        self._confirmed_bytes += len(raw)

    def _begin_anew(self, raw: bytes) -> None:
        """Write a whole journal aside and rename it into its place. Raises OSError."""
        aside = self._path.with_suffix(".new")
        file = os.open(
            aside, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND | os.O_CLOEXEC, 0o600
        )
        try:
            _write_all(file, raw)
            os.fdatasync(file)
            aside.rename(self._path)
            sync_folder(self._folder)
        except OSError:
            os.close(file)
            with contextlib.suppress(OSError):
                aside.unlink()
            raise
        self.close()
        self._file = file
        self._confirmed_bytes = len(raw)
        self._is_suspect = False


def _write_all(file: int, raw: bytes) -> None:
    view = memoryview(raw)
    while view:
        view = view[os.write(file, view) :]


def _bytes_of(request: WriteJournal) -> int:
    return sum(map(len, request.records)) + len(request.checkpoint or b"")
