"""Constraints as `pcs constraint` lists them, today's layout and the notes' one."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from paceline.cib.constraints import (
    COLOCATION,
    LOCATION,
    ORDER,
    TICKET,
    has_sets,
    iterate_constraints,
    sets_of,
)
from paceline.cib.operations import modern_role
from paceline.cib.rule_effects import MARKS_OF_CONSTRAINTS, Effect, effect_of_all
from paceline.cib.tree import Element, attributes_of
from paceline.commands.show_rules import rule_lines

OLD_ROLES = {"Promoted": "Master", "Unpromoted": "Slave"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """How constraints are listed.

    Rules that expired before `now_ms` (milliseconds since 1970) are left out, unless `has_expired`
    says that they are listed too, marked; without `now_ms` no rule counts as expired.
    """

    shows_ids: bool
    is_classic: bool = False
    now_ms: int | None = None
    has_expired: bool = False

    def effect_of(self, constraint: Element) -> Effect:
        """Return whether a constraint with rules holds."""
        if self.now_ms is None:
            return Effect.UNKNOWN
        return effect_of_all(constraint, self.now_ms)

    def hides(self, constraint: Element) -> bool:
        """Say whether the constraint is left out."""
        return not self.has_expired and self.effect_of(constraint) is Effect.EXPIRED


def location_lines(root: Element, shown: Shown) -> list[str]:
    """Return the section of location constraints, by resource."""
    return ["Location Constraints:", *by_resource(root, (), shown)]


def by_resource(root: Element, only: Sequence[str], shown: Shown) -> list[str]:
    """Return location constraints by resource; of those in `only`, if it is not empty."""
    groups: dict[tuple[str, str], list[Element]] = {}
    for one in iterate_constraints(root, (LOCATION,)):
        groups.setdefault(_subject(one), []).append(one)
    lines: list[str] = []
    for (label, name), members in _patterns_first(groups.items()):
        inner = _nodes_of_resource(members, shown) + _rules_of_resource(members, shown)
        if inner and (not only or name in only):
            lines += [f"  {label}: {name}", *inner]
    return lines


def _patterns_first(
    groups: Iterable[tuple[tuple[str, str], list[Element]]],
) -> list[tuple[tuple[str, str], list[Element]]]:
    return sorted(groups, key=lambda one: (one[0][0] == "Resource", one[0][1]))


def _subject(constraint: Element) -> tuple[str, str]:
    pattern = constraint.get("rsc-pattern")
    if pattern:
        return "Resource pattern", pattern
    return "Resource", constraint.get("rsc", "")


def _score(constraint: Element) -> str:
    return constraint.get("score") or "INFINITY"


def _notes(constraint: Element, shown: Shown) -> str:
    """Return what stands behind a location in brackets: role, discovery, id."""
    role, discovery = constraint.get("role"), constraint.get("resource-discovery")
    text = f" (role:{role})" if role else ""
    text += f" (resource-discovery={discovery})" if discovery else ""
    return f"{text} (id:{constraint.get('id')})" if shown.shows_ids else text


def _nodes_of_resource(members: list[Element], shown: Shown) -> list[str]:
    """Return the nodes that a resource prefers, then those it avoids."""
    lines: list[str] = []
    for title, is_wanted in (("Enabled on:", True), ("Disabled on:", False)):
        chosen = [
            one
            for one in members
            if one.get("node") and (not _score(one).startswith("-")) == is_wanted
        ]
        if chosen and not shown.is_classic:
            lines.append(f"    {title}")
        for one in chosen:
            head = f"    {title} " if shown.is_classic else "      Node: "
            lines.append(f"{head}{one.get('node')} (score:{_score(one)}){_notes(one, shown)}")
    return lines


def _rules_of_resource(members: Iterable[Element], shown: Shown) -> list[str]:
    """Return the constraints with rules among these."""
    lines: list[str] = []
    for one in members:
        if one.find("rule") is None or shown.hides(one):
            continue
        discovery = one.get("resource-discovery")
        tail = f" (resource-discovery={discovery})" if discovery else ""
        mark = MARKS_OF_CONSTRAINTS.get(shown.effect_of(one), "")
        lines.append(f"    Constraint{mark}: {one.get('id')}{tail}")
        for rule in one.iterfind("rule"):
            found = rule_lines(
                rule, shows_ids=shown.shows_ids, now_ms=shown.now_ms, marks=MARKS_OF_CONSTRAINTS
            )
            lines += [f"      {line}" for line in found]
    return lines


def by_node(root: Element, only: Sequence[str], shown: Shown) -> list[str]:
    """Return location constraints by node (those with rules have none), then those with rules."""
    found = list(iterate_constraints(root, (LOCATION,)))
    lines: list[str] = []
    for name in sorted({one.get("node", "") for one in found}):
        if only and name not in only:
            continue
        lines.append(f"  Node: {name}")
        members = [one for one in found if one.get("node", "") == name]
        for title, is_wanted in (("Allowed to run:", True), ("Not allowed to run:", False)):
            chosen = [one for one in members if not one.get("score", "0").startswith("-")]
            if not is_wanted:
                chosen = [one for one in members if one.get("score", "0").startswith("-")]
            if chosen:
                lines.append(f"    {title}")
            for one in chosen:
                label, subject = _subject(one)
                score = one.get("score", "0")
                lines.append(f"      {label}: {subject} (score:{score}){_notes(one, shown)}")
    groups: dict[tuple[str, str], list[Element]] = {}
    for one in found:
        if one.find("rule") is not None:
            groups.setdefault(_subject(one), []).append(one)
    for (label, name), members in _patterns_first(groups.items()):
        lines += [f"  {label}: {name}", *_rules_of_resource(members, shown)]
    return lines


def order_text(constraint: Element, *, shows_ids: bool) -> str:
    """Return one order constraint as a line."""
    first = f"{constraint.get('first-action', '')} {constraint.get('first')}".lstrip()
    then = f"{constraint.get('then-action', '')} {constraint.get('then')}".lstrip()
    score = constraint.get("score")
    details = []
    if constraint.get("kind"):
        details.append(f"(kind:{constraint.get('kind')})")
    elif score:
        details.append(f"(score:{score})")
    else:
        details.append("(kind:Mandatory)")
    if constraint.get("symmetrical", "true") in ("false", "0", "no", "off"):
        details.append("(non-symmetrical)")
    known = {"first", "then", "first-action", "then-action", "kind", "score", "id", "symmetrical"}
    rest = [
        f"{name}={value}" for name, value in attributes_of(constraint).items() if name not in known
    ]
    if rest:
        details.append(f"(Options: {' '.join(sorted(rest))})")
    if shows_ids:
        details.append(f"(id:{constraint.get('id')})")
    return f"{first} then {then} {' '.join(details)}"


def colocation_text(constraint: Element, *, shows_ids: bool, is_classic: bool = False) -> str:
    """Return one colocation constraint as a line."""
    text = f"{constraint.get('rsc')} with {constraint.get('with-rsc')} (score:{_score(constraint)})"
    for name in ("rsc-role", "with-rsc-role"):
        role = constraint.get(name)
        if role:
            role = OLD_ROLES.get(role, role) if is_classic else modern_role(role)
            text += f" ({name}:{role})"
    known = {"rsc", "with-rsc", "score", "id", "rsc-role", "with-rsc-role"}
    for name, value in sorted(attributes_of(constraint).items()):
        if name not in known:
            text += f" ({name}:{value})"
    return f"{text} (id:{constraint.get('id')})" if shows_ids else text


def ticket_text(constraint: Element, *, shows_ids: bool) -> str:
    """Return one ticket constraint as a line."""
    role = constraint.get("rsc-role")
    head = f"{modern_role(role)} {constraint.get('rsc')}" if role else constraint.get("rsc", "")
    pairs = [
        f"{name}={value}"
        for name, value in sorted(attributes_of(constraint).items())
        if name not in ("id", "rsc", "rsc-role")
    ]
    text = " ".join((head, *pairs))
    return f"{text} (id:{constraint.get('id')})" if shows_ids else text


def set_text(constraint: Element, *, shows_ids: bool) -> str:
    """Return one constraint of resource sets as a line."""
    parts = []
    elements = constraint.findall("resource_set")
    for (members, options), element in zip(sets_of(constraint), elements, strict=True):
        words = ["set", *members]
        if "role" in options:
            options["role"] = modern_role(options["role"])
        words += [f"{name}={value}" for name, value in sorted(options.items())]
        if shows_ids:
            words.append(f"(id:{element.get('id')})")
        parts.append(" ".join(words))
    own = [
        f"{name}={value}"
        for name, value in sorted(attributes_of(constraint).items())
        if name != "id"
    ]
    if own:
        parts.append(f"setoptions {' '.join(own)}")
    if shows_ids:
        parts.append(f"(id:{constraint.get('id')})")
    return " ".join(parts)


def constraint_text(constraint: Element, *, shows_ids: bool, is_classic: bool = False) -> str:
    """Return any constraint but a location as a line."""
    if has_sets(constraint):
        return set_text(constraint, shows_ids=shows_ids)
    if constraint.tag == ORDER:
        return order_text(constraint, shows_ids=shows_ids)
    if constraint.tag == TICKET:
        return ticket_text(constraint, shows_ids=shows_ids)
    return colocation_text(constraint, shows_ids=shows_ids, is_classic=is_classic)


_TITLES = {
    ORDER: "Ordering Constraints:",
    COLOCATION: "Colocation Constraints:",
    TICKET: "Ticket Constraints:",
}


def section_lines(root: Element, tag: str, shown: Shown) -> list[str]:
    """Return the section of one kind of constraint other than locations."""
    plain, with_sets = _split(iterate_constraints(root, (tag,)))
    lines = [_TITLES[tag]]
    lines += [
        f"  {constraint_text(one, shows_ids=shown.shows_ids, is_classic=shown.is_classic)}"
        for one in plain
    ]
    if with_sets:
        lines.append("  Resource Sets:")
        lines += [f"    {set_text(one, shows_ids=shown.shows_ids)}" for one in with_sets]
    return lines


def _split(constraints: Iterable[Element]) -> tuple[list[Element], list[Element]]:
    found = list(constraints)
    return [one for one in found if not has_sets(one)], [one for one in found if has_sets(one)]


def all_lines(root: Element, shown: Shown) -> list[str]:
    """Return all constraints."""
    lines = location_lines(root, shown)
    for tag in (ORDER, COLOCATION, TICKET):
        lines += section_lines(root, tag, shown)
    return lines
