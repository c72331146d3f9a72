"""Check a resource's parameters against what its agent says it takes."""

from collections.abc import Iterable, Mapping, Sequence

from paceline.cib.agent_metadata import AgentMetadata, AgentParameter
from paceline.cib.nvsets import set_values
from paceline.cib.resources import agent_of, iterate_resources
from paceline.cib.tree import Element
from paceline.cib.wording import check_option_names, check_required, quoted, quoted_sorted
from paceline.model.reports import Report, Severity


def check_new_parameters(agent: AgentMetadata, values: Mapping[str, str]) -> list[Report]:
    """Return what is wrong with the parameters of a resource that is being made."""
    if not agent.exists:
        return []
    what = "stonith" if agent.name.standard == "stonith" else "resource"
    reports = _check_names(agent, values, what)
    given = [name for name, value in values.items() if value != ""]
    reports += _check_required(agent, given, given, what)
    empty = sorted(name for name, value in values.items() if value == "")
    reports += [Report(code="value-empty", message=f"{name} cannot be empty") for name in empty]
    reports += _check_deprecated(agent, given, what)
    return reports


def check_changed_parameters(
    agent: AgentMetadata, before: Mapping[str, str], changes: Mapping[str, str]
) -> list[Report]:
    """Return what is wrong with changes to a resource's parameters.

    What was wrong before and is not touched is not complained of.
    """
    if not agent.exists:
        return []
    what = "stonith" if agent.name.standard == "stonith" else "resource"
    added = {name: value for name, value in changes.items() if value != ""}
    reports = _check_names(agent, [name for name in changes if name not in before], what)
    after = {**before, **changes}
    given = [name for name, value in after.items() if value != ""]
    reports += _check_required(agent, given, list(changes), what)
    reports += _check_deprecated(agent, [name for name in added if name not in before], what)
    return reports


def _check_names(agent: AgentMetadata, values: Iterable[str], what: str) -> list[Report]:
    allowed = [parameter.name for parameter in agent.parameters]
    return list(check_option_names(values, allowed, what=what, is_forceable=True))


def _check_required(
    agent: AgentMetadata, given: list[str], touched: list[str], what: str
) -> list[Report]:
    """Return reports on missing parameters; the old spelling of one counts for it."""
    required: list[str] = []
    reports: list[Report] = []
    for parameter in agent.parameters:
        if not parameter.is_required or parameter.is_deprecated:
            continue
        older = _predecessors(agent, parameter)
        spellings = {parameter.name, *older}
        is_touched = touched == given or bool(spellings & set(touched))
        if spellings & set(given) or not is_touched:
            continue
        if older:
            reports.append(_either_missing(parameter.name, older, what))
        else:
            required.append(parameter.name)
    return [*reports, *check_required((), required, what=what, is_forceable=True)]


def _either_missing(name: str, older: Sequence[str], what: str) -> Report:
    listed = " or ".join((f"'{name}'", *(f"'{one}' (deprecated)" for one in older)))
    return Report(
        code="option-missing",
        message=f"{what} option {listed} has to be specified",
        facts=(("option", name),),
        is_forceable=True,
    )


def _predecessors(agent: AgentMetadata, parameter: AgentParameter) -> list[str]:
    return sorted(other.name for other in agent.parameters if parameter.name in other.deprecated_by)


def _check_deprecated(agent: AgentMetadata, given: list[str], what: str) -> list[Report]:
    reports = []
    for parameter in agent.parameters:
        if parameter.name not in given or not parameter.is_deprecated:
            continue
        instead = ""
        if parameter.deprecated_by:
            instead = f", use {quoted(parameter.deprecated_by)} instead"
        is_error = what == "stonith" and parameter.name == "action"
        reports.append(
            Report(
                code="option-deprecated",
                message=f"{what} option '{parameter.name}' is deprecated and should not be "
                f"used{instead}",
                severity=Severity.ERROR if is_error else Severity.WARNING,
                is_forceable=is_error,
            )
        )
    return reports


def check_unique(
    root: Element, agent: AgentMetadata, own_id: str, values: Mapping[str, str]
) -> list[Report]:
    """Return a report for each unique group whose values another resource of the agent has."""
    groups: dict[str, list[str]] = {}
    for parameter in agent.parameters:
        if parameter.unique_group and not parameter.is_deprecated:
            groups.setdefault(parameter.unique_group, []).append(parameter.name)
    others = [
        (element.get("id", ""), set_values(element, "instance_attributes"))
        for element in iterate_resources(root)
        if element.tag == "primitive"
        and element.get("id") != own_id
        and agent_of(element) == agent.name
    ]
    reports = []
    for names in groups.values():
        mine = {name: values.get(name, "") for name in names}
        if not all(mine.values()):
            continue
        same = [
            other_id
            for other_id, other in others
            if all(other.get(name, "") == value for name, value in mine.items())
        ]
        if same:
            reports.append(_not_unique(agent, mine, same))
    return reports


def _not_unique(agent: AgentMetadata, mine: Mapping[str, str], same: list[str]) -> Report:
    if len(mine) == 1:
        name, value = next(iter(mine.items()))
        head = f"Value '{value}' of option '{name}' is not unique"
        what = "the instance attribute"
    else:
        names = sorted(mine)
        values = quoted(mine[name] for name in names)
        group = next(one.unique_group for one in agent.parameters if one.name == names[0])
        head = f"Value {values} of options {quoted(names)} (group '{group}') is not unique"
        what = "the instance attributes"
    head += f" across '{agent.name}' resources."
    tail = f"Following resources are configured with the same value of {what}:"
    if len(mine) > 1:
        tail = f"Following resources are configured with the same values of {what}:"
    return Report(
        code="value-not-unique",
        message=f"{head} {tail} {quoted_sorted(same)}",
        is_forceable=True,
    )
