"""`stonith fence`, `stonith confirm`, `stonith history`: fencing by hand, and what was fenced."""

from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.node_foresight import show_deeds
from paceline.commands.shown_date import date_text
from paceline.commands.status import read_view
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report
from paceline.model.status import FencingRecord
from paceline.ports.daemon import JsonRecord

FENCE_MS_MAX = 300_000
"""A fencing with retries over several levels may take minutes; after this the answer is unknown."""
DANGER = (
    "If node '{node}' is not powered off or it does have access to shared resources, data "
    "corruption and/or cluster failure may occur"
)


def fence(request: Request, ports: Ports) -> Outcome:
    """Fence a node now: reboot it, or switch it off with `--off`."""
    node = _only_node(request)
    task = "off" if request.has("off") else "reboot"
    if request.has("dry-run"):
        deeds = [f"Would fence node '{node}' ({task}), however well it is"]
        show_deeds(request, ports, deeds, fenced=(node,))
        return Outcome()
    _act(ports, {"do": "fence", "node": node, "task": task, "client": "pcs"}, node)
    return Outcome(text=f"Node: {node} fenced")


def confirm(request: Request, ports: Ports) -> Outcome:
    """Tell the cluster that a person has made sure that a node is off."""
    node = _only_node(request)
    danger = DANGER.format(node=node)
    if request.is_forced or request.has("yes"):
        request.findings.warn("confirm-is-final", danger)
    else:
        request.progress(f"WARNING: {danger}")
        answer = request.ask("Are you sure you want to continue? [y/N] ", False)
        if answer.strip().lower() not in ("y", "yes"):
            raise _refusal("not-confirmed", "canceled")
    _act(ports, {"do": "confirm-off", "node": node, "user": request.user}, node)
    return Outcome(text=f"Node: {node} confirmed fenced")


def history(request: Request, ports: Ports) -> Outcome:
    """Show what was fenced, by whom, how it ended; newest last."""
    if len(request.arguments) > 1:
        raise UsageError()
    records = [
        record
        for record in read_view(request, ports).fencing
        if not request.arguments or record.target == request.arguments[0]
    ]
    return Outcome(text="\n".join(record_line(record) for record in records))


def forget_history(request: Request, ports: Ports) -> Outcome:
    """Drop what is on record of a node's fencing, or of all nodes'."""
    if len(request.arguments) > 1:
        raise UsageError()
    node = request.arguments[0] if request.arguments else ""
    answer = ports.daemon.ask({"do": "forget-fencing", "node": node, "user": request.user})
    if answer.get("ok") is not True:
        raise _refusal("history-kept", str(answer.get("message") or answer.get("detail")))
    return Outcome(text=f"cleaning up fencing-history for node {node or '*'}")


def update_history(request: Request, ports: Ports) -> Outcome:
    """Nothing is to be gathered: all nodes have one record."""
    if request.arguments:
        raise UsageError()
    return Outcome(text="gather fencing-history from all nodes")


def record_line(record: FencingRecord) -> str:
    """Return one fencing as a sentence."""
    when = date_text(record.completed_ms) if record.completed_ms else ""
    by = record.executor or record.device or "the cluster"
    on_behalf = f"on behalf of {record.client or 'the cluster'} from {record.origin}"
    if record.state == "pending":
        return f"{by} is to {record.action} node {record.target} {on_behalf}"
    word = "was able to" if record.state == "done" else "was NOT able to"
    why = f": {record.exit_reason}" if record.exit_reason else ""
    return f"{by} {word} {record.action} node {record.target} {on_behalf} at {when}{why}"


def _only_node(request: Request) -> str:
    if len(request.arguments) != 1:
        raise UsageError("must specify one (and only one) node")
    return request.arguments[0]


def _act(ports: Ports, asked: JsonRecord, node: str) -> None:
    answer = ports.daemon.ask(asked, timeout_ms=FENCE_MS_MAX)
    if answer.get("ok") is not True:
        reason = str(answer.get("message") or answer.get("detail") or "no reason was given")
        raise _refusal("fencing-failed", f"unable to fence '{node}': {reason}")


def _refusal(code: str, message: str) -> InvalidRequestError:
    return InvalidRequestError(Report(code=code, message=message))


COMMANDS = (
    Command(
        words="stonith fence",
        handler=fence,
        needs=Needs.CIB_LIVE,
        arguments="<node>",
        options=("off", "dry-run"),
        help="Fence a node now: it is rebooted, or switched off with --off.",
    ),
    Command(
        words="stonith confirm",
        handler=confirm,
        needs=Needs.CIB_LIVE,
        arguments="<node>",
        options=("force", "yes"),
        help="Say that a node is off, so that its resources are started elsewhere.",
        details="Only after looking: if it is not off, data can be destroyed.",
    ),
    Command(
        words="stonith history show",
        handler=history,
        needs=Needs.CIB_LIVE,
        arguments="[<node>]",
        help="Show what was fenced, by whom, and how it ended.",
        aliases=(Alias(words="stonith history"),),
    ),
    Command(
        words="stonith history cleanup",
        handler=forget_history,
        needs=Needs.CIB_LIVE,
        arguments="[<node>]",
        help="Forget what was fenced: of a node, or of all.",
    ),
    Command(
        words="stonith history update",
        handler=update_history,
        needs=Needs.CIB_LIVE,
        help="Does nothing: all nodes have the same record at any time.",
    ),
)
