"""Is a whole configuration valid: every problem at once, with the element, the reason, what to do.

Our own rules, not a schema: ids are unique, references lead somewhere, what must be there is there,
scores and durations are such. What is unknown is left alone: newer tools may have written it.
"""

from collections.abc import Callable, Iterator

from paceline.cib.shape import find_misshapen, report_of
from paceline.cib.tree import Element, iterate_ids
from paceline.model.durations import parse_duration_ms
from paceline.model.reports import Report, Severity
from paceline.model.scores import parse_score

RESOURCE_TAGS = ("primitive", "group", "clone", "master", "bundle", "template")
REPORTS_MAX = 200
"""More problems than this are not listed: the file is something else."""
REFERENCES = (
    ("rsc_location", ("rsc",)),
    ("rsc_colocation", ("rsc", "with-rsc")),
    ("rsc_order", ("first", "then")),
    ("rsc_ticket", ("rsc",)),
)
"""Constraints and their attributes that name resources (or tags)."""


def validate(root: Element) -> tuple[Report, ...]:
    """Return every problem of a CIB, errors and warnings, in the order of the file by kind."""
    found: list[Report] = []
    for check in (_sections, _ids, _resources, _references, _scores, _operations, _shapes):
        for report in check(root):
            found.append(report)
            if len(found) >= REPORTS_MAX:
                return tuple(found)
    return tuple(found)


def _error(code: str, element: Element, message: str, advice: str = "") -> Report:
    line = (("line", str(element.sourceline)),) if element.sourceline else ()
    name = element.get("id")
    shown = f"<{element.tag}>" if name is None else f"<{element.tag} id='{name}'>"
    return Report(code=code, message=f"{shown}: {message}", advice=advice, facts=line)


def new_errors(before: Element, after: Element) -> tuple[Report, ...]:
    """Return the errors of `after` that `before` has not: what a change would bring in."""
    errors = [each for each in validate(after) if each.severity is Severity.ERROR]
    if not errors:
        return ()
    known = {(each.code, each.message) for each in validate(before)}
    return tuple(each for each in errors if (each.code, each.message) not in known)


def _sections(root: Element) -> Iterator[Report]:
    configuration = root.find("configuration")
    if configuration is None:
        yield _error("no-configuration", root, "there is no <configuration> in it")
        return
    for name in ("crm_config", "nodes", "resources", "constraints"):
        if configuration.find(name) is None:
            yield _error(
                "no-section", configuration, f"the section <{name}> is missing",
                f"add an empty <{name}/>",
            )  # fmt: skip


def _ids(root: Element) -> Iterator[Report]:
    seen: dict[str, Element] = {}
    for name, element in iterate_ids(root):
        if element.tag == "node":
            continue  # ids of nodes are names of their own: a remote node's is its resource's
        if not name:
            yield _error("empty-id", element, "its id is empty")
        elif name in seen:
            yield _error(
                "id-already-exists", element,
                f"the id '{name}' is that of <{seen[name].tag}> already", "choose another id",
            )  # fmt: skip
        else:
            seen[name] = element


def _resources(root: Element) -> Iterator[Report]:
    section = root.find("configuration/resources")
    if section is None:
        return
    for each in section.iter(*RESOURCE_TAGS):
        if each.tag == "primitive" and each.get("template") is None:
            for name in ("class", "type"):
                if not each.get(name):
                    yield _error("no-agent", each, f"it has no {name}, so no agent is known")
            if each.get("class") == "ocf" and not each.get("provider"):
                yield _error("no-agent", each, "an OCF agent needs a provider")
        if each.tag == "group" and each.find("primitive") is None:
            yield _error("empty-group", each, "a group needs at least one resource")
        if each.tag in ("clone", "master"):
            inner = [child for child in each if child.tag in ("primitive", "group")]
            if len(inner) != 1:
                yield _error("bad-clone", each, "a clone holds exactly one resource or group")


def _known_names(root: Element) -> set[str]:
    section = root.find("configuration/resources")
    names = set()
    if section is not None:
        names = {each.get("id", "") for each in section.iter(*RESOURCE_TAGS)}
    tags = {each.get("id", "") for each in root.iterfind("configuration/tags/tag")}
    return names | tags


def _references(root: Element) -> Iterator[Report]:
    known = _known_names(root)
    section = root.find("configuration/constraints")
    if section is None:
        return
    for tag, attributes in REFERENCES:
        for each in section.iterfind(tag):
            for attribute in attributes:
                name = each.get(attribute)
                if name is not None and name not in known:
                    yield _unknown(each, name)
    for each in section.iter("resource_ref"):
        name = each.get("id", "")
        if name not in known:
            yield _unknown(each, name)


def _unknown(element: Element, name: str) -> Report:
    return _error(
        "no-such-resource", element, f"there is no resource '{name}'",
        "create the resource, or remove the constraint",
    )  # fmt: skip


def _is(parse: Callable[[str], int], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True


def _scores(root: Element) -> Iterator[Report]:
    section = root.find("configuration/constraints")
    if section is None:
        return
    for each in section.iter("rsc_location", "rsc_colocation", "rule"):
        score = each.get("score")
        if score is not None and not _is(parse_score, score):
            yield _error(
                "bad-score", each, f"'{score}' is no score", "use a number, INFINITY or -INFINITY"
            )


def _shapes(root: Element) -> Iterator[Report]:
    for problem in find_misshapen(root):
        yield report_of(problem)


def _operations(root: Element) -> Iterator[Report]:
    section = root.find("configuration/resources")
    if section is None:
        return
    for each in section.iter("op"):
        for attribute in ("interval", "timeout", "start-delay"):
            value = each.get(attribute)
            if value is not None and not _is(parse_duration_ms, value):
                report = _error(
                    "bad-duration", each, f"{attribute}='{value}' is no duration",
                    "write it like 30s or 1min",
                )  # fmt: skip
                # P10S is no ISO 8601 (it wants PT10S), but it is in old files, and read as nothing.
                is_refused = attribute == "interval" and not value.startswith("P")
                severity = Severity.ERROR if is_refused else Severity.WARNING
                yield Report(
                    code=report.code, message=report.message, advice=report.advice,
                    severity=severity,
                )  # fmt: skip
