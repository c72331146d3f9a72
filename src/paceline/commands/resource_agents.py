"""`resource standards|providers|agents|list|describe`, `stonith list|describe`: what there is."""

import textwrap

from paceline.cib.agent_metadata import AgentMetadata, AgentParameter
from paceline.cib.operations import CHECK_LEVEL, default_operations
from paceline.commands.agent_lookup import (
    fence_agent_name,
    load_metadata,
    missing_metadata,
    name_from_words,
)
from paceline.commands.contract import Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.resource_texts import OPERATION_ORDER
from paceline.commands.usage import WIDTH
from paceline.model.agent_name import AgentName
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report
from paceline.ports.agents import AgentMetadataError


def _refuse(code: str, message: str) -> InvalidRequestError:
    return InvalidRequestError(Report(code=code, message=message))


def standards(request: Request, ports: Ports) -> Outcome:
    """List the classes of agents."""
    if request.arguments:
        raise UsageError
    return Outcome(text="\n".join(ports.agents.standards()))


def providers(request: Request, ports: Ports) -> Outcome:
    """List the providers of OCF agents."""
    if request.arguments:
        raise UsageError
    found = ports.agents.providers()
    if not found:
        raise _refuse("no-providers", "No ocf providers")
    return Outcome(text="\n".join(found))


def agents(request: Request, ports: Ports) -> Outcome:
    """List agents: `resource agents [STANDARD[:PROVIDER]]`."""
    if len(request.arguments) > 1:
        raise UsageError
    wanted = request.arguments[0] if request.arguments else ""
    found: list[str] = []
    if wanted:
        standard, _colon, provider = wanted.partition(":")
        found = list(ports.agents.agents(standard, provider))
    else:
        for standard in ports.agents.standards():
            found += ports.agents.agents(standard)
        found.sort(key=str.lower)
    if not found:
        raise _refuse("no-agents", f"No agents found{f' for {wanted}' if wanted else ''}")
    return Outcome(text="\n".join(found))


def _all_names(ports: Ports) -> list[AgentName]:
    names: list[AgentName] = []
    for standard in ports.agents.standards():
        if standard == "ocf":
            for provider in ports.agents.providers():
                names += [
                    AgentName(standard="ocf", provider=provider, type=one)
                    for one in ports.agents.agents("ocf", provider)
                ]
        else:
            names += [
                AgentName(standard=standard, type=one) for one in ports.agents.agents(standard)
            ]
    return names


def list_resource_agents(request: Request, ports: Ports) -> Outcome:
    """List agents with what they are for: `resource list [FILTER] [--nodesc]`."""
    if len(request.arguments) > 1:
        raise UsageError
    text = request.arguments[0].lower() if request.arguments else ""
    names = [name for name in _all_names(ports) if text in str(name).lower()]
    if not names:
        raise _refuse("no-agents", "No resource agents matching the filter.")
    return _listed(request, ports, [(name, str(name)) for name in names], "resource agents")


def list_fence_agents(request: Request, ports: Ports) -> Outcome:
    """List fence agents: `stonith list [FILTER] [--nodesc]`."""
    if len(request.arguments) > 1:
        raise UsageError
    text = request.arguments[0].lower() if request.arguments else ""
    names = [one for one in ports.agents.agents("stonith") if text in one.lower()]
    if not names:
        raise _refuse("no-agents", "No stonith agents matching the filter.")
    shown = [(AgentName(standard="stonith", type=one), one) for one in names]
    return _listed(request, ports, shown, "stonith agents")


def _listed(
    request: Request, ports: Ports, agents: list[tuple[AgentName, str]], what: str
) -> Outcome:
    """Return the list; an agent that cannot say what it is is reported instead."""
    lines = []
    for name, shown in agents:
        if request.has("nodesc"):
            lines.append(shown)
            continue
        try:
            lines.append(_list_line(load_metadata(ports, name).shortdesc, shown))
        except AgentMetadataError as problem:
            reason = missing_metadata(name, problem, is_forceable=False)
            request.findings.warn(reason.code, reason.message)
    if not lines:
        raise _refuse("no-agents", f"No {what} matching the filter.")
    return Outcome(text="\n".join(lines))


def _list_line(text: str, shown: str) -> str:
    """Return a name with what it is for, folded."""
    if not text:
        return shown
    head = f"{shown} - "
    return textwrap.fill(
        " ".join(text.split()),
        max(WIDTH, len(head) + 20),
        initial_indent=head,
        subsequent_indent=" " * len(head),
    )


def describe(request: Request, ports: Ports) -> Outcome:
    """Describe an agent and its parameters: `resource describe AGENT [--full]`."""
    if len(request.arguments) != 1:
        raise UsageError
    return _describe(request, ports, name_from_words(request, ports, request.arguments[0]))


def describe_fence_agent(request: Request, ports: Ports) -> Outcome:
    """Describe a fence agent and its parameters: `stonith describe AGENT [--full]`."""
    if len(request.arguments) != 1:
        raise UsageError
    return _describe(request, ports, fence_agent_name(request, request.arguments[0]))


def _describe(request: Request, ports: Ports, name: AgentName) -> Outcome:
    try:
        agent = load_metadata(ports, name)
    except AgentMetadataError as problem:
        request.findings.add(missing_metadata(name, problem, is_forceable=False))
        request.findings.stop_if_errors()
        raise
    is_fence = name.standard == "stonith"
    shown_name = name.type if is_fence else str(name)
    lines = [f"{shown_name} - {_one_line(agent.shortdesc)}" if agent.shortdesc else shown_name, ""]
    if agent.longdesc:
        lines += [_one_line(agent.longdesc), ""]
    shown = [one for one in agent.parameters if _is_shown(one, full=request.has("full"))]
    if shown:
        lines.append("Stonith options:" if is_fence else "Resource options:")
        lines += [*(_parameter_line(one) for one in shown), ""]
    lines += ["Default operations:", *_operation_lines(request, agent)]
    return Outcome(text="\n".join(lines))


def _one_line(text: str) -> str:
    return " ".join(line.strip() if not line.strip() else line for line in text.split("\n")).strip()


def _is_shown(parameter: AgentParameter, *, full: bool) -> bool:
    return full or not (parameter.is_advanced or parameter.is_deprecated)


def _parameter_line(parameter: AgentParameter) -> str:
    marks = []
    if parameter.is_required:
        marks.append("required")
    if parameter.is_deprecated:
        instead = ", ".join(parameter.deprecated_by)
        marks.append(f"deprecated by {instead}" if instead else "deprecated")
    if parameter.unique_group:
        shown = parameter.shows_unique_group
        marks.append(f"unique group: {parameter.unique_group}" if shown else "unique")
    head = f"  {parameter.name}"
    if marks:
        head += f" ({', '.join(marks)})"
    text = parameter.longdesc or parameter.shortdesc or "No description available"
    return f"{head}: {_one_line(text)}"


def _operation_lines(request: Request, agent: AgentMetadata) -> list[str]:
    order = {action.name: place for place, action in enumerate(agent.actions)}
    lines: list[str] = []
    operations, notices = default_operations(agent, only_monitor=False)
    request.findings.extend(notices)
    for operation in sorted(operations, key=lambda one: order.get(one["name"], len(order))):
        lines.append(f"  {operation['name']}:")
        shown = (*OPERATION_ORDER, CHECK_LEVEL)
        lines += [f"    {key}={operation[key]}" for key in shown if key in operation]
    return lines


COMMANDS = (
    Command(
        words="resource standards",
        handler=standards,
        needs=Needs.NOTHING,
        options=("f",),
        help="List the classes of agents: ocf, systemd, lsb, service.",
    ),
    Command(
        words="resource providers",
        handler=providers,
        needs=Needs.NOTHING,
        options=("f",),
        help="List the providers of OCF agents.",
    ),
    Command(
        words="resource agents",
        handler=agents,
        needs=Needs.NOTHING,
        options=("f",),
        arguments="[<standard>[:<provider>]]",
        help="List the agents that are installed.",
    ),
    Command(
        words="resource list",
        handler=list_resource_agents,
        needs=Needs.NOTHING,
        arguments="[<filter>]",
        options=("nodesc",),
        help="List agents with what they are for.",
    ),
    Command(
        words="stonith list",
        handler=list_fence_agents,
        needs=Needs.NOTHING,
        arguments="[<filter>]",
        options=("nodesc",),
        help="List fence agents with what they are for.",
    ),
    Command(
        words="resource describe",
        handler=describe,
        needs=Needs.NOTHING,
        arguments="[<standard>:[<provider>:]]<type>",
        options=("full",),
        help="Describe an agent, its parameters and its operations.",
    ),
    Command(
        words="stonith describe",
        handler=describe_fence_agent,
        needs=Needs.NOTHING,
        arguments="<agent>",
        options=("full",),
        help="Describe a fence agent, its parameters and its operations.",
    ),
)
