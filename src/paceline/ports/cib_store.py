"""Where a command's configuration comes from and goes to: a file, or the live cluster."""

from typing import TYPE_CHECKING, NamedTuple, Protocol

from paceline.model.errors import PacelineError

if TYPE_CHECKING:  # its library is slow to load, and commands on a file need none of it
    from paceline.model.status import ClusterStatus


class VersionMovedError(PacelineError):
    """Somebody else changed the configuration since it was read; read it again and retry."""


class CibSnapshot(NamedTuple):
    """The configuration as it was read. A tuple, because dataclasses are slow to load.

    `document` is the whole `<cib>`; from a file it has a `<status>` section, from the live cluster
    `status` holds the same as a record and the section is missing. `version` is opaque: it goes
    back with a push.
    """

    document: bytes
    version: str
    status: "ClusterStatus | None" = None


class PushOutcome(NamedTuple):
    """What came of a push; `waits_for` says why an accepted change is not yet safe (DESIGN 5)."""

    is_safe: bool = True
    waits_for: str = ""


class CibStore(Protocol):
    """A configuration that can be read and replaced as a whole (compare and set)."""

    @property
    def is_live(self) -> bool:
        """Say whether this is the running cluster, not a file."""
        ...

    def read(self) -> CibSnapshot:
        """Return the configuration as it is now.

        Raises UnreachableError where there is no running cluster, InvalidRequestError where the
        file cannot be read.
        """
        ...

    def push(self, document: bytes, *, based_on: str, is_forced: bool = False) -> PushOutcome:
        """Replace the configuration, if it is still the one that `based_on` names.

        Raises VersionMovedError, UnreachableError, InvalidRequestError (refused, with the reason).
        """
        ...
