"""`config [show]`: everything that is configured, on one page."""

from collections.abc import Iterable

from paceline.cib.resources import is_stonith, iterate_resources, parent_resource
from paceline.cib.tree import Element, nodes
from paceline.commands import alert, defaults, property, tag
from paceline.commands.constraint_texts import Shown, all_lines
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.corosync_file import quorum_lines, read_conf
from paceline.commands.edit import read_cib
from paceline.commands.resource_show import KIND_ORDER
from paceline.commands.resource_texts import resource_lines
from paceline.commands.stonith_level import level_lines
from paceline.model.corosync_conf import read_cluster_name, read_nodes


def show(request: Request, ports: Ports) -> Outcome:
    """Show nodes, resources, devices, constraints, alerts, defaults, options, tags and quorum."""
    if request.arguments:
        raise UsageError
    root = read_cib(ports)
    conf = read_conf(ports)
    lines = [
        f"Cluster Name: {read_cluster_name(conf)}",
        "Corosync Nodes:",
        f" {' '.join(node.name for node in read_nodes(conf))}",
        *configuration_lines(root, is_classic=request.is_classic),
        "",
        "Quorum:",
        *_indented(quorum_lines(conf), "  "),
    ]
    return Outcome(text="\n".join(lines))


def configuration_lines(root: Element, *, is_classic: bool) -> list[str]:
    """Return what a CIB configures, as people read it."""
    tops = [one for one in iterate_resources(root) if parent_resource(one) is None]
    ordered = sorted(tops, key=lambda one: KIND_ORDER.index(one.tag))
    return [
        "Pacemaker Nodes:",
        f" {' '.join(sorted(node.get('uname', '') for node in nodes(root)))}",
        "",
        "Resources:",
        *_resources(one for one in ordered if not is_stonith(one)),
        "",
        "Stonith Devices:",
        *_resources(one for one in ordered if is_stonith(one)),
        "Fencing Levels:",
        *_indented(level_lines(root), "  "),
        "",
        *all_lines(root, Shown(shows_ids=True, is_classic=is_classic)),
        "",
        *alert.listing(root),
        "",
        "Resources Defaults:",
        *_defaults(root, defaults.RESOURCES),
        "Operations Defaults:",
        *_defaults(root, defaults.OPERATIONS),
        "",
        *property.listing(property.all_properties(root)),
        "",
        "Tags:",
        *(_indented(tag.listing(tag.all_tags(root)), " ") or [" No tags defined"]),
    ]


def _indented(lines: Iterable[str], indent: str) -> list[str]:
    return [f"{indent}{line}" for line in lines]


def _resources(elements: Iterable[Element]) -> list[str]:
    return [line for one in elements for line in _indented(resource_lines(one), "  ")]


def _defaults(root: Element, section: defaults.Section) -> list[str]:
    found = defaults.listing(root, section, shows_ids=True)
    return _indented(found or ["No defaults set"], "  ")


COMMANDS = (
    Command(
        words="config show",
        handler=show,
        needs=Needs.CIB_AND_COROSYNC_CONF,
        options=("show-secrets",),
        help="Show everything that is configured.",
        aliases=(Alias(words="config", takes_arguments=False),),
    ),
)
