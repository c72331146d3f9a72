"""Real agents as small scripts, and an executor over them."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from paceline.adapters.clock import SystemClock
from paceline.adapters.executor.environment import AgentFolders
from paceline.adapters.executor.executor import AgentExecutor
from paceline.model.identifiers import ActionId, NodeName, OperationId, ResourceId
from paceline.model.operation import Operation
from paceline.model.plan import ActionKind, Agent, PlannedAction
from paceline.ports.executor import ExecutorEvent

WAIT_SECONDS_MAX = 20


class Site:
    """Folders with agents, and the events that an executor over them said."""

    def __init__(self, folder: Path) -> None:
        """Lay out the folders below `folder`."""
        self.folder = folder
        self.events: list[ExecutorEvent] = []
        self._arrived = asyncio.Event()
        self.folders = AgentFolders(
            tools=folder / "tools",
            ocf_root=folder / "ocf",
            lsb=folder / "init.d",
            fence=(folder / "fence",),
            runtime=folder / "run",
            diagnosis=folder / "diagnosis",
            secrets=folder / "secrets",
            systemd=folder / "systemd",
        )

    def take(self, event: ExecutorEvent) -> None:
        """Keep an event."""
        self.events.append(event)
        self._arrived.set()

    def executor(self, *, incarnation: int = 1, slots: int = 0) -> AgentExecutor:
        """Return an executor of one life of the daemon."""
        return AgentExecutor(
            self.take,
            folders=self.folders,
            clock=SystemClock(),
            incarnation=incarnation,
            slots=slots,
        )

    async def wait_for(self, count: int) -> list[ExecutorEvent]:
        """Wait until so many events came; return them all."""
        async with asyncio.timeout(WAIT_SECONDS_MAX):
            while len(self.events) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return self.events

    def agent(self, name: str, body: str, *, kind: str = "ocf") -> Path:
        """Write an agent, a shell script with this body."""
        path = {
            "ocf": self.folders.ocf_root / "resource.d" / "test" / name,
            "lsb": self.folders.lsb / name,
            "fence": self.folders.fence[0] / name,
        }[kind]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"#!/bin/sh\n{body}\n")
        path.chmod(0o755)
        return path


OperationMaker = Callable[..., Operation]


def operation_maker() -> OperationMaker:
    """Return a maker of operations with numbers that grow."""
    numbers = iter(range(1, 10_000))

    def make(
        task: str,
        agent_type: str = "agent",
        *,
        agent_class: str = "ocf",
        resource: str = "R",
        parameters: tuple[tuple[str, str], ...] = (),
        first_after_ms: int = 0,
        **action: object,
    ) -> Operation:
        number = next(numbers)
        provider = "test" if agent_class == "ocf" else ""
        planned = PlannedAction(
            id=ActionId(number),
            kind=ActionKind.RESOURCE,
            task=task,
            resource=ResourceId(resource),
            node=NodeName("worker1"),
            agent=Agent(agent_class=agent_class, provider=provider, agent_type=agent_type),
            parameters=parameters,
            **action,  # type: ignore[arg-type]  # the test names fields of the action
        )
        return Operation(
            operation_id=OperationId(f"worker1/boot/1/{number}"),
            action=planned,
            call_id=number,
            node=NodeName("worker1"),
            first_after_ms=first_after_ms,
        )

    return make
