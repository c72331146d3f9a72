"""The daemon's socket, over a real one in a folder of the test."""

import asyncio
import json
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path

from paceline.daemon.answers import Answerer
from paceline.daemon.driver import Driver
from paceline.daemon.loop import StallMeter, make_loop
from paceline.daemon.notes import NoteLog
from paceline.daemon.server import SOCKET_NAME, SocketServer
from paceline.daemon.settings import Settings
from paceline.model.identifiers import NodeId, NodeName
from paceline.model.status import ClusterStatus
from paceline.replica.effects import Effect, Reply
from paceline.replica.events import Event, Submitted
from paceline.replica.identity import Identity
from paceline.replica.requests import Configure, Outcome, RequestAnswer, SetAttributes

Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter, NoteLog], Coroutine[None, None, None]]


class SteadyClock:
    """A clock that stands."""

    def now_ms(self) -> int:
        return 1000

    def wall_ms(self) -> int:
        return 5000


class Echo:
    """A replica that acknowledges every request and keeps it."""

    configuration = b"<cib/>"
    version = "7"

    def __init__(self) -> None:
        self.heard: list[Event] = []

    def handle(self, event: Event, *, now_ms: int, wall_ms: int) -> tuple[Effect, ...]:
        self.heard.append(event)
        if isinstance(event, Submitted):
            answer = RequestAnswer(outcome=Outcome.ACKNOWLEDGED, version="8")
            return (Reply(request_id=event.request_id, answer=answer),)
        return ()

    def steps(self, event: Event, *, now_ms: int, wall_ms: int) -> Iterator[tuple[Effect, ...]]:
        yield self.handle(event, now_ms=now_ms, wall_ms=wall_ms)

    def status(self) -> ClusterStatus:
        return ClusterStatus(now_ms=0, is_quorate=True, local_node="n1")

    def is_idle(self) -> bool:
        return True

    def internals(self) -> dict[str, str]:
        return {"view": "none"}


def check(running: bytes, submitted: bytes, *, is_forced: bool) -> str:
    """Find nothing wrong with a good configuration only."""
    return "" if b"good" in submitted else "it is bad"


class NoHands:
    """An outside that nothing may be asked of."""


def talk(folder: Path, say: Talk, replica: Echo | None = None) -> Echo:
    """Serve on a socket in `folder` and let `say` talk to it."""
    clock = SteadyClock()
    meter = StallMeter(clock)
    loop = make_loop(meter)
    replica = replica or Echo()
    notes = NoteLog(Settings(log_dir=folder), node="n1", clock=clock, is_journal=False)
    driver = Driver(
        replica,
        loop=loop,
        clock=clock,
        meter=meter,
        on_note=notes.write,
        on_alert=lambda alert: None,
        on_standing=lambda is_current: None,
    )
    none = NoHands()
    driver.attach(engine=none, executor=none, journal=none, planner=none)  # type: ignore[arg-type]  # never used
    identity = Identity(
        node=NodeName("n1"), node_id=NodeId(1), boot_id="b", incarnation=1, version="x"
    )
    answerer = Answerer(
        driver,
        identity=identity,
        notes=notes,
        clock=clock,
        check_configuration=check,
    )
    server = SocketServer(folder, answerer, notes.say)

    async def story() -> None:
        await server.open()
        try:
            reader, writer = await asyncio.open_unix_connection(str(folder / SOCKET_NAME))
            await say(reader, writer, notes)
            writer.close()
        finally:
            await server.close()

    try:
        loop.run_until_complete(asyncio.wait_for(story(), 10))
    finally:
        loop.close()
        notes.close()
    return replica


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: object
) -> dict[str, object]:
    writer.write(json.dumps(request).encode() + b"\n")
    answer: dict[str, object] = json.loads(await reader.readline())
    return answer


def test_requests_follow_one_another_on_a_connection(tmp_path: Path) -> None:
    async def say(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, notes: NoteLog
    ) -> None:
        state = await ask(reader, writer, {"do": "state"})
        assert (state["ok"], state["version"], state["configuration"]) == (True, "7", "<cib/>")
        only = await ask(reader, writer, {"do": "state", "parts": ["status"]})
        assert "configuration" not in only
        assert (await ask(reader, writer, {"do": "wait", "timeout_ms": 10}))["is_reached"] is True
        figures = (await ask(reader, writer, {"do": "internals"}))["internals"]
        assert isinstance(figures, dict)
        assert figures["view"] == "none"
        assert (await ask(reader, writer, {"do": "dance"}))["code"] == "bad-request"
        assert (await ask(reader, writer, {"do": "state"}))["ok"] is True

    talk(tmp_path, say)


def test_change_is_acknowledged_with_its_origin(tmp_path: Path) -> None:
    async def say(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, notes: NoteLog
    ) -> None:
        change = {
            "do": "configure", "based_on": "7", "configuration": "<good/>", "user": "ann",
            "client": "pcs",
        }  # fmt: skip
        answer = await ask(reader, writer, change)
        assert (answer["ok"], answer["outcome"], answer["version"]) == (True, "acknowledged", "8")

    (submitted,) = (event for event in talk(tmp_path, say).heard if isinstance(event, Submitted))
    assert isinstance(submitted.request, Configure)
    origin = submitted.request.origin
    assert (origin.user, origin.client, origin.node, origin.time_ms) == ("ann", "pcs", "n1", 5000)


def test_configuration_is_refused_when_the_check_finds_something(tmp_path: Path) -> None:
    async def say(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, notes: NoteLog
    ) -> None:
        change = {"do": "configure", "based_on": "7", "configuration": "<bad/>"}
        answer = await ask(reader, writer, change)
        assert (answer["code"], answer["message"]) == ("invalid", "it is bad")

    assert not any(isinstance(event, Submitted) for event in talk(tmp_path, say).heard)


def test_attributes_are_those_of_this_node_when_none_is_named(tmp_path: Path) -> None:
    async def say(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, notes: NoteLog
    ) -> None:
        await ask(reader, writer, {"do": "set-attributes", "values": {"a": "1", "b": None}})

    (submitted,) = (event for event in talk(tmp_path, say).heard if isinstance(event, Submitted))
    assert submitted.request == SetAttributes(node=NodeName("n1"), values=(("a", "1"), ("b", None)))


def test_subscription_gets_notes_of_its_level(tmp_path: Path) -> None:
    async def say(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, notes: NoteLog
    ) -> None:
        assert (await ask(reader, writer, {"do": "subscribe", "level": "warning"}))["ok"] is True
        notes.say("info", "quiet", "not told")
        notes.say("error", "loud", "told", why="x")
        note = json.loads(await reader.readline())["note"]
        assert (note["code"], note["facts"]) == ("loud", {"why": "x"})

    talk(tmp_path, say)


def test_connection_ends_when_the_line_is_not_ended(tmp_path: Path) -> None:
    async def say(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, notes: NoteLog
    ) -> None:
        writer.write(b'{"do":"state"}')
        writer.write_eof()
        assert await reader.read() == b""

    talk(tmp_path, say)
