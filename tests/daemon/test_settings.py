"""What can be set, and where it is read from."""

from pathlib import Path

from paceline.daemon.settings import Settings, read_settings


def test_level_is_read_from_the_file_and_the_environment_goes_before_it(tmp_path: Path) -> None:
    file = tmp_path / "paceline.conf"
    file.write_text("# how much is logged\nPACELINE_LOG_LEVEL = 'Debug'\n")
    assert read_settings({}, file).log_level == "debug"
    assert read_settings({"PACELINE_LOG_LEVEL": "error"}, file).log_level == "error"


def test_unknown_level_is_kept_to_be_named_and_the_default_is_taken(tmp_path: Path) -> None:
    settings = read_settings({"PACELINE_LOG_LEVEL": "Loud"}, tmp_path / "none")
    assert (settings.log_level, settings.unknown_level) == ("info", "Loud")


def test_missing_file_gives_the_defaults(tmp_path: Path) -> None:
    assert read_settings({}, tmp_path / "none") == Settings()


def test_watchdog_is_fed_only_where_one_is_named(tmp_path: Path) -> None:
    assert read_settings({"PACELINE_WATCHDOG": ""}, tmp_path / "none").watchdog is None
    named = read_settings({"PACELINE_WATCHDOG": "/dev/watchdog"}, tmp_path / "none")
    assert named.watchdog == Path("/dev/watchdog")
