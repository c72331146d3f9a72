"""Files on this machine, read whole and replaced whole."""

import contextlib
import os
import stat

FILE_BYTES_MAX = 256 * 1024 * 1024
MODE_NEW = 0o644


class LocalFiles:
    """Text files; relative paths are taken from `folder`."""

    def __init__(self, folder: str) -> None:
        """Take relative paths from `folder`."""
        self._folder = folder

    def absolute(self, path: str) -> str:
        """Return the path from the root."""
        return os.path.join(self._folder, path)

    def read(self, path: str) -> str:
        """Return the file's text. Raises OSError, and ValueError where it is no UTF-8."""
        return read_bytes(self.absolute(path)).decode("utf-8")

    def write(self, path: str, text: str) -> None:
        """Replace the file's text. Raises OSError."""
        replace_file(self.absolute(path), text.encode())

    def names_in(self, path: str) -> tuple[str, ...] | None:
        """Return the names in a folder, sorted; None where the path is no folder."""
        try:
            return tuple(sorted(os.listdir(self.absolute(path))))
        except OSError:
            return None

    def exists(self, path: str) -> bool:
        """Say whether there is such a file."""
        return os.path.exists(self.absolute(path))


def read_bytes(path: str) -> bytes:
    """Return the whole file. Raises OSError; ValueError where it is unreasonably large."""
    with open(path, "rb") as file:
        content = file.read(FILE_BYTES_MAX + 1)
    if len(content) > FILE_BYTES_MAX:
        raise ValueError(f"{path} is larger than {FILE_BYTES_MAX} bytes")
    return content


def replace_file(path: str, content: bytes) -> None:
    """Write aside, sync and rename, so that a reader sees the old file or the new one, never half.

    Mode and owner stay as they are; a link is followed. Raises OSError.
    """
    target = os.path.realpath(path)
    if os.path.exists(target) and not os.path.isfile(target):
        with open(target, "wb") as device:
            device.write(content)
        return
    aside = f"{target}.new-{os.getpid()}"
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            _copy_mode(target, file.fileno())
            os.fsync(file.fileno())
        os.replace(aside, target)
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(aside)
        raise


def _copy_mode(target: str, descriptor: int) -> None:
    """Give the new file the old one's mode and owner (the owner where we may)."""
    try:
        old = os.stat(target)
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        os.fchmod(descriptor, MODE_NEW & ~mask)
        return
    os.fchmod(descriptor, stat.S_IMODE(old.st_mode))
    if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
        with contextlib.suppress(PermissionError):
            os.fchown(descriptor, old.st_uid, old.st_gid)
