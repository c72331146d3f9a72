"""Rules as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.cib.rule_checks import check_condition
from paceline.cib.rule_parsing import (
    Compare,
    DateRange,
    Defined,
    Joined,
    OnOperation,
    OnResource,
    RuleKind,
    RuleSyntaxError,
    parse_rule,
)
from paceline.cib.rules import add_rule
from paceline.cib.tree import parse_cib
from paceline.commands.show_rules import rule_lines


def test_neither_and_nor_or_comes_before_the_other() -> None:
    rule = parse_rule("a eq 1 or b eq 2 or d eq 3 and c gt version 1.2", RuleKind.LOCATION)
    assert isinstance(rule, Joined)
    assert rule.is_and
    first, second = rule.parts
    assert isinstance(first, Joined)
    assert (first.is_and, len(first.parts)) == (False, 3)
    assert second == Compare(attribute="c", operation="gt", value="1.2", value_type="version")


def test_parentheses_need_no_blanks() -> None:
    rule = parse_rule(
        "(date-spec hours=1 or date-spec hours=2) and #uname eq n1", RuleKind.LOCATION
    )
    assert isinstance(rule, Joined)
    assert rule.is_and


def test_date_range_may_lack_its_start() -> None:
    rule = parse_rule("date in_range to 2030-01-01", RuleKind.LOCATION)
    assert rule == DateRange(end="2030-01-01")


def test_defaults_know_resources_and_operations() -> None:
    rule = parse_rule(
        "op monitor interval=10s and resource ocf:heartbeat:", RuleKind.OPERATION_DEFAULTS
    )
    assert isinstance(rule, Joined)
    assert rule.parts == (
        OnOperation(name="monitor", interval="10s"),
        OnResource(standard="ocf", provider="heartbeat"),
    )


def test_op_is_refused_in_resource_defaults() -> None:
    with pytest.raises(RuleSyntaxError, match="'op' cannot be used"):
        parse_rule("op monitor", RuleKind.RESOURCE_DEFAULTS)


@pytest.mark.parametrize(
    ("text", "column"), [("nonsense here", 10), ("rack eq", 8), ("(rack eq a", 11)]
)
def test_error_names_the_place(text: str, column: int) -> None:
    with pytest.raises(RuleSyntaxError, match=f"column {column}"):
        parse_rule(text, RuleKind.LOCATION)


def test_bad_values_are_all_reported() -> None:
    rule = parse_rule("a lt integer x and date gt never", RuleKind.LOCATION)
    assert len(check_condition(rule)) == 2


def test_rule_is_shown_as_it_was_typed() -> None:
    root = parse_cib(b"<cib><configuration><constraints/></configuration></cib>")
    owner = root.find("configuration/constraints")
    assert owner is not None
    rule = parse_rule("not_defined pingd or pingd lt 1", RuleKind.LOCATION)
    lines = rule_lines(add_rule(root, owner, rule, "r", always_joined=False), shows_ids=False)
    assert lines == [
        "Rule: boolean-op=or score=INFINITY",
        "  Expression: not_defined pingd",
        "  Expression: pingd lt 1",
    ]


@given(st.text(alphabet="ab ()=:#-0\"'", max_size=40))
def test_any_text_is_a_rule_or_a_syntax_error(text: str) -> None:
    try:
        parse_rule(text, RuleKind.LOCATION)
    except RuleSyntaxError:
        return


def test_defined_is_a_condition() -> None:
    assert parse_rule("defined x", RuleKind.LOCATION) == Defined(attribute="x", is_defined=True)
