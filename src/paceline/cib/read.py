"""Reading a CIB: configuration and status as typed values.

What is not understood is passed over here; `cib.check` is who complains. Only text that is no XML
at all, or no `<cib>`, is refused.
"""

from lxml import etree

from paceline.cib.read_attributes import (
    Element,
    References,
    duration_ms_or,
    number_or,
    parse_flag,
    read_sets,
    score_or,
)
from paceline.cib.read_constraints import Names, read_constraints
from paceline.cib.read_resources import read_resources
from paceline.cib.read_status import read_node_states, read_tickets
from paceline.cib.xml_text import XmlTextError, parse_text
from paceline.model.configuration import (
    AttributeSet,
    Bundle,
    Clone,
    Configuration,
    ConfiguredNode,
    ConfiguredResource,
    FencingLevel,
    Group,
    Tag,
)
from paceline.model.errors import InvalidRequestError
from paceline.model.identifiers import NodeName, ResourceId
from paceline.model.reports import Report
from paceline.model.snapshot import Snapshot
from paceline.model.status import ChangeOrigin, ClusterStatus, NodeKind

FIRST_OPTIONS_SET = "cib-bootstrap-options"
"""The set of cluster properties that comes before all others, whatever their scores."""


def parse_xml(xml: bytes) -> Element:
    """Return the root element of `xml`, without comments and blanks, resolving no entity.

    Raises InvalidRequestError where it is not well-formed or its root is not `<cib>`.
    """
    try:
        root = parse_text(xml)
    except XmlTextError as problem:
        raise InvalidRequestError(
            Report(code="cib-not-xml", message=f"The CIB is not well-formed XML: {problem}")
        ) from problem
    if root.tag != "cib":
        raise InvalidRequestError(
            Report(code="cib-wrong-root", message=f"The CIB's root is <{root.tag}>, not <cib>")
        )
    return root


def read_configuration(xml: bytes | Element) -> Configuration:
    """Return the configuration of a CIB, from text or from its root element.

    Raises InvalidRequestError where it is no CIB.
    """
    root = parse_xml(xml) if isinstance(xml, bytes) else xml
    part = root.find("configuration")
    if part is None:
        part = etree.Element("configuration")
    references = References(part)
    empty = etree.Element("empty")

    def section(tag: str) -> Element:
        found = part.find(tag)
        return empty if found is None else found

    resources = read_resources(section("resources"), references)
    tags = _read_tags(section("tags"))
    return Configuration(
        epoch=_epoch(root),
        root=tuple((str(key), str(value)) for key, value in root.attrib.items()),
        options=_read_options(section("crm_config"), references),
        resource_defaults=_defaults(section("rsc_defaults"), references),
        operation_defaults=_defaults(section("op_defaults"), references),
        nodes=_read_nodes(section("nodes"), references),
        resources=resources,
        constraints=read_constraints(
            section("constraints"), _names(tags, resources, section("resources")), references
        ),
        fencing_levels=_read_levels(section("fencing-topology")),
        tags=tags,
        templates=tuple(
            ResourceId(each.get("id", "")) for each in section("resources").iterchildren("template")
        ),
    )


def read_options(xml: bytes) -> tuple[AttributeSet, ...]:
    """Return the sets of cluster properties alone: a hundredth of the work of reading all.

    Raises InvalidRequestError where it is no CIB.
    """
    part = parse_xml(xml).find("configuration")
    section = part.find("crm_config") if part is not None else None
    if part is None or section is None:
        return ()
    return _read_options(section, References(part))


def _read_options(section: Element, references: References) -> tuple[AttributeSet, ...]:
    options = read_sets(section, "cluster_property_set", references)
    return tuple(sorted(options, key=lambda each: each.id != FIRST_OPTIONS_SET))


def _epoch(root: Element) -> tuple[int, int, int]:
    def number(name: str) -> int:
        return max(0, number_or(root.get(name), 0))

    return number("admin_epoch"), number("epoch"), number("num_updates")


def _defaults(parent: Element, references: References) -> tuple[AttributeSet, ...]:
    return read_sets(parent, "meta_attributes", references)


def _read_nodes(parent: Element, references: References) -> tuple[ConfiguredNode, ...]:
    return tuple(
        ConfiguredNode(
            id=each.get("id", ""),
            name=NodeName(each.get("uname", "") or each.get("id", "")),
            kind="remote" if each.get("type") == "remote" else "member",
            score=score_or(each.get("score"), 0),
            attributes=read_sets(each, "instance_attributes", references),
            utilization=read_sets(each, "utilization", references),
        )
        for each in parent.iterchildren("node")
    )


def _read_tags(parent: Element) -> tuple[Tag, ...]:
    return tuple(
        Tag(
            id=each.get("id", ""),
            references=tuple(ref.get("id", "") for ref in each.iterchildren("obj_ref")),
        )
        for each in parent.iterchildren("tag")
    )


def _names(
    tags: tuple[Tag, ...], resources: tuple[ConfiguredResource, ...], section: Element
) -> Names:
    """Return what tags and templates stand for; a tag may name a template."""
    names: dict[str, tuple[ResourceId, ...]] = {}
    known: set[str] = set()
    users: dict[str, list[ResourceId]] = {
        each.get("id", ""): [] for each in section.iterchildren("template")
    }
    for resource in resources:
        known.add(resource.id)
        if isinstance(resource, Clone):
            known.add(resource.child.id)
        primitives = []
        inner = resource.child if isinstance(resource, Clone | Bundle) else resource
        if isinstance(inner, Group):
            primitives = list(inner.members)
        elif inner is not None and not isinstance(inner, Clone | Bundle):
            primitives = [inner]
        for primitive in primitives:
            known.add(primitive.id)
            if primitive.template in users:
                users[primitive.template].append(primitive.id)
    for template, ids in users.items():
        names[template] = tuple(ids)
    for tag in tags:
        if tag.id in known:
            continue
        members: list[ResourceId] = []
        for reference in tag.references:
            if reference in names:
                members.extend(names[reference])
            elif reference in known:
                members.append(ResourceId(reference))
        names[tag.id] = tuple(members)
    return names


def _read_levels(parent: Element) -> tuple[FencingLevel, ...]:
    found = []
    for each in parent.iterchildren("fencing-level"):
        index = each.get("index", "0")
        found.append(
            FencingLevel(
                id=each.get("id", ""),
                index=max(0, number_or(index, 0)),
                devices=tuple(
                    ResourceId(name.strip())
                    for name in each.get("devices", "").split(",")
                    if name.strip()
                ),
                target=each.get("target", ""),
                target_pattern=each.get("target-pattern", ""),
                target_attribute=each.get("target-attribute", ""),
                target_value=each.get("target-value", ""),
            )
        )
    return tuple(found)


def read_status(root: Element, *, now_ms: int = 0) -> ClusterStatus | None:
    """Return the status section of a CIB (its root element), None where it has none."""
    status = root.find("status")
    if status is None:
        return None
    names, kinds = _node_names(root)
    coordinator = root.get("dc-uuid", "")
    return ClusterStatus(
        now_ms=now_ms,
        is_quorate=parse_flag(root.get("have-quorum"), False),
        coordinator=names.get(coordinator, NodeName("")),
        nodes=read_node_states(status, names, kinds),
        tickets=read_tickets(status),
        last_change=ChangeOrigin(
            user=root.get("update-user", ""),
            client=root.get("update-client", ""),
            node=root.get("update-origin", ""),
        ),
        feature_set=root.get("crm_feature_set", ""),
        has_watchdog_fencing=has_watchdog_option(root),
    )


def has_watchdog_option(root: Element) -> bool:
    """Say whether the configuration claims watchdog fencing, by the option `have-watchdog`.

    Of a file that is believed; a running cluster knows itself whether it is so.
    """
    path = "configuration/crm_config/cluster_property_set/nvpair[@name='have-watchdog']"
    option = root.find(path)
    return option is not None and parse_flag(option.get("value"), False)


def _node_names(root: Element) -> tuple[dict[str, NodeName], dict[NodeName, NodeKind]]:
    names: dict[str, NodeName] = {}
    kinds: dict[NodeName, NodeKind] = {}
    for node in root.iterfind("configuration/nodes/node"):
        name = NodeName(node.get("uname", "") or node.get("id", ""))
        kinds[name] = NodeKind.REMOTE if node.get("type") == "remote" else NodeKind.MEMBER
        names[name] = name
        names.setdefault(node.get("id", ""), name)
    return names, kinds


def snapshot(configuration_xml: bytes, status: ClusterStatus) -> Snapshot:
    """Return the snapshot of a configuration and a status kept beside it."""
    return Snapshot(configuration=read_configuration(configuration_xml), status=status)


def snapshot_of_file(xml: bytes, now_ms: int) -> Snapshot:
    """Return the snapshot of a whole CIB; without a status section nothing was ever seen.

    An `execution-date` of the CIB (seconds since 1970) comes before `now_ms`.
    """
    root = parse_xml(xml)
    date_s = number_or(root.get("execution-date"), 0)
    if date_s > 0:
        now_ms = date_s * 1000
    status = read_status(root, now_ms=now_ms)
    if status is None:
        status = ClusterStatus(
            now_ms=now_ms,
            is_quorate=parse_flag(root.get("have-quorum"), False),
            has_watchdog_fencing=has_watchdog_option(root),
        )
    return Snapshot(configuration=read_configuration(root), status=status)


__all__ = [
    "duration_ms_or",
    "parse_flag",
    "parse_xml",
    "read_configuration",
    "read_status",
    "snapshot",
    "snapshot_of_file",
]
