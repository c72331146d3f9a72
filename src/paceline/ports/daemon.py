"""This node's daemon, as its local clients ask it (`/run/paceline/daemon.sock`)."""

from collections.abc import Mapping, Sequence
from typing import Protocol, TypeAlias

Json: TypeAlias = "str | int | bool | Sequence[Json] | Mapping[str, Json] | None"
JsonRecord: TypeAlias = Mapping[str, Json]


class Daemon(Protocol):
    """One question, one answer."""

    def ask(self, request: JsonRecord, *, timeout_ms: int = 60_000) -> JsonRecord:
        """Send a request (`{"do": "state"}`) and return the answer, whose `ok` may be false.

        Raises UnreachableError where no daemon answers (the cluster does not run here) or the
        time limit passes.
        """
        ...
