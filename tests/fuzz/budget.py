"""How long the fuzzers look: some examples in every run, more with PACELINE_FUZZ=FACTOR."""

import os

from hypothesis import HealthCheck, settings

FACTOR = int(os.environ.get("PACELINE_FUZZ", "1"))


def budget(examples: int) -> settings:
    """Return settings for this many examples, times the factor; the same ones without a factor."""
    return settings(
        max_examples=examples * FACTOR,
        deadline=None,
        derandomize=FACTOR == 1,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
