"""`cluster uidgid`: which users and groups beside root may speak to Corosync on this node.

Each entry is a file of its own in Corosync's `uidgid.d`; files that others put there count too.
"""

import re
from collections.abc import Sequence

from paceline.commands.cluster_nodes import invalid
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.model.corosync_conf import parse_corosync_conf
from paceline.ports.node import NodeFiles
from paceline.ports.node_calls import FileName

KEYS = ("uid", "gid")
PREFIX = "pcs-uidgid-"
SECTION = "uidgid"
_ACCOUNT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]*\$?")


def show(request: Request, ports: Ports) -> Outcome:
    """`cluster uidgid`: list the entries of this node."""
    if request.arguments:
        raise UsageError
    found = [pair for _, pair in _entries(ports.open_node().files)]
    lines = [f"UID/GID: uid={uid} gid={gid}" for uid, gid in found]
    return Outcome(text="\n".join(lines) or "No uidgids configured")


def add(request: Request, ports: Ports) -> Outcome:
    """`cluster uidgid add [uid=U] [gid=G]`."""
    uid, gid = wanted = _read(request.arguments)
    files = ports.open_node().files
    if any(pair == wanted for _, pair in _entries(files)):
        raise invalid("uidgid-exists", f"uidgid file with uid={uid} and gid={gid} already exists")
    # Only what was given is written: an option without a value means nothing to Corosync.
    lines = [f"  {key}: {value}" for key, value in zip(KEYS, wanted, strict=True) if value]
    content = "\n".join((f"{SECTION} {{", *lines, "}", ""))
    files.write(FileName.COROSYNC_UIDGID, content.encode(), f"{PREFIX}{uid}-{gid}")
    return Outcome()


def remove(request: Request, ports: Ports) -> Outcome:
    """`cluster uidgid delete [uid=U] [gid=G]`: every file with just these two."""
    uid, gid = wanted = _read(request.arguments)
    files = ports.open_node().files
    names = [name for name, pair in _entries(files) if pair == wanted]
    if not names:
        raise invalid("uidgid-unknown", f"no uidgid files with uid={uid} and gid={gid} found")
    for name in names:
        files.remove(FileName.COROSYNC_UIDGID, name)
    return Outcome()


def _read(words: Sequence[str]) -> tuple[str, str]:
    """Return uid and gid, "" for one that is not named. Raises UsageError, InvalidRequestError."""
    if not words:
        raise UsageError
    given: dict[str, str] = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not equals:
            raise invalid("uidgid-words", "uidgid options must be of the form uid=<uid> gid=<gid>")
        if key not in KEYS:
            raise invalid("uidgid-words", f"{key} is not a valid key, you must use uid or gid")
        if value and not _ACCOUNT.fullmatch(value):
            raise invalid("uidgid-words", f"'{value}' is no name or number of an account")
        given[key] = value
    if not any(given.values()):
        raise invalid("uidgid-words", "you must set either uid or gid")
    return given.get("uid", ""), given.get("gid", "")


def _entries(files: NodeFiles) -> list[tuple[str, tuple[str, str]]]:
    """Return each file's name, and its uid and gid; what is no such file is passed over."""
    found = []
    for name in files.instances(FileName.COROSYNC_UIDGID):
        content = files.read(FileName.COROSYNC_UIDGID, name) or b""
        try:
            root = parse_corosync_conf(content.decode())
        except ValueError:
            continue
        for section in root.all_named(SECTION):
            uid, gid = (section.find_option(key) or "" for key in KEYS)
            if uid or gid:
                found.append((name, (uid, gid)))
    return found


_WORDS = "[uid=<uid>] [gid=<gid>]"

COMMANDS = (
    Command(
        words="cluster uidgid",
        handler=show,
        needs=Needs.NOTHING,
        help="List the users and groups that may speak to Corosync on this node.",
    ),
    Command(
        words="cluster uidgid add",
        handler=add,
        needs=Needs.NOTHING,
        arguments=_WORDS,
        help="Let a user or a group speak to Corosync on this node.",
        details="Corosync reads it when it starts, or after 'cluster reload corosync'.",
    ),
    Command(
        words="cluster uidgid delete",
        handler=remove,
        needs=Needs.NOTHING,
        arguments=_WORDS,
        help="Let a user or a group no longer speak to Corosync on this node.",
        aliases=(
            Alias(words="cluster uidgid remove"),
            Alias(words="cluster uidgid rm", replaced_by="cluster uidgid delete"),
        ),
    ),
)
