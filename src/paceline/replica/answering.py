"""Clients' requests on their way: sent into each view until applied, answered when safe."""

from paceline.model.identifiers import NodeId, RequestId
from paceline.replica.clients import REFUSALS, Clients, make_entry, refusal_of, refused
from paceline.replica.durability import DurableState
from paceline.replica.effects import Reply
from paceline.replica.entries import Durable, Lineage, Vouched
from paceline.replica.events import MemberAddress
from paceline.replica.happenings import Refused
from paceline.replica.identity import Identity
from paceline.replica.machine import Machine
from paceline.replica.outlet import Outlet
from paceline.replica.requests import ConfirmOff, Outcome, Request, RequestAnswer
from paceline.replica.settings import SettingsReader

T_REQUESTS, T_DISKS = "requests", "disks"


class Answering:
    """What this node's clients asked."""

    def __init__(
        self, identity: Identity, machine: Machine, outlet: Outlet, settings: SettingsReader
    ) -> None:
        """Begin without requests."""
        self._identity = identity
        self._machine = machine
        self._outlet = outlet
        self._settings = settings
        self._clients = Clients(identity.node)
        self._vouched: set[tuple[NodeId, tuple[MemberAddress, ...]]] = set()

    @property
    def waiting(self) -> tuple[RequestId, ...]:
        """The requests without an answer."""
        return self._clients.waiting()

    def submit(self, request_id: RequestId, request: Request) -> None:
        """Take a request; asked again, it gets the answer that it had."""
        at_once = self._clients.ask(request_id, request, self._outlet.now_ms)
        if at_once is not None:
            self.reply(request_id, at_once)
            return
        self.answer(request_id)
        self._watch()

    def reply(self, request_id: RequestId, answer: RequestAnswer) -> None:
        """Answer a client."""
        self._outlet.emit(Reply(request_id=request_id, answer=answer))

    def timer_fired(self, name: str) -> None:
        """Some waited too long for a view, or for disks."""
        if name == T_DISKS:
            self.answer_all()
            return
        for request_id, answer in self._clients.overdue(self._outlet.now_ms):
            self.reply(request_id, answer)
        self._watch()

    def _watch(self) -> None:
        deadline_ms = self._clients.next_deadline_ms()
        if deadline_ms is not None:
            self._outlet.set_timer_once(T_REQUESTS, max(0, deadline_ms - self._outlet.now_ms))

    def send(self) -> None:
        """Send what was not sent in this view."""
        view = self._machine.view
        if not self._clients.waiting():
            return
        if view is None:
            self._vouch()
            return
        self._vouched.clear()
        policy = self._settings.read().no_quorum_policy
        state = self._machine.state
        for request_id, request in self._clients.unsent(view.id, is_quorate=view.is_quorate):
            if request_id in state.answers:
                continue  # It was applied before this view, and waits for disks or a device.
            made = make_entry(
                request_id,
                request,
                view=view.id,
                node=self._identity.node,
                configuration=state.configuration.value,
                version=state.core.value.version,
                is_quorate=view.is_quorate,
                is_quorum_ignored=not view.is_quorate and policy == "ignore",
                wall_ms=self._outlet.wall_ms,
            )
            if isinstance(made, RequestAnswer):
                self._clients.answered(request_id)
                is_open = self._machine.is_open
                self.reply(request_id, refusal_of(request, made, is_open=is_open))
            else:
                self._outlet.send(made)

    def _vouch(self) -> None:
        """Where no view comes without a node's copy: say that a person vouches for its being off.

        The request itself waits for the view that comes of it.
        """
        hellos = self._machine.hellos
        for request_id in self._clients.waiting():
            request = self._clients.find(request_id)
            if not isinstance(request, ConfirmOff):
                continue
            target = hellos.find_node_id(request.target)
            if target is None or request.target not in self._machine.awaited:
                continue
            if (target, hellos.members) not in self._vouched:
                self._vouched.add((target, hellos.members))
                self._outlet.send(Vouched(target=target, members=hellos.members))

    def refuse(self, happening: Refused, request_id: RequestId) -> None:
        """An entry of ours was refused for good: so is its request."""
        request = self._clients.find(request_id)
        if self._clients.answered(request_id):
            detail = happening.detail or REFUSALS.get(happening.code, "")
            answer = refused(happening.code, detail, self._machine.state.core.value.version)
            is_open = self._machine.is_open
            self.reply(request_id, refusal_of(request, answer, is_open=is_open))

    def answer_all(self) -> None:
        """Look at all that wait: more disks have something, or the view is another."""
        for request_id in self._clients.waiting():
            self.answer(request_id)

    def answer(self, request_id: RequestId) -> None:
        """Answer a request if its answer stands: applied, and as safe as it can be now."""
        answered = self._machine.state.answers.get(request_id)
        if answered is None or answered.fence_ref or self._clients.find(request_id) is None:
            return
        answer: RequestAnswer | None = answered.answer
        if answered.lineage is not None:
            answer = self._safe_answer(request_id, answered.answer, answered.lineage)
        if answer is not None and self._clients.answered(request_id):
            self.reply(request_id, answer)

    def _safe_answer(
        self, request_id: RequestId, answer: RequestAnswer, lineage: Lineage
    ) -> RequestAnswer | None:
        view = self._machine.view
        if view is None:
            return None
        if not view.is_quorate:
            return _not_yet_safe(answer, "quorum")
        machine = self._machine
        durable = [
            node_id
            for node_id, said in sorted(machine.durable.items())
            if said.lineage.epoch_id == view.id and said.lineage.number >= lineage.number
        ]
        missing = machine.missing(view, durable if machine.is_open else machine.promised())
        if missing.is_safe:
            return answer
        if missing.writing:
            wait_ms = self._clients.wait_for_disks(request_id, self._outlet.now_ms)
            if wait_ms:
                self._outlet.set_timer_once(T_DISKS, wait_ms)
                return None
        return _not_yet_safe(answer, missing.in_words())

    def disk_has(self, state: DurableState) -> None:
        """Our disk has more: the others may be waiting for that."""
        view = self._machine.view
        if view is None or not view.is_quorate:
            return
        if state.promised == self._machine.state.core.value.promised:
            self._outlet.send(Durable(view=view.id, lineage=state.lineage, promised=state.promised))


def _not_yet_safe(answer: RequestAnswer, waits_for: str) -> RequestAnswer:
    return RequestAnswer(
        outcome=Outcome.NOT_YET_SAFE,
        code="not-on-enough-disks",
        detail=waits_for,
        version=answer.version,
    )
