"""What scores are made of, in words: for `why`, and as tables for `simulate --scores`."""

from collections.abc import Iterator, Sequence

from paceline.model.explanation import ScoreReason, ScoreTable
from paceline.model.scores import format_score

SCORE_WIDTH = 9
"""The width of -INFINITY, the longest score."""

CONTRIBUTIONS = {
    "capacity": "not enough capacity is left",
    "clone-banned": "the whole of {source} is banned there",
    "clone-max": "all instances of {source} are placed already",
    "clone-node-max": "as many instances of {source} as clone-node-max allows are there already",
    "clone-score": "what {source} as a whole has there",
    "colocated-dependents": "colocation {source}, which wants to be with it",
    "colocation": "colocation {source}",
    "container": "its container {source} is placed there",
    "exclusive-discovery": "resource discovery is limited to other nodes",
    "failures": "it failed there too often ({source})",
    "hard-failure": "the agent said that it cannot run there ({source})",
    "health": "node health ({source})",
    "location": "location constraint {source}",
    "may-not-be-promoted": "target-role=Unpromoted",
    "members-only": "it runs on cluster members only",
    "bundle-guest": "what is inside {source} comes from its bundle only",
    "no-promotion-score": "no promotion score was set for {source}",
    "node-score": "the score that every resource has on {source}",
    "node-unusable": "the node cannot run resources now",
    "not-configured": "the agent said that its configuration is wrong ({source})",
    "not-placed": "it is placed on no node",
    "not-wanted": "it is not to run anywhere",
    "other-instance": "the promotion score of {source}, which is there too",
    "own-container": "the inside of its container {source}",
    "probe-failed": "a probe failed there ({source})",
    "promotion-score": "promotion score of {source}",
    "rule": "location rule of {source}",
    "shutdown-lock": "it is locked to {source}, which was shut down (shutdown-lock)",
    "stickiness": "stickiness: it runs there now",
    "stop-failed": "a stop failed there ({source})",
    "ticket": "ticket {source} is not granted",
    "unmanaged": "it is not managed and runs there: it stays",
}
"""What contributes to a score, by its code."""

_BELONGINGS = {
    "group": "group {}",
    "bundle": "bundle {}",
    "container": "the container of {}",
    "nested": "the connection {}",
}
"""What ties resources together without a constraint, by the beginning of the tie's id."""
_BONDS = {"colocation": "it goes with", "colocated-dependents": "it takes along"}


def contribution_text(reason: ScoreReason) -> str:
    """Return what made a contribution, with the id of its source."""
    kind, colon, rest = reason.source.partition(":")
    if reason.code in ("colocation", "colocated-dependents") and colon and kind in _BELONGINGS:
        holder, _, other = rest.partition(" ")
        return f"{_BELONGINGS[kind].format(holder)}: {_BONDS[reason.code]} {other.split(' ')[-1]}"
    return CONTRIBUTIONS[reason.code].format(source=reason.source)


def score_blocks(tables: Sequence[ScoreTable]) -> Iterator[str]:
    """Yield a block for each resource: every node's score, and what it adds up from."""
    for is_promotion in (False, True):
        by_resource: dict[str, list[ScoreTable]] = {}
        for each in tables:
            if each.is_promotion is is_promotion:
                by_resource.setdefault(each.resource, []).append(each)
        for resource, found in by_resource.items():
            lines = [f"{resource} promotion:" if is_promotion else f"{resource}:"]
            for each in found:
                lines.append(f"  {each.node}: {format_score(each.score)}")
                lines.extend(
                    f"    {format_score(reason.score):>{SCORE_WIDTH}}  {contribution_text(reason)}"
                    for reason in each.reasons
                    if reason.score or len(each.reasons) == 1
                )
            yield "\n".join(lines)


__all__ = ["CONTRIBUTIONS", "contribution_text", "score_blocks"]
