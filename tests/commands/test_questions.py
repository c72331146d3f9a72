"""Questions of scripts, and what disabling would do to others, on a cluster in a file."""

import pytest
from tests.commands.command_line import CommandLine
from tests.commands.status_cib import CIB


@pytest.mark.parametrize(
    ("question", "status"),
    [
        ("exists Nobody", 2),
        ("is-stonith Nobody", 1),
        ("is-type", 1),
    ],
)
def test_no_is_two_and_what_cannot_be_asked_is_one(question: str, status: int) -> None:
    assert CommandLine(CIB.decode())(f"status query resource {question}")[0] == status


def test_yes_is_said_and_quiet_says_nothing() -> None:
    pcs = CommandLine()
    pcs.ok("resource create A ocf:pacemaker:Dummy")
    pcs.ok("resource group add G A")
    assert pcs.ok("status query resource is-in-group A") == "True\nG\n"
    assert pcs.ok("status query resource is-in-group A G --quiet") == ""
    assert pcs("status query resource is-in-group A H") == (2, "False\n", "")


def test_safe_disable_needs_a_cluster() -> None:
    pcs = CommandLine()
    pcs.ok("resource create A ocf:pacemaker:Dummy")
    before = pcs.text
    for words in ("disable A --safe", "disable A --simulate", "disable A --brief"):
        assert pcs(f"resource {words}")[0] == 1
    assert pcs.text == before


def test_fail_counts_of_what_never_failed_say_what_was_asked() -> None:
    out = CommandLine(CIB.decode()).ok("resource failcount show X operation=start node=n9")
    assert out == "No failcounts for operation 'start' of resource 'X' on node 'n9'\n"
