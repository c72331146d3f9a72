"""Files touched with the rights of the user who asked, not with ours (which are root's)."""

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

from paceline.ports.text_files import TextFiles


@dataclass(frozen=True, slots=True, kw_only=True)
class UserIds:
    """A user's numbers."""

    uid: int
    gid: int
    groups: tuple[int, ...]


class UserFiles:
    """Text files as a user may read and write them.

    It changes the whole process's effective user for a moment: for processes that do one thing at
    a time (the child that serves one command).
    """

    def __init__(self, files: TextFiles, ids: UserIds) -> None:
        """Wrap `files`."""
        self._files, self._ids = files, ids

    def read(self, path: str) -> str:
        """Return the text."""
        with _rights_of(self._ids):
            return self._files.read(path)

    def write(self, path: str, text: str) -> None:
        """Replace the file as a whole."""
        with _rights_of(self._ids):
            self._files.write(path, text)

    def names_in(self, path: str) -> tuple[str, ...] | None:
        """Return the names in a folder; None where the path is no folder."""
        with _rights_of(self._ids):
            return self._files.names_in(path)

    def exists(self, path: str) -> bool:
        """Say whether there is such a file."""
        with _rights_of(self._ids):
            return self._files.exists(path)


@contextlib.contextmanager
def _rights_of(ids: UserIds) -> Iterator[None]:
    groups, gid, uid = os.getgroups(), os.getegid(), os.geteuid()
    os.setgroups(ids.groups)
    os.setegid(ids.gid)
    os.seteuid(ids.uid)
    try:
        yield
    finally:
        os.seteuid(uid)
        os.setegid(gid)
        os.setgroups(groups)
