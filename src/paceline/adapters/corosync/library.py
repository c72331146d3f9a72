"""What the five Corosync libraries share: loading, result codes, names, ring ids.

Only what libcpg.so.4, libquorum.so.5, libvotequorum.so.8, libcmap.so.4 and libcfg.so.7 promise in
their headers (Corosync 3.1) is used. Handles are 64-bit numbers; every function gets `argtypes`.
"""

import ctypes
from collections.abc import Callable
from enum import IntEnum
from typing import Any

from paceline.model.errors import UnreachableError

Handle = ctypes.c_uint64
DISPATCH_ONE_NONBLOCKING = 4
TRACK_CURRENT = 0x01
TRACK_CHANGES = 0x02


class Result(IntEnum):
    """The result codes that we tell apart; others are kept as numbers."""

    OK = 1
    LIBRARY = 2
    TIMEOUT = 5
    TRY_AGAIN = 6
    INVALID_PARAM = 7
    BAD_HANDLE = 9
    ACCESS = 11
    NOT_EXIST = 12
    QUEUE_FULL = 23


_MEANINGS: dict[int, str] = {
    Result.LIBRARY: "Corosync does not run or is stopping",
    Result.TIMEOUT: "Corosync did not answer in time",
    Result.TRY_AGAIN: "Corosync is busy",
    Result.BAD_HANDLE: "the connection to Corosync is closed",
    Result.ACCESS: "Corosync refuses this user (a uidgid section allows one)",
    Result.NOT_EXIST: "no such thing, or Corosync's shared memory is in another mount namespace",
    Result.QUEUE_FULL: "Corosync's queue is full",
}


class CorosyncError(UnreachableError):
    """A call into Corosync failed; `result` is its code."""

    def __init__(self, call: str, result: int) -> None:
        """Keep which call failed and how."""
        meaning = _MEANINGS.get(result, "see cs_error_t in corosync/corotypes.h")
        super().__init__(f"{call} failed with {result}: {meaning}")
        self.call = call
        self.result = result


class RingIdStructure(ctypes.Structure):
    """A ring id as the callbacks get it, by value."""

    _fields_ = (("node_id", ctypes.c_uint32), ("sequence", ctypes.c_uint64))


class Library:
    """One shared library; functions are declared before they are called."""

    def __init__(self, soname: str) -> None:
        """Load it. Raises UnreachableError where it is not installed."""
        try:
            self._library = ctypes.CDLL(soname)
        except OSError as error:
            raise UnreachableError(f"{soname} is not installed (package corosync)") from error

    def declare(self, name: str, *argtypes: Any) -> Callable[..., int]:
        """Return the function `name`, which takes `argtypes` and returns a result code."""
        function = getattr(self._library, name)
        function.argtypes = argtypes
        function.restype = ctypes.c_int
        return function  # type: ignore[no-any-return]  # ctypes functions have no types of their own


def check_result(call: str, result: int) -> None:
    """Raise CorosyncError unless `result` is OK."""
    if result != Result.OK:
        raise CorosyncError(call, result)


class CallbackGuard:
    """Keeps what a callback raised: ctypes would print and swallow it.

    A connection calls its callbacks through `run`, and `raise_kept` after each dispatch.
    """

    def __init__(self) -> None:
        """Begin with nothing kept."""
        self._kept: BaseException | None = None

    def run(self, callback: Callable[[], None]) -> None:
        """Call `callback`; keep the first exception."""
        try:
            callback()
        except BaseException as error:  # it is raised again by raise_kept
            self._kept = self._kept or error

    def raise_kept(self) -> None:
        """Raise what was kept, once."""
        kept, self._kept = self._kept, None
        if kept is not None:
            raise kept
