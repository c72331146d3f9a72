"""What made each score what it is. Kept only in a run that was asked for reasons.

Every change of a score is noted as a contribution with its kind, its source (the id of a constraint
or setting) and the total after it, so that the contributions, added in their order, are the total.
"""

from collections.abc import Mapping

from paceline.model.explanation import ScoreReason
from paceline.model.scores import INFINITY, MINUS_INFINITY

Marks = dict[str, int]
"""How many contributions there were, by node."""


def score_difference(before: int, after: int) -> int:
    """Return what must be added to `before` to get `after`, by the arithmetic of scores."""
    if after <= MINUS_INFINITY:
        return MINUS_INFINITY
    if after >= INFINITY:
        return INFINITY
    return after - before


class Reasons:
    """The contributions by resource and node, and by instance for the choice of the promoted."""

    def __init__(self) -> None:
        """Begin with none."""
        self._scores: dict[tuple[str, str], list[ScoreReason]] = {}
        self._tables: dict[tuple[str, str], tuple[ScoreReason, ...]] = {}
        self._promotion: dict[str, list[ScoreReason]] = {}

    def add(self, rsc: str, node: str, code: str, source: str, score: int, total: int) -> None:
        """Note what changed the score of a resource on a node."""
        reason = ScoreReason(code=code, source=source, score=score, total=total)
        self._scores.setdefault((rsc, node), []).append(reason)

    def of(self, rsc: str, node: str) -> tuple[ScoreReason, ...]:
        """Return what made the score as it is now."""
        return tuple(self._scores.get((rsc, node), ()))

    def marks(self, rsc: str, nodes: Mapping[str, int]) -> Marks:
        """Return how much is noted now, for `forget_since`."""
        return {node: len(self._scores.get((rsc, node), ())) for node in nodes}

    def forget_since(self, rsc: str, marks: Marks) -> None:
        """Take back what was noted since: the changes were only tried."""
        for node, count in marks.items():
            del self._scores.get((rsc, node), [])[count:]

    def keep_table(self, rsc: str, node: str) -> None:
        """Keep the contributions as they are when the choice is made: these `-s` shows."""
        self._tables[rsc, node] = self.of(rsc, node)

    def table(self, rsc: str, node: str) -> tuple[ScoreReason, ...]:
        """Return the contributions to the score by which the choice was made."""
        return self._tables.get((rsc, node), ())

    def add_promotion(self, rsc: str, code: str, source: str, before: int, after: int) -> None:
        """Note what changed the promotion score of an instance."""
        found = self._promotion.setdefault(rsc, [])
        if before != after or not found:
            found.append(
                ScoreReason(
                    code=code, source=source, score=score_difference(before, after), total=after
                )
            )

    def promotion(self, rsc: str) -> tuple[ScoreReason, ...]:
        """Return what made an instance's promotion score."""
        return tuple(self._promotion.get(rsc, ()))


__all__ = ["Marks", "Reasons", "score_difference"]
