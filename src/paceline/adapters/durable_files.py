"""Files that are replaced as a whole: written aside, synced, renamed, the folder synced."""

import contextlib
import os
import time
from pathlib import Path

ASIDE_MAX = 5
"""How many damaged copies of a file are kept."""


def replace_file(path: Path, content: bytes, *, mode: int) -> None:
    """Write `content` to `path` so that a reader, or a power loss, sees the old or the new whole.

    The file has `mode` from its first byte on. Folders are made as needed, for root only.
    Raises OSError.
    """
    make_folder(path.parent)
    aside = path.with_name(f".{path.name}.new")
    with contextlib.suppress(FileNotFoundError):
        aside.unlink()
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        with open(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            aside.unlink()
        raise
    sync_folder(path.parent)


def make_folder(path: Path) -> None:
    """Make a folder and those above it; new ones are for their owner only."""
    if path.is_dir():
        return
    make_folder(path.parent)
    with contextlib.suppress(FileExistsError):
        path.mkdir(mode=0o700)


def put_aside(path: Path) -> Path:
    """Rename a damaged file to a name with the time and return that; the oldest of these go.

    Raises OSError.
    """
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    aside = path.with_name(f"{path.name}.damaged-{stamp}")
    path.rename(aside)
    for old in sorted(path.parent.glob(f"{path.name}.damaged-*"))[:-ASIDE_MAX]:
        with contextlib.suppress(OSError):
            old.unlink()
    return aside


def sync_folder(path: Path) -> None:
    """Make renames and removals in a folder durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_if_there(path: Path, *, size_max: int) -> bytes | None:
    """Return the content; None where there is no such file.

    Raises OSError, and ValueError where it is larger than `size_max`.
    """
    try:
        with path.open("rb") as file:
            content = file.read(size_max + 1)
    except (FileNotFoundError, NotADirectoryError):
        return None
    if len(content) > size_max:
        raise ValueError(f"{path} is larger than {size_max} bytes")
    return content
