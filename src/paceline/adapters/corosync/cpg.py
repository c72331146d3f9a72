"""libcpg: the closed process group, model 1 (deliver, change of the group, totem's ring)."""

import ctypes
from collections.abc import Callable
from dataclasses import dataclass

from paceline.adapters.corosync.library import (
    DISPATCH_ONE_NONBLOCKING,
    CallbackGuard,
    CorosyncError,
    Handle,
    Library,
    Result,
    RingIdStructure,
    check_result,
)
from paceline.model.identifiers import NodeId
from paceline.replica.events import Departure, MemberAddress, RingId

NAME_BYTES_MAX = 128
_MODEL_V1 = 1
_DELIVER_INITIAL_RING = 0x01
_TYPE_AGREED = 2
_REASON_LEAVE = 2
_REASON_NODE_DOWN = 3
_DEPARTURES = {_REASON_LEAVE: Departure.LEFT, _REASON_NODE_DOWN: Departure.NODE_DOWN}


class _Address(ctypes.Structure):
    _fields_ = (
        ("node_id", ctypes.c_uint32),
        ("pid", ctypes.c_uint32),
        ("reason", ctypes.c_uint32),
    )


class _Name(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint32), ("value", ctypes.c_char * NAME_BYTES_MAX))


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_char_p), ("length", ctypes.c_size_t))


_Addresses = ctypes.POINTER(_Address)
_DeliverCallback = ctypes.CFUNCTYPE(
    None, Handle, ctypes.POINTER(_Name), ctypes.c_uint32, ctypes.c_uint32, ctypes.c_void_p,
    ctypes.c_size_t,
)  # fmt: skip
_GroupCallback = ctypes.CFUNCTYPE(
    None, Handle, ctypes.POINTER(_Name), _Addresses, ctypes.c_size_t, _Addresses, ctypes.c_size_t,
    _Addresses, ctypes.c_size_t,
)  # fmt: skip
_RingCallback = ctypes.CFUNCTYPE(
    None, Handle, RingIdStructure, ctypes.c_uint32, ctypes.POINTER(ctypes.c_uint32)
)


class _ModelV1(ctypes.Structure):
    _fields_ = (
        ("model", ctypes.c_int),
        ("deliver", _DeliverCallback),
        ("group", _GroupCallback),
        ("ring", _RingCallback),
        ("flags", ctypes.c_uint),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class CpgCallbacks:
    """What a connection tells: called from inside `dispatch`, so they only note what came."""

    deliver: Callable[[MemberAddress, bytes], None]
    group: Callable[
        [
            tuple[MemberAddress, ...],
            tuple[MemberAddress, ...],
            tuple[tuple[MemberAddress, Departure], ...],
        ],
        None,
    ]
    """Takes the members, who joined, and who left and why."""
    ring: Callable[[RingId, tuple[NodeId, ...]], None]


class Cpg:
    """One connection and one group. After a CorosyncError with code LIBRARY it is of no use."""

    def __init__(self, callbacks: CpgCallbacks) -> None:
        """Connect. Raises CorosyncError."""
        library = Library("libcpg.so.4")
        name = ctypes.POINTER(_Name)
        initialize = library.declare(
            "cpg_model_initialize", ctypes.POINTER(Handle), ctypes.c_int,
            ctypes.POINTER(_ModelV1), ctypes.c_void_p,
        )  # fmt: skip
        self._finalize = library.declare("cpg_finalize", Handle)
        self._fd_get = library.declare("cpg_fd_get", Handle, ctypes.POINTER(ctypes.c_int))
        self._dispatch = library.declare("cpg_dispatch", Handle, ctypes.c_int)
        self._join = library.declare("cpg_join", Handle, name)
        self._leave = library.declare("cpg_leave", Handle, name)
        self._mcast = library.declare(
            "cpg_mcast_joined", Handle, ctypes.c_int, ctypes.POINTER(_Vector), ctypes.c_uint
        )
        self._local_get = library.declare("cpg_local_get", Handle, ctypes.POINTER(ctypes.c_uint))
        self._guard = CallbackGuard()
        self._callbacks = callbacks
        # The library keeps pointers to these for as long as the handle lives.
        self._deliver_pointer = _DeliverCallback(self._on_deliver)
        self._group_pointer = _GroupCallback(self._on_group)
        self._ring_pointer = _RingCallback(self._on_ring)
        self._model = _ModelV1(
            _MODEL_V1, self._deliver_pointer, self._group_pointer, self._ring_pointer,
            _DELIVER_INITIAL_RING,
        )  # fmt: skip
        self._handle = Handle(0)
        check_result(
            "cpg_model_initialize",
            initialize(ctypes.byref(self._handle), _MODEL_V1, ctypes.byref(self._model), None),
        )

    def fileno(self) -> int:
        """Return the file descriptor that is readable when there is something to dispatch."""
        fd = ctypes.c_int(-1)
        check_result("cpg_fd_get", self._fd_get(self._handle, ctypes.byref(fd)))
        return fd.value

    def local_node_id(self) -> NodeId:
        """Return this node's id."""
        node_id = ctypes.c_uint(0)
        check_result("cpg_local_get", self._local_get(self._handle, ctypes.byref(node_id)))
        return NodeId(node_id.value)

    def join(self, group: str) -> bool:
        """Join the group; False where Corosync asks to try again. Waits for Corosync's answer."""
        result = self._join(self._handle, ctypes.byref(_name(group)))
        if result == Result.TRY_AGAIN:
            return False
        check_result("cpg_join", result)
        return True

    def leave(self, group: str) -> None:
        """Leave the group; Corosync tells the others."""
        check_result("cpg_leave", self._leave(self._handle, ctypes.byref(_name(group))))

    def dispatch_one(self) -> bool:
        """Handle one thing that came; False where there was none. Raises what a callback raised."""
        result = self._dispatch(self._handle, DISPATCH_ONE_NONBLOCKING)
        self._guard.raise_kept()
        if result in (Result.TRY_AGAIN, Result.TIMEOUT):
            return False
        check_result("cpg_dispatch", result)
        return True

    def multicast(self, frame: bytes) -> bool:
        """Send to the group, in agreed order; False where Corosync asks to try again."""
        vector = _Vector(frame, len(frame))
        result = self._mcast(self._handle, _TYPE_AGREED, ctypes.byref(vector), 1)
        if result == Result.TRY_AGAIN:
            return False
        check_result("cpg_mcast_joined", result)
        return True

    def close(self) -> None:
        """Let the handle go; on a dead one nothing happens."""
        self._finalize(self._handle)

    def _on_deliver(
        self, _handle: int, _group: object, node_id: int, pid: int, message: int, length: int
    ) -> None:
        payload = ctypes.string_at(message, length)
        address = MemberAddress(node_id=NodeId(node_id), pid=pid)
        self._guard.run(lambda: self._callbacks.deliver(address, payload))

    def _on_group(
        self,
        _handle: int,
        _group: object,
        members: "ctypes._Pointer[_Address]",
        members_count: int,
        left: "ctypes._Pointer[_Address]",
        left_count: int,
        joined: "ctypes._Pointer[_Address]",
        joined_count: int,
    ) -> None:
        gone = tuple(
            (_address(left[i]), _DEPARTURES.get(left[i].reason, Departure.PROCESS_DOWN))
            for i in range(left_count)
        )
        now = tuple(sorted(_address(members[i]) for i in range(members_count)))
        came = tuple(_address(joined[i]) for i in range(joined_count))
        self._guard.run(lambda: self._callbacks.group(now, came, gone))

    def _on_ring(
        self,
        _handle: int,
        ring_id: RingIdStructure,
        count: int,
        members: "ctypes._Pointer[ctypes.c_uint32]",
    ) -> None:
        ring = RingId(node_id=ring_id.node_id, sequence=ring_id.sequence)
        nodes = tuple(sorted(NodeId(members[i]) for i in range(count)))
        self._guard.run(lambda: self._callbacks.ring(ring, nodes))


def _name(group: str) -> _Name:
    encoded = group.encode()
    if not 0 < len(encoded) <= NAME_BYTES_MAX:
        raise CorosyncError(f"cpg group name '{group}'", Result.INVALID_PARAM)
    return _Name(len(encoded), encoded)


def _address(address: _Address) -> MemberAddress:
    return MemberAddress(node_id=NodeId(address.node_id), pid=address.pid)
