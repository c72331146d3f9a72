"""Words of a command line, requests on the sockets and over HTTPS: never an exception."""

import base64
import contextlib
import string
from typing import NoReturn

import msgspec
from hypothesis import given
from hypothesis import strategies as st
from tests.cib.test_read import CIB
from tests.commands.command_line import AgentsInMemory, CibInMemory, FilesInMemory
from tests.fuzz.budget import budget

from paceline.api.command_server import CommandRequest
from paceline.api.node_calls import Caller, NodeCalls
from paceline.commands.contract import Ports, UsageError
from paceline.commands.options import TAKES, parse_words
from paceline.commands.run import Places, Session, run_words
from paceline.commands.table import all_commands
from paceline.daemon.requests import parse_request
from paceline.model.errors import InvalidRequestError, UnreachableError
from paceline.ports.daemon import JsonRecord
from paceline.ports.node import TokenHolder
from paceline.ports.node_calls import CALLS, Done, NodeAnswer, NodeRequest

KNOWN = sorted({word for command in all_commands() for word in command.words.split()})
WORDS = st.one_of(
    st.sampled_from(KNOWN),
    st.sampled_from(sorted(TAKES)).map("--{}".format),
    st.sampled_from(["--", "-", "--=", "-f", "-1", "-INFINITY", "", "a=b", "=", "ocf:x:y", "\x00"]),
    st.text(max_size=8),
)
JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=6)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["do", "user", "password", "holder", "holders", "files", "name", "content", "names",
                 "action", "services", "targets", "words", "cwd", "environment", "values", "node",
                 "parts", "until", "timeout_ms", "configuration", "based_on", "ticket", "role"]
            ),
            inner,
            max_size=5,
        ),
    ),
    max_leaves=8,
)  # fmt: skip
DO = st.sampled_from(
    ["state", "configure", "set-attributes", "clear-history", "set-ticket", "fence", "wait",
     "confirm-off", "forget-node", "forget-fencing", "shutdown", "internals", "subscribe", "dance"]
)  # fmt: skip


@budget(300)
@given(st.lists(WORDS, max_size=7))
def test_any_words_are_read_or_refused(words: list[str]) -> None:
    with contextlib.suppress(UsageError):
        parse_words(words)


class Nobody:
    """A daemon that is not there."""

    def ask(self, request: JsonRecord, *, timeout_ms: int = 0) -> JsonRecord:
        raise UnreachableError("no daemon")


class Deaf:
    """A terminal at which nobody sits."""

    def __init__(self) -> None:
        self.shown = ""

    def out(self, text: str) -> None:
        self.shown += text

    err = out

    def ask(self, prompt: str, *, is_secret: bool) -> str:
        raise UsageError("nobody is there")


def _not_here() -> NoReturn:
    raise UnreachableError("no node")


def _ports(places: Places) -> Ports:
    return Ports(
        cib=CibInMemory(CIB.decode()),
        files=FilesInMemory(),
        agents=AgentsInMemory(),
        daemon=Nobody(),
        corosync_conf_path="corosync.conf",
        open_node=_not_here,
        open_peers=_not_here,
        open_engine_tools=_not_here,
        open_report_files=_not_here,
    )


COMMANDS = st.sampled_from(sorted(command.words for command in all_commands()))
ARGUMENTS = st.one_of(
    st.sampled_from(
        ["a", "b", "t", "both", "l", "n1", "nosuch", "--", "-5", "INFINITY", "id=x", "a=", "=",
         "op",
         "meta", "monitor", "interval=10s", "interval=x", "score=INFINITY", "with", "then", "set",
         "setoptions", "rule", "date", "in_range", "#uname", "eq", "(", "and",
         "ocf:heartbeat:Dummy",
         "heartbeat", "clone", "group", "--group", "--force",
         "--after", "--wait=1", "--full",
         "1",
         "--output-format=json", "--output-format=xml", "add", "remove", "delete", "x=<&", "\u00b2"]
    ),
    st.text("ab=-:#'() \u00b2", max_size=6),
)  # fmt: skip


@budget(300)
@given(COMMANDS, st.lists(ARGUMENTS, max_size=6))
def test_any_words_after_a_command_end_with_0_or_1(command: str, words: list[str]) -> None:
    """The handlers themselves, on a configuration of which the words name some parts."""
    terminal = Deaf()
    session = Session(program="pcs", user="root", cwd="/", environment={})
    given_words = [*command.split(), *words]
    status = run_words(given_words, session=session, terminal=terminal, make_ports=_ports)
    assert status == 0 or terminal.shown


@budget(300)
@given(st.lists(st.one_of(JSON.map(msgspec.json.encode), st.binary(max_size=60)), max_size=3))
def test_any_line_on_the_command_socket_is_a_request_or_refused(lines: list[bytes]) -> None:
    for line in lines:
        with contextlib.suppress(msgspec.DecodeError):
            msgspec.json.decode(line, type=CommandRequest)


@budget(300)
@given(DO, JSON)
def test_any_line_on_the_daemons_socket_is_a_request_or_refused(do: str, rest: object) -> None:
    record = {**rest, "do": do} if isinstance(rest, dict) else rest
    with contextlib.suppress(InvalidRequestError):
        parse_request(msgspec.json.encode(record))


def test_deeply_nested_lines_are_refused() -> None:
    for line in (b"[" * 200_000, b'{"do":' * 100_000):
        with contextlib.suppress(InvalidRequestError):
            parse_request(line)


class OneToken:
    """A book with one token, `good`; everything else of it is never called."""

    def find(self, token: str) -> TokenHolder | None:
        return TokenHolder(name="one", is_bound=False) if token == "good" else None


def _calls(seen: list[NodeRequest]) -> NodeCalls:
    def perform(request: NodeRequest, source: str) -> NodeAnswer:
        seen.append(request)
        return Done()

    return NodeCalls(OneToken(), perform, has_authority=lambda: False)  # type: ignore[arg-type]  # only what is used


NAMES = st.sampled_from([name for name, _request, _answer in CALLS] + ["", "..", "hello/../x"])


@budget(400)
@given(NAMES, st.one_of(JSON.map(msgspec.json.encode), st.binary(max_size=80)))
def test_any_body_of_a_call_is_answered(name: str, body: bytes) -> None:
    caller = Caller(address="x", authorization="Bearer good", certified_name="")
    answer = _calls([]).answer(name, body, caller)
    assert answer.status in (200, 400, 404)


@budget(200)
@given(NAMES, st.text(string.printable, max_size=30), st.text(max_size=10))
def test_no_token_but_the_right_one_opens_a_call(name: str, header: str, certified: str) -> None:
    seen: list[NodeRequest] = []
    caller = Caller(address="x", authorization=header, certified_name=certified)
    answer = _calls(seen).answer(name, b"{}", caller)
    if name not in ("hello", "authenticate"):
        assert answer.status in (401, 404)
        assert not seen


@budget(200)
@given(st.text(max_size=30))
def test_no_name_of_a_file_but_those_of_the_list_is_taken(name: str) -> None:
    seen: list[NodeRequest] = []
    content = base64.b64encode(b"x").decode()
    body = msgspec.json.encode({"files": [{"name": f"../{name}", "content": content}]})
    caller = Caller(address="x", authorization="Bearer good", certified_name="")
    assert _calls(seen).answer("put-files", body, caller).status == 400
    assert not seen
