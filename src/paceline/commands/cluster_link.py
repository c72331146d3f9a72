"""`pcs cluster link add|remove|update`: the networks that Corosync uses.

Links are added to and taken from a running cluster (knet). What an existing link is, its addresses
and options, changes only while the cluster is stopped.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from paceline.commands.arguments import parse_pairs, split_sections
from paceline.commands.cluster_nodes import invalid, read_conf
from paceline.commands.cluster_options import (
    KNET_LINKS_MAX,
    LINK_KNET,
    LINK_NAMES_IN_FILE,
    LINK_UDP,
    check_options,
)
from paceline.commands.contract import (
    Alias,
    Command,
    Findings,
    Needs,
    Outcome,
    Ports,
    Request,
    UsageError,
)
from paceline.commands.corosync_live import spread_conf
from paceline.model.corosync_conf import Section, read_nodes


def add_link(request: Request, ports: Ports) -> Outcome:
    """`cluster link add NODE=ADDRESS... [options OPTION=VALUE...]`."""
    words, sections = split_sections(request.arguments, ("options",))
    addresses, options = parse_pairs(words), parse_pairs(sections.get("options", ()))
    if not addresses:
        raise UsageError
    root = read_conf(ports)
    _need_knet(root)
    findings = request.findings
    check_options(findings, "link", options, LINK_KNET)
    _check_nodes(findings, root, addresses, needs_all=True)
    _check_addresses(findings, root, addresses, but_link=None)
    used = link_numbers(root)
    free = [number for number in range(KNET_LINKS_MAX) if number not in used]
    wanted = options.pop("linknumber", "")
    if not free:
        findings.error("too-many-links", f"a cluster has at most {KNET_LINKS_MAX} links")
    elif wanted.isdecimal() and int(wanted) in used:
        findings.error("link-exists", f"link '{wanted}' exists already")
    findings.stop_if_errors()
    number = int(wanted) if wanted else free[0]
    changed = _with_addresses(root, number, addresses)
    if options:
        changed = _with_options(changed, number, options, is_knet=True)
    spread_conf(request, ports, changed)
    return Outcome()


def remove_links(request: Request, ports: Ports) -> Outcome:
    """`cluster link remove LINKNUMBER...`."""
    if not request.arguments:
        raise UsageError
    root = read_conf(ports)
    _need_knet(root)
    used = link_numbers(root)
    wanted = sorted(set(request.arguments))
    unknown = [word for word in wanted if not (word.isdecimal() and int(word) in used)]
    if unknown:
        _say_unknown(request.findings, unknown, used)
    elif len(wanted) == len(used):
        request.findings.error(
            "last-link", "All links would be removed, and nodes could not reach each other"
        )
    request.findings.stop_if_errors()
    for number in map(int, wanted):
        nothing = {node.name: "" for node in read_nodes(root)}
        root = _without_options(_with_addresses(root, number, nothing), number)
    spread_conf(request, ports, root)
    return Outcome()


def update_link(request: Request, ports: Ports) -> Outcome:
    """`cluster link update LINKNUMBER [NODE=ADDRESS...] [options OPTION=[VALUE]...]`."""
    words, sections = split_sections(request.arguments, ("options",))
    if not words or (len(words) == 1 and not sections.get("options")):
        raise UsageError
    addresses, options = parse_pairs(words[1:]), parse_pairs(sections.get("options", ()))
    root = read_conf(ports)
    used = link_numbers(root)
    if not (words[0].isdecimal() and int(words[0]) in used):
        _say_unknown(request.findings, [words[0]], used)
        request.findings.stop_if_errors()
    number = int(words[0])
    is_knet = _is_knet(root)
    allowed = {k: v for k, v in (LINK_KNET if is_knet else LINK_UDP).items() if k != "linknumber"}
    unknown = {name: value for name, value in options.items() if value or name not in allowed}
    check_options(request.findings, "link", unknown, allowed)
    _check_nodes(request.findings, root, addresses, needs_all=False)
    _check_addresses(request.findings, root, addresses, but_link=number)
    request.findings.stop_if_errors()
    changed = _with_addresses(root, number, addresses)
    if options:
        changed = _with_options(changed, number, options, is_knet=is_knet)
    spread_conf(request, ports, changed, needs_stopped=("addresses and options of a link in use",))
    return Outcome()


def link_numbers(root: Section) -> tuple[int, ...]:
    """Return the numbers of the links that the nodes have addresses for."""
    found = {
        int(key[4:-5])
        for node in _node_sections(root)
        for key, _ in node.options
        if key.startswith("ring") and key.endswith("_addr") and key[4:-5].isdigit()
    }
    return tuple(sorted(found))


def _node_sections(root: Section) -> tuple[Section, ...]:
    return tuple(node for found in root.all_named("nodelist") for node in found.all_named("node"))


def _name_of(node: Section) -> str:
    return node.find_option("name") or node.find_option("ring0_addr") or ""


def _is_knet(root: Section) -> bool:
    return all(t.find_option("transport") in (None, "knet") for t in root.all_named("totem"))


def _need_knet(root: Section) -> None:
    if not _is_knet(root):
        raise invalid(
            "transport-has-one-link",
            "links are added and removed only with the transport knet; this cluster uses another",
        )


def _say_unknown(findings: Findings, unknown: Sequence[str], used: Sequence[int]) -> None:
    shown = ", ".join(f"'{word}'" for word in unknown)
    findings.error(
        "no-such-link",
        f"there is no link {shown}; links are: {', '.join(map(str, used))}",
        advice="  look:  pcs cluster config show",
    )


def _check_nodes(
    findings: Findings, root: Section, addresses: Mapping[str, str], *, needs_all: bool
) -> None:
    """Report nodes that do not exist, and those without an address."""
    names = [node.name for node in read_nodes(root)]
    for name in sorted(addresses):
        if name not in names:
            findings.error("no-such-node", f"Node '{name}' does not appear to exist")
        elif not addresses[name]:
            findings.error("no-address", f"the address of node '{name}' is empty")
    for name in names if needs_all else ():
        if name not in addresses:
            findings.error(
                "no-address", f"node '{name}' needs an address on the link:  {name}=ADDRESS"
            )


def _check_addresses(
    findings: Findings, root: Section, addresses: Mapping[str, str], *, but_link: int | None
) -> None:
    """Report addresses that are in use already, or given twice."""
    own = f"ring{but_link}_addr"
    used = {
        value: _name_of(node)
        for node in _node_sections(root)
        for key, value in node.options
        if key.endswith("_addr") and not (key == own and _name_of(node) in addresses)
    }
    for name in sorted(addresses):
        address = addresses[name]
        if set(address) & set(" {}\n\r"):
            findings.error("bad-address", f"'{address}' is no address of node '{name}'")
        elif address and address in used:
            findings.error(
                "address-in-use", f"address '{address}' is used by node '{used[address]}' already"
            )
        used[address] = name


def _with_addresses(root: Section, number: int, addresses: Mapping[str, str]) -> Section:
    """Return the configuration with these addresses on the link, behind those it has."""
    node_list = next(root.all_named("nodelist"), Section(name="nodelist"))
    changed = tuple(
        _with_address(node, number, addresses[_name_of(node)])
        if _name_of(node) in addresses
        else node
        for node in node_list.all_named("node")
    )
    return root.with_sections("nodelist", (node_list.with_sections("node", changed),))


def _with_address(node: Section, number: int, address: str) -> Section:
    """Return the node with the address; rings stand first, in their order."""
    options = dict(node.with_options(((f"ring{number}_addr", address),)).options)
    rings = sorted(key for key in options if key.startswith("ring") and key.endswith("_addr"))
    others = [key for key in options if key not in rings]
    return replace(node, options=tuple((key, options[key]) for key in (*rings, *others)))


def _with_options(
    root: Section, number: int, options: Mapping[str, str], *, is_knet: bool
) -> Section:
    """Return the configuration with the link's options changed; "" removes one."""
    totem = next(root.all_named("totem"), Section(name="totem"))
    links = list(totem.all_named("interface"))
    index = next((i for i, link in enumerate(links) if _number_of(link) == number), len(links))
    if index == len(links):
        links.append(Section(name="interface", options=(("linknumber", str(number)),)))
    names = LINK_NAMES_IN_FILE if is_knet else {}
    pairs = [(names.get(key, key), value) for key, value in sorted(options.items())]
    links[index] = links[index].with_options(pairs)
    kept = [link for link in links if any(key != "linknumber" for key, _ in link.options)]
    return root.with_sections("totem", (totem.with_sections("interface", tuple(kept)),))


def _without_options(root: Section, number: int) -> Section:
    totem = next(root.all_named("totem"), Section(name="totem"))
    kept = tuple(link for link in totem.all_named("interface") if _number_of(link) != number)
    return root.with_sections("totem", (totem.with_sections("interface", kept),))


def _number_of(link: Section) -> int:
    text = link.find_option("linknumber") or link.find_option("ringnumber") or "0"
    return int(text) if text.isdigit() else 0


COMMANDS = (
    Command(
        words="cluster link add",
        handler=add_link,
        needs=Needs.CLUSTER,
        arguments="<node>=<address>... [options <link options>]",
        options=("force", "skip-offline", "request-timeout", "dry-run"),
        help="Add a link: one address for each node. The cluster may run.",
    ),
    Command(
        words="cluster link remove",
        handler=remove_links,
        needs=Needs.CLUSTER,
        arguments="<linknumber> [<linknumber>]...",
        options=("skip-offline", "request-timeout", "dry-run"),
        help="Remove links. The cluster may run.",
        aliases=(Alias(words="cluster link delete"),),
    ),
    Command(
        words="cluster link update",
        handler=update_link,
        needs=Needs.CLUSTER,
        arguments="<linknumber> [<node>=<address>...] [options <link options>]",
        options=("force", "skip-offline", "request-timeout", "dry-run"),
        help="Change a link's addresses or options, while the cluster is stopped.",
    ),
)
