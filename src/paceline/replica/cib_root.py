"""The root of the `<cib>` document: version attributes for clients, and what a new cluster needs.

Order of truth is the lineage; admin_epoch, epoch and num_updates are counted here because other
programs read them (facts: a replacement with lower counts is refused, as Pacemaker does).
"""

from datetime import UTC, datetime
from io import BytesIO

from lxml import etree

from paceline.cib.xml_text import XmlTextError, parse_text
from paceline.model.identifiers import NodeId, NodeName
from paceline.model.status import ChangeOrigin

FEATURE_SET = "3.20.0"
"""The crm_feature_set that we speak: Pacemaker 3.0's."""
SCHEMA = "pacemaker-3.9"
EMPTY_CIB = (
    f'<cib crm_feature_set="{FEATURE_SET}" validate-with="{SCHEMA}" epoch="0" num_updates="0"'
    ' admin_epoch="0">'
    "<configuration><crm_config/><nodes/><resources/><constraints/></configuration></cib>"
).encode()
BOOTSTRAP_SET = "cib-bootstrap-options"
BOOTSTRAP_USER, BOOTSTRAP_CLIENT = "hacluster", "crmd"


class EpochError(ValueError):
    """A document that cannot replace the one that is there; `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the stable word beside the sentence."""
        super().__init__(message)
        self.code = code


def stamp(new: bytes, current: bytes, origin: ChangeOrigin, wall_ms: int) -> bytes:
    """Return the new document with its epoch counted on and the origin of the change written in.

    Raises EpochError where it is no CIB or has lower counts than the current one.
    """
    root, old = _parse(new), _root_of(current)
    admin, epoch = _number(root, "admin_epoch"), _number(root, "epoch")
    old_admin, old_epoch = _number(old, "admin_epoch"), _number(old, "epoch")
    if (admin, epoch) < (old_admin, old_epoch):
        raise EpochError(
            "epoch-lower",
            f"its version {admin}.{epoch} is lower than the cluster's {old_admin}.{old_epoch}",
        )
    root.set("admin_epoch", str(admin))
    root.set("epoch", str(epoch + 1 if admin == old_admin else epoch))
    root.set("num_updates", "0")
    written = datetime.fromtimestamp((origin.time_ms or wall_ms) // 1000, UTC)
    root.set("cib-last-written", written.strftime("%a %b %e %H:%M:%S %Y"))
    root.set("update-origin", origin.node)
    root.set("update-client", origin.client)
    root.set("update-user", origin.user)
    for status in root.findall("status"):
        root.remove(status)
    return etree.tostring(root)


def bootstrap(
    configuration: bytes,
    *,
    nodes: tuple[tuple[NodeId, NodeName], ...],
    cluster_name: str,
    version: str,
) -> bytes | None:
    """Return the document with what a new cluster or a new release needs, None if it has it all.

    That is a `<node>` for each of Corosync's nodes and the cluster's own properties.
    """
    root = _parse(configuration)
    parent = _section(root)
    changed = _add_nodes(_child(parent, "nodes"), nodes)
    wanted = [
        ("have-watchdog", "false"),
        ("dc-version", version),
        ("cluster-infrastructure", "corosync"),
        ("cluster-name", cluster_name),
    ]
    options = _child(parent, "crm_config")
    for name, value in wanted:
        changed = _set_option(options, name, value) or changed
    return etree.tostring(root) if changed else None


def _parse(document: bytes) -> etree._Element:
    try:
        root = parse_text(document, keeps_blanks=True)
    except XmlTextError as problem:
        raise EpochError("not-xml", f"it is not well-formed XML: {problem}") from problem
    if root.tag != "cib":
        raise EpochError("not-a-cib", f"its root is <{root.tag}>, not <cib>")
    return root


def _root_of(document: bytes) -> etree._Element:
    """Return the root element alone, without reading what is in it."""
    for _, element in etree.iterparse(BytesIO(document), events=("start",), resolve_entities=False):
        root: etree._Element = element
        return root
    raise EpochError("not-xml", "there is nothing in it")


def _number(root: etree._Element, name: str) -> int:
    word = root.get(name, "0")
    return int(word) if word.isdigit() else 0


def _child(parent: etree._Element, tag: str) -> etree._Element:
    found = parent.find(tag)
    return etree.SubElement(parent, tag) if found is None else found


def _section(root: etree._Element) -> etree._Element:
    return _child(root, "configuration")


def _add_nodes(section: etree._Element, nodes: tuple[tuple[NodeId, NodeName], ...]) -> bool:
    known = {node.get("uname"): node for node in section.findall("node")}
    missing = [(node_id, name) for node_id, name in nodes if name not in known]
    for node_id, name in missing:
        node = etree.SubElement(section, "node")
        node.set("id", str(node_id))
        node.set("uname", name)
    return bool(missing)


def _set_option(section: etree._Element, name: str, value: str) -> bool:
    if not value:
        return False
    for pair in section.iter("nvpair"):
        if pair.get("name") == name:
            if pair.get("value") == value:
                return False
            pair.set("value", value)
            return True
    first = section.find(f"cluster_property_set[@id='{BOOTSTRAP_SET}']")
    if first is None:
        first = etree.Element("cluster_property_set")
        first.set("id", BOOTSTRAP_SET)
        section.insert(0, first)
    pair = etree.SubElement(first, "nvpair")
    pair.set("id", f"{BOOTSTRAP_SET}-{name}")
    pair.set("name", name)
    pair.set("value", value)
    return True
