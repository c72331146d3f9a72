"""The made-up disk keeps what was synced, and of the rest what chance left."""

from paceline.replica.effects import WriteJournal
from paceline.replica.events import JournalFailed, JournalWritten
from paceline.replica.identity import Stored
from paceline.sim.chance import Chance
from paceline.sim.clock import Clock
from paceline.sim.disk import Disk


class Session:
    """A daemon's session with a disk, and what it heard."""

    def __init__(self, seed: int = 1) -> None:
        self.clock = Clock()
        self.disk = Disk(Chance(seed, "disk"), Chance(seed, "spoils"))
        self.heard: list[JournalWritten | JournalFailed] = []
        self.disk.open(self._after, self.heard.append)

    def _after(self, delay_us: int, act: object) -> None:
        assert callable(act)
        self.clock.after_us(delay_us, act)

    def reopen(self) -> Stored:
        return self.disk.open(self._after, self.heard.append)


def test_synced_records_survive_when_power_is_lost() -> None:
    session = Session()
    session.disk.write(WriteJournal(sequence=1, records=(b"a", b"b")))
    session.clock.run_until_us(1_000_000)
    assert session.heard == [JournalWritten(sequence=1)]
    session.disk.lose_power()
    assert session.reopen() == Stored(records=(b"a", b"b"))


def test_unsynced_records_are_whole_gone_or_torn_when_power_is_lost() -> None:
    kept, torn = set(), set()
    for seed in range(60):
        session = Session(seed)
        session.disk.write(WriteJournal(sequence=1, records=(b"a", b"b", b"c")))
        session.disk.lose_power()
        session.clock.run_until_us(1_000_000)
        assert session.heard == []
        stored = session.reopen()
        assert stored.records == (b"a", b"b", b"c")[: len(stored.records)]
        kept.add(len(stored.records))
        torn.add(stored.was_damaged)
    assert kept >= {0, 1, 3}
    assert torn == {False, True}


def test_checkpoint_replaces_what_was_before_it_when_it_is_written() -> None:
    session = Session()
    session.disk.write(WriteJournal(sequence=1, records=(b"a",)))
    session.disk.write(WriteJournal(sequence=2, records=(b"b",), checkpoint=b"all"))
    session.clock.run_until_us(1_000_000)
    assert session.reopen() == Stored(checkpoint=b"all", records=(b"b",))


def test_full_disk_says_so_once_and_writes_later_when_there_is_room() -> None:
    session = Session()
    session.disk.is_failing = True
    session.disk.write(WriteJournal(sequence=1, records=(b"a",)))
    session.clock.run_until_us(5_000_000)
    assert [type(event) for event in session.heard] == [JournalFailed]
    session.disk.is_failing = False
    session.clock.run_until_us(10_000_000)
    assert session.heard[1:] == [JournalWritten(sequence=1)]
    assert session.reopen().records == (b"a",)
