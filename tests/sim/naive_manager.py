"""A naive cluster manager, to try the world and the judge on: who is lowest starts everything.

It fences nobody, asks no quorum, and acknowledges what its own node was told.
"""

from paceline.cib.read import parse_xml
from paceline.model.identifiers import ActionId, NodeName, OperationId, RequestId, ResourceId
from paceline.model.operation import Operation
from paceline.model.plan import ActionKind, Agent, PlannedAction
from paceline.model.status import ClusterStatus
from paceline.replica.effects import Effect, Execute, Reply, Send, SetTimer, WriteJournal
from paceline.replica.events import Delivered, Event, GroupChanged, Submitted, TimerFired
from paceline.replica.identity import Identity, Stored
from paceline.replica.requests import Configure, Outcome, RequestAnswer

EMPTY = b'<cib epoch="0"><configuration/></cib>'


class NaiveReplica:
    """Does what it thinks best."""

    def __init__(self, identity: Identity, stored: Stored) -> None:
        self._identity = identity
        self._configuration = stored.records[-1] if stored.records else EMPTY
        self._number = 0
        self._is_first = False

    @property
    def configuration(self) -> bytes:
        return self._configuration

    @property
    def version(self) -> str:
        return str(parse_xml(self._configuration).get("epoch"))

    def status(self) -> ClusterStatus:
        return ClusterStatus(now_ms=0, is_quorate=True)

    def is_idle(self) -> bool:
        return True

    def internals(self) -> dict[str, str]:
        return {}

    def handle(self, event: Event, *, now_ms: int, wall_ms: int) -> tuple[Effect, ...]:
        match event:
            case GroupChanged():
                self._is_first = event.members[0].node_id == self._identity.node_id
                return (SetTimer(name="act", at_ms=now_ms + 3_000), *self._act())
            case TimerFired():
                return self._act()
            case Submitted(request=Configure()):
                return self._configure(event.request_id, event.request)
            case Delivered():
                self._configuration = event.payload
                self._number += 1
                return (WriteJournal(sequence=self._number, records=(event.payload,)),)
            case _:
                return ()

    def _configure(self, request_id: RequestId, request: Configure) -> tuple[Effect, ...]:
        self._configuration = request.configuration
        answer = RequestAnswer(outcome=Outcome.ACKNOWLEDGED, version=self.version)
        return (
            Send(payload=request.configuration),
            Reply(request_id=request_id, answer=answer),
            *self._act(),
        )

    def _act(self) -> tuple[Effect, ...]:
        return tuple(
            Execute(operation=self._operation(name, "start" if self._is_first else "stop"))
            for name in ("a", "b", "c", "d")
        )

    def _operation(self, resource: str, task: str) -> Operation:
        self._number += 1
        return Operation(
            operation_id=OperationId(f"{self._identity.boot_id}/{self._number}"),
            call_id=self._number,
            node=NodeName(self._identity.node),
            action=PlannedAction(
                id=ActionId(self._number),
                kind=ActionKind.RESOURCE,
                task=task,
                resource=ResourceId(resource),
                node=NodeName(self._identity.node),
                agent=Agent(agent_class="ocf", provider="heartbeat", agent_type="Dummy"),
            ),
        )
