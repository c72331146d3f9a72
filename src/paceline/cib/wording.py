"""Words that messages about options share."""

from collections.abc import Iterable

from paceline.model.reports import Report


def quoted(names: Iterable[str]) -> str:
    """Return the names in quotes, in the order given, separated by commas."""
    return ", ".join(f"'{name}'" for name in names)


def quoted_sorted(names: Iterable[str]) -> str:
    """Return the names in quotes, sorted, separated by commas."""
    return quoted(sorted(names))


def check_option_names(
    names: Iterable[str], allowed: Iterable[str], *, what: str = "", is_forceable: bool = False
) -> tuple[Report, ...]:
    """Return a report if some of the names are not allowed; `what` is like "resource"."""
    permitted = set(allowed)
    alien = sorted(name for name in names if name not in permitted)
    if not alien:
        return ()
    kind = f"{what} option" if what else "option"
    head = (
        f"invalid {kind} '{alien[0]}'" if len(alien) == 1 else f"invalid {kind}s: {quoted(alien)}"
    )
    return (
        Report(
            code="option-invalid",
            message=f"{head}, allowed options are: {quoted_sorted(permitted)}"
            if permitted
            else f"{head}, there are no options allowed",
            facts=tuple(("option", name) for name in alien),
            is_forceable=is_forceable,
        ),
    )


def check_required(
    names: Iterable[str], required: Iterable[str], *, what: str = "", is_forceable: bool = False
) -> tuple[Report, ...]:
    """Return a report if some required names are not among the given ones."""
    given = set(names)
    missing = sorted(name for name in required if name not in given)
    if not missing:
        return ()
    kind = f"{what} option" if what else "option"
    if len(missing) == 1:
        message = f"required {kind} '{missing[0]}' is missing"
    else:
        message = f"required {kind}s {quoted(missing)} are missing"
    return (
        Report(
            code="option-missing",
            message=message,
            facts=tuple(("option", name) for name in missing),
            is_forceable=is_forceable,
        ),
    )


def bad_value(name: str, value: str, allowed: str, *, is_forceable: bool = False) -> Report:
    """Return the report that an option has a value it cannot have; `allowed` says which it can."""
    return Report(
        code="value-invalid",
        message=f"'{value}' is not a valid {name} value" + (f", use {allowed}" if allowed else ""),
        facts=(("option", name), ("value", value)),
        is_forceable=is_forceable,
    )


def check_choice(
    name: str, value: str, choices: Iterable[str], *, is_forceable: bool = False
) -> tuple[Report, ...]:
    """Return a report if the value is none of the choices (shown sorted)."""
    allowed = tuple(choices)
    if value in allowed:
        return ()
    return (bad_value(name, value, quoted_sorted(allowed), is_forceable=is_forceable),)


def bad_score(value: str) -> Report:
    """Return the report that a score is none."""
    return Report(
        code="score-invalid",
        message=f"invalid score '{value}', use integer or INFINITY or -INFINITY",
        facts=(("value", value),),
    )


TIME_INTERVAL = "time interval (e.g. 1, 2s, 3m, 4h, ...)"
"""How messages describe a duration."""
