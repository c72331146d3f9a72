"""Scores: integers from -INFINITY to INFINITY, with the arithmetic that placement uses.

Source: pacemaker-doc, "Pacemaker Explained", section on scores: minus INFINITY wins over
everything, then INFINITY, then the sum is cut to the range.
"""

INFINITY = 1_000_000
MINUS_INFINITY = -INFINITY

_WORDS = {
    "INFINITY": INFINITY,
    "+INFINITY": INFINITY,
    "-INFINITY": MINUS_INFINITY,
    "red": MINUS_INFINITY,
    "yellow": 0,
    "green": 0,
}


def add_scores(left: int, right: int) -> int:
    """Return the sum of two scores; minus INFINITY wins, then INFINITY, then the range cuts."""
    if left <= MINUS_INFINITY or right <= MINUS_INFINITY:
        return MINUS_INFINITY
    if left >= INFINITY or right >= INFINITY:
        return INFINITY
    return max(MINUS_INFINITY, min(INFINITY, left + right))


def parse_score(text: str) -> int:
    """Return the score that `text` says: an integer or `INFINITY`, `-INFINITY`, `+INFINITY`.

    Raises ValueError where it is neither.
    """
    stripped = text.strip()
    if stripped in _WORDS:
        return _WORDS[stripped]
    return max(MINUS_INFINITY, min(INFINITY, int(stripped)))


def format_score(score: int) -> str:
    """Return the score as people write it: `INFINITY` and `-INFINITY` at the ends."""
    if score >= INFINITY:
        return "INFINITY"
    if score <= MINUS_INFINITY:
        return "-INFINITY"
    return str(score)
