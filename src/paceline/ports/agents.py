"""The agents that are installed: names, metadata, and running one by hand."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

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


class AgentRun(NamedTuple):
    """One call of an agent by hand. `check_level` is how hard to look (OCF_CHECK_LEVEL), "" none.

    Parameters may hold secrets: they are in no `repr`.
    """

    standard: str
    provider: str
    agent_type: str
    task: str
    resource: str
    parameters: Sequence[tuple[str, str]]
    meta: Sequence[tuple[str, str]] = ()
    timeout_ms: int = 20_000
    check_level: str = ""

    def __repr__(self) -> str:
        """Return what is run, without the parameters."""
        return f"AgentRun({self.standard}:{self.provider}:{self.agent_type} {self.task})"


class AgentAnswer(NamedTuple):
    """What came of it: the OCF exit status, what was printed, and the agent's own reason."""

    rc: int
    out: str = ""
    err: str = ""
    reason: str = ""
    has_timed_out: bool = False


class AgentRunner(Protocol):
    """Runs an agent on this node, past the cluster."""

    def run(self, run: AgentRun) -> AgentAnswer:
        """Run it to its end or its time limit. Raises AgentMetadataError where it is no agent."""
        ...
