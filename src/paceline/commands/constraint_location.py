"""`constraint location`: which nodes a resource prefers, avoids, or takes by a rule."""

from collections.abc import Sequence

from paceline.cib.constraints import (
    LOCATION,
    add_constraint,
    check_constraint_id,
    find_constraint,
    get_resource_for_constraint,
    iterate_constraints,
)
from paceline.cib.names import check_new_id, clean_id
from paceline.cib.operations import MODERN_ROLES
from paceline.cib.resources import find_resource
from paceline.cib.rule_checks import check_condition
from paceline.cib.rule_parsing import RuleKind, RuleSyntaxError, parse_rule
from paceline.cib.rules import add_rule, same_rule
from paceline.cib.tree import Element, find_by_id, nodes, remove, unique_id
from paceline.cib.wording import bad_score, bad_value
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report
from paceline.model.scores import parse_score

DISCOVERY = ("always", "exclusive", "never")
RULE_OPTIONS = ("id", "constraint-id", "resource-discovery", "role", "score", "score-attribute")
PATTERN_PREFIX = "regexp%"


def location(request: Request, ports: Ports) -> Outcome:
    """Add preferences: `constraint location R prefers|avoids NODE[=SCORE]... | rule ...`."""
    match request.arguments:
        case (subject, "prefers" | "avoids" as verb, *words) if words:
            is_wanted = verb == "prefers"
            return _prefer(request, ports, subject, words, is_wanted=is_wanted)
        case (subject, "rule", *words) if words:
            return _add_rule(request, ports, subject, words)
        case _:
            raise UsageError


def _subject_pair(root: Element, subject: str, *, is_forced: bool) -> tuple[str, str]:
    """Return the attribute that says what a constraint is about, checked."""
    if subject.startswith(PATTERN_PREFIX):
        return ("rsc-pattern", subject.removeprefix(PATTERN_PREFIX))
    _refuse_bad_subject(subject)
    _kind, percent, name = subject.partition("%")
    resource_id = name if percent else subject
    get_resource_for_constraint(root, resource_id, is_forced=is_forced)
    return ("rsc", resource_id)


def _refuse_bad_subject(subject: str) -> None:
    """Raise InvalidRequestError for a `KIND%NAME` of no known kind."""
    kind, percent, _name = subject.partition("%")
    if percent and kind not in ("", "regexp", "resource"):
        raise InvalidRequestError(
            Report(
                code="value-invalid",
                message=f"'{kind}' is not an allowed type for '{subject}', use regexp, resource",
            )
        )


def _check_node(request: Request, ports: Ports, root: Element, name: str) -> None:
    """Say what is known of the node: on a file nothing is checked, as pcs has it."""
    if not ports.cib.is_live:
        request.findings.warn(
            "node-not-checked", "Validation for node existence in the cluster will be skipped"
        )
        return
    known = {node.get("uname") for node in nodes(root)}
    if name not in known:
        report = Report(
            code="node-unknown",
            message=f"Node '{name}' does not seem to be in the cluster",
            is_forceable=True,
        )
        if not request.is_forced:
            raise InvalidRequestError(report)
        request.findings.add(report)


def _check_score(value: str) -> None:
    """Raise InvalidRequestError if the score is none."""
    try:
        parse_score(value)
    except ValueError as error:
        raise InvalidRequestError(bad_score(value)) from error


def _negate(score: str) -> str:
    return score[1:] if score.startswith("-") else f"-{score}"


def _prefer(
    request: Request, ports: Ports, subject: str, words: Sequence[str], *, is_wanted: bool
) -> Outcome:
    _refuse_bad_subject(subject)

    def change(root: Element) -> str:
        wanted: list[tuple[str, str]] = []
        for word in words:
            node, equals, score = word.partition("=")
            score = score if equals else "INFINITY"
            if not node:
                raise UsageError
            if not wanted or ports.cib.is_live:
                _check_node(request, ports, root, node)
            _check_score(score)
            wanted.append((node, score if is_wanted else _negate(score)))
        pair = _subject_pair(root, subject, is_forced=request.is_forced)
        for node, score in wanted:
            _replace_location(root, pair, node, score)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def _drop_preferences(root: Element, subject: tuple[str, str], node: str) -> None:
    """Remove what says how a resource likes a node: the new preference replaces it."""
    attribute, value = subject
    for old in list(iterate_constraints(root, (LOCATION,))):
        if old.get(attribute) == value and old.get("node") == node:
            remove(old)


def _replace_location(root: Element, subject: tuple[str, str], node: str, score: str) -> None:
    """Add a preference; an older one of the same resource for the same node goes."""
    attribute, value = subject
    _drop_preferences(root, subject, node)
    shown = score.removeprefix("+")
    wanted = unique_id(root, clean_id(f"location-{value}-{node}-{shown}"))
    pairs = (("id", wanted), (attribute, value), ("node", node), ("score", score))
    add_constraint(root, LOCATION, pairs)


def add(request: Request, ports: Ports) -> Outcome:
    """Add or replace one with a chosen id: `constraint location add ID R NODE SCORE [...]`."""
    if len(request.arguments) < 4:
        raise UsageError
    wanted_id, subject, node, score, *options = request.arguments
    score = score.removeprefix("score=")
    extra: list[tuple[str, str]] = []
    for word in options:
        name, _equals, value = word.partition("=")
        if name == "score":
            score = value
        elif name == "resource-discovery":
            extra.append((name, value))
        else:
            message = f"bad option '{name}'"
            is_forceable = bool(_equals) and not request.is_forced
            raise InvalidRequestError(
                Report(code="option-invalid", message=message, is_forceable=is_forceable)
            )

    def change(root: Element) -> str:
        for name, value in extra:
            if name == "resource-discovery" and value not in DISCOVERY:
                allowed = ", ".join(f"'{one}'" for one in DISCOVERY)
                raise InvalidRequestError(
                    Report(
                        code="value-invalid",
                        message=f"invalid {name} value '{value}', allowed values are: {allowed}",
                    )
                )
        _check_node(request, ports, root, node)
        _check_score(score)
        attribute, value = _subject_pair(root, subject, is_forced=request.is_forced)
        old = find_constraint(root, wanted_id)
        if old is not None and old.tag == LOCATION:
            remove(old)
        else:
            check_constraint_id(root, wanted_id)
        _drop_preferences(root, (attribute, value), node)
        pairs = (("id", wanted_id), (attribute, value), ("node", node), ("score", score), *extra)
        add_constraint(root, LOCATION, pairs)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def remove_location(request: Request, ports: Ports) -> Outcome:
    """Remove one: `constraint location remove ID`."""
    if len(request.arguments) != 1:
        raise UsageError
    wanted = request.arguments[0]

    def change(root: Element) -> str:
        found = find_constraint(root, wanted)
        if found is None or found.tag != LOCATION:
            raise InvalidRequestError(
                Report(
                    code="constraint-unknown", message=f"resource location id: {wanted} not found."
                )
            )
        remove(found)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def _split_rule(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """Return the options before the expression, and the expression's words."""
    options: dict[str, str] = {}
    rest = list(words)
    while rest:
        name, equals, value = rest[0].partition("=")
        if not equals or name not in RULE_OPTIONS:
            break
        options[name] = value
        rest.pop(0)
    return options, rest


def _add_rule(request: Request, ports: Ports, subject: str, words: Sequence[str]) -> Outcome:
    options, expression = _split_rule(words)
    if len(expression) > 1 and not request.is_classic:
        request.findings.deprecate(
            "rule-in-words",
            "Specifying a rule as multiple arguments is deprecated and might be removed in a "
            "future release, specify the rule as a single string instead",
        )

    def change(root: Element) -> str:
        rule = _RuleWanted(options, " ".join(expression), subject)
        rule.check(request, root)
        request.findings.stop_if_errors()
        rule.apply(request, root)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


class _RuleWanted:
    """A location constraint with a rule that is to be added."""

    def __init__(self, options: dict[str, str], text: str, subject: str) -> None:
        self._options = dict(options)
        self._text = text
        self._pattern = subject.startswith(PATTERN_PREFIX)
        self._subject = (
            subject.removeprefix(PATTERN_PREFIX).removeprefix("resource%").removeprefix("%")
        )

    def check(self, request: Request, root: Element) -> None:
        """Report everything that is wrong."""
        findings = request.findings
        if not self._pattern:
            if find_resource(root, self._subject) is None:
                findings.error("id-unknown", f"'{self._subject}' does not exist")
            else:
                get_resource_for_constraint(root, self._subject, is_forced=request.is_forced)
        for name in ("id", "constraint-id"):
            if name in self._options:
                findings.extend(check_new_id(root, self._options[name]))
        if "score" in self._options and "score-attribute" in self._options:
            findings.error(
                "options-exclusive", "Only one of options 'score' and 'score-attribute' can be used"
            )
        elif "score" in self._options:
            try:
                parse_score(self._options["score"])
            except ValueError:
                findings.add(bad_score(self._options["score"]))
        self._check_role(request)
        discovery = self._options.get("resource-discovery")
        if discovery is not None and discovery not in DISCOVERY:
            allowed = ", ".join(f"'{one}'" for one in DISCOVERY)
            findings.add(bad_value("resource-discovery", discovery, allowed, is_forceable=True))
        if not self._text:
            findings.error("rule-empty", "No rule expression was specified")
            return
        try:
            findings.extend(tuple(check_condition(parse_rule(self._text, RuleKind.LOCATION))))
        except RuleSyntaxError as problem:
            findings.error("rule-invalid", str(problem))

    def _check_role(self, request: Request) -> None:
        role = self._options.get("role")
        if role is None:
            return
        modern = MODERN_ROLES.get(role.capitalize(), role.capitalize())
        if modern != role.capitalize():
            request.findings.deprecate(
                "role-deprecated",
                f"Role value '{role}' is deprecated and should not be used, use '{modern}' instead",
            )
        if modern not in ("Promoted", "Unpromoted"):
            request.findings.add(bad_value("role", role, "'Promoted', 'Unpromoted'"))
        self._options["role"] = modern

    def apply(self, request: Request, root: Element) -> None:
        """Add the constraint; without force not if there is the same already."""
        condition = parse_rule(self._text, RuleKind.LOCATION)
        attribute = "rsc-pattern" if self._pattern else "rsc"
        constraint_id = self._options.get("constraint-id") or unique_id(
            root, clean_id(f"location-{self._subject}")
        )
        pairs = [("id", constraint_id), (attribute, self._subject)]
        pairs.append(("resource-discovery", self._options.get("resource-discovery", "")))
        older = list(iterate_constraints(root, (LOCATION,)))
        constraint = add_constraint(root, LOCATION, pairs)
        score = [] if "score-attribute" in self._options else [("score", "INFINITY")]
        wanted = dict(score) | {
            name: self._options[name]
            for name in ("role", "score", "score-attribute")
            if name in self._options
        }
        rule_id = self._options.get("id") or f"{constraint_id}-rule"
        rule = add_rule(
            root, constraint, condition, rule_id,
            attributes=list(wanted.items()), always_joined=False,
        )  # fmt: skip
        self._refuse_duplicates(request, rule, attribute, older)

    def _refuse_duplicates(
        self, request: Request, rule: Element, attribute: str, older: Sequence[Element]
    ) -> None:
        same = [
            one
            for one in older
            if one.get(attribute) == self._subject
            and any(same_rule(rule, other) for other in one.iterfind("rule"))
        ]
        if same and not request.is_forced:
            listed = "\n".join(f"  {one.get('id')}" for one in same)
            request.findings.inform("duplicates", f"Duplicate constraints:\n{listed}")
            request.findings.error(
                "constraint-duplicate", "Duplicate constraint already exists", is_forceable=True
            )


def rule_add(request: Request, ports: Ports) -> Outcome:
    """Add one more rule to a location constraint (0.9): `constraint rule add ID ...`."""
    if len(request.arguments) < 2:
        raise UsageError
    wanted, *words = request.arguments
    options, expression = _split_rule(words)

    def change(root: Element) -> str:
        constraint = find_constraint(root, wanted)
        if constraint is None or constraint.tag != LOCATION:
            raise InvalidRequestError(
                Report(
                    code="constraint-unknown",
                    message=f"Unable to find constraint: {wanted}",
                )
            )
        try:
            condition = parse_rule(" ".join(expression), RuleKind.LOCATION)
        except RuleSyntaxError as problem:
            raise InvalidRequestError(
                Report(code="rule-invalid", message=str(problem))
            ) from problem
        rule_id = options.get("id") or unique_id(root, f"{wanted}-rule")
        if "id" in options and find_by_id(root, rule_id) is not None:
            check_constraint_id(root, rule_id)
        attributes = [
            (name, options[name])
            for name in ("role", "score", "score-attribute")
            if name in options
        ]
        if not any(name.startswith("score") for name, _value in attributes):
            attributes.append(("score", "INFINITY"))
        add_rule(root, constraint, condition, rule_id, attributes=attributes, always_joined=False)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


COMMANDS = (
    Command(
        words="constraint location",
        handler=location,
        needs=Needs.CIB,
        arguments="<resource> prefers|avoids <node>[=<score>]... | <resource> rule "
        "[id=<rule id>] [constraint-id=<id>] [resource-discovery=<option>] "
        "[role=Promoted|Unpromoted] [score=<score>|score-attribute=<name>] <expression>",
        options=("force", "full", "all", "output-format"),
        help="Say which nodes a resource prefers or avoids (INFINITY where no score is given).",
        details="The resource may be regexp%<pattern> for all whose names match.",
    ),
    Command(
        words="constraint location add",
        handler=add,
        needs=Needs.CIB,
        arguments="<id> <resource> <node> [score=]<score> [resource-discovery=<option>]",
        options=("force",),
        help="Add a location constraint with an id of your own, or replace the one that has it.",
    ),
    Command(
        words="constraint location remove",
        handler=remove_location,
        needs=Needs.CIB,
        arguments="<id>",
        options=("force",),
        help="Remove a location constraint.",
        aliases=(Alias(words="constraint location delete"),),
    ),
    Command(
        words="constraint rule add",
        handler=rule_add,
        needs=Needs.CIB,
        arguments="<constraint id> [id=<rule id>] [role=...] [score=...] <expression>",
        help="Add a rule to a location constraint that has one.",
        is_hidden=True,
    ),
)
