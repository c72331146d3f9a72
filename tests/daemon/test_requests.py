"""The lines of the daemon's socket."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from paceline.daemon.requests import (
    AskClearHistory,
    AskSetAttributes,
    AskState,
    AskWait,
    Goal,
    Part,
    parse_request,
)
from paceline.model.errors import InvalidRequestError


def test_state_asks_for_everything_when_no_part_is_named() -> None:
    ask = parse_request(b'{"do":"state"}\n')
    assert ask == AskState(parts=(Part.CONFIGURATION, Part.STATUS))


def test_attributes_keep_their_order_and_null_when_they_are_parsed() -> None:
    ask = parse_request(b'{"do":"set-attributes","values":{"b":"1","a":null}}')
    assert isinstance(ask, AskSetAttributes)
    assert list(ask.values.items()) == [("b", "1"), ("a", None)]


def test_clear_history_has_its_defaults_when_nothing_is_given() -> None:
    assert parse_request(b'{"do":"clear-history"}') == AskClearHistory()


def test_wait_is_read_when_it_is_within_its_limits() -> None:
    ask = parse_request(b'{"do":"wait","until":"settled","timeout_ms":5}')
    assert ask == AskWait(until=Goal.SETTLED, timeout_ms=5)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"[]",
        b"\xff\xfe",
        b'{"do":"dance"}',
        b'{"do":"wait","timeout_ms":-1}',
        b'{"do":"wait","timeout_ms":99999999999}',
        b'{"do":"fence","node":"n1","task":"explode"}',
        b'{"do":"configure"}',
        b'{"do":"set-attributes","values":[1]}',
        b'{"do":"state","parts":["secrets"]}',
    ],
)
def test_request_is_refused_when_it_is_malformed(line: bytes) -> None:
    with pytest.raises(InvalidRequestError):
        parse_request(line)


@given(st.binary(max_size=200))
def test_request_is_parsed_or_refused_when_it_is_any_bytes(line: bytes) -> None:
    try:
        parse_request(line)
    except InvalidRequestError as refused:
        assert refused.reports
