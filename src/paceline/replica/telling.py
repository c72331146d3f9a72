"""What is told of applied entries: lines for the log, and alerts."""

from paceline.replica.happenings import (
    CopiesAwaited,
    CopyDamaged,
    FencingEnded,
    Garbled,
    NodeChanged,
    PlanBegan,
    PlanEnded,
    Refused,
    ResourceReported,
    View,
)
from paceline.replica.outlet import Outlet

LOST_WORDS = ("lost", "missing", "failed")
ALERTED_WORDS = ("present", "lost", "left", "off", "failed")

Told = (
    CopiesAwaited
    | CopyDamaged
    | FencingEnded
    | Garbled
    | NodeChanged
    | PlanBegan
    | PlanEnded
    | Refused
    | ResourceReported
)


def tell_view(outlet: Outlet, view: View) -> None:
    """Say who is in the view."""
    quorum = "with quorum" if view.is_quorate else "WITHOUT quorum"
    outlet.note(
        "notice",
        "view-established",
        f"{', '.join(view.nodes)} {quorum}; {view.coordinator} coordinates",
    )


def tell(outlet: Outlet, happening: Told) -> None:
    """Write a happening to the log, and tell alert agents what they are told."""
    match happening:
        case NodeChanged():
            _tell_node(outlet, happening)
        case FencingEnded():
            _tell_fencing(outlet, happening)
        case ResourceReported():
            _tell_resource(outlet, happening)
        case PlanBegan():
            text = f"plan {happening.number} with {happening.actions} actions"
            outlet.note("info", "plan-began", text)
        case PlanEnded():
            word = "done" if happening.is_done else "incomplete"
            outlet.note("info", "plan-ended", f"plan {happening.number} is {word}")
        case Refused():
            level = "error" if happening.code == "internal" else "debug"
            name = type(happening.entry).__name__
            text = f"{name} of node {happening.sender.node_id}: {happening.code}"
            outlet.note(level, "entry-refused", f"{text} {happening.detail}".rstrip())
        case Garbled():
            error = happening.error
            text = f"{error.code} from node {happening.sender.node_id}: {error.detail}"
            outlet.note("warning", "entry-garbled", text)
        case CopiesAwaited():
            text = (
                f"the daemons here have quorum, and wait for {', '.join(happening.nodes)}: "
                "changes may be acknowledged there that are not known here"
            )
            outlet.note("warning", "copies-awaited", text)
        case CopyDamaged():
            text = f"the journal of {happening.node} was damaged; what is proved of it counts"
            outlet.note("error", "copy-damaged", text)


def _tell_node(outlet: Outlet, happening: NodeChanged) -> None:
    level = "warning" if happening.after in LOST_WORDS else "notice"
    before = happening.before or "new"
    outlet.note(level, "node-changed", f"node {happening.node}: {before} -> {happening.after}")
    if happening.after in ALERTED_WORDS:
        word = "member" if happening.after == "present" else "lost"
        outlet.alert("node", happening.node, (("desc", word),))


def _tell_fencing(outlet: Outlet, happening: FencingEnded) -> None:
    word = "was fenced" if happening.is_done else "could not be fenced"
    device = f", {happening.device}" if happening.device else ""
    by = f"{happening.action} by {happening.executor}{device}"
    outlet.note(
        "notice" if happening.is_done else "error",
        "fencing-ended",
        f"{happening.target} {word} ({by}) {happening.exit_reason}".rstrip(),
    )
    outlet.alert(
        "fencing",
        happening.target,
        (("action", happening.action), ("ok", "1" if happening.is_done else "0")),
    )


def _tell_resource(outlet: Outlet, happening: ResourceReported) -> None:
    """Tell alert agents of all but what merely went on as it was."""
    row = happening.row
    if row.task == "monitor" and row.rc == row.target_rc:
        return
    facts = (
        ("resource", row.resource),
        ("task", row.task),
        ("interval_ms", str(row.interval_ms)),
        ("rc", str(row.rc)),
        ("target_rc", str(row.target_rc)),
        ("outcome", row.outcome.value),
        ("exit_reason", row.exit_reason),
        ("exec_ms", str(row.exec_ms)),
    )
    outlet.alert("resource", happening.node, facts)
