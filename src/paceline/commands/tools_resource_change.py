"""`crm_resource`: what it changes. Values, constraints for moves and bans, histories."""

from datetime import UTC, datetime

from lxml import etree

from paceline.cib.names import clean_id
from paceline.cib.nvsets import update_first_set, update_set
from paceline.cib.tree import Element, get_section
from paceline.commands.status_view import StatusView, primitives
from paceline.commands.tools import (
    EXIT_EXISTS,
    EXIT_NO_SUCH,
    EXIT_TIMEOUT,
    EXIT_USAGE,
    Given,
    ToolError,
    ToolPorts,
    ask,
)
from paceline.commands.tools_answers import Answer, failed
from paceline.commands.tools_edit import edit
from paceline.commands.tools_monitor import view_of_snapshot
from paceline.commands.tools_resource_asked import (
    find_element,
    find_states,
    get_states,
    resource_name,
)
from paceline.model.durations import parse_duration_ms
from paceline.model.state import ActiveOn
from paceline.ports.daemon import JsonRecord

SETTLE_MS = 60_000
WAIT_MS_DEFAULT = 3_600_000
SET_TAGS = {"meta": "meta_attributes", "utilization": "utilization"}
CLONE_TAGS = ("clone", "master", "bundle")
BAN_WARNING = (
    "WARNING: Creating rsc_location constraint 'cli-ban-{resource}-on-{node}' with a score of "
    "-INFINITY for resource {resource} on {node}.\n"
    "\tThis will prevent {resource} from {what} on {node} until the constraint is removed using "
    "the clear option or by editing the CIB with an appropriate tool\n"
    "\tThis will be the case even if {node} is the last node in the cluster"
)
"""What administrators' scripts look for in the tool's output."""
TARGET_ROLE = "target-role"


# Values


def _tag(given: Given) -> str:
    kind = next((kind for kind in SET_TAGS if given.has(kind)), "")
    return SET_TAGS.get(kind, "instance_attributes")


def set_parameter(given: Given, ports: ToolPorts) -> Answer:
    """Set one value of a resource, its collective's where that is what counts."""
    if not given.has("parameter-value"):
        raise ToolError("You need to supply a value with the -v option", EXIT_USAGE)
    name, value = given.get("set-parameter"), given.get("parameter-value")
    wanted = resource_name(given, ports)
    lines: list[str] = []

    def change(root: Element) -> str:
        lines.clear()
        element = _owner(find_element(wanted, root), name, given, lines)
        chosen = _chosen_set(element, given)
        old = _find_pair(element, name, given)
        if old is not None:
            old.set("value", value)
        elif chosen is not None:
            update_set(root, chosen, {name: value})
        else:
            _add_set(root, element, given, {name: value})
        pair = _find_pair(element, name, given)
        if pair is not None:
            added = "" if old is not None else _set_words(pair)
            told = f"id={pair.get('id')}{added} name={name} value={value}"
            lines.append(f"Set '{element.get('id')}' option: {told}")
        return ""

    edit(ports, change)
    return Answer("\n".join(lines))


def _owner(element: Element, name: str, given: Given, lines: list[str]) -> Element:
    """Return what gets the value: the clone, where a meta attribute of its part is named."""
    holder = element.getparent()
    if (
        not given.has("meta") or given.has("force") or holder is None
        or holder.tag not in CLONE_TAGS
        or _find_pair(element, name, given) is not None
    ):  # fmt: skip
        return element
    lines.append(
        f"Performing update of '{name}' on '{holder.get('id')}', "
        f"the parent of '{element.get('id')}'"
    )
    return holder


def _chosen_set(element: Element, given: Given) -> Element | None:
    wanted = given.get("set-name")
    sets = element.findall(_tag(given))
    if wanted:
        return next((each for each in sets if each.get("id") == wanted), None)
    return sets[0] if sets else None


def _add_set(root: Element, element: Element, given: Given, values: dict[str, str]) -> None:
    """Add the first set, or the one that is named."""
    wanted = given.get("set-name")
    if not wanted:
        update_first_set(root, element, _tag(given), values)
        return
    position = 0
    for index, child in enumerate(element):
        if child.tag in (*SET_TAGS.values(), "instance_attributes"):
            position = index + 1
    made = etree.Element(_tag(given), {"id": wanted})
    element.insert(position, made)
    update_set(root, made, values)


def _find_pair(element: Element, name: str, given: Given) -> Element | None:
    """Return the pair of that name, in the set and with the id that are given."""
    for nvset in element.iterfind(_tag(given)):
        if given.get("set-name") not in ("", nvset.get("id")):
            continue
        for pair in nvset.iterfind("nvpair"):
            if pair.get("name") == name and given.get("nvpair") in ("", pair.get("id")):
                return pair
    return None


def _set_words(pair: Element) -> str:
    holder = pair.getparent()
    return "" if holder is None else f" set={holder.get('id')}"


def delete_parameter(given: Given, ports: ToolPorts) -> Answer:
    """Delete one value of a resource; none is no error."""
    name, wanted = given.get("delete-parameter"), resource_name(given, ports)
    lines: list[str] = []

    def change(root: Element) -> str:
        lines.clear()
        element = _owner_of_old(find_element(wanted, root), name, given)
        pair = _find_pair(element, name, given)
        holder = None if pair is None else pair.getparent()
        if pair is not None and holder is not None:
            holder.remove(pair)
            if not len(holder):
                holder.text = None
            lines.append(f"Deleted '{element.get('id')}' option: id={pair.get('id')} name={name}")
        return ""

    edit(ports, change)
    return Answer("\n".join(lines))


def _owner_of_old(element: Element, name: str, given: Given) -> Element:
    holder = element.getparent()
    if (
        given.has("meta") and not given.has("force") and holder is not None
        and holder.tag in CLONE_TAGS and _find_pair(element, name, given) is None
    ):  # fmt: skip
        return holder
    return element


def delete(given: Given, ports: ToolPorts) -> Answer:
    """Delete a resource; one of another type stays."""
    wanted = resource_name(given, ports)
    if not given.has("resource-type"):
        raise failed(EXIT_NO_SUCH, "You need to specify a resource type with -t")

    def change(root: Element) -> str:
        find_element(wanted, root)
        for each in root.iterfind(f"configuration/resources//{given.get('resource-type')}"):
            holder = each.getparent()
            if each.get("id") == wanted and holder is not None:
                holder.remove(each)
                break
        return ""

    edit(ports, change)
    return Answer()


# Moves and bans


def move(given: Given, ports: ToolPorts) -> Answer:
    """Make a resource run on a node, or off the one it runs on, by a constraint."""
    resource, node = resource_name(given, ports), given.get("node")
    view = view_of_snapshot(ports.cib.read())
    places = _places(resource, view)
    if not node:
        return _ban_where_it_is(resource, places, given, ports)
    _check_node(node, view)
    is_promoted = _is_promoted(given)
    counted = [on for on in places if on.role == "Promoted" or not is_promoted]
    is_there = {on.node for on in counted} == {node}
    if is_there and not given.has("force"):
        raise failed(EXIT_EXISTS)
    bans: tuple[str, ...] = ()
    if given.has("force") and not is_there:
        promoted = [on for on in counted if on.role == "Promoted"]
        left = counted if len(counted) == 1 else promoted
        bans = (left[0].node,) if len(left) == 1 else ()
    return _constrain(resource, given, ports, bans=bans, prefers=node)


def ban(given: Given, ports: ToolPorts) -> Answer:
    """Keep a resource off a node: the one that is named, or the one it runs on."""
    resource, node = resource_name(given, ports), given.get("node")
    view = view_of_snapshot(ports.cib.read())
    places = _places(resource, view)
    if not node:
        return _ban_where_it_is(resource, places, given, ports)
    _check_node(node, view)
    return _constrain(resource, given, ports, bans=(node,))


def _places(resource: str, view: StatusView) -> list[ActiveOn]:
    """Return where a resource is active, each node once."""
    found: dict[str, ActiveOn] = {}
    for each in primitives(tuple(get_states(resource, view))):
        for on in each.active:
            found.setdefault(on.node, on)
    return list(found.values())


def _ban_where_it_is(
    resource: str, places: list[ActiveOn], given: Given, ports: ToolPorts
) -> Answer:
    promoted = [on for on in places if on.role == "Promoted"]
    one = places if len(places) == 1 else promoted
    if len(one) != 1:
        raise ToolError(_cannot_choose(resource, len(places), len(promoted)), EXIT_USAGE)
    return _constrain(resource, given, ports, bans=(one[0].node,))


def _cannot_choose(resource: str, number: int, promoted: int) -> str:
    where = f"{number} locations"
    where += f" (promoted in {promoted})" if promoted else ""
    return (
        f"Resource '{resource}' not moved: active in {where}.\n"
        f"To prevent '{resource}' from running on a specific location, specify a node."
    )


def _check_node(node: str, view: StatusView) -> None:
    if view.node(node) is None:
        raise failed(EXIT_NO_SUCH, f"Node '{node}' not found")


def _is_promoted(given: Given) -> bool:
    return given.has("promoted") or given.has("master")


def _constrain(
    resource: str, given: Given, ports: ToolPorts, *, bans: tuple[str, ...], prefers: str = ""
) -> Answer:
    """Add the constraints, in place of older ones that they contradict, and say what that means."""
    end_ms = _end_ms(given, ports)

    def change(root: Element) -> str:
        find_element(resource, root)
        section = get_section(root, "constraints")
        for each in list(section):
            if any(_is_replaced(each.get("id", ""), resource, n) for n in (*bans, prefers) if n):
                section.remove(each)
        if prefers:
            section.append(_made(resource, prefers, given, is_ban=False, end_ms=end_ms))
        for node in bans:
            section.append(_made(resource, node, given, is_ban=True, end_ms=end_ms))
        return ""

    edit(ports, change)
    told = [f"Migration will take effect until: {_moment(end_ms)}"] if end_ms else []
    what = "being promoted" if _is_promoted(given) else "running"
    if not given.has("quiet"):
        told += [BAN_WARNING.format(resource=resource, node=node, what=what) for node in bans]
    return Answer("\n".join(told))


def _made(resource: str, node: str, given: Given, *, is_ban: bool, end_ms: int) -> Element:
    role = "Promoted" if _is_promoted(given) else "Started"
    score = "-INFINITY" if is_ban else "INFINITY"
    tail = clean_id(f"{resource}-on-{node}" if is_ban else resource)
    begin = "cli-ban" if is_ban else "cli-prefer"
    made = etree.Element("rsc_location", {"id": f"{begin}-{tail}", "rsc": resource, "role": role})
    if not end_ms:
        made.set("node", node)
        made.set("score", score)
        return made
    rule = etree.SubElement(
        made, "rule", {"id": f"{begin}-rule-{tail}", "score": score, "boolean-op": "and"}
    )
    where = {"attribute": "#uname", "operation": "eq", "value": node, "type": "string"}
    etree.SubElement(rule, "expression", {"id": f"{begin}-expr-{tail}", **where})
    until = {"operation": "lt", "end": _moment(end_ms)}
    etree.SubElement(rule, "date_expression", {"id": f"{begin}-lifetime-end-{tail}", **until})
    return made


def _end_ms(given: Given, ports: ToolPorts) -> int:
    """Return when the constraint ends, 0 for never. Raises ToolError."""
    if not given.has("lifetime"):
        return 0
    text = given.get("lifetime")
    try:
        if not text.startswith("P"):
            raise ValueError(text)
        return ports.now_ms() + parse_duration_ms(text)
    except ValueError as problem:
        raise ToolError(
            f"Invalid duration specified: {text}\nA duration is written like P1D, PT8H or PT30M",
            EXIT_USAGE,
        ) from problem


def _moment(time_ms: int) -> str:
    return f"{datetime.fromtimestamp(time_ms // 1000, UTC):%Y-%m-%d %H:%M:%SZ}"


def _is_replaced(name: str, resource: str, node: str) -> bool:
    """Say whether a constraint of that id goes: of any node where none is named."""
    begin = clean_id(f"cli-ban-{resource}-on-")
    is_ban = name == begin + clean_id(node) if node else name.startswith(begin)
    return is_ban or name == clean_id(f"cli-prefer-{resource}")


def clear(given: Given, ports: ToolPorts) -> Answer:
    """Remove what moves and bans made: of one node, or only what has ended."""
    from paceline.cib.dates import parse_date_ms

    resource, node = resource_name(given, ports), given.get("node")
    view = view_of_snapshot(ports.cib.read())
    if node:
        _check_node(node, view)
    removed: list[str] = []

    def has_ended(element: Element) -> bool:
        ends = [each.get("end", "") for each in element.iterfind("rule/date_expression")]
        return any(end and parse_date_ms(end) <= ports.now_ms() for end in ends)

    def change(root: Element) -> str:
        removed.clear()
        section = get_section(root, "constraints")
        for each in list(section):
            name = each.get("id", "")
            is_meant = _is_replaced(name, resource, node) and _is_about(each, node, given)
            if is_meant and (has_ended(each) or not given.has("expired")):
                section.remove(each)
                removed.append(name)
        return ""

    get_states(resource, view)
    edit(ports, change)
    return Answer("\n".join(f"Removing constraint: {name}" for name in removed))


def _is_about(element: Element, node: str, given: Given) -> bool:
    """Say whether a constraint is about the node, if one is named; `--force` clears every move."""
    if not node or given.has("force"):
        return True
    named = [element.get("node"), *(e.get("value") for e in element.iterfind("rule/expression"))]
    return node in named


# Histories, waiting, restarting


def clear_history(given: Given, ports: ToolPorts) -> Answer:
    """Forget failures (cleanup) or everything (refresh), and wait until it was looked again."""
    resources: list[str] = []
    if given.has("resource"):
        states = get_states(given.get("resource"), view_of_snapshot(ports.cib.read()))
        resources = sorted({each.id.partition(":")[0] for each in primitives(tuple(states))})
    nodes = [given.get("node")] if given.has("node") else []
    what = ", ".join(resources) or "all resources"
    where = nodes[0] if nodes else "all nodes"
    if not ports.cib.is_live:
        return Answer(err=f"Dry run: skipping clean-up of {what} on {where} due to CIB_file")
    interval = parse_duration_ms(given.get("interval")) if given.has("interval") else None
    request: JsonRecord = {
        "do": "clear-history", "resources": resources, "nodes": nodes,
        "only_failed": given.has("cleanup"), "task": given.get("operation"),
        "interval_ms": interval,
    }  # fmt: skip
    ask(ports, request)
    _settle(ports, SETTLE_MS)
    return Answer(f"Cleaned up {what} on {where}")


def _settle(ports: ToolPorts, limit_ms: int) -> bool:
    """Wait until the cluster has nothing more to do; say whether it came to that."""
    question: JsonRecord = {"do": "wait", "until": "idle", "timeout_ms": limit_ms}
    return ports.daemon.ask(question, timeout_ms=limit_ms).get("ok") is True


def _limit_ms(given: Given) -> int:
    if not given.has("timeout"):
        return WAIT_MS_DEFAULT
    try:
        return parse_duration_ms(given.get("timeout"))
    except ValueError as problem:
        raise failed(EXIT_USAGE, f"'{given.get('timeout')}' is no duration") from problem


def wait(given: Given, ports: ToolPorts) -> Answer:
    """Wait until the cluster has nothing more to do. A file never has."""
    if ports.cib.is_live and not _settle(ports, _limit_ms(given)):
        raise failed(EXIT_TIMEOUT)
    return Answer()


def restart(given: Given, ports: ToolPorts) -> Answer:
    """Stop a resource, wait, and let it start again; what was its role is put back in any case."""
    wanted, limit_ms = resource_name(given, ports), _limit_ms(given)
    if not _is_running(wanted, ports):
        raise failed(EXIT_NO_SUCH, f"{wanted} is not running anywhere and so cannot be restarted")
    before: list[str] = []

    def stop(root: Element) -> str:
        element = find_element(wanted, root)
        pairs = [pair for pair in element.iterfind("meta_attributes/nvpair")
                 if pair.get("name") == TARGET_ROLE]  # fmt: skip
        before[:] = [pair.get("value", "") for pair in pairs[:1]]
        update_first_set(root, element, "meta_attributes", {TARGET_ROLE: "Stopped"})
        return ""

    def put_back(root: Element) -> str:
        role = before[0] if before else ""
        update_first_set(root, find_element(wanted, root), "meta_attributes", {TARGET_ROLE: role})
        return ""

    edit(ports, stop)
    try:
        has_stopped = _settle(ports, limit_ms) and not _is_running(wanted, ports)
    finally:
        edit(ports, put_back)
    if not has_stopped:
        raise failed(EXIT_TIMEOUT, f"Could not complete shutdown of {wanted}")
    if not _settle(ports, limit_ms) or not _is_running(wanted, ports):
        raise failed(EXIT_TIMEOUT, f"Could not complete restart of {wanted}")
    return Answer(f"{wanted} successfully restarted")


def _is_running(wanted: str, ports: ToolPorts) -> bool:
    states = find_states(wanted, view_of_snapshot(ports.cib.read()).resources)
    return any(each.active for each in primitives(tuple(states)))
