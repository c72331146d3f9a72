"""`cluster rename`, `cluster node rename-corosync`, `cluster node rename-cib`: other names.

Corosync reads names when it starts, so what concerns it changes only while the cluster is stopped.
"""

from collections.abc import Iterator
from dataclasses import replace

from paceline.cib.remote_nodes import taken_names
from paceline.cib.tree import Element, get_configuration
from paceline.cib.tree import nodes as cib_nodes
from paceline.commands.cluster_nodes import forget_in_daemon, invalid, quoted, read_conf
from paceline.commands.cluster_services import cluster_names
from paceline.commands.cluster_setup_words import check_cluster_name
from paceline.commands.contract import Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.corosync_live import spread_conf
from paceline.commands.edit import edit_cib
from paceline.model.corosync_conf import Section, node_section, read_nodes

NAMES_COUNT = 2
_PLACES: tuple[tuple[str, str], ...] = (
    ("rsc_location", "node"),
    ("fencing-level", "target"),
)
"""Elements, and their attribute that names a node. Source: the schema of the configuration."""


def rename_cluster(request: Request, ports: Ports) -> Outcome:
    """`cluster rename NAME`: on all nodes, while the cluster is stopped."""
    if len(request.arguments) != 1:
        raise UsageError
    (name,) = request.arguments
    check_cluster_name(request.findings, name)
    request.findings.stop_if_errors()
    root = read_conf(ports)
    totem = next(root.all_named("totem"), Section(name="totem"))
    changed = totem.with_options((("cluster_name", name),))
    spread_conf(
        request,
        ports,
        root.with_sections("totem", (changed,)),
        needs_stopped=("the name of a cluster",),
    )
    return Outcome()


def rename_in_corosync(request: Request, ports: Ports) -> Outcome:
    """`cluster node rename-corosync OLD NEW`: on all nodes, while the cluster is stopped."""
    old, new = _names(request)
    root = read_conf(ports)
    members = read_nodes(root)
    known = {node.name for node in members}
    if old not in known:
        raise invalid("node-unknown", f"Node '{old}' does not appear to exist in configuration")
    if new in known:
        raise invalid("node-exists", f"Node '{new}' is in the cluster already")
    renamed = tuple(replace(node, name=new) if node.name == old else node for node in members)
    node_list = Section(name="nodelist", sections=tuple(node_section(node) for node in renamed))
    spread_conf(
        request,
        ports,
        root.with_sections("nodelist", (node_list,)),
        needs_stopped=("the name of a node",),
        answers_as={new: old},
    )
    if request.has("dry-run"):
        return Outcome()
    request.findings.inform(
        "what-is-left",
        f"Now give the machine the host name '{new}', restart its node service, authenticate it "
        f"again (pcs host auth), and start the cluster. Then:  "
        f"pcs cluster node rename-cib {old} {new}",
    )
    return Outcome()


def rename_in_cib(request: Request, ports: Ports) -> Outcome:
    """`cluster node rename-cib OLD NEW`: in everything that the configuration says of the node."""
    old, new = _names(request)
    if ports.cib.is_live:
        members = cluster_names(ports)
        if old in members or new not in members:
            request.findings.error(
                "names-differ",
                f"the nodes of corosync.conf are {quoted(members)}: rename '{old}' there first, "
                "while the cluster is stopped:  "
                f"pcs cluster node rename-corosync {old} {new}",
                is_forceable=True,
            )
        request.findings.stop_if_errors()
    edit_cib(request, ports, lambda root: _rename(root, old, new, is_live=ports.cib.is_live))
    if ports.cib.is_live and not request.has("dry-run"):
        problem = forget_in_daemon(ports, old)
        if problem:
            request.findings.warn(
                "node-not-forgotten", f"the cluster still remembers {old}: {problem}"
            )
    return Outcome()


def _names(request: Request) -> tuple[str, str]:
    if len(request.arguments) != NAMES_COUNT:
        raise UsageError
    old, new = request.arguments
    if old == new:
        raise invalid("same-name", f"'{old}' is its name already")
    if not new or any(character in new for character in " \t{}:"):
        raise invalid("bad-name", f"'{new}' cannot be the name of a node")
    return old, new


def _rename(root: Element, old: str, new: str, *, is_live: bool) -> str:
    """Let everything that names the node name it anew. Raises InvalidRequestError."""
    named = {node.get("uname"): node for node in cib_nodes(root)}
    places = list(_namings(root, old))
    if old not in named and not places:
        raise invalid("node-unknown", f"Node '{old}' does not appear to exist in configuration")
    here, there = named.get(old), named.get(new)
    if there is not None and here is not None and (there.get("id") == here.get("id") or is_live):
        # The running cluster has added the node under its new name; what was set stays with it.
        _take_over(here, there)
    elif new in taken_names(root):
        raise invalid("node-exists", f"'{new}' already exists")
    elif here is not None:
        here.set("uname", new)
    for element, attribute in places:
        element.set(attribute, new)
    return ""


def _take_over(old: Element, new: Element) -> None:
    """Let the node's element, with all that was set on it, stand for the one of its new name."""
    parent = new.getparent()
    if parent is not None:
        parent.remove(new)
    old.set("id", new.get("id", ""))
    old.set("uname", new.get("uname", ""))


def _namings(root: Element, name: str) -> Iterator[tuple[Element, str]]:
    """Give every element of the configuration that names a node, and the attribute in which."""
    configuration = get_configuration(root)
    for tag, attribute in _PLACES:
        for element in configuration.iter(tag):
            if element.get(attribute) == name:
                yield element, attribute
    for expression in configuration.iter("expression"):
        if expression.get("attribute") == "#uname" and expression.get("value") == name:
            yield expression, "value"


COMMANDS = (
    Command(
        words="cluster rename",
        handler=rename_cluster,
        needs=Needs.CLUSTER,
        arguments="<new name>",
        options=("force", "skip-offline", "request-timeout", "dry-run"),
        help="Give the cluster another name, on all nodes, while it is stopped.",
        details="GFS2 and DLM keep the name of the cluster on their volumes: those have to be "
        "changed with their own tools.",
    ),
    Command(
        words="cluster node rename-corosync",
        handler=rename_in_corosync,
        needs=Needs.CLUSTER,
        arguments="<old name> <new name>",
        options=("skip-offline", "request-timeout", "dry-run"),
        help="Give a node another name in all corosync.conf files, while the cluster is stopped.",
        details="The host name of the machine has to be the same; the command says what is left "
        "to do. Where fencing is enabled, disable it before the cluster is stopped and enable it "
        "after 'cluster node rename-cib': until then the old name is that of a lost node.",
    ),
    Command(
        words="cluster node rename-cib",
        handler=rename_in_cib,
        needs=Needs.CIB,
        arguments="<old name> <new name>",
        options=("force",),
        help="Give a node another name in all that the configuration says of it.",
        details="Constraints, their rules and fencing levels follow. Options of fence devices that "
        "name hosts (pcmk_host_list, pcmk_host_map, plug) are not changed.",
    ),
)
