"""The digest of an operation's parameters is the one that other histories have."""

import pytest

from paceline.scheduler.digests import digest_of


@pytest.mark.parametrize(
    ("value", "digest"),
    [
        ("it's", "4e9bbf1c872f78a4ddd6a0f9c00a7766"),
        ('a"b', "686e6b2b2d09faa9cb2ed3b9186c9adb"),
        ("a<b", "f4cfa81dca9f2e50e66491d50bdf28fb"),
        ("a>b", "d069097cb523eef33252d480fd943890"),
    ],
)
def test_digest_counts_a_value_as_it_is_written_in_xml(value: str, digest: str) -> None:
    assert digest_of({"fake": value}) == digest
