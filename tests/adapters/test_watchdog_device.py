"""The machine's watchdog, as a file."""

from pathlib import Path

import pytest

from paceline.adapters.watchdog_device import WatchdogDevice


@pytest.mark.parametrize(("is_clean", "written"), [(True, b"..V"), (False, b"..")])
def test_watchdog_is_disarmed_only_at_a_clean_end(
    tmp_path: Path, is_clean: bool, written: bytes
) -> None:
    path = tmp_path / "watchdog"
    path.touch()
    device = WatchdogDevice(path)
    device.feed()
    device.feed()
    device.close(is_clean=is_clean)
    assert path.read_bytes() == written


def test_watchdog_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        WatchdogDevice(tmp_path / "watchdog")
