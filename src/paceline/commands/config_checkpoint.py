"""`config checkpoint`: older versions of the configuration, shown, compared and brought back."""

from copy import deepcopy
from datetime import UTC, datetime

from paceline.cib.comparing import differences, things_of
from paceline.cib.tree import Element, find_section, parse_cib
from paceline.commands.cluster_apply import difference_lines
from paceline.commands.config_show import configuration_lines
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib, read_cib
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report

LIVE = "live"


def listing(request: Request, ports: Ports) -> Outcome:
    """List what is kept: `config checkpoint [list]`."""
    if request.arguments:
        raise UsageError
    lines = [
        f"checkpoint {one.number}: date {_date(one.replaced_ms)}"
        for one in ports.open_checkpoints().all_kept()
    ]
    return Outcome(text="\n".join(lines or ["No checkpoints"]))


def _date(moment_ms: int) -> str:
    moment = datetime.fromtimestamp(moment_ms // 1000, UTC)
    return moment.strftime("%a %b %e %H:%M:%S %Y UTC")


def _get(ports: Ports, wanted: str) -> Element:
    """Return a kept version, or what runs. Raises InvalidRequestError where there is none."""
    if wanted == LIVE:
        return read_cib(ports)
    document = ports.open_checkpoints().read(int(wanted)) if wanted.isdecimal() else None
    if document is None:
        message = f"unable to read checkpoint '{wanted}': there is none of this number"
        raise InvalidRequestError(Report(code="checkpoint-unknown", message=message))
    return parse_cib(document)


def view(request: Request, ports: Ports) -> Outcome:
    """Show a version: `config checkpoint view NUMBER`."""
    if len(request.arguments) != 1:
        raise UsageError
    root = _get(ports, request.arguments[0])
    lines = configuration_lines(root, is_classic=request.is_classic)
    return Outcome(text="\n".join(lines))


def diff(request: Request, ports: Ports) -> Outcome:
    """Compare two versions: `config checkpoint diff NUMBER NUMBER|live`."""
    if len(request.arguments) != 2:
        raise UsageError
    first, second = request.arguments
    if first == second:
        raise UsageError("cannot diff a checkpoint against itself")
    before, after = _get(ports, first), _get(ports, second)
    found = differences(things_of(before), things_of(after))
    head = f"Differences between {_name(first)} (-) and {_name(second)} (+):"
    return Outcome(text="\n".join((head, *(difference_lines(found) or ["There are none."]))))


def _name(wanted: str) -> str:
    return "live configuration" if wanted == LIVE else f"checkpoint {wanted}"


def restore(request: Request, ports: Ports) -> Outcome:
    """Bring a version back: `config checkpoint restore NUMBER`."""
    if len(request.arguments) != 1:
        raise UsageError
    kept = _get(ports, request.arguments[0])

    edit_cib(request, ports, lambda root: bring_back(root, kept))
    return Outcome()


def bring_back(root: Element, kept: Element) -> str:
    """Replace the configuration by an older one; who is a member stays as it is now.

    Nodes of today get the attributes that they had then. Returns no text, as an edit does.
    """
    old, new = root.find("configuration"), deepcopy(kept).find("configuration")
    if old is None or new is None:
        return ""
    nodes_now, nodes_then = find_section(root, "nodes"), new.find("nodes")
    if nodes_now is not None and nodes_then is not None:
        then = {node.get("uname"): node for node in nodes_then}
        for node in nodes_now:
            older = then.get(node.get("uname"))
            if older is not None:
                for attributes in list(node):
                    node.remove(attributes)
                node.extend(list(older))
        new.replace(nodes_then, nodes_now)
    root.replace(old, new)
    return ""


COMMANDS = (
    Command(
        words="config checkpoint list",
        handler=listing,
        needs=Needs.CLUSTER,
        help="List the older versions of the configuration that this node keeps.",
        aliases=(Alias(words="config checkpoint", takes_arguments=False),),
    ),
    Command(
        words="config checkpoint view",
        handler=view,
        needs=Needs.CLUSTER,
        arguments="<checkpoint number>",
        help="Show an older version.",
    ),
    Command(
        words="config checkpoint diff",
        handler=diff,
        needs=Needs.CLUSTER,
        arguments="<checkpoint number> <checkpoint number | live>",
        help="Show what differs between two versions, thing by thing.",
    ),
    Command(
        words="config checkpoint restore",
        handler=restore,
        needs=Needs.CIB_LIVE,
        arguments="<checkpoint number>",
        options=("dry-run",),
        help="Bring an older version back; who is a member stays as it is.",
    ),
)
