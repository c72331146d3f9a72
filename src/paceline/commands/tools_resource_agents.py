"""`crm_resource`: the agents that are installed, and running one by hand, past the cluster."""

from lxml import etree

from paceline.commands.status_view import StatusView, primitives, view_of
from paceline.commands.tools import EXIT_ERROR, EXIT_NO_SUCH, EXIT_USAGE, Facts, Given, ToolPorts
from paceline.commands.tools_answers import Answer, element_of, failed, list_element, status_text
from paceline.commands.tools_resource_asked import (
    find_element,
    get_states,
    resource_name,
    snapshot_of,
)
from paceline.model.agent_name import AgentName, parse_agent_name
from paceline.model.durations import parse_duration_ms
from paceline.model.exit_status import rc_text
from paceline.model.snapshot import Snapshot
from paceline.model.state import ResourceState
from paceline.ports.agents import AgentAnswer, AgentMetadataError, AgentRun
from paceline.scheduler.calls import agent_call

TASKS = {
    "validate": "validate-all", "force-start": "start", "force-stop": "stop",
    "force-promote": "promote", "force-demote": "demote", "force-check": "monitor",
}  # fmt: skip
STANDARDS = ("ocf", "lsb", "service", "systemd", "stonith")
NEEDS_FORCE = ("force-start", "force-promote", "force-demote")
EXIT_UNIMPLEMENTED = 3
EXIT_TIMEOUT = 124
RC_TIMED_OUT = 198
TIMEOUT_MS_DEFAULT = 20_000


# What is installed


def list_standards(_given: Given, ports: ToolPorts) -> Answer:
    """Answer with the classes of agents."""
    installed = ports.load_agents().standards()
    found = [each for each in STANDARDS if each in installed or each == "stonith"]
    return Answer("\n".join(found), (list_element("standards", found),))


def list_providers(_given: Given, ports: ToolPorts) -> Answer:
    """Answer with the providers of OCF agents."""
    found = ports.load_agents().providers()
    whole = element_of("providers", standard="ocf")
    for name in found:
        etree.SubElement(whole, "provider").text = name
    return Answer("\n".join(found), (whole,))


def list_alternatives(given: Given, ports: ToolPorts) -> Answer:
    """Answer with the providers of one OCF agent."""
    wanted = given.get("list-ocf-alternatives")
    library = ports.load_agents()
    found = [name for name in library.providers() if wanted in library.agents("ocf", name)]
    if not found:
        raise failed(EXIT_NO_SUCH, f"No OCF providers found for {wanted}")
    whole = element_of("providers", for_=wanted)
    for name in found:
        etree.SubElement(whole, "provider").text = name
    return Answer("\n".join(found), (whole,))


def list_agents(given: Given, ports: ToolPorts) -> Answer:
    """Answer with the agents of a class, for OCF of one provider or of all."""
    standard, _, provider = given.get("list-agents").partition(":")
    library = ports.load_agents()
    providers = [provider] if provider or standard != "ocf" else list(library.providers())
    found = [name for each in providers for name in sorted(library.agents(standard, each))]
    if not found:
        of = f" and provider '{provider}'" if provider else ""
        raise failed(EXIT_ERROR, f"No agents found for standard '{standard}'{of}")
    whole = element_of("agents", standard=standard)
    if provider:
        whole.set("provider", provider)
    for name in found:
        etree.SubElement(whole, "agent").text = name
    return Answer("\n".join(found), (whole,))


def show_metadata(given: Given, ports: ToolPorts) -> Answer:
    """Answer with what an agent says of itself."""
    wanted = given.get("show-metadata")
    try:
        name = parse_agent_name(wanted)
    except ValueError as problem:
        raise failed(EXIT_NO_SUCH, f"'{wanted}' is not a valid agent specification") from problem
    try:
        found = ports.load_agents().metadata(name)
    except AgentMetadataError as problem:
        raise failed(EXIT_NO_SUCH, f"Metadata query for {wanted} failed: {problem}") from problem
    text = found.decode(errors="replace")
    whole = element_of("metadata")
    whole.text = etree.CDATA(text)
    return Answer(text.rstrip("\n"), (whole,))


# By hand


def run_by_hand(given: Given, ports: ToolPorts) -> Answer:
    """Run an agent on this node, past the cluster: a resource's, or one that is named."""
    action = next(name for name in TASKS if given.has(name))
    if action == "validate" and not given.has("resource"):
        return _run(action, _run_of_words(given), "", given, ports)
    resource = resource_name(given, ports)
    root, snapshot = snapshot_of(ports)
    view = view_of(snapshot.configuration, snapshot.status)
    state = get_states(resource, view)[0]
    if find_element(resource, root).tag == "group":
        raise failed(
            EXIT_UNIMPLEMENTED, f"Sorry, the {action} option doesn't support group resources"
        )
    primitive = next(iter(primitives((state,))), state)
    node = snapshot.status.local_node or (Facts(ports).local_node if ports.cib.is_live else "")
    if action in NEEDS_FORCE and not given.has("force"):
        _refuse_running_clone(resource, node, view)
    run = _run_of_resource(primitive, node, action, given, snapshot)
    return _run(action, run, primitive.id.partition(":")[0], given, ports)


def _refuse_running_clone(resource: str, node: str, view: StatusView) -> None:
    """Raise ToolError where the cluster runs an instance here: two hands would be at it."""
    for top in view.resources:
        inside = [each for each in primitives((top,)) if top.kind in ("clone", "bundle")]
        if not any(resource in (top.id, each.id, each.id.partition(":")[0]) for each in inside):
            continue
        if any(on.node == node for each in inside for on in each.active):
            raise failed(
                EXIT_ERROR,
                f"It is not safe to run {resource} here: the cluster claims it is already active "
                "on this node. To try nevertheless: --force",
            )


def _run_of_words(given: Given) -> AgentRun:
    if not given.has("class") or not given.has("agent"):
        raise failed(EXIT_USAGE, "Give a resource with -r, or --class, --agent and --provider")
    return AgentRun(
        standard=given.get("class"), provider=given.get("provider"),
        agent_type=given.get("agent"), task=TASKS["validate"], resource="test",
        parameters=tuple(sorted(options_of(given).items())), timeout_ms=_timeout_ms(given, 0),
        check_level=given.get("validate"),
    )  # fmt: skip


def options_of(given: Given) -> dict[str, str]:
    """Return the parameters that were given as `--option NAME=VALUE`. Raises ToolError."""
    found = {}
    for word in given.every.get("option", ()):
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise failed(EXIT_USAGE, f"Invalid option: {word}")
        found[name] = value
    return found


def _run_of_resource(
    primitive: ResourceState, node: str, action: str, given: Given, snapshot: Snapshot
) -> AgentRun:
    task = TASKS[action]
    call = agent_call(snapshot, primitive.id, node, task)
    if call is None:
        raise failed(EXIT_NO_SUCH, f"Resource '{primitive.id}' not found")
    return AgentRun(
        standard=call.agent.agent_class, provider=call.agent.provider,
        agent_type=call.agent.agent_type, task=task, resource=call.resource,
        parameters=call.parameters, meta=call.meta,
        timeout_ms=_timeout_ms(given, call.timeout_ms),
        check_level=given.get("force-check") or given.get("validate"),
    )  # fmt: skip


def _timeout_ms(given: Given, default_ms: int) -> int:
    if not given.has("timeout"):
        return default_ms or TIMEOUT_MS_DEFAULT
    try:
        return parse_duration_ms(given.get("timeout"))
    except ValueError as problem:
        raise failed(EXIT_USAGE, f"'{given.get('timeout')}' is no duration") from problem


def _run(action: str, run: AgentRun, resource: str, given: Given, ports: ToolPorts) -> Answer:
    agent = AgentName(standard=run.standard, provider=run.provider, type=run.agent_type)
    of = f"Operation {action}{f' for {resource}' if resource else ''} ({agent})"
    whole = element_of("resource-agent-action", action=action, class_=run.standard)
    whole.set("type", run.agent_type)
    for name, value in (("rsc", resource), ("provider", run.provider)):
        if value:
            whole.set(name, value)
    etree.SubElement(whole, "overrides")
    try:
        if run.agent_type not in ports.load_agents().agents(run.standard, run.provider):
            raise failed(EXIT_USAGE, f"{agent} is not a known resource")
        answer = ports.load_runner().run(run)
    except AgentMetadataError as problem:
        raise failed(
            EXIT_UNIMPLEMENTED, f"{of} could not be executed (Error: {problem})"
        ) from problem
    words = rc_text(answer.rc) + (f": {answer.reason}" if answer.reason else "")
    line = f"{of} returned {answer.rc} ({words})"
    if answer.has_timed_out:
        line = f"{of} could not be executed (Timed Out)"
    _add_result(whole, answer)
    status = EXIT_TIMEOUT if answer.has_timed_out else answer.rc
    printed = [answer.out.rstrip("\n")] if given.has("verbose") else []
    text = "\n".join(each for each in (line, *printed, answer.err.rstrip("\n")) if each)
    error = f"crm_resource: Error performing operation: {status_text(status)}" if status else ""
    return Answer(text, (whole,), error, status)


def _add_result(whole: etree._Element, answer: AgentAnswer) -> None:
    status = etree.SubElement(whole, "agent-status", {"code": str(answer.rc)})
    status.set("message", rc_text(answer.rc))
    status.set("execution_code", "2" if answer.has_timed_out else "0")
    status.set("execution_message", "Timed Out" if answer.has_timed_out else "complete")
    if answer.reason:
        status.set("reason", answer.reason)
    if not answer.out and not answer.err:
        return
    command = etree.SubElement(whole, "command", {"code": str(answer.rc)})
    for source, text in (("stdout", answer.out), ("stderr", answer.err)):
        if text:
            etree.SubElement(command, "output", {"source": source}).text = text
