"""corosync.conf: read into sections, written back in the layout people know, built for a cluster.

The file is nested sections of `name: value` lines. Order is kept; comments are not.
Source: corosync.conf(5).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

CONF_BYTES_MAX = 1 << 20
DEPTH_MAX = 8
INDENT = "    "
UDP_PORT = 5405
"""Corosync's port of link 0; with knet, link N has this plus N unless its section says other."""
TWO_NODES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A section; the root has the name ""."""

    name: str = ""
    options: tuple[tuple[str, str], ...] = ()
    sections: tuple["Section", ...] = ()

    def find_option(self, name: str) -> str | None:
        """Return the value of an option; the last one counts, as it does for Corosync."""
        return next((value for key, value in reversed(self.options) if key == name), None)

    def all_named(self, name: str) -> Iterator["Section"]:
        """Give the direct subsections of that name, in order."""
        return (section for section in self.sections if section.name == name)

    def with_options(self, changes: Sequence[tuple[str, str]]) -> "Section":
        """Return the section with options replaced in place, added at the end, or removed by ""."""
        wanted = dict(changes)
        kept = [(key, wanted.get(key, value)) for key, value in self.options]
        known = {key for key, _ in kept}
        kept += [(key, value) for key, value in wanted.items() if key not in known]
        return replace(self, options=tuple((key, value) for key, value in kept if value != ""))

    def with_sections(self, name: str, sections: Sequence["Section"]) -> "Section":
        """Return the section with all direct subsections of that name replaced by these."""
        others = tuple(section for section in self.sections if section.name != name)
        place = next((i for i, s in enumerate(self.sections) if s.name == name), len(others))
        return replace(self, sections=(*others[:place], *sections, *others[place:]))


def parse_corosync_conf(text: str) -> Section:
    """Return the root section. Raises ValueError, naming the line, where the text is broken."""
    open_sections: list[tuple[str, list[tuple[str, str]], list[Section]]] = [("", [], [])]
    for number, raw in enumerate(text.splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.endswith("{"):
            name = line[:-1].strip()
            if not name or len(open_sections) > DEPTH_MAX:
                raise ValueError(f"line {number}: a section needs a name, and at most {DEPTH_MAX}")
            open_sections.append((name, [], []))
        elif line == "}":
            if len(open_sections) == 1:
                raise ValueError(f"line {number}: '}}' closes nothing")
            name, options, sections = open_sections.pop()
            open_sections[-1][2].append(
                Section(name=name, options=tuple(options), sections=tuple(sections))
            )
        else:
            key, colon, value = line.partition(":")
            if not colon or not key.strip():
                raise ValueError(f"line {number}: neither 'name: value' nor a section")
            open_sections[-1][1].append((key.strip(), value.strip()))
    if len(open_sections) != 1:
        raise ValueError(f"the section '{open_sections[-1][0]}' is not closed")
    return Section(options=tuple(open_sections[0][1]), sections=tuple(open_sections[0][2]))


def render_corosync_conf(root: Section) -> str:
    """Return the text: options first, an empty line before each further section."""
    return "\n".join(_lines(root, 0)) + "\n"


def _lines(section: Section, depth: int) -> list[str]:
    """Return the lines inside a section."""
    indent = INDENT * depth
    lines = [f"{indent}{key}: {value}" for key, value in section.options]
    for inner in section.sections:
        if lines:
            lines.append("")
        lines += [f"{indent}{inner.name} {{", *_lines(inner, depth + 1), f"{indent}}}"]
    return lines


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfNode:
    """A node of the node list. `addresses` are in the order of the links."""

    name: str
    nodeid: int
    addresses: tuple[str, ...]


def read_nodes(root: Section) -> tuple[ConfNode, ...]:
    """Return the node list; a node without a name is called by its first address."""
    nodes = []
    for node_list in root.all_named("nodelist"):
        for node in node_list.all_named("node"):
            links = sorted(
                (int(key[4:-5]), value)
                for key, value in node.options
                if key.startswith("ring") and key.endswith("_addr") and key[4:-5].isdecimal()
            )
            addresses = tuple(value for _, value in links)
            nodeid = node.find_option("nodeid") or "0"
            nodes.append(
                ConfNode(
                    name=node.find_option("name") or next(iter(addresses), ""),
                    nodeid=int(nodeid) if nodeid.isdecimal() else 0,
                    addresses=addresses,
                )
            )
    return tuple(nodes)


def read_link_ports(root: Section) -> tuple[int, ...]:
    """Return the UDP port of each link, in the order of the links."""
    count = max((len(node.addresses) for node in read_nodes(root)), default=1)
    is_knet = all(t.find_option("transport") in (None, "knet") for t in root.all_named("totem"))
    ports = [UDP_PORT + link if is_knet else UDP_PORT for link in range(count)]
    for totem in root.all_named("totem"):
        for interface in totem.all_named("interface"):
            link = interface.find_option("linknumber") or "0"
            port = interface.find_option("mcastport") or ""
            if link.isdecimal() and port.isdecimal() and int(link) < count:
                ports[int(link)] = int(port)
    return tuple(ports)


def read_cluster_name(root: Section) -> str:
    """Return the cluster's name, or ""."""
    names = (totem.find_option("cluster_name") for totem in root.all_named("totem"))
    return next((name for name in names if name), "")


def is_package_example(text: str) -> bool:
    """Say whether this is the file that a distribution's package brings: one node, on loopback.

    Such a file makes no cluster; Debian installs one and starts Corosync with it.
    """
    try:
        nodes = read_nodes(parse_corosync_conf(text))
    except ValueError:
        return False
    return len(nodes) == 1 and nodes[0].addresses in (("127.0.0.1",), ("::1",))


def read_names(text: str) -> tuple[str, tuple[str, ...]]:
    """Return the cluster's name and its nodes' names. Raises ValueError where it is broken."""
    root = parse_corosync_conf(text)
    return read_cluster_name(root), tuple(node.name for node in read_nodes(root))


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterConf:
    """What a new cluster's corosync.conf is made of.

    `links` are option sets of links with their number (`linknumber`), names as in the file.
    `system` is for machines where Corosync may not do all it wants (labs, containers).
    """

    name: str
    nodes: tuple[ConfNode, ...]
    transport: str = "knet"
    transport_options: tuple[tuple[str, str], ...] = ()
    crypto: tuple[tuple[str, str], ...] = (("cipher", "aes256"), ("hash", "sha256"))
    compression: tuple[tuple[str, str], ...] = ()
    links: tuple[tuple[tuple[str, str], ...], ...] = ()
    totem: tuple[tuple[str, str], ...] = ()
    quorum: tuple[tuple[str, str], ...] = ()
    system: tuple[tuple[str, str], ...] = ()
    uuid: str = ""
    log_file: str = "/var/log/corosync/corosync.log"
    extra: tuple[Section, ...] = field(default=())


def build_corosync_conf(conf: ClusterConf) -> str:
    """Return the corosync.conf of a new cluster; two nodes get `two_node`."""
    root = Section(
        sections=(
            _totem(conf),
            Section(name="nodelist", sections=tuple(node_section(node) for node in conf.nodes)),
            _quorum(conf),
            Section(
                name="logging",
                options=(
                    ("to_logfile", "yes"),
                    ("logfile", conf.log_file),
                    ("to_syslog", "yes"),
                    ("timestamp", "on"),
                ),
            ),
            *((Section(name="system", options=conf.system),) if conf.system else ()),
            *conf.extra,
        )
    )
    return render_corosync_conf(root)


def _totem(conf: ClusterConf) -> Section:
    is_knet = conf.transport == "knet"
    options = [
        ("version", "2"),
        ("cluster_name", conf.name),
        ("transport", conf.transport),
        *conf.totem,
        *conf.transport_options,
        *((f"knet_compression_{key}", value) for key, value in conf.compression),
        *((f"crypto_{key}", value) for key, value in conf.crypto if is_knet),
        *((("cluster_uuid", conf.uuid),) if conf.uuid else ()),
    ]
    ordered = sorted(conf.links, key=lambda one: dict(one).get("linknumber", "0"))
    links = tuple(Section(name="interface", options=options) for options in ordered)
    return Section(name="totem", options=tuple(options), sections=links)


def node_section(node: ConfNode) -> Section:
    """Return a node's section in the node list."""
    rings = tuple((f"ring{i}_addr", address) for i, address in enumerate(node.addresses))
    return Section(name="node", options=(*rings, ("name", node.name), ("nodeid", str(node.nodeid))))


def _quorum(conf: ClusterConf) -> Section:
    given = dict(conf.quorum)
    # With auto_tie_breaker votequorum refuses two_node.
    is_two = len(conf.nodes) == TWO_NODES and given.get("auto_tie_breaker", "0") != "1"
    two = (("two_node", "1"),) if is_two else ()
    return Section(name="quorum", options=(("provider", "corosync_votequorum"), *two, *conf.quorum))
