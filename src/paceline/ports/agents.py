"""The agents that are installed: names and metadata."""

from dataclasses import dataclass
from typing import Protocol

from paceline.model.errors import PacelineError
from paceline.model.plan import Agent


class AgentMetadataError(PacelineError):
    """An agent is not installed, or what it prints is no metadata; the text says which and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentRun:
    """What came of running an agent once by hand: exit status and the two outputs, bounded."""

    rc: int
    out: str = ""
    err: str = ""
    has_timed_out: bool = False


class AgentLibrary(Protocol):
    """The agents of this node. Lists are sorted without regard to case."""

    def standards(self) -> tuple[str, ...]:
        """Return the classes there are: `lsb`, `ocf`, `service`, `systemd`."""
        ...

    def providers(self) -> tuple[str, ...]:
        """Return the OCF providers."""
        ...

    def agents(self, agent_class: str, provider: str = "") -> tuple[str, ...]:
        """Return the types of a class (of one provider, for ocf); empty where there are none."""
        ...

    def metadata(self, agent: Agent) -> bytes:
        """Return the XML that the agent prints. Raises AgentMetadataError."""
        ...
