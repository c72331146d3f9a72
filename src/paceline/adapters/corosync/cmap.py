"""libcmap: Corosync's table of keys: its configuration and its run-time facts."""

import ctypes
import struct
from collections.abc import Callable

from paceline.adapters.corosync.library import (
    DISPATCH_ONE_NONBLOCKING,
    CallbackGuard,
    CorosyncError,
    Handle,
    Library,
    Result,
    check_result,
)

CmapValue = int | float | str | bytes
KEY_BYTES_MAX = 255
VALUE_BYTES_MAX = 65536
KEYS_MAX = 100_000
"""More keys than any cluster has; an iteration that goes on longer is ended with an error."""
_TRACK_ADD_DELETE_MODIFY = 4 | 1 | 2
_TRACK_PREFIX = 8
_TYPE_UINT32 = 6
_TYPE_STRING = 11
_NUMBER_FORMATS = {
    1: "=b", 2: "=B", 3: "=h", 4: "=H", 5: "=i", 6: "=I", 7: "=q", 8: "=Q", 9: "=f", 10: "=d",
}  # fmt: skip


class _NotifyValue(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("length", ctypes.c_size_t),
        ("data", ctypes.c_void_p),
    )


_NotifyCallback = ctypes.CFUNCTYPE(
    None, Handle, Handle, ctypes.c_int32, ctypes.c_char_p, _NotifyValue, _NotifyValue,
    ctypes.c_void_p,
)  # fmt: skip


class Cmap:
    """One connection to the configuration map, or with `is_statistics` to the map of figures."""

    def __init__(self, *, is_statistics: bool = False) -> None:
        """Connect. Raises CorosyncError."""
        library = Library("libcmap.so.4")
        size = ctypes.POINTER(ctypes.c_size_t)
        integer = ctypes.POINTER(ctypes.c_int)
        initialize = library.declare("cmap_initialize_map", ctypes.POINTER(Handle), ctypes.c_int)
        self._finalize = library.declare("cmap_finalize", Handle)
        self._fd_get = library.declare("cmap_fd_get", Handle, integer)
        self._dispatch = library.declare("cmap_dispatch", Handle, ctypes.c_int)
        self._get = library.declare(
            "cmap_get", Handle, ctypes.c_char_p, ctypes.c_void_p, size, integer
        )
        self._set = library.declare(
            "cmap_set", Handle, ctypes.c_char_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
        )
        self._iter_init = library.declare(
            "cmap_iter_init", Handle, ctypes.c_char_p, ctypes.POINTER(Handle)
        )
        self._iter_next = library.declare(
            "cmap_iter_next", Handle, Handle, ctypes.c_char_p, size, integer
        )
        self._iter_finalize = library.declare("cmap_iter_finalize", Handle, Handle)
        self._track_add = library.declare(
            "cmap_track_add", Handle, ctypes.c_char_p, ctypes.c_int32, _NotifyCallback,
            ctypes.c_void_p, ctypes.POINTER(Handle),
        )  # fmt: skip
        self._guard = CallbackGuard()
        # The library keeps pointers to these for as long as the handle lives.
        self._trackers: list[object] = []
        self._handle = Handle(0)
        check_result(
            "cmap_initialize_map", initialize(ctypes.byref(self._handle), int(is_statistics))
        )

    def fileno(self) -> int:
        """Return the file descriptor that is readable when a tracked key changed."""
        fd = ctypes.c_int(-1)
        check_result("cmap_fd_get", self._fd_get(self._handle, ctypes.byref(fd)))
        return fd.value

    def find(self, key: str) -> CmapValue | None:
        """Return a key's value, None where there is no such key. Raises CorosyncError."""
        length = ctypes.c_size_t(VALUE_BYTES_MAX)
        value_type = ctypes.c_int(0)
        name = key.encode()
        result = self._get(self._handle, name, None, ctypes.byref(length), ctypes.byref(value_type))
        if result == Result.NOT_EXIST:
            return None
        check_result("cmap_get", result)
        buffer = ctypes.create_string_buffer(length.value)
        result = self._get(
            self._handle, name, buffer, ctypes.byref(length), ctypes.byref(value_type)
        )
        if result == Result.NOT_EXIST:
            return None
        check_result("cmap_get", result)
        return _decode(value_type.value, buffer.raw[: length.value])

    def keys(self, prefix: str = "") -> tuple[str, ...]:
        """Return the keys that begin with `prefix`, sorted. Raises CorosyncError."""
        iterator = Handle(0)
        result = self._iter_init(self._handle, prefix.encode() or None, ctypes.byref(iterator))
        check_result("cmap_iter_init", result)
        found: list[str] = []
        try:
            name = ctypes.create_string_buffer(KEY_BYTES_MAX + 1)
            while len(found) < KEYS_MAX:
                result = self._iter_next(self._handle, iterator, name, None, None)
                if result != Result.OK:
                    break
                found.append(name.value.decode(errors="replace"))
        finally:
            self._iter_finalize(self._handle, iterator)
        if result in (Result.LIBRARY, Result.BAD_HANDLE):
            raise CorosyncError("cmap_iter_next", result)
        return tuple(sorted(found))

    def set_text(self, key: str, value: str) -> None:
        """Set a key to a text. Raises CorosyncError (ACCESS for a read-only key)."""
        encoded = value.encode()
        check_result(
            "cmap_set",
            self._set(self._handle, key.encode(), encoded, len(encoded), _TYPE_STRING),
        )

    def set_number(self, key: str, value: int) -> None:
        """Set a key to an unsigned 32-bit number. Raises CorosyncError."""
        encoded = struct.pack("=I", value)
        check_result(
            "cmap_set",
            self._set(self._handle, key.encode(), encoded, len(encoded), _TYPE_UINT32),
        )

    def track(self, key: str, on_change: Callable[[str], None], *, is_prefix: bool = False) -> None:
        """Call `on_change` with the name of a key that was added, changed or deleted.

        It is called from inside `dispatch_one` only. Raises CorosyncError.
        """

        def notify(_handle: int, _tracker: int, _event: int, name: bytes, *_values: object) -> None:
            self._guard.run(lambda: on_change(name.decode(errors="replace")))

        pointer = _NotifyCallback(notify)
        self._trackers.append(pointer)
        tracker = Handle(0)
        flags = _TRACK_ADD_DELETE_MODIFY | (_TRACK_PREFIX if is_prefix else 0)
        check_result(
            "cmap_track_add",
            self._track_add(
                self._handle, key.encode(), flags, pointer, None, ctypes.byref(tracker)
            ),
        )

    def dispatch_one(self) -> bool:
        """Handle one thing that came; False where there was none. Raises what a callback raised."""
        result = self._dispatch(self._handle, DISPATCH_ONE_NONBLOCKING)
        self._guard.raise_kept()
        if result in (Result.TRY_AGAIN, Result.TIMEOUT):
            return False
        check_result("cmap_dispatch", result)
        return True

    def close(self) -> None:
        """Let the handle go; on a dead one nothing happens."""
        self._finalize(self._handle)


def _decode(value_type: int, raw: bytes) -> CmapValue:
    """Return the value that `raw` holds. Raises CorosyncError where its size is not its type's."""
    if value_type == _TYPE_STRING:
        return raw.split(b"\0", 1)[0].decode(errors="replace")
    number_format = _NUMBER_FORMATS.get(value_type)
    if number_format is None:
        return raw
    if struct.calcsize(number_format) != len(raw):
        raise CorosyncError("cmap_get", Result.INVALID_PARAM)
    value: int | float = struct.unpack(number_format, raw)[0]
    return value
