"""The one door: whose permissions count, and what they let through."""

import pytest
from tests.cib.test_acl import CIB

from paceline.daemon.permissions import find_refusal, find_restricted, groups_of, readable_by
from paceline.daemon.requests import (
    AskChange,
    AskClearHistory,
    AskConfigure,
    AskFence,
    AskSetAttributes,
)

TEXT = CIB.decode()


@pytest.mark.parametrize(
    ("named", "peer", "is_trusted", "restricted"),
    [
        ("", "root", True, ""),
        ("root", "root", True, ""),
        ("hacluster", "root", True, ""),
        ("ann", "root", True, "ann"),
        ("", "ann", False, "ann"),
        ("root", "ann", False, "ann"),
        ("hacluster", "ann", False, "ann"),
    ],
)
def test_permissions_are_those_of_the_user_whatever_name_he_gives(
    named: str, peer: str, is_trusted: bool, restricted: str
) -> None:
    assert find_restricted(named, peer, is_trusted=is_trusted) == restricted


def _configure(document: str) -> AskConfigure:
    return AskConfigure(configuration=document, based_on="1")


@pytest.mark.parametrize(
    ("user", "ask", "words"),
    [
        ("ann", _configure(TEXT.replace('value="80"', 'value="81"')), "may not read all"),
        ("bob", AskSetAttributes(values={"a": "1"}), "change the status"),
        ("bob", AskClearHistory(), "change the status"),
        ("bob", AskFence(node="n1"), "to a node"),
    ],
)
def test_refusal_says_what_is_missing(user: str, ask: AskChange, words: str) -> None:
    assert words in find_refusal(user, CIB, ask)


def test_reader_who_sees_everything_changes_what_he_may() -> None:
    running = CIB.replace(b'kind="deny"', b'kind="write"')
    text = running.decode()
    allowed = _configure(text.replace('value="80"', 'value="81"'))
    assert find_refusal("ann", running, allowed) == ""
    other = _configure(text.replace('uname="n1"', 'uname="n2"'))
    assert "change <node id='1'>" in find_refusal("ann", running, other)
    assert find_refusal("ann", running, _configure("<cib")) != ""


def test_everything_is_open_while_lists_are_off() -> None:
    running = CIB.replace(b'value="true"', b'value="false"')
    assert find_refusal("nobody-here", running, AskClearHistory()) == ""
    assert readable_by("nobody-here", running).configuration == running


def test_reader_gets_what_he_may_read() -> None:
    shown = readable_by("bob", CIB)
    assert shown.configuration is not None
    assert b"secret" not in shown.configuration
    assert not shown.has_status
    assert readable_by("ann", CIB).has_status
    assert readable_by("nobody-here", CIB).configuration is None


def test_groups_are_the_systems() -> None:
    assert groups_of("no such user") == frozenset()
    assert "root" in groups_of("root")
