"""What an agent says of itself: parameters and actions, read from its metadata XML."""

from dataclasses import dataclass, replace

from lxml import etree

from paceline.model.agent_name import AgentName

STATELESS_ACTIONS = frozenset({"meta-data", "status", "validate-all"})
"""Actions that are never made operations of a resource by default."""
PRINTING_PARAMETERS = ("help", "version")
"""Parameters that make a fence agent print something and do nothing else."""
TARGET_PARAMETERS = ("plug", "port")
"""What a fence agent calls its target: the fencer fills it in."""
TRACE_PARAMETERS = ("trace_ra", "trace_file")
"""Every agent of resource-agents and of Pacemaker takes them, and none says so."""
TRACING_PROVIDERS = ("heartbeat", "pacemaker")
OCF_VERSIONS = ("1.0", "1.1")
"""What an agent may follow; one that does not say so follows the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentParameter:
    """A parameter. `unique_group` names those that must differ together between resources."""

    name: str
    shortdesc: str = ""
    longdesc: str = ""
    type: str = "string"
    default: str | None = None
    choices: tuple[str, ...] = ()
    is_required: bool = False
    is_advanced: bool = False
    is_deprecated: bool = False
    deprecated_by: tuple[str, ...] = ()
    unique_group: str = ""
    shows_unique_group: bool = False
    is_reloadable: bool = False
    obsoletes: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentAction:
    """An action that the agent supports, with what it recommends; empty where it says nothing."""

    name: str
    timeout: str = ""
    interval: str = ""
    role: str = ""
    start_delay: str = ""
    depth: str = ""
    is_automatic: bool = False
    on_target: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentMetadata:
    """All that commands need to know of an agent. `exists` is false where it was made up."""

    name: AgentName
    exists: bool = True
    shortdesc: str = ""
    longdesc: str = ""
    parameters: tuple[AgentParameter, ...] = ()
    actions: tuple[AgentAction, ...] = ()
    is_ocf_1_0: bool = False

    @property
    def is_unfencing(self) -> bool:
        """Say whether a fence device of this agent has to be switched on for a node to join."""
        return any(action.name == "on" and action.is_automatic for action in self.actions)

    @property
    def is_promotable(self) -> bool:
        """Say whether it can be promoted and demoted; OCF 1.0 did not oblige agents to say so."""
        names = {action.name for action in self.actions}
        return {"promote", "demote"} <= names or self.is_ocf_1_0


class UnsupportedVersionError(ValueError):
    """The agent follows a version of the OCF standard that is not known here."""

    def __init__(self, version: str) -> None:
        """Keep the version."""
        super().__init__(f"it implements unsupported OCF version '{version}'")
        self.version = version


def parse_metadata(name: AgentName, text: bytes) -> AgentMetadata:
    """Return the metadata. Raises ValueError where the text is no agent metadata."""
    parser = etree.XMLParser(resolve_entities=False, huge_tree=False, no_network=True)
    try:
        root = etree.fromstring(text.strip(), parser)
    except etree.XMLSyntaxError as problem:
        raise ValueError(f"it is not well-formed XML: {problem}") from problem
    if root.tag != "resource-agent":
        raise ValueError(f"its root is '{root.tag}', not 'resource-agent'")
    for path in ("parameters/parameter", "actions/action"):
        if any(not element.get("name") for element in root.iterfind(path)):
            raise ValueError(f"a {path.rpartition('/')[2]} has no name")
    version = (root.findtext("version") or "").strip()
    if name.standard == "ocf" and version not in ("", *OCF_VERSIONS):
        raise UnsupportedVersionError(version)
    is_ocf_1_1 = version.startswith("1.1") or name.standard == "stonith"
    parameters = tuple(
        _read_parameter(element, is_ocf_1_1=is_ocf_1_1)
        for element in root.iterfind("parameters/parameter")
    )
    if name.provider in TRACING_PROVIDERS:
        parameters += _trace_parameters(parameters)
    if name.standard == "stonith":
        parameters = _fence_parameters(parameters)
    return AgentMetadata(
        name=name,
        shortdesc=_description(root, "shortdesc") or root.get("shortdesc", ""),
        longdesc=_description(root, "longdesc"),
        parameters=parameters,
        actions=tuple(_read_action(element) for element in root.iterfind("actions/action")),
        is_ocf_1_0=name.standard == "ocf" and not is_ocf_1_1,
    )


def unknown_agent(name: AgentName) -> AgentMetadata:
    """Return what is assumed of an agent whose metadata cannot be had."""
    return AgentMetadata(name=name, exists=False)


def _description(element: etree._Element, tag: str) -> str:
    return (element.findtext(tag) or "").strip()


def _is_true(value: str | None) -> bool:
    return (value or "").strip().lower() in ("1", "true", "yes", "on")


def _read_parameter(element: etree._Element, *, is_ocf_1_1: bool) -> AgentParameter:
    content = element.find("content")
    name = element.get("name", "")
    deprecated = element.find("deprecated")
    replaced_by = () if deprecated is None else tuple(
        other.get("name", "") for other in deprecated.iterfind("replaced-with")
    )  # fmt: skip
    group = element.get("unique-group", "")
    is_unique_alone = not group and not is_ocf_1_1 and _is_true(element.get("unique"))
    return AgentParameter(
        name=name,
        shortdesc=_description(element, "shortdesc"),
        longdesc=_description(element, "longdesc"),
        type="string" if content is None else content.get("type", "string"),
        default=None if content is None else content.get("default"),
        choices=()
        if content is None
        else tuple(option.get("value", "") for option in content.iterfind("option")),
        is_required=_is_true(element.get("required")),
        is_advanced=_is_true(element.get("advanced")),
        is_deprecated=_is_true(element.get("deprecated")) or deprecated is not None,
        deprecated_by=replaced_by,
        unique_group=group or (f"\0{name}" if is_unique_alone else ""),
        shows_unique_group=bool(group),
        is_reloadable=_is_true(element.get("reloadable")),
        obsoletes=element.get("obsoletes", ""),
    )


def _read_action(element: etree._Element) -> AgentAction:
    return AgentAction(
        name=element.get("name", ""),
        timeout=element.get("timeout", ""),
        interval=element.get("interval", ""),
        role=element.get("role", ""),
        start_delay=element.get("start-delay", ""),
        depth=element.get("depth", ""),
        is_automatic=_is_true(element.get("automatic")),
        on_target=_is_true(element.get("on_target")),
    )


def _trace_parameters(present: tuple[AgentParameter, ...]) -> tuple[AgentParameter, ...]:
    known = {parameter.name for parameter in present}
    texts = {
        "trace_ra": "Set to 1 to make the agent write a trace of what it does.",
        "trace_file": "Where the trace goes; by default a file per run under the trace folder.",
    }
    return tuple(
        AgentParameter(name=name, shortdesc=texts[name], longdesc=texts[name], is_advanced=True)
        for name in TRACE_PARAMETERS
        if name not in known
    )


def _fence_parameters(parameters: tuple[AgentParameter, ...]) -> tuple[AgentParameter, ...]:
    """Return a fence agent's parameters as a device takes them: with those of the fencer.

    The action is the fencer's business: it is not required, and setting it is discouraged.
    """
    from paceline.cib.fence_parameters import FENCER_PARAMETERS

    obsoleted: dict[str, list[str]] = {}
    for parameter in parameters:
        if parameter.obsoletes:
            obsoleted.setdefault(parameter.obsoletes, []).append(parameter.name)
    adjusted = []
    for parameter in parameters:
        if parameter.name == "action":
            parameter = replace(
                parameter,
                is_required=False,
                is_advanced=True,
                is_deprecated=True,
                deprecated_by=("pcmk_off_action", "pcmk_reboot_action"),
            )
        elif parameter.name in obsoleted:
            parameter = replace(parameter, deprecated_by=tuple(obsoleted[parameter.name]))
        if parameter.name in TARGET_PARAMETERS:
            parameter = replace(parameter, is_required=False)
        adjusted.append(parameter)
    own = {parameter.name for parameter in parameters}
    adjusted = [one for one in adjusted if one.name not in PRINTING_PARAMETERS]
    return (*adjusted, *(one for one in FENCER_PARAMETERS if one.name not in own))
