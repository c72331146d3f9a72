"""A CIB in a file (`-f FILE`): compare and set by digest, replaced whole."""

import hashlib

from paceline.adapters.local_files import read_bytes, replace_file
from paceline.model.errors import InvalidRequestError
from paceline.ports.cib_store import CibSnapshot, PushOutcome, VersionMovedError


class CibFile:
    """The configuration in one file."""

    is_live = False

    def __init__(self, path: str, *, shown_path: str) -> None:
        """Use the file at `path`; messages call it `shown_path`, as the user wrote it."""
        self._path = path
        self._shown_path = shown_path

    def read(self) -> CibSnapshot:
        """Return the file's content. Raises InvalidRequestError where it cannot be read."""
        try:
            document = read_bytes(self._path)
        except (OSError, ValueError) as error:
            raise _refusal("cib-unreadable", f"unable to get cib: {error}") from error
        return CibSnapshot(document=document, version=_digest(document))

    def push(self, document: bytes, *, based_on: str, is_forced: bool = False) -> PushOutcome:
        """Replace the file. Raises VersionMovedError, InvalidRequestError."""
        if self.read().version != based_on:
            raise VersionMovedError(f"'{self._shown_path}' was changed meanwhile")
        try:
            replace_file(self._path, document)
        except OSError as error:
            message = f"Unable to write '{self._shown_path}': {error.strerror or error}"
            raise _refusal("cib-unwritable", message) from error
        return PushOutcome()


def _digest(document: bytes) -> str:
    return hashlib.blake2b(document, digest_size=16).hexdigest()


def _refusal(code: str, message: str) -> InvalidRequestError:
    from paceline.model.reports import Report  # slow to load, and rarely needed

    return InvalidRequestError(Report(code=code, message=message))
