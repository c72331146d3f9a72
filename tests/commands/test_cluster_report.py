"""The times of a report, as people write them."""

import time

import pytest

from paceline.commands.cluster_report import parse_time_ms
from paceline.commands.contract import UsageError

NOW_MS = 1_769_860_800_000


def _local(text: str) -> int:
    return int(time.mktime(time.strptime(text, "%Y-%m-%d %H:%M:%S"))) * 1000


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2026-01-31 12:00:05", "2026-01-31 12:00:05"),
        ("2026-1-3 9:5:7", "2026-01-03 09:05:07"),
        ("2026-01-31 12:00", "2026-01-31 12:00:00"),
        ("2026-01-31T12:00:05", "2026-01-31 12:00:05"),
        ("2026-01-31", "2026-01-31 00:00:00"),
    ],
)
def test_time_is_read_as_people_write_it(text: str, meant: str) -> None:
    assert parse_time_ms(text, now_ms=NOW_MS) == _local(meant)


@pytest.mark.parametrize("text", ["7:05", "07:05:00"])
def test_time_alone_is_of_today(text: str) -> None:
    today = time.strftime("%Y-%m-%d", time.localtime(NOW_MS // 1000))
    assert parse_time_ms(text, now_ms=NOW_MS) == _local(f"{today} 07:05:00")


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "25:00", "2026-01-31 12", "12", ""])
def test_other_words_are_refused_with_examples(text: str) -> None:
    with pytest.raises(UsageError, match="is no time like '2026-01-31 12:00:00'"):
        parse_time_ms(text, now_ms=NOW_MS)
