"""What is refused, in which order it is said, and what a refusal leaves alone."""

import pytest
from tests.commands.command_line import CommandLine
from tests.commands.test_editing_rules import dummies


def test_constraint_is_not_replaced_by_one_of_another_kind() -> None:
    pcs = dummies("A", "B")
    pcs.ok("constraint order A then B id=mine")
    before = pcs.text
    assert pcs("constraint location add mine A worker1 50")[0] == 1
    assert pcs.text == before


def test_location_needs_a_node_name() -> None:
    pcs = dummies("A")
    assert pcs("constraint location A prefers =5")[0] == 1


def test_old_words_of_a_level_are_read_as_target_and_as_device() -> None:
    _status, _out, err = CommandLine()("stonith level remove 2 x")
    assert "for 'x' at level '2' does not exist" in err
    assert "at level '2' with device(s) 'x' does not exist" in err


def test_group_that_goes_leaves_its_tags() -> None:
    pcs = dummies("A", "B")
    pcs.ok("resource group add G A")
    pcs.ok("tag create t G B")
    pcs.ok("resource ungroup G")
    assert pcs.ok("tag").split() == ["t", "B"]


@pytest.mark.parametrize(
    ("line", "order"),
    [
        ("B A --before X", ["'X' does not exist"]),
        ("B NoSuch --before A", ["'NoSuch' does not exist", "'B' is not a group"]),
        ("New A A --before B", ["duplicate resources: 'A'", "'B' in the group 'New'"]),
    ],
)
def test_what_speaks_against_a_group_is_said_in_order(line: str, order: list[str]) -> None:
    status, _out, err = dummies("A", "B")(f"resource group add {line}")
    lines = err.splitlines()
    assert status == 1
    assert len(lines) == len(order) + 1
    assert all(part in said for part, said in zip(order, lines, strict=False))


def test_disabled_resource_has_its_meta_attributes_where_disable_puts_them() -> None:
    pcs = CommandLine()
    pcs.ok("resource create A ocf:heartbeat:IPaddr2 ip=192.0.2.1 --disabled")
    made = pcs.text
    pcs = CommandLine()
    pcs.ok("resource create A ocf:heartbeat:IPaddr2 ip=192.0.2.1")
    pcs.ok("resource disable A")
    assert made == pcs.text


def test_unknown_options_are_named_as_they_are_typed_and_sorted() -> None:
    _status, _out, err = CommandLine()("tag create x y --full --name=z")
    assert "Specified options '--full', '--name' are not supported in this command" in err


def test_help_of_an_area_is_no_mistake() -> None:
    status, out, err = CommandLine()("tag help create")
    assert (status, err) == (0, "")
    assert out.startswith("Usage: pcs tag create...")


def test_permission_goes_with_the_resource_it_names() -> None:
    pcs = dummies("A")
    pcs.ok("acl role create r read id A write xpath //x")
    pcs.ok("resource delete A")
    assert "Permission: read" not in pcs.ok("acl")
    assert "Permission: write" in pcs.ok("acl")
