"""`crm_mon`: the status once (`-1`), as text or XML. It does not watch."""

from collections.abc import Sequence

from paceline.cib.read import read_configuration, read_status
from paceline.cib.tree import parse_cib
from paceline.commands.status_classic import classic_layout, classic_status
from paceline.commands.status_text import Shown, status_text
from paceline.commands.status_view import StatusView, view_of
from paceline.commands.status_xml import status_xml
from paceline.commands.tools import EXIT_USAGE, Given, Option, Said, ToolError, ToolPorts
from paceline.commands.tools import parse_options as parse
from paceline.model.status import ClusterStatus
from paceline.ports.cib_store import CibSnapshot

OPTIONS = (
    Option("one-shot", "1"), Option("group-by-node", "n"), Option("inactive", "r"),
    Option("failcounts", "f"), Option("operations", "o"), Option("timing-details", "t"),
    Option("tickets", "c"), Option("fence-history", "m", "maybe"),
    Option("neg-locations", "L", "maybe"), Option("show-node-attributes", "A"),
    Option("hide-headers", "D"), Option("show-detail", "R"), Option("brief", "b"),
    Option("simple-status", "s"), Option("interval", "i", "value"), Option("as-xml", "X"),
    Option("disable-ncurses", "N"), Option("quiet", "Q"), Option("include", "I", "value"),
    Option("exclude", "U", "value"), Option("node", "", "value"), Option("resource", "", "value"),
    Option("classic"), Option("daemonize", "d"), Option("pid-file", "p", "value"),
    Option("as-html", "h", "value"), Option("text-fancy"),
)  # fmt: skip


def crm_mon(words: Sequence[str], ports: ToolPorts) -> Said:
    """Show the status once."""
    given = parse(words, OPTIONS)
    if given.has("help"):
        return Said("Usage: crm_mon -1 [-r] [-n] [-f] [-A] [-o] [-t] [-b] [-D] [-R] [-c] [-X]")
    form = "xml" if given.has("as-xml") else given.get("output-as", "text")
    if given.has("daemonize") or form == "html" or given.has("as-html"):
        raise ToolError("HTML and the background mode are not supported; use -1", EXIT_USAGE)
    has_bans = form == "xml" or given.has("neg-locations")
    view = view_of_snapshot(ports.cib.read(), has_bans=has_bans)
    if given.has("simple-status"):
        return simple_status(view)
    if form == "xml":
        request = " ".join(("crm_mon", *words))
        return Said(status_xml(view, request=request))
    if given.has("classic") or ports.environment.get("PACELINE_STYLE") == "classic":
        layout = classic_layout(has_inactive=given.has("inactive"))
        return Said(classic_status(view, layout))
    return Said(status_text(view, shown_of(given)))


def shown_of(given: Given) -> Shown:
    """Return the sections that the options ask for."""
    return Shown(
        has_summary=not given.has("hide-headers"),
        has_inactive=given.has("inactive"),
        has_attributes=given.has("show-node-attributes"),
        has_fail_counts=given.has("failcounts"),
        has_operations=given.has("operations"),
        has_timing=given.has("timing-details"),
        has_tickets=given.has("tickets"),
        has_bans=given.has("neg-locations"),
        has_fencing=given.has("fence-history"),
        is_by_node=given.has("group-by-node"),
        is_detailed=given.has("show-detail"),
        is_brief=given.has("brief"),
    )


def view_of_snapshot(snapshot: CibSnapshot, *, has_bans: bool = False) -> StatusView:
    """Return the view of what a CIB store gave, live or from a file."""
    root = parse_cib(snapshot.document)
    status = snapshot.status or read_status(root) or ClusterStatus(now_ms=0, is_quorate=False)
    return view_of(read_configuration(root), status, has_bans=has_bans)


def simple_status(view: StatusView) -> Said:
    """Return the one line that monitoring systems read, with their exit status."""
    down = [node.name for node in view.nodes if not node.is_online]
    if view.coordinator is None:
        return Said("CLUSTER WARN: No DC", 1)
    if down:
        return Said(f"CLUSTER WARN: offline node: {', offline node: '.join(down)}", 1)
    number = sum(node.resources for node in view.nodes)
    return Said(
        f"CLUSTER OK: {len(view.nodes)} nodes online, {number} resource instances configured"
    )
