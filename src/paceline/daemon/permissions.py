"""The one door where access control lists are asked, whatever way a request came.

Members of haclient come in by the daemon's socket, or by the node service, which says for whom it
asks. Runs in a thread: it parses the configuration and asks for groups.
"""

import grp
import os
import pwd
from dataclasses import dataclass

from paceline.cib.acl import (
    Access,
    Permission,
    View,
    find_denied,
    is_enabled,
    permissions_of,
    with_status_place,
)
from paceline.cib.tree import Element, parse_cib, serialize
from paceline.daemon.requests import (
    AskChange,
    AskClearHistory,
    AskConfigure,
    AskConfirmOff,
    AskFence,
    AskForgetFencing,
    AskForgetNode,
    AskSetAttributes,
    AskSetTicket,
    AskShutdown,
)
from paceline.model.errors import InvalidRequestError

UNRESTRICTED = frozenset({"root", "hacluster"})
"""Permissions are never asked for these users, so that nobody can lock himself out."""

ENABLE = b"enable-acl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Readable:
    """What a user may read; `configuration` is None where that is nothing."""

    configuration: bytes | None
    has_status: bool


def find_restricted(named: str, peer: str, *, is_trusted: bool) -> str:
    """Return the user whose permissions count, "" where none do.

    `named` is whom the peer asks for; it counts only from a trusted peer.
    """
    if not is_trusted:
        return peer
    return "" if named in ("", peer) or named in UNRESTRICTED else named


def readable_by(user: str, running: bytes) -> Readable:
    """Return what of the running configuration the user may read."""
    root = _parse_if_enabled(running)
    if root is None:
        return Readable(configuration=running, has_status=True)
    permissions = permissions_of(root, user, groups_of(user))
    shown = View(root, permissions).readable()
    return Readable(
        configuration=None if shown is None else serialize(shown),
        has_status=View(with_status_place(root), permissions).may_in_status(Access.READ),
    )


def find_refusal(user: str, running: bytes, ask: AskChange) -> str:
    """Return why the user may not do this, "" where he may."""
    root = _parse_if_enabled(running)
    if root is None:
        return ""
    permissions = permissions_of(root, user, groups_of(user))
    if isinstance(ask, AskConfigure):
        return _find_configure_refusal(user, root, permissions, ask)
    view = View(with_status_place(root), permissions)
    match ask:
        case AskSetAttributes() | AskClearHistory() | AskSetTicket():
            is_allowed, what = view.may_in_status(Access.WRITE), "change the status"
        case AskFence() | AskConfirmOff() | AskForgetFencing() | AskForgetNode() | AskShutdown():
            is_allowed, what = view.may_everywhere(Access.WRITE), "do this to a node"
    return "" if is_allowed else f"user '{user}' has no permission to {what}"


def _parse_if_enabled(running: bytes) -> Element | None:
    """Return the configuration's root where permissions are to be looked at."""
    if ENABLE not in running:
        return None
    root = parse_cib(running)
    return root if is_enabled(root) else None


def _find_configure_refusal(
    user: str, root: Element, permissions: tuple[Permission, ...], ask: AskConfigure
) -> str:
    try:
        new = parse_cib(ask.configuration.encode())
    except InvalidRequestError as problem:
        return str(problem)
    for status in new.findall("status"):
        new.remove(status)
    if not View(root, permissions).may_everywhere(Access.READ):
        # What he cannot see would be missing from what he sends.
        return f"user '{user}' may not read all of the configuration, so he cannot replace it"
    denied = find_denied(root, new, permissions)
    return f"user '{user}' has no permission to {denied}" if denied else ""


def groups_of(user: str) -> frozenset[str]:
    """Return the names of a user's groups on this node; empty where there is no such user."""
    try:
        account = pwd.getpwnam(user)
    except KeyError:
        return frozenset()
    found = set()
    for number in os.getgrouplist(account.pw_name, account.pw_gid):
        try:
            found.add(grp.getgrgid(number).gr_name)
        except KeyError:
            continue
    return frozenset(found)
