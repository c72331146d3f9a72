"""libquorum, model 1: is this partition quorate, and in which ring."""

import ctypes
from collections.abc import Callable

from paceline.adapters.corosync.library import (
    DISPATCH_ONE_NONBLOCKING,
    TRACK_CHANGES,
    TRACK_CURRENT,
    CallbackGuard,
    Handle,
    Library,
    Result,
    RingIdStructure,
    check_result,
)
from paceline.model.identifiers import NodeId
from paceline.replica.events import RingId

_MODEL_V1 = 1
_Nodes = ctypes.POINTER(ctypes.c_uint32)
_QuorumCallback = ctypes.CFUNCTYPE(
    None, Handle, ctypes.c_uint32, RingIdStructure, ctypes.c_uint32, _Nodes
)
_NodelistCallback = ctypes.CFUNCTYPE(
    None, Handle, RingIdStructure, ctypes.c_uint32, _Nodes, ctypes.c_uint32, _Nodes,
    ctypes.c_uint32, _Nodes,
)  # fmt: skip


class _ModelV1(ctypes.Structure):
    _fields_ = (
        ("model", ctypes.c_int),
        ("quorum", _QuorumCallback),
        ("nodelist", _NodelistCallback),
    )


class Quorum:
    """One connection that tracks quorum and membership from its first dispatch on."""

    def __init__(
        self,
        on_quorum: Callable[[bool, RingId], None],
        on_nodelist: Callable[[RingId, tuple[NodeId, ...]], None],
    ) -> None:
        """Connect and begin to track; both are called from inside `dispatch_one` only.

        Raises CorosyncError.
        """
        library = Library("libquorum.so.5")
        initialize = library.declare(
            "quorum_model_initialize", ctypes.POINTER(Handle), ctypes.c_int,
            ctypes.POINTER(_ModelV1), ctypes.POINTER(ctypes.c_uint32), ctypes.c_void_p,
        )  # fmt: skip
        trackstart = library.declare("quorum_trackstart", Handle, ctypes.c_uint)
        self._finalize = library.declare("quorum_finalize", Handle)
        self._fd_get = library.declare("quorum_fd_get", Handle, ctypes.POINTER(ctypes.c_int))
        self._dispatch = library.declare("quorum_dispatch", Handle, ctypes.c_int)
        self._guard = CallbackGuard()
        self._tell_quorum = on_quorum
        self._tell_nodelist = on_nodelist
        # The library keeps pointers to these for as long as the handle lives.
        self._quorum_pointer = _QuorumCallback(self._on_quorum)
        self._nodelist_pointer = _NodelistCallback(self._on_nodelist)
        self._model = _ModelV1(_MODEL_V1, self._quorum_pointer, self._nodelist_pointer)
        self._handle = Handle(0)
        quorum_type = ctypes.c_uint32(0)
        result = initialize(
            ctypes.byref(self._handle), _MODEL_V1, ctypes.byref(self._model),
            ctypes.byref(quorum_type), None,
        )  # fmt: skip
        check_result("quorum_model_initialize", result)
        result = trackstart(self._handle, TRACK_CURRENT | TRACK_CHANGES)
        if result != Result.OK:
            self.close()
        check_result("quorum_trackstart", result)

    def fileno(self) -> int:
        """Return the file descriptor that is readable when there is something to dispatch."""
        fd = ctypes.c_int(-1)
        check_result("quorum_fd_get", self._fd_get(self._handle, ctypes.byref(fd)))
        return fd.value

    def dispatch_one(self) -> bool:
        """Handle one thing that came; False where there was none. Raises what a callback raised."""
        result = self._dispatch(self._handle, DISPATCH_ONE_NONBLOCKING)
        self._guard.raise_kept()
        if result in (Result.TRY_AGAIN, Result.TIMEOUT):
            return False
        check_result("quorum_dispatch", result)
        return True

    def close(self) -> None:
        """Let the handle go; on a dead one nothing happens."""
        self._finalize(self._handle)

    def _on_quorum(
        self, _handle: int, quorate: int, ring_id: RingIdStructure, _count: int, _nodes: object
    ) -> None:
        ring = RingId(node_id=ring_id.node_id, sequence=ring_id.sequence)
        self._guard.run(lambda: self._tell_quorum(bool(quorate), ring))

    def _on_nodelist(
        self,
        _handle: int,
        ring_id: RingIdStructure,
        count: int,
        members: "ctypes._Pointer[ctypes.c_uint32]",
        *_joined_and_left: object,
    ) -> None:
        ring = RingId(node_id=ring_id.node_id, sequence=ring_id.sequence)
        nodes = tuple(sorted(NodeId(members[i]) for i in range(count)))
        self._guard.run(lambda: self._tell_nodelist(ring, nodes))
