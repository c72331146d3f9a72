"""`crm_rule`: is a rule with dates in effect now, or at another time."""

import time
from collections.abc import Sequence

from msgspec import structs

from paceline.cib.dates import parse_date_ms
from paceline.cib.read_attributes import References, read_rule
from paceline.cib.tree import Element
from paceline.commands.tools import (
    EXIT_NO_SUCH,
    EXIT_USAGE,
    Given,
    Option,
    Said,
    ToolError,
    ToolPorts,
    parse_options,
)
from paceline.commands.tools_answers import Answer, element_of, run_act
from paceline.commands.tools_cib import parse_xml
from paceline.commands.tools_ticket import parse_cib_with_status
from paceline.model.configuration import DateExpression, Rule
from paceline.scheduler.rules import Moment, RuleContext, is_rule_true

OPTIONS = (
    Option("check", "c"), Option("xml-text", "X", "value"), Option("date", "d", "value"),
    Option("rule", "r", "value"),
)  # fmt: skip
EXIT_UNIMPLEMENTED = 3
EXIT_NO_DATE = 65
EXIT_EXPIRED = 110
EXIT_NOT_YET = 111
EXIT_NOT_NOW = 112


def crm_rule(words: Sequence[str], ports: ToolPorts) -> Said:
    """Say of each rule whether it is in effect, expired or still to come."""
    given = parse_options(words, OPTIONS)
    if given.has("help"):
        return Said("Usage: crm_rule -c -r RULE [-r RULE] [-d DATE] [-X XML]")
    if not given.has("check"):
        raise ToolError("No mode operation given", EXIT_USAGE)
    if not given.has("rule"):
        raise ToolError("--check requires use of --rule=", EXIT_USAGE)
    return run_act("crm_rule", _answer, given, words, ports)


def _answer(given: Given, ports: ToolPorts) -> Answer:
    root = _document(given, ports)
    now_ms = _now_ms(given)
    lines: list[str] = []
    problems: list[str] = []
    elements: list[Element] = []
    status = 0
    for name in given.every["rule"]:
        text, status = _check(name, root, now_ms)
        (problems if text.startswith("Could not") else lines).append(text)
        elements.append(element_of("rule-check", rule__id=name, rc=str(status)))
    return Answer("\n".join(lines), tuple(elements), "\n".join(problems), status)


def _document(given: Given, ports: ToolPorts) -> Element:
    if not given.has("xml-text"):
        return parse_cib_with_status(ports)
    text = given.get("xml-text")
    return parse_xml(ports.read_input() if text == "-" else text.encode())


def _now_ms(given: Given) -> int:
    if not given.has("date"):
        return int(time.time() * 1000)
    try:
        return parse_date_ms(given.get("date"))
    except ValueError as problem:
        raise ToolError(f"No valid date: {problem}", EXIT_NO_DATE) from problem


def _check(name: str, root: Element, now_ms: int) -> tuple[str, int]:
    """Return what is true of a rule, and the exit status that says so."""
    unknown = f"Could not determine whether rule {name} is in effect"
    element = next((each for each in root.iter("rule") if each.get("id") == name), None)
    if element is None:
        return f"{unknown}: Rule not found", EXIT_NO_SUCH
    rule = read_rule(element, References(root))
    dates = [each for each in rule.expressions if isinstance(each, DateExpression)]
    if not dates:
        return f"{unknown}: Rule does not have a date expression", EXIT_UNIMPLEMENTED
    if len(dates) > 1:
        return f"{unknown}: Rule has more than one date expression", EXIT_UNIMPLEMENTED
    return _verdict(name, structs.replace(rule, expressions=(dates[0],)), dates[0], now_ms)


def _verdict(name: str, rule: Rule, date: DateExpression, now_ms: int) -> tuple[str, int]:
    if is_rule_true(rule, RuleContext(moment=Moment(now_ms))):
        return f"Rule {name} is still in effect", 0
    if date.start_ms is not None and now_ms <= date.start_ms:
        return f"Rule {name} has not yet taken effect", EXIT_NOT_YET
    if date.end_ms is not None and now_ms >= date.end_ms:
        return f"Rule {name} is expired", EXIT_EXPIRED
    return f"Could not determine whether rule {name} is in effect: not at this time", EXIT_NOT_NOW
