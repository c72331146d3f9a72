"""The journal on a real disk."""

import asyncio
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.adapters.cib_on_disk import SUPERSEDED_MAX, check_cib_files, write_cib_files
from paceline.adapters.journal import FileJournal, JournalFile
from paceline.adapters.journal_format import (
    HEADER,
    RecordKind,
    decode_journal,
    encode_record,
    first_digest,
)
from paceline.replica.effects import KeepCib, WriteCib, WriteJournal
from paceline.replica.events import JournalFailed, JournalWritten
from paceline.replica.identity import CibCopy, Stored


def entry(sequence: int, *records: bytes, checkpoint: bytes | None = None) -> WriteJournal:
    return WriteJournal(sequence=sequence, records=records, checkpoint=checkpoint)


def written(folder: Path, *batches: WriteJournal) -> None:
    file = JournalFile(folder)
    file.open()
    for batch in batches:
        file.append((batch,))
    file.close()


def test_records_come_back_after_the_last_checkpoint(tmp_path: Path) -> None:
    written(
        tmp_path, entry(1, b"old"), entry(2, b"one", b"two", checkpoint=b"all"), entry(3, b"three")
    )
    stored = JournalFile(tmp_path).open()
    assert (stored.checkpoint, stored.records) == (b"all", (b"one", b"two", b"three"))
    assert not stored.was_damaged


def test_torn_end_is_put_aside_and_the_rest_kept(tmp_path: Path) -> None:
    written(tmp_path, entry(1, b"one"), entry(2, b"two"))
    path = tmp_path / "journal"
    os.truncate(path, path.stat().st_size - 1)
    file = JournalFile(tmp_path)
    stored = file.open()
    assert stored.records == (b"one",)
    assert stored.was_damaged
    assert "torn" in stored.detail
    file.append((entry(3, b"three"),))
    file.close()
    assert JournalFile(tmp_path).open().records == (b"one", b"three")
    assert len(list(tmp_path.glob("journal.damaged-*"))) == 1


def test_nothing_after_an_altered_place_is_believed(tmp_path: Path) -> None:
    written(tmp_path, entry(1, b"one"), entry(2, b"two"), entry(3, b"three"))
    path = tmp_path / "journal"
    path.write_bytes(path.read_bytes().replace(b"two", b"tvo"))
    stored = JournalFile(tmp_path).open()
    assert stored.records == (b"one",)
    assert "altered" in stored.detail


def test_file_that_is_no_journal_is_put_aside(tmp_path: Path) -> None:
    (tmp_path / "journal").write_bytes(b"something else")
    stored = JournalFile(tmp_path).open()
    assert (stored.records, stored.was_damaged) == ((), True)


@pytest.mark.parametrize("is_there", [True, False])
def test_lost_journal_is_noticed_when_a_configuration_was_written(
    tmp_path: Path, is_there: bool
) -> None:
    written(tmp_path, entry(1, b"one"))
    write_cib_files(tmp_path, b"<cib/>", "3.7.abcd")
    path = tmp_path / "journal"
    path.unlink()
    if is_there:
        path.touch()
    stored = JournalFile(tmp_path).open()
    assert stored.was_damaged
    assert "empty or gone" in stored.detail
    assert not JournalFile(tmp_path).open().was_damaged


@pytest.mark.parametrize(
    ("name", "content"),
    [("cib.xml", b""), ("cib.xml", b"<ci"), ("cib.xml.sha256", b"0000  cib.xml\n")],
)
def test_damaged_cib_is_put_aside_and_told(tmp_path: Path, name: str, content: bytes) -> None:
    write_cib_files(tmp_path, b"<cib/>", "3.7.abcd")
    assert check_cib_files(tmp_path) == ""
    (tmp_path / name).write_bytes(content)
    told = check_cib_files(tmp_path)
    [aside] = tmp_path.glob("cib.xml.damaged-*")
    assert aside.name in told
    write_cib_files(tmp_path, b"<cib/>", "3.7.abcd")
    assert list((tmp_path / "cib.older").iterdir()) == []
    assert check_cib_files(tmp_path) == ""


def test_files_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    written(folder, entry(1, b"one"))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "journal").stat().st_mode & 0o777 == 0o600


@given(st.lists(st.binary(max_size=50), max_size=8), st.data())
def test_a_cut_or_changed_file_gives_a_beginning_of_what_was_written(
    records: list[bytes], data: st.DataObject
) -> None:
    raw, digest = HEADER, first_digest()
    for record in records:
        encoded, digest = encode_record(RecordKind.ENTRY, record, digest)
        raw += encoded
    assert decode_journal(raw).records == tuple(records)
    at = data.draw(st.integers(0, len(raw) - 1))
    cut = decode_journal(raw[:at])
    assert cut.records == tuple(records[: len(cut.records)])
    changed = decode_journal(raw[:at] + bytes((raw[at] ^ 0x41,)) + raw[at + 1 :])
    assert changed.fault
    assert changed.records == tuple(records[: len(changed.records)])


def read_whole(folder: Path) -> Stored:
    """Read the folder as a starting daemon does."""

    async def play() -> Stored:
        journal = FileJournal(lambda event: None, folder, on_problem=lambda problem: None)
        stored = journal.read()
        await journal.close()
        return stored

    return asyncio.run(play())


def test_cib_is_returned_only_where_the_journal_holds_nothing(tmp_path: Path) -> None:
    written(tmp_path, entry(1, b"one"))
    write_cib_files(tmp_path, b"<cib/>", "3.7.abcd")
    assert read_whole(tmp_path).cib is None
    (tmp_path / "journal").unlink()
    copy = CibCopy(configuration=b"<cib/>", version="3.7.abcd")
    assert read_whole(tmp_path).cib == copy
    assert read_whole(tmp_path).cib == copy, "nothing was written yet: it is looked at again"


def test_cib_that_is_not_what_was_written_is_not_returned(tmp_path: Path) -> None:
    write_cib_files(tmp_path, b"<cib/>", "3.7.abcd")
    (tmp_path / "cib.xml").write_bytes(b"<cib />")
    assert read_whole(tmp_path).cib is None


def test_batch_is_confirmed_with_its_last_sequence(tmp_path: Path) -> None:
    async def play() -> None:
        events: list[JournalWritten | JournalFailed] = []
        journal = FileJournal(events.append, tmp_path, on_problem=pytest.fail)
        journal.read()
        for number in range(1, 6):
            journal.write(entry(number, b"x%d" % number))
        await journal.close()
        assert events[-1] == JournalWritten(sequence=5)
        assert len(events) == 2  # the first alone, the rest as one batch

    asyncio.run(play())
    assert JournalFile(tmp_path).open().records == (b"x1", b"x2", b"x3", b"x4", b"x5")


def test_full_disk_is_told_and_written_again_later(tmp_path: Path) -> None:
    """A file size limit refuses as a full disk does; it is lifted after the failure."""
    import resource
    import signal

    async def play() -> None:
        arrived = asyncio.Event()
        events: list[JournalWritten | JournalFailed] = []

        def take(event: JournalWritten | JournalFailed) -> None:
            events.append(event)
            arrived.set()

        journal = FileJournal(take, tmp_path, on_problem=pytest.fail)
        journal.read()
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
        try:
            journal.write(entry(1, b"x" * 200))
            await arrived.wait()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert isinstance(events[0], JournalFailed)
        arrived.clear()
        await arrived.wait()
        assert events[1] == JournalWritten(sequence=1)
        await journal.close()

    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        asyncio.run(play())
    finally:
        signal.signal(signal.SIGXFSZ, before)
    assert JournalFile(tmp_path).open().records == (b"x" * 200,)


def test_cib_is_replaced_and_older_versions_kept(tmp_path: Path) -> None:
    async def play() -> None:
        journal = FileJournal(lambda _event: None, tmp_path, on_problem=pytest.fail)
        journal.read()
        journal.write_cib(WriteCib(configuration=b"<cib one/>", version="1"))
        await journal.close()
        journal = FileJournal(lambda _event: None, tmp_path, on_problem=pytest.fail)
        journal.read()
        journal.write_cib(WriteCib(configuration=b"<cib two/>", version="2"))
        await journal.close()

    asyncio.run(play())
    assert (tmp_path / "cib.xml").read_bytes() == b"<cib two/>"
    assert (tmp_path / "cib.xml.sha256").read_text().endswith("  cib.xml\n# version 2\n")
    older = sorted((tmp_path / "cib.older").iterdir())
    assert [path.read_bytes() for path in older] == [b"<cib one/>"]


def test_configuration_that_lost_has_a_file_of_its_own_and_the_oldest_go(tmp_path: Path) -> None:
    async def play() -> None:
        journal = FileJournal(lambda _event: None, tmp_path, on_problem=pytest.fail)
        journal.read()
        for number in range(SUPERSEDED_MAX + 2):
            content = f"<cib n='{number}'/>".encode()
            journal.keep_cib(KeepCib(configuration=content, version=f"6.{number}.ab/c"))
        await journal.close()

    asyncio.run(play())
    kept = sorted((tmp_path / "cib.superseded").iterdir())
    assert len(kept) == SUPERSEDED_MAX
    assert (tmp_path / "cib.superseded" / "cib-6.9.ab_c.xml").read_bytes() == b"<cib n='9'/>"
