"""Outages as a probe sees them: from the last good answer to the next one. Pure."""

import json
from dataclasses import dataclass

# A silence counts when so much time passed and so many attempts were made in it: a probe that did
# not get to run itself has seen nothing.
SILENCE_MS = 100.0
SILENCE_ATTEMPTS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """A time without a good answer, in Unix milliseconds.

    It begins at the end of the last good answer (or the start of the watch) and ends at the end of
    the next (or of the watch, then `is_over` is false). `reason` is what the first failure said.
    """

    begun_ms: float
    ended_ms: float
    is_over: bool
    reason: str

    @property
    def duration_ms(self) -> float:
        """How long it lasted."""
        return self.ended_ms - self.begun_ms

    def line(self) -> str:
        """Return it as a line of JSON."""
        return json.dumps(
            {
                "begun_ms": self.begun_ms,
                "ended_ms": self.ended_ms,
                "is_over": self.is_over,
                "reason": self.reason,
            }
        )


def parse_event(line: str) -> Outage | None:
    """Return the outage of a probe's line; None for its other lines."""
    try:
        told = json.loads(line)
    except ValueError:
        return None
    if "begun_ms" not in told:
        return None
    return Outage(
        begun_ms=told["begun_ms"],
        ended_ms=told["ended_ms"],
        is_over=told["is_over"],
        reason=told["reason"],
    )


class OutageTracker:
    """Turns single answers into outages.

    Attempts overlap, so answers come in the order of their ends, not of their starts. A failure
    counts only if no later attempt has been answered well already: one slow attempt among good ones
    is not an outage. A long silence between two good answers is one too: connections that waited
    for a lost packet's second try and then succeeded were without service meanwhile.
    """

    def __init__(
        self,
        started_ms: float,
        *,
        silence_ms: float = SILENCE_MS,
        silence_attempts: int = SILENCE_ATTEMPTS,
    ) -> None:
        """Begin the watch: nothing is known yet."""
        self._silence_ms = silence_ms
        self._silence_attempts = silence_attempts
        self._attempts = 0
        self._is_known = False
        self._last_good_ms = started_ms
        self._last_good_start_ms = started_ms
        self._reason = ""

    @property
    def is_out(self) -> bool:
        """Say whether the last word was a failure."""
        return bool(self._reason)

    @property
    def since_ms(self) -> float:
        """When the last good answer ended."""
        return self._last_good_ms

    def attempted(self) -> None:
        """Take note of an attempt that begins."""
        self._attempts += 1

    def good(self, *, started_ms: float, ended_ms: float) -> Outage | None:
        """Take note of a good answer; return the outage it ends."""
        if not self._reason and self._is_known and self._is_silent(ended_ms):
            self._reason = "no answers"
        over = self._outage(ended_ms, is_over=True) if self._reason else None
        self._reason, self._attempts, self._is_known = "", 0, True
        self._last_good_ms = max(self._last_good_ms, ended_ms)
        self._last_good_start_ms = max(self._last_good_start_ms, started_ms)
        return over

    def bad(self, *, started_ms: float, reason: str) -> bool:
        """Take note of a failure; say whether it begins an outage."""
        if started_ms < self._last_good_start_ms or self._reason:
            return False
        self._reason = reason
        return True

    def finish(self, now_ms: float) -> Outage | None:
        """End the watch; return the outage that lasts."""
        if not self._reason and self._is_silent(now_ms):
            self._reason = "no answers"
        return self._outage(now_ms, is_over=False) if self._reason else None

    def _is_silent(self, now_ms: float) -> bool:
        is_long = now_ms - self._last_good_ms >= self._silence_ms
        return is_long and self._attempts >= self._silence_attempts

    def _outage(self, ended_ms: float, *, is_over: bool) -> Outage:
        return Outage(
            begun_ms=round(self._last_good_ms, 3),
            ended_ms=round(ended_ms, 3),
            is_over=is_over,
            reason=self._reason,
        )
