"""The running cluster's configuration, through this node's daemon."""

import os
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from paceline.model.errors import InvalidRequestError, UnreachableError
from paceline.ports.cib_store import CibSnapshot, PushOutcome, VersionMovedError
from paceline.ports.daemon import AnswerLostError, Daemon, Json, JsonRecord

if TYPE_CHECKING:
    from paceline.model.status import ClusterStatus

PUSH_TIMEOUT_MS = 60_000
SUBMITS_MAX = 5
"""How often a change is sent (with one id) before its outcome is called unknown."""
RETRY_SECONDS = 1.0
"""Between two of them: a daemon that was killed is back by then."""
UNKNOWN = (
    "the change was sent, but nobody can say whether it took effect; look at the configuration "
    "before you try again"
)
NOT_RUNNING = "cluster is not currently running on this node"


class LiveCib:
    """Reads and replaces the configuration by asking the daemon."""

    is_live = True

    def __init__(
        self,
        daemon: Daemon,
        *,
        user: str,
        client: str,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Act for `user` by way of the program `client` (both are kept with the change)."""
        self._daemon = daemon
        self._pause = pause
        self._user = user
        self._client = client

    def read(self) -> CibSnapshot:
        """Return configuration and status. Raises UnreachableError where no cluster runs here."""
        answer = self._ask({"do": "state"})
        if answer.get("ok") is not True:
            raise UnreachableError(str(answer.get("message", "the daemon refused to answer")))
        return CibSnapshot(
            document=str(answer.get("configuration", "")).encode(),
            version=str(answer.get("version", "")),
            status=_read_status(answer.get("status")),
        )

    def push(self, document: bytes, *, based_on: str, is_forced: bool = False) -> PushOutcome:
        """Submit the configuration and wait until it is durable, or not yet.

        The request keeps its id when it is sent again, so that it is never applied twice.
        Raises VersionMovedError, UnreachableError (unknown outcome), InvalidRequestError.
        """
        request: JsonRecord = {
            "do": "configure",
            "based_on": based_on,
            "configuration": document.decode(),
            "user": self._user,
            "client": self._client,
            "request_id": f"{self._client}-{os.urandom(12).hex()}",
            "force": is_forced,
        }
        answer = self._submit(request)
        if answer.get("ok") is True:
            is_safe = answer.get("outcome") != "not-yet-safe"
            return PushOutcome(is_safe=is_safe, waits_for=str(answer.get("waits_for") or ""))
        code, message = str(answer.get("code", "refused")), str(answer.get("message", ""))
        if answer.get("outcome") == "unknown":
            raise UnreachableError(f"{UNKNOWN} ({message or code})")
        if code == "version-moved":
            raise VersionMovedError(message or "the configuration was changed meanwhile")
        from paceline.model.reports import Report  # slow to load, and rarely needed

        report = Report(code=code, message=f"Unable to update cib\n{message or code}")
        raise InvalidRequestError(report)

    def _submit(self, request: JsonRecord) -> JsonRecord:
        """Submit a change; where the answer is lost, ask again with the same id.

        Once it was sent it may take effect, also where no daemon can be reached any more.
        """
        try:
            return self._ask(request)
        except AnswerLostError as error:
            lost: UnreachableError = error
        for _ in range(SUBMITS_MAX - 1):
            self._pause(RETRY_SECONDS)
            try:
                return self._daemon.ask(request, timeout_ms=PUSH_TIMEOUT_MS)
            except UnreachableError as error:
                lost = error
        raise UnreachableError(f"{UNKNOWN} ({lost})") from lost

    def _ask(self, request: JsonRecord) -> JsonRecord:
        """Ask the daemon; where none answers, say in the user's words what that means."""
        try:
            return self._daemon.ask(request, timeout_ms=PUSH_TIMEOUT_MS)
        except AnswerLostError:
            raise
        except UnreachableError as error:
            raise UnreachableError(f"unable to get cib: {NOT_RUNNING} ({error})") from error


def _read_status(record: Json) -> "ClusterStatus | None":
    """Return the status as a value. Its library is loaded here only: it is slow to load."""
    if record is None:
        return None
    from msgspec import convert

    from paceline.model.status import ClusterStatus

    return convert(record, ClusterStatus)
