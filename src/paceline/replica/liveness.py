"""Signs of life: who was heard when, and whose state differs (DESIGN 2, 3).

A hung daemon is restarted by its own supervisor first. Where that does not help, the others stop
hearing it, say so, and with the votes for quorum it is left out of the view until it says Hello.
"""

from collections import Counter

from paceline.replica.events import MemberAddress

ALIVE_MS = 5000
"""A member that sent nothing else for this long says that it is there."""
SILENT_MS = 20_000
"""A member not heard for this long is suspected: longer than a supervisor needs to restart it."""
DIGESTS_MAX = 8
"""How many positions' digests are kept until all members said theirs."""


class Liveness:
    """What this member heard of the others in the view."""

    def __init__(self) -> None:
        """Begin deaf."""
        self._heard: dict[MemberAddress, int] = {}
        self._said_ms = 0
        self._digests: dict[int, dict[MemberAddress, str]] = {}

    def begin_view(self, members: tuple[MemberAddress, ...], now_ms: int) -> None:
        """In a new view everybody was heard just now."""
        self._heard = dict.fromkeys(members, now_ms)
        self._digests.clear()

    def heard(self, member: MemberAddress, now_ms: int) -> None:
        """An entry of a member was delivered."""
        if member in self._heard:
            self._heard[member] = now_ms

    def said(self, now_ms: int) -> None:
        """This member sent something."""
        self._said_ms = now_ms

    def forgive(self, now_ms: int) -> None:
        """This member itself stood still: what it did not hear says nothing about others."""
        self._heard = dict.fromkeys(self._heard, now_ms)

    def is_quiet(self, now_ms: int) -> bool:
        """Say whether this member should give a sign of life."""
        return now_ms - self._said_ms >= ALIVE_MS

    def silent(self, me: MemberAddress | None, now_ms: int) -> tuple[MemberAddress, ...]:
        """Return the members that were not heard for too long."""
        return tuple(
            member
            for member, heard_ms in sorted(self._heard.items())
            if member != me and now_ms - heard_ms >= SILENT_MS
        )

    def note_digest(self, member: MemberAddress, position: int, digest: str) -> None:
        """Keep what a member's state came to at a position."""
        self._digests.setdefault(position, {})[member] = digest
        for old in sorted(self._digests)[:-DIGESTS_MAX]:
            del self._digests[old]

    def is_alone(self, me: MemberAddress | None, position: int, first: MemberAddress) -> bool:
        """Say whether this member's state differs from most others', all having said theirs.

        Where the counts are equal the state of `first` (the coordinator) is taken for right.
        """
        said = self._digests.get(position, {})
        if me is None or me not in said or len(said) < len(self._heard) or first not in said:
            return False
        counts = Counter(said.values())
        right = max(sorted(counts), key=lambda digest: (counts[digest], digest == said[first]))
        return said[me] != right
