"""`stonith_admin`: the fence devices, and fencing by hand."""

from collections.abc import Sequence

from lxml import etree

from paceline.commands.status_view import StatusView, date_text, primitives
from paceline.commands.status_xml import API_VERSION
from paceline.commands.tools import (
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
from paceline.commands.tools_monitor import view_of_snapshot
from paceline.model.durations import parse_duration_ms
from paceline.model.status import FencingRecord

OPTIONS = (
    Option("list", "l", "value"), Option("list-registered", "L"), Option("list-installed", "I"),
    Option("list-targets", "s", "value"), Option("query", "Q", "value"),
    Option("history", "H", "value"), Option("last", "h", "value"), Option("fence", "F", "value"),
    Option("unfence", "U", "value"), Option("reboot", "B", "value"),
    Option("confirm", "C", "value"), Option("timeout", "t", "value"), Option("tag", "T", "value"),
    Option("delay", "y", "value"), Option("tolerance", "", "value"), Option("quiet", "q"),
    Option("cleanup", "c"), Option("broadcast", "b"), Option("as-node-id", "n"),
)  # fmt: skip
TASKS = {"fence": "off", "reboot": "reboot", "unfence": "on"}
FENCE_MS_DEFAULT = 120_000


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
