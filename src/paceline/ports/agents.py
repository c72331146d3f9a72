"""The agents that are installed: names and metadata."""

from typing import Protocol

from paceline.model.agent_name import AgentName
from paceline.model.errors import PacelineError


class AgentMetadataError(PacelineError):
    """An agent is not installed, or what it prints is no metadata; the text says which and why."""


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

    def metadata(self, agent: AgentName) -> bytes:
        """Return the XML that the agent prints. Raises AgentMetadataError."""
        ...
