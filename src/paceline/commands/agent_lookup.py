"""Find an agent by the name a user gave, and its metadata."""

from paceline.cib.agent_metadata import (
    OCF_VERSIONS,
    AgentMetadata,
    UnsupportedVersionError,
    parse_metadata,
    unknown_agent,
)
from paceline.cib.wording import quoted
from paceline.commands.contract import Ports, Request
from paceline.model.agent_name import AgentName, parse_agent_name
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report
from paceline.ports.agents import AgentLibrary, AgentMetadataError

RESOURCE_CLASSES = ("lsb", "ocf", "service", "systemd")


def name_from_words(request: Request, ports: Ports, text: str) -> AgentName:
    """Return the agent that `text` means; a bare type is looked for.

    Ends the request where the name makes no sense or several agents match.
    """
    if ":" in text:
        try:
            return parse_agent_name(text)
        except ValueError:
            request.findings.error(
                "agent-name-invalid",
                f"Invalid resource agent name '{text}'. Use standard:provider:type when standard "
                "is 'ocf' or standard:type otherwise. List of standards and providers can be "
                f"obtained by using commands '{request.program} resource standards' and "
                f"'{request.program} resource providers'.",
            )
            request.findings.stop_if_errors()
    found = _search(ports.agents, text)
    if len(found) == 1:
        request.findings.inform(
            "agent-name-guessed", f"Assumed agent name '{found[0]}' (deduced from '{text}')"
        )
        return found[0]
    if found:
        listed = " or ".join(f"'{name}'" for name in found)
        request.findings.error(
            "agent-name-ambiguous",
            f"Multiple agents match '{text}', please specify full name: {listed}",
        )
    else:
        request.findings.error(
            "agent-unknown", f"Unable to find agent '{text}', try specifying its full name"
        )
    request.findings.stop_if_errors()
    raise InvalidRequestError()


def _search(library: AgentLibrary, text: str) -> list[AgentName]:
    """Return the OCF agents of this type (in any provider), case not minded."""
    return [
        AgentName(standard="ocf", provider=provider, type=name)
        for provider in library.providers()
        for name in library.agents("ocf", provider)
        if name.lower() == text.lower()
    ]


def fence_agent_name(request: Request, text: str) -> AgentName:
    """Return the fence agent of this name; ends the request where it has a colon."""
    if ":" in text:
        request.findings.error(
            "agent-name-invalid",
            f"Invalid stonith agent name '{text}'. Agent name cannot contain the ':' character, "
            "do not use the 'stonith:' prefix. List of agents can be obtained by using command "
            f"'{request.program} stonith list'.",
        )
        request.findings.stop_if_errors()
    return AgentName(standard="stonith", type=text)


class AgentVersionError(AgentMetadataError):
    """The agent follows a version of the OCF standard that is not known here."""


def load_metadata(ports: Ports, name: AgentName) -> AgentMetadata:
    """Return the agent's metadata. Raises AgentMetadataError with the reason."""
    try:
        return parse_metadata(name, ports.agents.metadata(name))
    except UnsupportedVersionError as problem:
        raise AgentVersionError(problem.version) from problem
    except ValueError as problem:
        raise AgentMetadataError(str(problem)) from problem


def metadata_or_unknown(request: Request, ports: Ports, name: AgentName) -> AgentMetadata:
    """Return the metadata; where it cannot be had, an error that `--force` turns into a warning."""
    try:
        return load_metadata(ports, name)
    except AgentMetadataError as problem:
        request.findings.add(missing_metadata(name, problem, is_forceable=True))
        request.findings.stop_if_errors()
        return unknown_agent(name)


def missing_metadata(name: AgentName, problem: AgentMetadataError, *, is_forceable: bool) -> Report:
    """Return the report that an agent is not there, or says nothing of itself."""
    message = f"Agent '{name}' is not installed or does not provide valid metadata: {problem}"
    if isinstance(problem, AgentVersionError):
        message = (
            f"Unable to process agent '{name}' as it implements unsupported OCF version "
            f"'{problem}', supported versions are: {quoted(OCF_VERSIONS)}"
        )
    return Report(
        code="agent-not-installed",
        message=message,
        facts=(("agent", str(name)),),
        is_forceable=is_forceable,
    )
