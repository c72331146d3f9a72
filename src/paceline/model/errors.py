"""The three kinds of exception. What the world may do is an event, never one of these."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:  # dataclasses are slow to load, and small tools raise errors without reports
    from paceline.model.reports import Report


class PacelineError(Exception):
    """The base of all of ours."""


class InvalidRequestError(PacelineError):
    """The user asked for what cannot be; carries every problem found. Nothing was changed."""

    def __init__(self, *reports: "Report") -> None:
        """Keep the reports; at least one is an error."""
        super().__init__("; ".join(r.message for r in reports if r.severity == "error"))
        self.reports = reports


class UnreachableError(PacelineError):
    """Something outside did not answer (a node, the daemon, Corosync). May be retried."""


class InvariantError(PacelineError):
    """Our own bug. Caught only in `main`, and at the one border of `replica` that names it."""


def check(condition: object, why: str) -> None:
    """Raise InvariantError unless `condition` holds; `why` says why it must hold."""
    if not condition:
        raise InvariantError(why)
