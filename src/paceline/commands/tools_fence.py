"""`stonith_admin`: the fence devices, and fencing by hand."""

from collections.abc import Sequence

from lxml import etree

from paceline.commands.shown_date import date_text
from paceline.commands.status_view import StatusView, primitives
from paceline.commands.tools import (
    API_VERSION,
    EXIT_ERROR,
    EXIT_NO_SUCH,
    EXIT_USAGE,
    Given,
    Option,
    Said,
    ToolError,
    ToolPorts,
    ask,
    parse_options,
)
from paceline.commands.tools_answers import Answer, element_of, failed, list_element, run_act
from paceline.commands.tools_monitor import view_of_snapshot
from paceline.model.agent_name import AgentName
from paceline.model.durations import parse_duration_ms
from paceline.model.status import FencingRecord
from paceline.ports.agents import AgentAnswer, AgentMetadataError, AgentRun

OPTIONS = (
    Option("list", "l", "value"), Option("list-registered", "L"), Option("list-installed", "I"),
    Option("list-targets", "s", "value"), Option("query", "Q", "value"),
    Option("history", "H", "value"), Option("last", "h", "value"), Option("fence", "F", "value"),
    Option("unfence", "U", "value"), Option("reboot", "B", "value"),
    Option("confirm", "C", "value"), Option("timeout", "t", "value"), Option("tag", "T", "value"),
    Option("delay", "y", "value"), Option("tolerance", "", "value"), Option("quiet", "q"),
    Option("cleanup", "c"), Option("broadcast", "b"), Option("as-node-id", "n"),
    Option("metadata", "M"), Option("validate", "K"), Option("agent", "a", "value"),
    Option("option", "o", "value"), Option("env-option", "e", "value"),
    Option("device", "v", "value"), Option("register", "R", "value"),
    Option("deregister", "D", "value"), Option("register-level", "r", "value"),
    Option("deregister-level", "d", "value"), Option("index", "i", "value"),
)  # fmt: skip
EXIT_UNIMPLEMENTED = 3
TASKS = {"fence": "off", "reboot": "reboot", "unfence": "on"}
FENCE_MS_DEFAULT = 120_000
VALIDATE_MS_DEFAULT = 20_000
REGISTERING = ("register", "deregister", "register-level", "deregister-level")
VALUE_PREFIX = "OCF_RESKEY_"


def stonith_admin(words: Sequence[str], ports: ToolPorts) -> Said:
    """Show devices and history, or fence."""
    given = parse_options(words, OPTIONS)
    if given.has("help"):
        return Said(
            "Usage: stonith_admin -L | -l NODE | -H NODE | -F NODE | -B NODE | -U NODE | -C NODE"
        )
    for option, task in TASKS.items():
        if given.has(option):
            return _fence(given.get(option), task, given, ports)
    if given.has("confirm"):
        ask(ports, {"do": "confirm-off", "node": given.get("confirm")})
        return Said()
    for name in REGISTERING:
        if given.has(name):
            raise ToolError(
                "fence devices and levels are part of the configuration: 'pcs stonith create', "
                "'pcs stonith level add'",
                EXIT_UNIMPLEMENTED,
            )
    if given.has("list-installed") or given.has("metadata") or given.has("validate"):
        return run_act("stonith_admin", _about_agents, given, words, ports)
    if given.has("cleanup"):
        return _forget(given, ports)
    view = view_of_snapshot(ports.cib.read())
    if given.has("list-registered") or given.has("list"):
        return _devices(view)
    if given.has("history") or given.has("last"):
        return _history(given, view)
    raise ToolError("give -L, -l NODE, -H NODE, -F NODE, -B NODE, -U NODE or -C NODE", EXIT_USAGE)


def _fence(target: str, task: str, given: Given, ports: ToolPorts) -> Said:
    limit_ms = parse_duration_ms(given.get("timeout")) if given.has("timeout") else FENCE_MS_DEFAULT
    delay_ms = parse_duration_ms(given.get("delay")) if given.has("delay") else 0
    client = f"stonith_admin.{given.get('tag')}" if given.has("tag") else "stonith_admin"
    ask(
        ports,
        {"do": "fence", "node": target, "task": task, "client": client, "delay_ms": delay_ms},
        timeout_ms=limit_ms + delay_ms,
    )
    return Said()


def _forget(given: Given, ports: ToolPorts) -> Said:
    """Drop what is on record of a node's fencing, or of all (`*`)."""
    if not given.has("history"):
        raise ToolError("--cleanup needs --history=NODE, '*' for all", EXIT_USAGE)
    node = given.get("history")
    ask(ports, {"do": "forget-fencing", "node": "" if node == "*" else node})
    return Said("" if given.has("quiet") else f"cleaning up fencing-history for node {node}")


def _about_agents(given: Given, ports: ToolPorts) -> Answer:
    """Answer which agents there are, what one says of itself, or whether values suit it."""
    if given.has("list-installed"):
        found = ports.load_agents().agents("stonith")
        return Answer("\n".join(found), (list_element("Installed fence devices", found),))
    agent = given.get("agent")
    if not agent:
        raise ToolError("Please specify an agent with --agent", EXIT_USAGE)
    if given.has("validate"):
        return _validate(agent, given, ports)
    try:
        found_xml = ports.load_agents().metadata(AgentName(standard="stonith", type=agent))
    except AgentMetadataError as problem:
        raise failed(EXIT_NO_SUCH, f"Can't get fence agent meta-data: {problem}") from problem
    text = found_xml.decode(errors="replace")
    whole = element_of("metadata")
    whole.text = etree.CDATA(text)
    return Answer(text.rstrip("\n"), (whole,))


def _validate(agent: str, given: Given, ports: ToolPorts) -> Answer:
    """Let the agent look at the values that a device would get."""
    values: dict[str, str] = {}
    for word in given.every.get("option", ()):
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise ToolError(f"Invalid option: {word}", EXIT_USAGE)
        values[name] = value
    for name in given.every.get("env-option", ()):
        values[name] = ports.environment.get(f"{VALUE_PREFIX}{name}", "")
    limit_ms = (
        parse_duration_ms(given.get("timeout")) if given.has("timeout") else VALIDATE_MS_DEFAULT
    )
    run = AgentRun(
        standard="stonith", provider="", agent_type=agent, task="validate-all",
        resource=given.get("device", agent), parameters=tuple(sorted(values.items())),
        timeout_ms=limit_ms,
    )  # fmt: skip
    try:
        answer = ports.load_runner().run(run)
    except AgentMetadataError as problem:
        answer = AgentAnswer(rc=EXIT_NO_SUCH, err=f"{problem}\n")
    is_valid = answer.rc == 0
    whole = element_of("validate", agent=agent, valid="true" if is_valid else "false")
    command = etree.SubElement(whole, "command", {"code": str(answer.rc)})
    for source, text in (("stdout", answer.out), ("stderr", answer.err)):
        if text:
            etree.SubElement(command, "output", {"source": source}).text = text
    if given.has("quiet"):
        return Answer(status=0 if is_valid else EXIT_ERROR)
    verdict = f"Validation of {agent} {'succeeded' if is_valid else 'failed'}"
    lines = [verdict, answer.out.rstrip("\n"), answer.err.rstrip("\n")]
    status = 0 if is_valid else answer.rc if answer.rc == EXIT_NO_SUCH else EXIT_ERROR
    return Answer("\n".join(line for line in lines if line), (whole,), "", status)


def _devices(view: StatusView) -> Said:
    names = [
        each.id
        for each in primitives(view.resources)
        if each.agent_class == "stonith" and each.active
    ]
    if not names:
        return Said("No devices found", EXIT_NO_SUCH)
    number = f"{len(names)} fence device{'' if len(names) == 1 else 's'} found"
    return Said("\n".join([number, *names]))


def _history(given: Given, view: StatusView) -> Said:
    wanted = given.get("history") or given.get("last")
    found = [each for each in view.fencing if wanted in ("*", each.target)]
    if given.has("last"):
        found = [each for each in found if each.state == "done"][-1:]
    if given.get("output-as") == "xml":
        return Said(_history_xml(found))
    lines = [_line(each) for each in found]
    if not lines:
        return Said(f"Node {wanted} never fenced" if given.has("last") else "")
    return Said("\n".join(lines))


def _history_xml(records: list[FencingRecord]) -> str:
    root = etree.Element("pacemaker-result", {"api-version": API_VERSION})
    root.set("request", "stonith_admin --history")
    history = etree.SubElement(root, "fence_history")
    for each in records:
        event = etree.SubElement(history, "fence_event")
        is_pending, is_done = each.state == "pending", each.state == "done"
        pairs = {
            "action": each.action, "target": each.target, "client": each.client,
            "origin": each.origin, "delegate": each.executor,
            "status": "pending" if is_pending else "success" if is_done else "failed",
            "extended-status": "pending" if is_pending else each.state,
            "exit-reason": "" if is_done else each.exit_reason,
            "completed": date_text(each.completed_ms) if each.completed_ms else "",
        }  # fmt: skip
        for name, value in pairs.items():
            if value:
                event.set(name, value)
    etree.SubElement(root, "status", {"code": "0", "message": "OK"})
    etree.indent(root)
    return etree.tostring(root, encoding="unicode")


def _line(record: FencingRecord) -> str:
    when = date_text(record.completed_ms) if record.completed_ms else ""
    if record.state == "pending":
        return f"{record.origin} wishes to {record.action} node {record.target} - {record.client}"
    word = "able" if record.state == "done" else "unable"
    return (
        f"{record.executor or record.device} was {word} to {record.action} node {record.target} "
        f"on behalf of {record.client} from {record.origin} at {when}"
    )
