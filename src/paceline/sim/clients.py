"""Administrators who change the configuration from several nodes at once, and keep every answer."""

from collections.abc import Callable
from dataclasses import dataclass

from msgspec import structs

from paceline.model.identifiers import NodeName, RequestId
from paceline.model.status import ChangeOrigin
from paceline.replica.requests import (
    ClearHistory,
    Configure,
    FenceNode,
    ForgetNode,
    Outcome,
    Request,
    RequestAnswer,
    SetAttributes,
    SetTicket,
)
from paceline.sim.chance import Chance
from paceline.sim.cibs import TICKET, drop_node, edit_cib, markers
from paceline.sim.clock import Clock
from paceline.sim.daemon import Daemon
from paceline.sim.machine import Machine
from paceline.sim.trace import Trace

NO_NODE = NodeName("")
FIRST_WORDS = "first configuration"
PATIENCE_MS = 30_000
"""How long a client waits for an answer; after it the outcome is unknown to it."""


@dataclass(slots=True)
class Change:
    """One change that was asked for: its marker, and what was answered."""

    marker: str
    request_id: RequestId
    node: str
    words: str
    asked_us: int
    outcome: Outcome | None = None
    answered_us: int = 0
    code: str = ""
    asked: Daemon | None = None
    """The life of the daemon that was asked last."""
    target: NodeName = NO_NODE
    """The node that a fencing by hand was for."""


class Administrators:
    """All clients of a run."""

    def __init__(
        self,
        machines: list[Machine],
        clock: Clock,
        chance: Chance,
        trace: Trace,
        on_answer: Callable[[Machine, Change, RequestAnswer], None],
    ) -> None:
        """Begin with nothing asked."""
        self._machines = machines
        self._clock = clock
        self._chance = chance
        self._trace = trace
        self._on_answer = on_answer
        self.on_ask: Callable[[bytes], None] = lambda configuration: None
        self._number = 0
        self.changes: list[Change] = []
        self.may_fence = False
        self.are_away = False
        self.keeps_request_ids = True
        """A plant: who asks again has forgotten that he asked before."""

    def work(self, until_us: int) -> None:
        """Change something now and then until a moment."""
        if self._clock.now_us >= until_us:
            return
        self.change_something()
        if self._chance.percent(25):
            self.change_something()
        self._clock.after_ms(self._chance.between(1_500, 12_000), lambda: self.work(until_us))

    def change_something(self) -> None:
        """Make one change through a node whose daemon answers."""
        able = [m for m in self._machines if m.daemon is not None and not m.daemon.is_frozen]
        if self.are_away or not able:
            return
        machine = self._chance.pick(able)
        daemon = machine.daemon
        if daemon is None:
            return
        other = self._chance.pick(self._machines).name
        draw = self._chance.between(0, 99)
        if draw < 5:
            self._submit(machine, "", "cleanup", ClearHistory())
        elif draw < 10:
            values = (("sim-attribute", str(draw)),)
            self._submit(machine, "", f"attribute of {other}",
                         SetAttributes(node=other, values=values))  # fmt: skip
        elif draw < 13 and self.may_fence:
            request = FenceNode(target=other, task="reboot", client="sim")
            self._submit(machine, "", f"fence {other}", request, target=other)
        else:
            self._edit(machine, daemon)

    def set_ticket(self, word: str) -> None:
        """Grant, revoke or suspend the ticket through a node."""
        able = [m for m in self._machines if m.daemon is not None and not m.daemon.is_frozen]
        values = {
            "grant": (("granted", "true"), ("standby", "false")),
            "revoke": (("granted", "false"),),
            "standby": (("standby", "true"),),
        }[word]
        if able:
            request = SetTicket(ticket=TICKET, values=values)
            self._submit(self._chance.pick(able), "", f"ticket {word}", request)

    def remove_node(self, machine: Machine, gone: NodeName) -> None:
        """Drop a node that left for good, from the configuration and from what is known."""
        daemon = machine.daemon
        if daemon is None:
            return
        self._submit(machine, "", f"forget {gone}", ForgetNode(node=gone))
        self._submit(machine, "", f"drop {gone}", Configure(
            based_on=daemon.replica.version,
            configuration=drop_node(daemon.replica.configuration, str(gone)),
            origin=ChangeOrigin(time_ms=machine.wall_ms(), user="root", client="sim",
                                node=str(machine.name)),
        ))  # fmt: skip

    def _edit(self, machine: Machine, daemon: Daemon) -> None:
        base, version = daemon.replica.configuration, daemon.replica.version
        if not markers_section(base):
            return
        self._number += 1
        marker = f"m{self._number}"
        names = tuple(str(m.name) for m in self._machines)
        edited, words = edit_cib(base, marker, self._chance, names)
        self._submit(machine, marker, words, Configure(
            based_on=version, configuration=edited,
            origin=ChangeOrigin(time_ms=machine.wall_ms(), user="root", client="sim",
                                node=str(machine.name)),
        ))  # fmt: skip

    def configure_first(self, machine: Machine, configuration: bytes, based_on: str) -> Change:
        """Submit the first configuration."""
        return self._submit(machine, "", FIRST_WORDS, Configure(
            based_on=based_on, configuration=configuration,
            origin=ChangeOrigin(time_ms=machine.wall_ms(), user="root", client="sim",
                                node=str(machine.name)),
        ))  # fmt: skip

    def _submit(
        self,
        machine: Machine,
        marker: str,
        words: str,
        request: Request,
        target: NodeName = NO_NODE,
    ) -> Change:
        change = Change(
            marker,
            RequestId(f"sim-{len(self.changes) + 1}"),
            str(machine.name),
            words,
            self._clock.now_us,
        )
        self.changes.append(change)
        change.target = target
        based = f" (on {request.based_on})" if isinstance(request, Configure) else ""
        self._trace.tell(machine.name, f"client {marker}: {words}{based}")
        if isinstance(request, Configure):
            self.on_ask(request.configuration)
        self._ask(machine, change, request)
        self._clock.after_ms(PATIENCE_MS, lambda: self._lose_patience(change, request))
        return change

    def _ask(self, machine: Machine, change: Change, request: Request) -> None:
        daemon = machine.daemon
        if daemon is not None:
            change.asked = daemon
            daemon.submit(
                change.request_id, request, lambda answer: self._hear(machine, change, answer)
            )

    def _hear(self, machine: Machine, change: Change, answer: RequestAnswer) -> None:
        settled = (Outcome.ACKNOWLEDGED, Outcome.REFUSED, Outcome.FAILED)
        if change.outcome in settled and answer.outcome not in settled:
            return
        change.outcome, change.code = answer.outcome, answer.code
        change.answered_us = self._clock.now_us
        words = f"client {change.marker}: {answer.outcome} {answer.code} {answer.detail}".rstrip()
        self._trace.tell(machine.name, words)
        self._on_answer(machine, change, answer)

    def _lose_patience(self, change: Change, request: Request) -> None:
        """Half of those who got no answer ask again elsewhere, with the same id."""
        if change.outcome is None and self._chance.percent(50):
            able = [m for m in self._machines if m.daemon is not None and not m.daemon.is_frozen]
            if able:
                machine = self._chance.pick(able)
                self._trace.tell(machine.name, f"client {change.marker}: asks again")
                if not self.keeps_request_ids:
                    change.request_id = RequestId(f"{change.request_id}-again")
                elif isinstance(request, Configure):
                    request = structs.replace(request, is_repeated=True)
                self._ask(machine, change, request)


def markers_section(cib: bytes) -> bool:
    """Say whether the first configuration is there already."""
    return b'id="sim-markers"' in cib


def holds(cib: bytes, marker: str) -> bool:
    """Say whether a configuration holds a change."""
    return marker in markers(cib)
