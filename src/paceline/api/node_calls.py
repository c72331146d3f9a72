"""The node's HTTPS side without the network: which call, by whom, and the answer as bytes."""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus

import msgspec

from paceline.model.errors import InvalidRequestError
from paceline.ports.node import TokenBook
from paceline.ports.node_calls import (
    CALLS,
    OPEN_CALLS,
    Authenticate,
    CallRefused,
    NodeAnswer,
    NodeRequest,
)

REQUEST_BYTES_MAX = 8 * 1024 * 1024
"""A few files of a MiB each, as base64."""
_BEARER = "Bearer "
_REQUESTS = {name: request for name, request, _ in CALLS}

Perform = Callable[[NodeRequest, str], NodeAnswer]
"""Does a call: the request, and the address of who asks. May block."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks: address, the token's header, and the name in his certificate ("" without)."""

    address: str
    authorization: str
    certified_name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The HTTP status and the body; `note` is a line for the log, without secrets."""

    status: int
    body: bytes
    note: str


class NodeCalls:
    """Decides whether a call is allowed, and has it done."""

    def __init__(
        self, tokens: TokenBook, perform: Perform, *, has_authority: Callable[[], bool]
    ) -> None:
        """Keep how things are done; `has_authority` says whether this node is in a cluster."""
        self._tokens, self._perform, self._has_authority = tokens, perform, has_authority

    def answer(self, name: str, body: bytes, caller: Caller) -> Answer:
        """Return the answer to one call. Blocks while the call is done."""
        request_type = _REQUESTS.get(name)
        if request_type is None:
            return _refuse(HTTPStatus.NOT_FOUND, "unknown-call", f"there is no call '{name}'")
        if name not in OPEN_CALLS:
            refusal = self._find_refusal(caller)
            if refusal is not None:
                return refusal
        try:
            request = msgspec.json.decode(body, type=request_type)
        except (msgspec.DecodeError, RecursionError):
            # The decoder's own words may quote what was sent: a password.
            return _refuse(HTTPStatus.BAD_REQUEST, "bad-request", f"no request for '{name}'")
        try:
            done = self._perform(request, caller.address)
        except InvalidRequestError as error:
            first = error.reports[0]
            # A password that is refused is no question of tokens: the caller reads the code.
            return _refuse(HTTPStatus.CONFLICT, first.code, first.message, name=name)
        what = repr(request) if isinstance(request, Authenticate) else name
        return Answer(
            status=HTTPStatus.OK, body=msgspec.json.encode(done), note=f"{caller.address}: {what}"
        )

    def _find_refusal(self, caller: Caller) -> Answer | None:
        """Return why the caller may not call, or None where he may."""
        token = caller.authorization.removeprefix(_BEARER)
        holder = self._tokens.find(token) if token != caller.authorization else None
        if holder is None:
            return _refuse(
                HTTPStatus.UNAUTHORIZED, "no-token", "the token is not (or no longer) accepted"
            )
        certified = caller.certified_name
        if certified and not hmac.compare_digest(certified.encode(), holder.name.encode()):
            return _refuse(
                HTTPStatus.FORBIDDEN,
                "other-certificate",
                "the certificate is another host's than the token",
            )
        if certified and not holder.is_bound:
            self._tokens.bind(token)
        if holder.is_bound and not certified and self._has_authority():
            return _refuse(
                HTTPStatus.FORBIDDEN,
                "no-certificate",
                "this token counts only with the certificate of the cluster that the host was in",
            )
        return None


def _refuse(status: HTTPStatus, code: str, message: str, *, name: str = "") -> Answer:
    body = msgspec.json.encode(CallRefused(code=code, message=message))
    return Answer(status=status, body=body, note=f"{name or 'call'} refused: {code}")
