"""How each request of the socket is answered."""

import asyncio
import pwd
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from itertools import count
from typing import Protocol, assert_never

import msgspec

from paceline.daemon.driver import Driver
from paceline.daemon.notes import NoteLog
from paceline.daemon.permissions import Readable, find_refusal, find_restricted, readable_by
from paceline.daemon.requests import (
    Ask,
    AskChange,
    AskClearHistory,
    AskConfigure,
    AskConfirmOff,
    AskFence,
    AskForgetFencing,
    AskForgetNode,
    AskInternals,
    AskSetAttributes,
    AskSetTicket,
    AskShutdown,
    AskState,
    AskSubscribe,
    AskWait,
    Goal,
    Part,
)
from paceline.model.identifiers import NodeName, RequestId
from paceline.model.status import ChangeOrigin
from paceline.ports.clock import Clock
from paceline.replica.identity import Identity
from paceline.replica.requests import (
    ClearHistory,
    Configure,
    ConfirmOff,
    FenceNode,
    ForgetFencing,
    ForgetNode,
    Outcome,
    Request,
    RequestAnswer,
    SetAttributes,
    SetTicket,
    Shutdown,
)

ANSWER_MS_MAX = 50_000
"""How long a change may take before it is `unknown`; below the clients' own limit of 60 s."""
FENCE_MS_MAX = 3_600_000
"""Fencing has its own, longer limits (devices, retries); this only bounds the waiting."""
SUBSCRIPTION_LOOK_MS = 100
"""How often a subscription looks for new notes."""

Json = dict[str, object]


class Checker(Protocol):
    """Says what is wrong with a submitted configuration; runs in a thread."""

    def __call__(self, running: bytes, submitted: bytes, *, is_forced: bool) -> str:
        """Return the problems in sentences, empty where there are none."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Who asks: by the socket's credentials. `is_trusted`: root or hacluster."""

    uid: int
    pid: int
    is_trusted: bool

    @property
    def user(self) -> str:
        """The account's name, or its number where it has none."""
        try:
            return pwd.getpwuid(self.uid).pw_name
        except KeyError:
            return str(self.uid)


class Answerer:
    """Answers requests from the driver's replica."""

    def __init__(
        self,
        driver: Driver,
        *,
        identity: Identity,
        notes: NoteLog,
        clock: Clock,
        check_configuration: Checker,
        figures: Callable[[], dict[str, str]] = dict,
    ) -> None:
        """Answer for this node; `figures` are those of the adapters, for people."""
        self._figures = figures
        self._driver = driver
        self._identity = identity
        self._notes = notes
        self._clock = clock
        self._check = check_configuration
        self._numbers = count(1)

    async def answer(self, ask: Ask, peer: Peer) -> bytes:
        """Return the answer to any request but a subscription, as one JSON line."""
        match ask:
            case AskState():
                return await self._state(ask, peer)
            case AskWait():
                return encode_line(await self._wait(ask))
            case AskInternals():
                return encode_line({"ok": True, "internals": self._internals()})
            case AskSubscribe():
                return encode_line(
                    refusal("bad-request", "a subscription is not answered by one line")
                )
            case (
                AskConfigure()
                | AskSetAttributes()
                | AskClearHistory()
                | AskSetTicket()
                | AskFence()
                | AskConfirmOff()
                | AskForgetFencing()
                | AskForgetNode()
                | AskShutdown()
            ):
                return encode_line(await self._change(ask, peer))
            case _:
                assert_never(ask)

    async def _state(self, ask: AskState, peer: Peer) -> bytes:
        await self._driver.wait_for_whole()
        replica = self._driver.replica
        parts: dict[str, object] = {"ok": True, "version": replica.version}
        shown = Readable(configuration=replica.configuration, has_status=True)
        status = replica.status() if Part.STATUS in ask.parts else None
        user = find_restricted(ask.user, peer.user, is_trusted=peer.is_trusted)
        if user:
            shown = await asyncio.to_thread(readable_by, user, replica.configuration)
        if shown.configuration is None:
            return encode_line(refusal("not-permitted", f"user '{user}' may read nothing"))
        if Part.CONFIGURATION in ask.parts:
            parts["configuration"] = shown.configuration.decode()
        if status is not None and shown.has_status:
            parts["status"] = status
        return encode_line(parts)

    async def _wait(self, ask: AskWait) -> Json:
        replica = self._driver.replica

        def is_quorate() -> bool:
            return replica.status().is_quorate

        def is_settled() -> bool:
            return replica.is_idle() and is_quorate()

        goals = {Goal.IDLE: replica.is_idle, Goal.QUORATE: is_quorate, Goal.SETTLED: is_settled}
        began_ms = self._clock.now_ms()
        is_reached = await self._driver.wait_until(goals[ask.until], timeout_ms=ask.timeout_ms)
        waited_ms = self._clock.now_ms() - began_ms
        record: Json = {"ok": is_reached, "is_reached": is_reached, "waited_ms": waited_ms}
        if not is_reached:
            record["code"] = "timeout"
            record["message"] = f"not {ask.until.value} within {waited_ms / 1000:g} s"
        return record

    def _internals(self) -> dict[str, str]:
        return {
            "software": self._identity.version,
            "node": self._identity.node,
            "boot-id": self._identity.boot_id,
            "incarnation": str(self._identity.incarnation),
            **self._driver.internals(),
            **self._figures(),
            "log-lines-lost": str(self._notes.lost),
            **self._driver.replica.internals(),
        }

    async def _change(self, ask: AskChange, peer: Peer) -> Json:
        if not peer.is_trusted and isinstance(
            ask, AskFence | AskConfirmOff | AskForgetFencing | AskForgetNode | AskShutdown
        ):
            return refusal("not-permitted", "only root and hacluster may do this")
        user = find_restricted(ask.user, peer.user, is_trusted=peer.is_trusted)
        if user:
            replica = self._driver.replica
            if isinstance(ask, AskConfigure) and ask.based_on != replica.version:
                # What is looked at here has to be what the change is applied to.
                return refusal("version-moved", "the configuration was changed meanwhile")
            problem = await asyncio.to_thread(find_refusal, user, replica.configuration, ask)
            if problem:
                return refusal("not-permitted", problem)
        if isinstance(ask, AskConfigure):
            problem = await asyncio.to_thread(
                self._check,
                self._driver.replica.configuration,
                ask.configuration.encode(),
                is_forced=ask.force,
            )
            if problem:
                return refusal("invalid", problem)
        request = self._to_request(ask, peer)
        name = ask.request_id or self._next_id()
        limit_ms = FENCE_MS_MAX if isinstance(ask, AskFence | AskShutdown) else ANSWER_MS_MAX
        answer = await self._driver.submit(RequestId(name), request, timeout_ms=limit_ms)
        return to_record(answer)

    def _next_id(self) -> str:
        me = self._identity
        return f"{me.node}/{me.boot_id}/{me.incarnation}/client-{next(self._numbers)}"

    def _to_request(self, ask: AskChange, peer: Peer) -> Request:
        match ask:
            case AskConfigure():
                origin = ChangeOrigin(
                    time_ms=self._clock.wall_ms(),
                    user=ask.user if ask.user and peer.is_trusted else peer.user,
                    client=ask.client,
                    node=self._identity.node,
                )
                return Configure(
                    based_on=ask.based_on,
                    configuration=ask.configuration.encode(),
                    origin=origin,
                    is_forced=ask.force,
                    is_repeated=ask.repeated,
                )
            case AskSetAttributes():
                return SetAttributes(
                    node=NodeName(ask.node) or self._identity.node,
                    values=tuple(ask.values.items()),
                )
            case AskClearHistory():
                return ClearHistory(
                    resources=ask.resources,
                    nodes=tuple(NodeName(name) for name in ask.nodes),
                    only_failed=ask.only_failed,
                    task=ask.task,
                    interval_ms=ask.interval_ms,
                )
            case AskSetTicket():
                return SetTicket(
                    ticket=ask.ticket, values=tuple(ask.values.items()), is_removed=ask.remove
                )
            case AskFence():
                return FenceNode(
                    target=NodeName(ask.node),
                    task=ask.task,
                    client=ask.client or peer.user,
                    delay_ms=ask.delay_ms,
                )
            case AskConfirmOff():
                return ConfirmOff(target=NodeName(ask.node), user=ask.user or peer.user)
            case AskForgetFencing():
                return ForgetFencing(target=NodeName(ask.node))
            case AskForgetNode():
                return ForgetNode(node=NodeName(ask.node))
            case AskShutdown():
                return Shutdown()
            case _:
                assert_never(ask)

    async def follow(self, ask: AskSubscribe) -> AsyncIterator[bytes]:
        """Yield the answer to a subscription, then its notes, until the caller stops."""
        subscription = self._notes.subscribe(ask.level)
        if subscription is None:
            yield encode_line(refusal("busy", "too many subscriptions, or an unknown level"))
            return
        try:
            yield encode_line({"ok": True})
            while not self._driver.leaving.done():
                while subscription.waiting:
                    time_ms, note = subscription.waiting.popleft()
                    record = {**msgspec.structs.asdict(note), "facts": dict(note.facts)}
                    yield encode_line({"note": {"time_ms": time_ms, **record}})
                if subscription.lost:
                    lost, subscription.lost = subscription.lost, 0
                    yield encode_line({"lost": lost})
                await asyncio.sleep(SUBSCRIPTION_LOOK_MS / 1000)
        finally:
            self._notes.unsubscribe(subscription)


def to_record(answer: RequestAnswer) -> Json:
    """Return a replica's answer as it goes to the client."""
    is_ok = answer.outcome in (Outcome.ACKNOWLEDGED, Outcome.NOT_YET_SAFE)
    record: Json = {
        "ok": is_ok,
        "outcome": answer.outcome.value,
        "code": answer.code,
        "detail": answer.detail,
        "version": answer.version,
    }
    if answer.outcome is Outcome.NOT_YET_SAFE:
        record["waits_for"] = answer.detail
    return record if is_ok else {**record, "message": answer.detail or answer.code}


def refusal(code: str, message: str) -> Json:
    """Return the answer to a request that was not carried out."""
    return {
        "ok": False,
        "outcome": Outcome.REFUSED.value,
        "code": code,
        "detail": message,
        "message": message,
        "version": "",
    }


def encode_line(record: Json) -> bytes:
    return msgspec.json.encode(record) + b"\n"
