"""Reading `<resources>`: primitives with their templates, groups, clones, bundles."""

from lxml import etree

from paceline.cib.read_attributes import (
    Element,
    References,
    duration_ms_or,
    number_or,
    parse_flag,
    read_sets,
)
from paceline.model.configuration import (
    AttributeSet,
    Bundle,
    BundlePort,
    BundleStorage,
    Clone,
    ConfiguredResource,
    Group,
    Operation,
    Primitive,
)
from paceline.model.identifiers import ResourceId
from paceline.model.plan import Agent

_ENGINES = ("docker", "podman", "rkt")


def read_resources(parent: Element, references: References) -> tuple[ConfiguredResource, ...]:
    """Return the resources below `<resources>` in the order of the file."""
    templates = {each.get("id", ""): each for each in parent.iterchildren("template")}
    found: list[ConfiguredResource] = []
    for element in parent.iterchildren(etree.Element):
        match element.tag:
            case "primitive":
                found.append(_read_primitive(element, templates, references))
            case "group":
                found.append(_read_group(element, templates, references))
            case "clone" | "master":
                clone = _read_clone(element, templates, references)
                if clone is not None:
                    found.append(clone)
            case "bundle":
                found.append(_read_bundle(element, templates, references))
    return tuple(found)


def _read_primitive(
    element: Element, templates: dict[str, Element], references: References
) -> Primitive:
    template = templates.get(element.get("template", ""))
    agent_of = template if template is not None and element.get("class") is None else element
    sources = [element] if template is None else [element, template]
    plain = [
        _read_operation(references.resolve(child), references)
        for block in element.iterchildren("operations")
        for child in references.resolve(block).iterchildren("op")
    ]
    if template is not None:
        known = {_operation_key(each) for each in plain}
        inherited = [
            _read_operation(references.resolve(child), references)
            for block in template.iterchildren("operations")
            for child in references.resolve(block).iterchildren("op")
        ]
        plain.extend(each for each in inherited if _operation_key(each) not in known)
    return Primitive(
        id=ResourceId(element.get("id", "")),
        agent=Agent(
            agent_class=agent_of.get("class", ""),
            provider=agent_of.get("provider", ""),
            agent_type=agent_of.get("type", ""),
        ),
        template=element.get("template", ""),
        parameters=_merged(sources, "instance_attributes", references),
        meta=_merged(sources, "meta_attributes", references),
        utilization=_merged(sources, "utilization", references),
        operations=tuple(plain),
    )


def _operation_key(operation: Operation) -> tuple[str, str]:
    """Return what makes an operation replace a template's: its name and role, not its interval."""
    role = dict(operation.attributes).get("role", "Started")
    return operation.name, {"Slave": "Unpromoted", "Master": "Promoted"}.get(role, role)


def _merged(sources: list[Element], tag: str, references: References) -> tuple[AttributeSet, ...]:
    sets = [each for source in sources for each in read_sets(source, tag, references)]
    if len(sets) > 1:
        sets.sort(key=lambda each: -each.score)
    return tuple(sets)


def _read_operation(element: Element, references: References) -> Operation:
    interval = element.get("interval", "")
    return Operation(
        id=element.get("id", ""),
        name=element.get("name", ""),
        interval_ms=duration_ms_or(interval or "0", 0),
        interval=interval,
        attributes=tuple(
            (str(key), str(value))
            for key, value in element.attrib.items()
            if key not in ("id", "name", "interval")
        ),
        meta=read_sets(element, "meta_attributes", references),
        parameters=read_sets(element, "instance_attributes", references),
    )


def _read_group(element: Element, templates: dict[str, Element], references: References) -> Group:
    return Group(
        id=ResourceId(element.get("id", "")),
        members=tuple(
            _read_primitive(child, templates, references)
            for child in element.iterchildren("primitive")
        ),
        parameters=read_sets(element, "instance_attributes", references),
        meta=read_sets(element, "meta_attributes", references),
    )


def _read_clone(
    element: Element, templates: dict[str, Element], references: References
) -> Clone | None:
    for child in element.iterchildren("primitive", "group"):
        inner = (
            _read_group(child, templates, references)
            if child.tag == "group"
            else _read_primitive(child, templates, references)
        )
        return Clone(
            id=ResourceId(element.get("id", "")),
            child=inner,
            parameters=read_sets(element, "instance_attributes", references),
            meta=read_sets(element, "meta_attributes", references),
            is_master_element=element.tag == "master",
        )
    return None


def _read_bundle(element: Element, templates: dict[str, Element], references: References) -> Bundle:
    engine = next((element.find(name) for name in _ENGINES if element.find(name) is not None), None)
    network = element.find("network")
    primitive = element.find("primitive")
    box = engine if engine is not None else element

    def count(name: str) -> int:
        return max(0, number_or(box.get(name), 0))

    net = network if network is not None else etree.Element("network")
    return Bundle(
        id=ResourceId(element.get("id", "")),
        engine=str(engine.tag) if engine is not None else "",
        image=box.get("image", ""),
        replicas=count("replicas"),
        replicas_per_host=count("replicas-per-host"),
        promoted_max=count("promoted-max") or count("masters"),
        run_command=box.get("run-command", ""),
        options=box.get("options", ""),
        network=box.get("network", ""),
        has_network=network is not None,
        address_start=net.get("ip-range-start", ""),
        netmask=net.get("host-netmask", ""),
        control_port=net.get("control-port", ""),
        host_interface=net.get("host-interface", ""),
        add_host=parse_flag(net.get("add-host"), True),
        ports=tuple(
            BundlePort(
                id=each.get("id", ""),
                port=each.get("port", ""),
                internal_port=each.get("internal-port", ""),
                port_range=each.get("range", ""),
            )
            for each in net.iterchildren("port-mapping")
        ),
        storage=tuple(
            BundleStorage(
                id=each.get("id", ""),
                source=each.get("source-dir", ""),
                source_root=each.get("source-dir-root", ""),
                target=each.get("target-dir", ""),
                options=each.get("options", ""),
            )
            for each in element.iterfind("storage/storage-mapping")
        ),
        child=None if primitive is None else _read_primitive(primitive, templates, references),
        meta=read_sets(element, "meta_attributes", references),
    )
