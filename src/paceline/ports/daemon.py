"""This node's daemon, as its local clients ask it (`/run/paceline/daemon.sock`)."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

from paceline.model.errors import UnreachableError

Json: TypeAlias = "str | int | bool | Sequence[Json] | Mapping[str, Json] | None"
JsonRecord: TypeAlias = Mapping[str, Json]


class AnswerLostError(UnreachableError):
    """The request was sent and no answer came: nobody can say whether it took effect."""


class Daemon(Protocol):
    """One question, one answer."""

    def ask(self, request: JsonRecord, *, timeout_ms: int = 60_000) -> JsonRecord:
        """Send a request (`{"do": "state"}`) and return the answer, whose `ok` may be false.

        Raises UnreachableError where no daemon listens (the cluster does not run here),
        AnswerLostError where the connection breaks or the time is over after it was sent.
        """
        ...
