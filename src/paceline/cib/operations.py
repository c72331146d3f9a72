"""Operations of a resource: defaults from the agent, checks, elements."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from paceline.cib.agent_metadata import STATELESS_ACTIONS, AgentMetadata
from paceline.cib.names import check_new_id, clean_id
from paceline.cib.nvsets import add_set
from paceline.cib.tree import Element, add_element, unique_id
from paceline.cib.wording import TIME_INTERVAL, bad_value, check_choice, check_option_names, quoted
from paceline.model.durations import parse_duration_ms
from paceline.model.reports import Report, Severity

OperationOptions = dict[str, str]
"""What was given for one operation: `name`, `interval`, `timeout`, ... as words."""

OPTION_NAMES = (
    "OCF_CHECK_LEVEL", "description", "enabled", "id", "interval", "interval-origin", "name",
    "on-fail", "record-pending", "role", "start-delay", "timeout",
)  # fmt: skip
ON_FAIL = (
    "block", "demote", "fence", "ignore", "restart", "restart-container", "standby", "stop",
)  # fmt: skip
ROLES = ("Master", "Promoted", "Slave", "Started", "Stopped", "Unpromoted")
MODERN_ROLES: Mapping[str, str] = {"Master": "Promoted", "Slave": "Unpromoted"}
BOOLEANS = ("true", "false", "yes", "no", "on", "off", "1", "0", "y", "n")
CHECK_LEVEL = "OCF_CHECK_LEVEL"
MONITOR_INTERVAL_DEFAULT = "60s"
INTERVAL_DEFAULT = "0s"
DURATION_OPTIONS = ("interval", "start-delay", "timeout")


def modern_role(role: str) -> str:
    """Return today's name of a role."""
    return MODERN_ROLES.get(role, role)


def interval_ms_or_none(text: str) -> int | None:
    """Return the interval in milliseconds; None where it is no duration."""
    try:
        return parse_duration_ms(text)
    except ValueError:
        return None


def normalize(operation: Mapping[str, str]) -> tuple[OperationOptions, tuple[Report, ...]]:
    """Return the operation with today's words, and notices about the old ones."""
    options = dict(operation)
    reports: list[Report] = []
    role = options.get("role", "")
    if role.capitalize() in ROLES:
        role = role.capitalize()
        options["role"] = role
    if role in MODERN_ROLES:
        options["role"] = MODERN_ROLES[role]
        reports.append(
            Report(
                code="role-deprecated",
                message=f"Value '{role}' of option role is deprecated and should not be used, "
                f"use '{MODERN_ROLES[role]}' value instead",
                severity=Severity.DEPRECATION,
            )
        )
    return options, tuple(reports)


def default_operations(
    agent: AgentMetadata, *, only_monitor: bool, without: Collection[str] = ()
) -> tuple[list[OperationOptions], tuple[Report, ...]]:
    """Return the operations that the agent recommends, a monitor in any case; and notices.

    Those of the names in `without` are left out. A fence device and a resource without default
    operations get their monitor only.
    """
    found: list[OperationOptions] = []
    is_limited = only_monitor or agent.name.standard == "stonith"
    for action in agent.actions:
        if action.name in STATELESS_ACTIONS or action.name in without:
            continue
        if is_limited and action.name != "monitor":
            continue
        if agent.name.standard == "stonith" and not action.interval:
            continue
        interval = action.interval or (
            MONITOR_INTERVAL_DEFAULT if action.name == "monitor" else INTERVAL_DEFAULT
        )
        options = {"name": action.name, "interval": interval}
        optional = (
            ("timeout", action.timeout),
            ("role", modern_role(action.role)),
            ("start-delay", action.start_delay),
            (CHECK_LEVEL, action.depth if action.depth != "0" else ""),
        )
        options.update((name, value) for name, value in optional if value)
        found.append(options)
    if "monitor" not in without and not any(one["name"] == "monitor" for one in found):
        found.append({"name": "monitor", "interval": MONITOR_INTERVAL_DEFAULT})
    return _spread_intervals(found)


def complete(
    given: Sequence[OperationOptions], agent: AgentMetadata, *, only_monitor: bool
) -> tuple[list[OperationOptions], tuple[Report, ...]]:
    """Return the given operations and the agent's for the names not given, by name; and notices."""
    names = {operation["name"] for operation in given}
    recommended, notices = default_operations(agent, only_monitor=only_monitor, without=names)
    operations = [*(with_interval(one) for one in given), *recommended]
    return sorted(operations, key=lambda one: one["name"]), notices


def with_interval(operation: Mapping[str, str]) -> OperationOptions:
    """Return the operation with the interval that it has if none is said."""
    if operation.get("interval"):
        return dict(operation)
    is_monitor = operation["name"] == "monitor"
    interval = MONITOR_INTERVAL_DEFAULT if is_monitor else INTERVAL_DEFAULT
    return {**operation, "interval": interval}


def _spread_intervals(
    operations: list[OperationOptions],
) -> tuple[list[OperationOptions], tuple[Report, ...]]:
    """Make equal intervals of one name different, by full seconds; return notices of it, too."""
    used: dict[str, set[int]] = {}
    notices: list[Report] = []
    for operation in operations:
        taken = used.setdefault(operation["name"], set())
        wanted_ms = interval_ms_or_none(operation["interval"])
        if wanted_ms is None:
            continue
        interval_ms = wanted_ms
        while interval_ms in taken:
            interval_ms += 1000
        taken.add(interval_ms)
        if interval_ms != wanted_ms:
            message = (
                f"changing a {operation['name']} operation interval from {operation['interval']} "
                f"to {interval_ms // 1000} to make the operation unique"
            )
            notices.append(
                Report(code="interval-changed", message=message, severity=Severity.WARNING)
            )
            operation["interval"] = str(interval_ms // 1000)
    return operations, tuple(notices)


def operation_names(agent: AgentMetadata) -> list[str]:
    """Return the operations that can be configured for the agent, sorted.

    The fencer starts and stops devices itself, so that their agents do not say so.
    """
    names = {action.name for action in agent.actions}
    if agent.name.standard == "stonith":
        names |= {"start", "stop"}
    return sorted(names)


def check_operations(
    operations: Iterable[Mapping[str, str]], agent: AgentMetadata, *, checks_names: bool = True
) -> list[Report]:
    """Return everything that is wrong with the given operations."""
    reports: list[Report] = []
    actions = operation_names(agent)
    given = list(operations)
    for operation in given:
        name = operation["name"]
        if checks_names and agent.exists and name not in actions:
            reports.append(bad_value("operation name", name, quoted(actions), is_forceable=True))
    for operation in given:
        reports += check_options(operation)
    reports += _check_duplicates(given)
    return reports


def check_options(operation: Mapping[str, str]) -> list[Report]:
    """Return what is wrong with one operation's options."""
    reports = list(check_option_names(operation, OPTION_NAMES, what="resource operation"))
    if role := operation.get("role"):
        reports += check_choice("role", role, ROLES)
    if on_fail := operation.get("on-fail"):
        reports += check_choice("on-fail", on_fail, ON_FAIL)
    for name in ("enabled", "record-pending"):
        value = operation.get(name)
        if value and value.lower() not in BOOLEANS:
            reports.append(bad_value(name, value, "'0', '1', 'false', 'true'"))
    for name in DURATION_OPTIONS:
        value = operation.get(name)
        if value and interval_ms_or_none(value) is None:
            reports.append(bad_value(name, value, TIME_INTERVAL))
    if operation.get("interval-origin") and operation.get("start-delay"):
        reports.append(
            Report(
                code="options-exclusive",
                message="Only one of resource operation options 'interval-origin' and "
                "'start-delay' can be used",
            )
        )
    return reports


def _check_duplicates(operations: Sequence[Mapping[str, str]]) -> list[Report]:
    """Return a report if operations of one name have the same interval."""
    by_key: dict[tuple[str, int], list[str]] = {}
    for operation in map(with_interval, operations):
        interval_ms = interval_ms_or_none(operation["interval"])
        if interval_ms is not None:
            by_key.setdefault((operation["name"], interval_ms), []).append(operation["interval"])
    doubles = [(key[0], texts) for key, texts in by_key.items() if len(texts) > 1]
    if not doubles:
        return []
    lines = [f"{name} with intervals {', '.join(texts)}" for name, texts in doubles]
    head = "multiple specification of the same operation with the same interval:"
    return [Report(code="operation-duplicate", message="\n".join((head, *lines)))]


def check_operation_ids(root: Element, operations: Iterable[Mapping[str, str]]) -> list[Report]:
    """Return what is wrong with ids that were given for operations."""
    reports: list[Report] = []
    for operation in operations:
        if "id" in operation:
            reports += check_new_id(root, operation["id"], "operation id")
    return reports


def add_operation(
    root: Element, resource: Element, operation: Mapping[str, str], *, is_new_resource: bool = False
) -> Element:
    """Append one operation to a resource's and return its element.

    The ids around a check level differ between a resource that is being made and one that is
    changed, because they do in pcs.
    """
    container = resource.find("operations")
    if container is None:
        container = add_element(resource, "operations", ())
    name, interval = operation["name"], operation.get("interval", "")
    wanted = operation.get("id") or unique_id(
        root, clean_id(f"{resource.get('id')}-{name}-interval-{interval}")
    )
    plain = [
        (key, value) for key, value in operation.items() if key not in ("id", CHECK_LEVEL) and value
    ]
    element = add_element(container, "op", (*plain, ("id", wanted)))
    level = operation.get(CHECK_LEVEL, "")
    if level and is_new_resource:
        add_set(root, element, "instance_attributes", ((CHECK_LEVEL, level),))
    elif level:
        nvset = add_set(root, element, "instance_attributes", (), set_id=f"params-{wanted}")
        pair_id = unique_id(root, clean_id(f"{wanted}-{CHECK_LEVEL}-{level}"))
        add_element(nvset, "nvpair", (("id", pair_id), ("name", CHECK_LEVEL), ("value", level)))
    return element
