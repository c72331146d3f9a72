"""libcfg: the state of the links to each node."""

import ctypes
from dataclasses import dataclass

from paceline.adapters.corosync.library import Handle, Library, Result, check_result
from paceline.model.identifiers import NodeId

_HOST_BYTES = 256
_LINKS_MAX = 8
_STATUS_V1 = 1


class _Link(ctypes.Structure):
    _fields_ = (
        ("enabled", ctypes.c_uint8),
        ("connected", ctypes.c_uint8),
        ("dynconnected", ctypes.c_uint8),
        ("mtu", ctypes.c_uint),
        ("source", ctypes.c_char * _HOST_BYTES),
        ("destination", ctypes.c_char * _HOST_BYTES),
    )


class _NodeStatus(ctypes.Structure):
    _fields_ = (
        ("version", ctypes.c_int),
        ("node_id", ctypes.c_uint),
        ("reachable", ctypes.c_uint8),
        ("remote", ctypes.c_uint8),
        ("external", ctypes.c_uint8),
        ("onwire_min", ctypes.c_uint8),
        ("onwire_max", ctypes.c_uint8),
        ("onwire_version", ctypes.c_uint8),
        ("links", _Link * _LINKS_MAX),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkStatus:
    """One link to a node as the local Corosync sees it; `mtu` in bytes."""

    number: int
    is_connected: bool
    mtu: int
    source: str
    destination: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeLinks:
    """The links to one node."""

    node_id: NodeId
    is_reachable: bool
    links: tuple[LinkStatus, ...]


class Cfg:
    """One connection; each question is one short round trip to the local Corosync."""

    def __init__(self) -> None:
        """Connect. Raises CorosyncError."""
        library = Library("libcfg.so.7")
        initialize = library.declare(
            "corosync_cfg_initialize", ctypes.POINTER(Handle), ctypes.c_void_p
        )
        self._finalize = library.declare("corosync_cfg_finalize", Handle)
        self._status_get = library.declare(
            "corosync_cfg_node_status_get", Handle, ctypes.c_uint, ctypes.c_int,
            ctypes.POINTER(_NodeStatus),
        )  # fmt: skip
        self._handle = Handle(0)
        check_result("corosync_cfg_initialize", initialize(ctypes.byref(self._handle), None))

    def find_links(self, node_id: NodeId) -> NodeLinks | None:
        """Return the links to a node; None where Corosync does not know it.

        Raises CorosyncError.
        """
        status = _NodeStatus()
        result = self._status_get(self._handle, node_id, _STATUS_V1, ctypes.byref(status))
        if result == Result.NOT_EXIST:
            return None
        check_result("corosync_cfg_node_status_get", result)
        return NodeLinks(
            node_id=node_id,
            is_reachable=bool(status.reachable),
            links=tuple(
                LinkStatus(
                    number=number,
                    is_connected=bool(link.connected),
                    mtu=link.mtu,
                    source=link.source.decode(errors="replace"),
                    destination=link.destination.decode(errors="replace"),
                )
                for number, link in enumerate(status.links)
                if link.enabled
            ),
        )

    def close(self) -> None:
        """Let the handle go; on a dead one nothing happens."""
        self._finalize(self._handle)
