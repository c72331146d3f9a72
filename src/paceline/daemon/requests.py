"""What may be asked of the daemon on `daemon.sock`: one JSON line in, one JSON line out.

Every request is an object whose `do` says what. Every answer is an object with `ok`; where it is
false, `code` is a stable word and `message` a sentence. Fields that are not given have the value
shown. Names of nodes are plain strings, times are milliseconds. Several requests may follow one
another on a connection; each is answered before the next is read.

    {"do": "state", "parts": ["configuration", "status"]}
      -> {"ok": true, "configuration": "<cib ...>", "version": "...", "status": {ClusterStatus}}

`configuration` is the `<cib>` document without status, `status` is `model.status.ClusterStatus` as
JSON (fields by their names; defaults may be left out). Only the named parts come; `version` always.

    {"do": "configure", "configuration": "<cib ...>", "based_on": "VERSION", "user": "",
     "client": "cibadmin", "force": false, "request_id": "", "repeated": false}
      -> {"ok": true, "outcome": "acknowledged", "code": "", "detail": "", "version": "..."}

`outcome` is acknowledged, not-yet-safe (then `waits_for` says for what; `ok` is true), refused,
failed or unknown. A refused one has `code`, such as version-moved, no-quorum or invalid.
`user` counts only from root and hacluster, in every request; others read and change things under
their own name. Where access control lists are on (`enable-acl`), users but root and hacluster read
and change what these allow. The same `request_id` asked again gets the same answer; who asks again
says `repeated`, so that it is not refused by members who cannot know of the first time. All
requests below answer in this form too.

    {"do": "set-attributes", "node": "NAME", "values": {"pingd": "1", "old": null}}
    {"do": "clear-history", "resources": [], "nodes": [], "only_failed": true, "task": "",
     "interval_ms": null}
    {"do": "set-ticket", "ticket": "T", "values": {"granted": "true"}, "remove": false}
    {"do": "fence", "node": "NAME", "task": "reboot", "client": "", "delay_ms": 0}
    {"do": "confirm-off", "node": "NAME", "user": ""}
    {"do": "forget-fencing", "node": ""}
    {"do": "forget-node", "node": "NAME"}
    {"do": "shutdown"}

An empty `node` of set-attributes is this node. Values `++` and `+=N` add to the number that is
there.

    {"do": "wait", "until": "idle", "timeout_ms": 60000}
      -> {"ok": true, "is_reached": true, "waited_ms": 120}; both are false where it took too long

`until` is idle (a view is established, no plan runs or is wanted, nothing is in flight), quorate
(the view is quorate) or settled (both).

    {"do": "internals"}          -> {"ok": true, "internals": {"name": "value", ...}}
    {"do": "subscribe", "level": "notice"}
      -> {"ok": true}, then a line per note:
         {"note": {"time_ms", "level", "code", "message", "facts": {}, "position"}}
         and {"lost": N} where the reader was too slow for N notes.
"""

from enum import StrEnum

import msgspec
from msgspec import Struct

from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report

CONFIGURATION_BYTES_MAX = 32 * 1024 * 1024
"""The largest configuration that is taken: 5000 resources need about 10 MB."""
WAIT_MS_MAX = 3_600_000
"""The longest wait on one request: `pcs resource create --wait=3600`."""
VALUES_MAX = 1000
"""Attributes set by one request."""


class Part(StrEnum):
    """A part of the state."""

    CONFIGURATION = "configuration"
    STATUS = "status"


class Goal(StrEnum):
    """What a client may wait for."""

    IDLE = "idle"
    QUORATE = "quorate"
    SETTLED = "settled"


class AskState(Struct, frozen=True, kw_only=True, tag_field="do", tag="state"):
    """Read the state."""

    parts: tuple[Part, ...] = (Part.CONFIGURATION, Part.STATUS)
    user: str = ""


class AskConfigure(Struct, frozen=True, kw_only=True, tag_field="do", tag="configure"):
    """Replace the configuration, if it is still `based_on`."""

    configuration: str
    based_on: str
    user: str = ""
    client: str = ""
    force: bool = False
    request_id: str = ""
    repeated: bool = False


class AskSetAttributes(Struct, frozen=True, kw_only=True, tag_field="do", tag="set-attributes"):
    """Set transient attributes of a node; null deletes."""

    values: dict[str, str | None]
    node: str = ""
    user: str = ""
    request_id: str = ""


class AskClearHistory(Struct, frozen=True, kw_only=True, tag_field="do", tag="clear-history"):
    """Forget failures, or all results."""

    resources: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    only_failed: bool = True
    task: str = ""
    interval_ms: int | None = None
    user: str = ""
    request_id: str = ""


class AskSetTicket(Struct, frozen=True, kw_only=True, tag_field="do", tag="set-ticket"):
    """Change or remove a ticket."""

    ticket: str
    values: dict[str, str | None] = {}
    remove: bool = False
    user: str = ""
    request_id: str = ""


class AskFence(Struct, frozen=True, kw_only=True, tag_field="do", tag="fence"):
    """Fence a node by hand."""

    node: str
    task: str = "reboot"
    client: str = ""
    delay_ms: int = 0
    user: str = ""
    request_id: str = ""


class AskConfirmOff(Struct, frozen=True, kw_only=True, tag_field="do", tag="confirm-off"):
    """A person says that the node is off."""

    node: str
    user: str = ""
    request_id: str = ""


class AskForgetFencing(Struct, frozen=True, kw_only=True, tag_field="do", tag="forget-fencing"):
    """Drop the record of fencing that ended, of one node or (an empty name) of all."""

    node: str = ""
    user: str = ""
    request_id: str = ""


class AskForgetNode(Struct, frozen=True, kw_only=True, tag_field="do", tag="forget-node"):
    """Drop what is known of a removed node."""

    node: str
    user: str = ""
    request_id: str = ""


class AskShutdown(Struct, frozen=True, kw_only=True, tag_field="do", tag="shutdown"):
    """Leave cleanly."""

    user: str = ""
    request_id: str = ""


class AskWait(Struct, frozen=True, kw_only=True, tag_field="do", tag="wait"):
    """Wait for a goal, at most `timeout_ms`."""

    until: Goal = Goal.IDLE
    timeout_ms: int = 60_000


class AskInternals(Struct, frozen=True, kw_only=True, tag_field="do", tag="internals"):
    """Read figures for people."""


class AskSubscribe(Struct, frozen=True, kw_only=True, tag_field="do", tag="subscribe"):
    """Follow the notes from `level` up."""

    level: str = "notice"


AskChange = (
    AskConfigure
    | AskSetAttributes
    | AskClearHistory
    | AskSetTicket
    | AskFence
    | AskConfirmOff
    | AskForgetFencing
    | AskForgetNode
    | AskShutdown
)
Ask = AskState | AskChange | AskWait | AskInternals | AskSubscribe

_DECODER: msgspec.json.Decoder[Ask] = msgspec.json.Decoder(Ask)


def parse_request(line: bytes) -> Ask:
    """Return the request that the line holds.

    Raises InvalidRequestError where it is none, or where a part of it is out of its limits.
    """
    try:
        ask = _DECODER.decode(line)
    except (msgspec.DecodeError, RecursionError) as problem:
        raise _invalid(f"the request is not understood: {problem}") from problem
    if isinstance(ask, AskWait) and not 0 <= ask.timeout_ms <= WAIT_MS_MAX:
        raise _invalid(f"timeout_ms must be 0 to {WAIT_MS_MAX}")
    if isinstance(ask, AskFence) and ask.task not in ("on", "off", "reboot"):
        raise _invalid("task must be on, off or reboot")
    if isinstance(ask, AskSetAttributes | AskSetTicket) and len(ask.values) > VALUES_MAX:
        raise _invalid(f"more than {VALUES_MAX} values in one request")
    if isinstance(ask, AskConfigure) and len(ask.configuration) > CONFIGURATION_BYTES_MAX:
        raise _invalid(f"the configuration is larger than {CONFIGURATION_BYTES_MAX} bytes")
    return ask


def _invalid(message: str) -> InvalidRequestError:
    return InvalidRequestError(Report(code="bad-request", message=message))
