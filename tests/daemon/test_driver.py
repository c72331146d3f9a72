"""The driver, with a replica and hands that write down what they were told."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator

from paceline.daemon.driver import Driver
from paceline.daemon.loop import StallMeter, make_loop
from paceline.model.identifiers import NodeName, RequestId
from paceline.model.status import ClusterStatus
from paceline.replica.effects import (
    Effect,
    Leave,
    Note,
    RaiseAlert,
    Reply,
    Send,
    SetTimer,
    WriteJournal,
)
from paceline.replica.events import (
    Event,
    InboxEmpty,
    JournalWritten,
    LoopStalled,
    Submitted,
    TimerFired,
)
from paceline.replica.requests import ForgetNode, Outcome, RequestAnswer


class FakeClock:
    """A clock that moves by hand."""

    def __init__(self) -> None:
        self.ms = 1000

    def now_ms(self) -> int:
        return self.ms

    def wall_ms(self) -> int:
        return self.ms


class FakeReplica:
    """Says what it was scripted to say, and keeps what it heard."""

    configuration = b"<cib/>"
    version = "1"
    last_entry = ""

    def __init__(self, react: Callable[[Event], tuple[Effect, ...]] = lambda event: ()) -> None:
        self.heard: list[Event] = []
        self.idle = False
        self._react = react

    def handle(self, event: Event, *, now_ms: int, wall_ms: int) -> tuple[Effect, ...]:
        self.heard.append(event)
        return self._react(event)

    def steps(self, event: Event, *, now_ms: int, wall_ms: int) -> Iterator[tuple[Effect, ...]]:
        yield self.handle(event, now_ms=now_ms, wall_ms=wall_ms)

    def status(self) -> ClusterStatus:
        return ClusterStatus(now_ms=0, is_quorate=True)

    def is_idle(self) -> bool:
        return self.idle

    def internals(self) -> dict[str, str]:
        return {}


class FakeHands:
    """Engine, executor, journal and planner at once; fails on what a test did not expect."""

    def __init__(self, room: int = 1000) -> None:
        self.sent: list[bytes] = []
        self.written: list[WriteJournal] = []
        self.room = room
        self.clock: FakeClock | None = None
        """Where there is one, each sending takes a millisecond of it."""

    def send(self, payload: bytes) -> bool:
        if self.room <= 0:
            self.room = 1000
            return False
        self.room -= 1
        if self.clock is not None:
            self.clock.ms += 1
        self.sent.append(payload)
        return True

    def write(self, request: WriteJournal) -> None:
        self.written.append(request)


def run(
    replica: FakeReplica,
    story: Callable[[Driver, FakeHands, FakeClock], Coroutine[None, None, None]],
    room: int = 1000,
) -> None:
    """Play a story with a driver on a loop of its own."""
    clock = FakeClock()
    meter = StallMeter(clock)
    loop = make_loop(meter)
    notes: list[Note] = []
    alerts: list[RaiseAlert] = []
    driver = Driver(
        replica,
        loop=loop,
        clock=clock,
        meter=meter,
        on_note=notes.append,
        on_alert=alerts.append,
        on_standing=lambda is_current: None,
    )
    hands = FakeHands(room)
    driver.attach(engine=hands, executor=hands, journal=hands, planner=hands)  # type: ignore[arg-type]  # one fake for four ports
    try:
        loop.run_until_complete(asyncio.wait_for(story(driver, hands, clock), 5))
    finally:
        loop.close()


async def turns(count: int = 6) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def test_inbox_empty_is_said_once_when_everything_was_handled() -> None:
    replica = FakeReplica()

    async def story(driver: Driver, hands: FakeHands, clock: FakeClock) -> None:
        driver.feed(JournalWritten(sequence=1))
        driver.feed(JournalWritten(sequence=2))
        await turns()

    run(replica, story)
    assert replica.heard == [
        JournalWritten(sequence=1),
        JournalWritten(sequence=2),
        InboxEmpty(),
    ]


def test_inbox_empty_waits_when_an_event_comes_while_looking() -> None:
    replica = FakeReplica()

    async def story(driver: Driver, hands: FakeHands, clock: FakeClock) -> None:
        driver.feed(JournalWritten(sequence=1))
        await turns(2)
        driver.feed(JournalWritten(sequence=2))
        await turns()

    run(replica, story)
    assert replica.heard.index(InboxEmpty()) == 2


def test_effects_are_carried_out_in_order_when_the_engine_is_full_for_a_while() -> None:
    replica = FakeReplica(
        lambda event: (
            tuple(Send(payload=bytes([n])) for n in range(5))
            if isinstance(event, JournalWritten)
            else ()
        )
    )

    async def story(driver: Driver, hands: FakeHands, clock: FakeClock) -> None:
        driver.feed(JournalWritten(sequence=1))
        while len(hands.sent) < 5:  # noqa: ASYNC110  # a turn of the loop at a time
            await asyncio.sleep(0)
        assert hands.sent == [bytes([n]) for n in range(5)]

    run(replica, story, room=2)


def test_timer_fires_only_when_the_boot_clock_says_so() -> None:
    replica = FakeReplica(
        lambda event: (SetTimer(name="t", at_ms=1010),) if isinstance(event, JournalWritten) else ()
    )

    async def story(driver: Driver, hands: FakeHands, clock: FakeClock) -> None:
        driver.feed(JournalWritten(sequence=1))
        await turns()
        clock.ms = 1010
        while TimerFired(name="t") not in replica.heard:  # noqa: ASYNC110  # as above
            await asyncio.sleep(0)

    run(replica, story)


def test_stall_is_told_before_what_waited_when_the_clock_jumped() -> None:
    replica = FakeReplica()

    async def story(driver: Driver, hands: FakeHands, clock: FakeClock) -> None:
        driver.feed(JournalWritten(sequence=1))
        clock.ms += 5000
        await turns()
        # The turn in which the clock jumped ends after that event was handled at the latest.
        assert any(isinstance(event, LoopStalled) for event in replica.heard)

    run(replica, story)


def test_submit_returns_the_answer_with_its_id() -> None:
    said = RequestAnswer(outcome=Outcome.ACKNOWLEDGED, version="7")
    replica = FakeReplica(
        lambda event: (
            (Reply(request_id=event.request_id, answer=said),)
            if isinstance(event, Submitted)
            else ()
        )
    )

    async def story(driver: Driver, hands: FakeHands, clock: FakeClock) -> None:
        request = ForgetNode(node=NodeName("n1"))
        assert await driver.submit(RequestId("a"), request, timeout_ms=1000) == said

    run(replica, story)


def test_submit_is_unknown_when_no_answer_comes() -> None:
    async def story(driver: Driver, hands: FakeHands, clock: FakeClock) -> None:
        request = ForgetNode(node=NodeName("n1"))
        answer = await driver.submit(RequestId("a"), request, timeout_ms=1)
        assert answer.outcome is Outcome.UNKNOWN

    run(FakeReplica(), story)


def test_wait_until_ends_when_the_condition_holds_after_an_event() -> None:
    replica = FakeReplica()

    async def story(driver: Driver, hands: FakeHands, clock: FakeClock) -> None:
        waiting = asyncio.ensure_future(driver.wait_until(replica.is_idle, timeout_ms=4000))
        await turns()
        assert not waiting.done()
        replica.idle = True
        driver.feed(JournalWritten(sequence=1))
        assert await waiting

    run(replica, story)


def test_leave_is_kept_when_the_replica_says_it_twice() -> None:
    replica = FakeReplica(lambda event: (Leave(exit_status=0), Leave(exit_status=1)))

    async def story(driver: Driver, hands: FakeHands, clock: FakeClock) -> None:
        driver.feed(JournalWritten(sequence=1))
        assert (await driver.leaving).exit_status == 0

    run(replica, story)


class LongReplica(FakeReplica):
    """Decides on what the journal wrote in three steps, with many effects each."""

    def steps(self, event: Event, *, now_ms: int, wall_ms: int) -> Iterator[tuple[Effect, ...]]:
        self.heard.append(event)
        if event == JournalWritten(sequence=1):
            for step in range(3):
                yield tuple(Send(payload=bytes([step])) for _ in range(100))


def test_loop_turns_and_no_other_event_is_handled_while_a_long_one_goes_on() -> None:
    replica = LongReplica()

    async def story(driver: Driver, hands: FakeHands, clock: FakeClock) -> None:
        hands.clock = clock
        driver.feed(JournalWritten(sequence=1))
        driver.feed(JournalWritten(sequence=2))
        turned = 0
        while len(replica.heard) < 2:
            assert driver.is_busy
            turned += 1
            await asyncio.sleep(0)
        assert hands.sent == [bytes([step]) for step in range(3) for _ in range(100)]
        assert turned > 10, "three hundred milliseconds are not one turn"

    run(replica, story)


class EndlessReplica(FakeReplica):
    """Goes on with what the journal wrote until a test says that it is over."""

    is_over = False

    def steps(self, event: Event, *, now_ms: int, wall_ms: int) -> Iterator[tuple[Effect, ...]]:
        while isinstance(event, JournalWritten) and not self.is_over:
            yield (Send(payload=b"x"),)


def test_driver_is_sound_unless_an_event_comes_to_no_end() -> None:
    replica = EndlessReplica()

    async def story(driver: Driver, hands: FakeHands, clock: FakeClock) -> None:
        hands.clock = clock
        clock.ms += 60_000
        assert driver.is_sound(), "nothing waits"
        driver.feed(JournalWritten(sequence=1))
        await turns(2)
        assert driver.is_busy and driver.is_sound()
        clock.ms += 10_000
        assert not driver.is_sound()
        replica.is_over = True
        await turns()
        assert driver.is_sound()

    run(replica, story)
