"""One connection to the local Corosync: all the libraries, opened and closed together."""

import os
import select
import threading
from collections.abc import Callable
from dataclasses import dataclass

from paceline.adapters.corosync.cmap import Cmap
from paceline.adapters.corosync.cpg import Cpg, CpgCallbacks
from paceline.adapters.corosync.library import CorosyncError, Result
from paceline.adapters.corosync.nodelist import (
    NODE_PREFIX,
    RELOAD_KEY,
    NodeList,
    is_reloading,
    read_node_list,
)
from paceline.adapters.corosync.quorum import Quorum
from paceline.adapters.corosync.votequorum import VoteQuorum
from paceline.model.identifiers import NodeId
from paceline.replica.events import MemberAddress, RingId

JOIN_RETRY_SECONDS = 0.02
JOIN_ATTEMPTS_MAX = 500
"""Corosync answers "try again" while a membership forms; ten seconds are longer than any."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionCallbacks:
    """What a connection tells, from inside the dispatches only."""

    cpg: CpgCallbacks
    quorum: Callable[[bool, RingId], None]
    nodes: Callable[[str], None]


class Connection:
    """The open libraries; made in a thread (it waits for Corosync), then used by the loop only."""

    def __init__(
        self, group: str, callbacks: ConnectionCallbacks, stopping: threading.Event
    ) -> None:
        """Open all libraries and join the group.

        Raises UnreachableError (CorosyncError); then nothing is left open.
        """
        self._opened: list[Cpg | Quorum | VoteQuorum | Cmap] = []
        self._group = group
        self._is_joined = False
        try:
            self.cmap = Cmap()
            self._opened.append(self.cmap)
            self.votequorum = VoteQuorum()
            self._opened.append(self.votequorum)
            self.quorum = Quorum(callbacks.quorum, lambda _ring, _nodes: None)
            self._opened.append(self.quorum)
            self.cpg = Cpg(callbacks.cpg)
            self._opened.append(self.cpg)
            self.node_id: NodeId = self.cpg.local_node_id()
            self.cmap.track(NODE_PREFIX, callbacks.nodes, is_prefix=True)
            self.cmap.track(RELOAD_KEY, callbacks.nodes)
            self.node_list: NodeList = self.read_nodes()
            self._join(stopping)
        except BaseException:
            self.close()
            raise
        self._poll = select.poll()
        for fd in (self.cpg.fileno(), self.quorum.fileno()):
            self._poll.register(fd, select.POLLIN)
        self.address = MemberAddress(node_id=self.node_id, pid=os.getpid())

    def read_nodes(self) -> NodeList:
        """Return the node list as Corosync has it now. Raises CorosyncError."""
        return read_node_list(self.cmap, self.node_id, os.uname().nodename)

    def filenos(self) -> tuple[int, ...]:
        """Return the file descriptors to watch, in the order of `dispatchers`."""
        return self.cpg.fileno(), self.quorum.fileno(), self.cmap.fileno()

    def dispatchers(self) -> tuple[Callable[[], bool], ...]:
        """Return what handles one thing of each descriptor."""
        return self.cpg.dispatch_one, self.quorum.dispatch_one, self.cmap.dispatch_one

    def has_waiting(self) -> bool:
        """Say whether Corosync has something for the group or about quorum that was not taken."""
        return bool(self._poll.poll(0))

    def is_reloading(self) -> bool:
        """Say whether Corosync is reading its configuration again. Raises CorosyncError."""
        return is_reloading(self.cmap)

    def _join(self, stopping: threading.Event) -> None:
        for _ in range(JOIN_ATTEMPTS_MAX):
            if self.cpg.join(self._group):
                self._is_joined = True
                return
            if stopping.wait(JOIN_RETRY_SECONDS):
                break
        raise CorosyncError("cpg_join", Result.TRY_AGAIN)

    def leave(self) -> None:
        """Leave the group, so that the others need not wait to notice. Raises CorosyncError."""
        if self._is_joined:
            self._is_joined = False
            self.cpg.leave(self._group)

    def close(self) -> None:
        """Let all handles go, also dead ones."""
        while self._opened:
            self._opened.pop().close()
