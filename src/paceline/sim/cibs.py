"""Configurations for the made-up cluster, and the edits that administrators make to them.

Every edit leaves a marker, a cluster property of its own that nobody takes away again: so the final
configuration shows which changes it holds, and in which order they were made.

Always there: a group of `a` and `b`, `c` with it and after it, `d`. By the seed: a clone of `k`, a
promotable clone of `p`, `m` that may be migrated, `t` that needs a ticket.
"""

from dataclasses import dataclass

from lxml import etree

from paceline.sim.chance import Chance

MARKER_SET = "sim-markers"
STANDARD_RESOURCES = 4
CLONE, PROMOTABLE, MIGRATABLE, TICKETED = "k", "p", "m", "t"
SHAPES = (CLONE, PROMOTABLE, MIGRATABLE, TICKETED)
TICKET = "permit"


@dataclass(frozen=True, slots=True)
class CibOptions:
    """What the first configuration says, apart from resources."""

    is_fencing_on: bool
    no_quorum_policy: str
    stickiness: int
    failure_timeout_s: int
    shapes: tuple[str, ...] = ()
    """Which of `SHAPES` are there."""


def draw_shapes(chance: Chance) -> tuple[str, ...]:
    """Return what a configuration has beside primitives and a group, often nothing."""
    if chance.percent(30):
        return ()
    return tuple(shape for shape in SHAPES if chance.percent(45))


def draw_options(chance: Chance, *, nodes: int, fencing: bool | None) -> CibOptions:
    """Return options as administrators have them; `fencing` decides for or against it."""
    policies = [("stop", 60), ("freeze", 20), ("demote", 10)]
    drawn = chance.percent(85)
    return CibOptions(
        is_fencing_on=drawn if fencing is None else fencing,
        no_quorum_policy=chance.weighted(policies if nodes > 2 else [("stop", 100)]),
        stickiness=chance.pick([0, 1, 100]),
        failure_timeout_s=chance.pick([0, 0, 30]),
    )


def first_cib(
    base: bytes, nodes: tuple[tuple[int, str], ...], options: CibOptions, *, spare: str = ""
) -> bytes:
    """Return the first configuration: options, a fence device, a few resources and constraints.

    `base` is what the cluster has before anything was configured; its root is kept. `spare` is a
    node that may come later, and that the fence device knows.
    """
    root = etree.fromstring(base)
    configuration = _child(root, "configuration")
    crm_config = _child(configuration, "crm_config")
    properties = etree.SubElement(crm_config, "cluster_property_set", id="cib-bootstrap-options")
    for name, value in (
        ("stonith-enabled", "true" if options.is_fencing_on else "false"),
        ("no-quorum-policy", options.no_quorum_policy),
        ("stonith-timeout", "20s"),
        ("cluster-name", "sim"),
    ):
        _pair(properties, f"cib-bootstrap-options-{name}", name, value)
    etree.SubElement(crm_config, "cluster_property_set", id=MARKER_SET)
    known = _child(configuration, "nodes")
    for node_id, name in nodes:
        if known.find(f"node[@uname='{name}']") is None:
            etree.SubElement(known, "node", id=str(node_id), uname=name)
    resources = _child(configuration, "resources")
    _child(configuration, "constraints")
    defaults = etree.SubElement(_child(configuration, "rsc_defaults"), "meta_attributes")
    defaults.set("id", "rsc-defaults")
    _pair(defaults, "rsc-defaults-stickiness", "resource-stickiness", str(options.stickiness))
    if options.failure_timeout_s:
        timeout = f"{options.failure_timeout_s}s"
        _pair(defaults, "rsc-defaults-failure-timeout", "failure-timeout", timeout)
    if options.is_fencing_on:
        hosts = [name for _, name in nodes] + ([spare] if spare else [])
        _add_device(resources, " ".join(hosts))
    group = etree.SubElement(resources, "group", id="grp")
    for name in ("a", "b"):
        _add_dummy(group, name)
    for name in ("c", "d"):
        _add_dummy(resources, name)
    constraints = _child(configuration, "constraints")
    etree.SubElement(
        constraints,
        "rsc_colocation",
        {"id": "col-c-grp", "rsc": "c", "with-rsc": "grp", "score": "INFINITY"},
    )
    etree.SubElement(constraints, "rsc_order", {"id": "ord-grp-c", "first": "grp", "then": "c"})
    for shape in options.shapes:
        _add_shape(resources, constraints, shape)
    return _counted(root)


def _add_shape(resources: etree._Element, constraints: etree._Element, shape: str) -> None:
    if shape in (CLONE, PROMOTABLE):
        clone = etree.SubElement(resources, "clone", id=f"{shape}-clone")
        meta = etree.SubElement(clone, "meta_attributes", id=f"{shape}-clone-meta")
        _pair(meta, f"{shape}-interleave", "interleave", "true")
        if shape == PROMOTABLE:
            _pair(meta, f"{shape}-promotable", "promotable", "true")
            _pair(meta, f"{shape}-notify", "notify", "true")
        _add_dummy(clone, shape, is_promotable=shape == PROMOTABLE)
    else:
        _add_dummy(resources, shape)
    if shape == MIGRATABLE:
        primitive = resources.find(f"primitive[@id='{shape}']")
        if primitive is not None:
            meta = etree.Element("meta_attributes", id=f"{shape}-meta")
            _pair(meta, f"{shape}-meta-allow-migrate", "allow-migrate", "true")
            primitive.insert(0, meta)
    if shape == TICKETED:
        etree.SubElement(
            constraints, "rsc_ticket",
            {"id": f"ticket-{shape}", "rsc": shape, "ticket": TICKET, "loss-policy": "stop"},
        )  # fmt: skip
    if shape == PROMOTABLE:  # `d` goes where it is promoted, after that.
        etree.SubElement(
            constraints, "rsc_colocation",
            {"id": "col-d-p", "rsc": "d", "with-rsc": "p-clone", "with-rsc-role": "Promoted",
             "score": "50"},
        )  # fmt: skip
        etree.SubElement(
            constraints, "rsc_order",
            {"id": "ord-p-d", "first": "p-clone", "first-action": "promote", "then": "d",
             "then-action": "start", "kind": "Optional"},
        )  # fmt: skip


def edit_cib(cib: bytes, marker: str, chance: Chance, nodes: tuple[str, ...]) -> tuple[bytes, str]:
    """Return the configuration after one change as people make them, and its words."""
    root = etree.fromstring(cib)
    resources = root.find("configuration/resources")
    constraints = root.find("configuration/constraints")
    markers = root.find(f"configuration/crm_config/cluster_property_set[@id='{MARKER_SET}']")
    if resources is None or constraints is None or markers is None:
        raise ValueError("the configuration has lost a section")
    _pair(markers, marker, f"sim-{marker}", "1")
    kind = chance.weighted(
        [("disable", 20), ("enable", 25), ("create", 15), ("delete", 10), ("prefer", 20),
         ("clear", 20)]
    )  # fmt: skip
    words = kind
    names = dummies(root)
    if kind in ("disable", "enable") and names:
        name = chance.pick(names)
        _set_meta(root, name, "target-role", "Stopped" if kind == "disable" else "Started")
        words = f"{kind} {name}"
    elif kind == "create" and sum(name.startswith("e") for name in names) < STANDARD_RESOURCES:
        name = next(f"e{n}" for n in range(len(names) + 1) if f"e{n}" not in names)
        _add_dummy(resources, name)
        words = f"create {name}"
    elif kind == "delete" and [name for name in names if name.startswith("e")]:
        name = chance.pick([name for name in names if name.startswith("e")])
        for element in [*root.iter("primitive"), *root.iter("rsc_location")]:
            parent = element.getparent()
            if name in (element.get("id"), element.get("rsc")) and parent is not None:
                parent.remove(element)
        words = f"delete {name}"
    elif kind == "prefer" and names:
        single = [name for name in names if name not in (CLONE, PROMOTABLE)]
        name, node = chance.pick(single), chance.pick(list(nodes))
        _remove_locations(constraints, name)
        score = chance.pick(["INFINITY", "200", "-INFINITY"])
        location = {"id": f"loc-{name}", "rsc": name, "node": node, "score": score}
        etree.SubElement(constraints, "rsc_location", location)
        words = f"location {name} on {node}: {score}"
    else:
        for element in constraints.findall("rsc_location"):
            constraints.remove(element)
        words = "clear all locations"
    return _counted(root), words


def drop_node(cib: bytes, name: str) -> bytes:
    """Return the configuration without a node that was removed from the cluster."""
    root = etree.fromstring(cib)
    for element in [*root.iter("node"), *root.iter("rsc_location")]:
        parent = element.getparent()
        if name in (element.get("uname"), element.get("node")) and parent is not None:
            parent.remove(element)
    return _counted(root)


def dummies(root: etree._Element) -> list[str]:
    """Return the ids of the resources, without fence devices, in order."""
    return [
        element.get("id", "")
        for element in root.iter("primitive")
        if element.get("class") != "stonith"
    ]


def wanted_resources(cib: bytes) -> tuple[list[str], list[str]]:
    """Return what should run once, and what must not run, by the configuration alone.

    Clones and what needs a ticket are not among those that should. A resource with a location
    of -INFINITY or one that depends on others may do either: it is in
    the first list only where nothing can keep it from running.
    """
    root = etree.fromstring(cib)
    disabled = {name for name in dummies(root) if _is_disabled(root, name)}
    if "a" in disabled:
        disabled.add("b")
    banned = {
        element.get("rsc", "")
        for element in root.iter("rsc_location")
        if element.get("score") in ("-INFINITY", "INFINITY")
    }
    held = {"a", "b", "c"} if banned & {"a", "b", "c"} else set()
    if disabled & {"a", "b"}:
        held.add("c")
    names = dummies(root)
    special = {CLONE, PROMOTABLE, TICKETED}
    wanted = [name for name in names if name not in disabled | held | special]
    return wanted, sorted(disabled)


def configured_resources(cib: bytes) -> list[str]:
    """Return all resources that are configured, without fence devices."""
    return dummies(etree.fromstring(cib))


def wanted_clones(cib: bytes) -> list[str]:
    """Return the clones that should run everywhere."""
    root = etree.fromstring(cib)
    return [
        name
        for name in dummies(root)
        if name in (CLONE, PROMOTABLE) and not _is_disabled(root, name)
    ]


def needs_ticket(cib: bytes) -> bool:
    """Say whether there is a resource that should run where its ticket is granted."""
    root = etree.fromstring(cib)
    return TICKETED in dummies(root) and not _is_disabled(root, TICKETED)


def content(cib: bytes) -> bytes:
    """Return what people wrote of a configuration: resources, constraints and their markers."""
    root = etree.fromstring(cib)
    parts = [
        root.find("configuration/resources"),
        root.find("configuration/constraints"),
        root.find(f"configuration/crm_config/cluster_property_set[@id='{MARKER_SET}']"),
    ]
    return b"".join(etree.tostring(part) for part in parts if part is not None)


def markers(cib: bytes) -> tuple[str, ...]:
    """Return the markers of the changes that a configuration holds, in the order of the changes."""
    root = etree.fromstring(cib)
    return tuple(
        pair.get("id", "")
        for pair in root.iterfind(
            f"configuration/crm_config/cluster_property_set[@id='{MARKER_SET}']/nvpair"
        )
    )


def is_fencing_on(cib: bytes) -> bool:
    """Say whether the configuration has fencing on."""
    pair = etree.fromstring(cib).find(".//nvpair[@name='stonith-enabled']")
    return pair is None or pair.get("value") != "false"


def _is_disabled(root: etree._Element, name: str) -> bool:
    path = f".//primitive[@id='{name}']/meta_attributes/nvpair[@name='target-role']"
    pair = root.find(path)
    return pair is not None and pair.get("value") == "Stopped"


def _child(parent: etree._Element, tag: str) -> etree._Element:
    found = parent.find(tag)
    return found if found is not None else etree.SubElement(parent, tag)


def _pair(parent: etree._Element, pair_id: str, name: str, value: str) -> None:
    etree.SubElement(parent, "nvpair", id=pair_id, name=name, value=value)


def _add_device(resources: etree._Element, hosts: str) -> None:
    device = etree.SubElement(
        resources, "primitive", {"id": "power", "class": "stonith", "type": "fence_sim"}
    )
    attributes = etree.SubElement(device, "instance_attributes", id="power-params")
    _pair(attributes, "power-host-list", "pcmk_host_list", hosts)
    operations = etree.SubElement(device, "operations")
    etree.SubElement(operations, "op", id="power-monitor", name="monitor", interval="60s")


def _add_dummy(parent: etree._Element, name: str, *, is_promotable: bool = False) -> None:
    dummy = etree.SubElement(
        parent,
        "primitive",
        {"id": name, "class": "ocf", "provider": "heartbeat", "type": "Dummy"},
    )
    operations = etree.SubElement(dummy, "operations")
    for task, interval, timeout in (("monitor", "10s", "5s"), ("start", "0s", "6s"),
                                    ("stop", "0s", "6s")):  # fmt: skip
        etree.SubElement(
            operations, "op",
            {"id": f"{name}-{task}", "name": task, "interval": interval, "timeout": timeout},
        )  # fmt: skip
    if is_promotable:
        etree.SubElement(
            operations, "op",
            {"id": f"{name}-promoted", "name": "monitor", "interval": "11s", "timeout": "5s",
             "role": "Promoted"},
        )  # fmt: skip


def _set_meta(root: etree._Element, name: str, key: str, value: str) -> None:
    primitive = root.find(f".//primitive[@id='{name}']")
    if primitive is None:
        return
    attributes = primitive.find("meta_attributes")
    if attributes is None:
        attributes = etree.Element("meta_attributes", id=f"{name}-meta")
        primitive.insert(0, attributes)
    pair = attributes.find(f"nvpair[@name='{key}']")
    if pair is None:
        _pair(attributes, f"{name}-meta-{key}", key, value)
    else:
        pair.set("value", value)


def _remove_locations(constraints: etree._Element, name: str) -> None:
    for element in constraints.findall(f"rsc_location[@rsc='{name}']"):
        constraints.remove(element)


def _counted(root: etree._Element) -> bytes:
    """Return the document with its epoch counted up, as every client does."""
    root.set("epoch", str(int(root.get("epoch", "0")) + 1))
    root.set("num_updates", "0")
    return etree.tostring(root)
