"""libvotequorum: how many votes there are and how many are needed."""

import ctypes
from dataclasses import dataclass

from paceline.adapters.corosync.library import Handle, Library, Result, check_result
from paceline.model.identifiers import NodeId

_DEVICE_NAME_BYTES = 255
_FLAG_TWO_NODE = 1
_FLAG_QUORATE = 2
_FLAG_WAIT_FOR_ALL = 4
_FLAG_DEVICE_REGISTERED = 64
_FLAG_DEVICE_CAST_VOTE = 256


class _Details(ctypes.Structure):
    _fields_ = (
        ("node_id", ctypes.c_uint),
        ("node_state", ctypes.c_uint),
        ("node_votes", ctypes.c_uint),
        ("node_expected_votes", ctypes.c_uint),
        ("highest_expected", ctypes.c_uint),
        ("total_votes", ctypes.c_uint),
        ("quorum", ctypes.c_uint),
        ("flags", ctypes.c_uint),
        ("device_votes", ctypes.c_uint),
        ("device_name", ctypes.c_char * _DEVICE_NAME_BYTES),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Votes:
    """What votequorum says of one node and of the cluster as that node's Corosync sees it."""

    node_votes: int
    expected: int
    total: int
    quorum: int
    is_quorate: bool
    is_two_node: bool
    has_wait_for_all: bool
    device_votes: int
    is_device_voting: bool


class VoteQuorum:
    """One connection; each question is one short round trip to the local Corosync."""

    def __init__(self) -> None:
        """Connect. Raises CorosyncError."""
        library = Library("libvotequorum.so.8")
        initialize = library.declare(
            "votequorum_initialize", ctypes.POINTER(Handle), ctypes.c_void_p
        )
        self._finalize = library.declare("votequorum_finalize", Handle)
        self._getinfo = library.declare(
            "votequorum_getinfo", Handle, ctypes.c_uint, ctypes.POINTER(_Details)
        )
        self._handle = Handle(0)
        check_result("votequorum_initialize", initialize(ctypes.byref(self._handle), None))

    def find_votes(self, node_id: NodeId) -> Votes | None:
        """Return what is known of the node; None where votequorum does not know it.

        Raises CorosyncError.
        """
        details = _Details()
        result = self._getinfo(self._handle, node_id, ctypes.byref(details))
        if result == Result.NOT_EXIST:
            return None
        check_result("votequorum_getinfo", result)
        return Votes(
            node_votes=details.node_votes,
            expected=details.highest_expected,
            total=details.total_votes,
            quorum=details.quorum,
            is_quorate=bool(details.flags & _FLAG_QUORATE),
            is_two_node=bool(details.flags & _FLAG_TWO_NODE),
            has_wait_for_all=bool(details.flags & _FLAG_WAIT_FOR_ALL),
            device_votes=(details.device_votes if details.flags & _FLAG_DEVICE_REGISTERED else 0),
            is_device_voting=bool(details.flags & _FLAG_DEVICE_CAST_VOTE),
        )

    def close(self) -> None:
        """Let the handle go; on a dead one nothing happens."""
        self._finalize(self._handle)
