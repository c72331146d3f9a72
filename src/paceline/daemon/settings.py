"""The daemon's settings: where its folders are and how much it logs.

From the environment, else `/etc/paceline/paceline.conf` (lines `NAME=value`, as systemd's
EnvironmentFile= reads them), else the defaults.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

SETTINGS_FILE = Path("/etc/paceline/paceline.conf")
LEVELS = ("debug", "info", "notice", "warning", "error")
"""The levels of notes, most talkative first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set; folders are made where they are missing."""

    runtime_dir: Path = Path("/run/paceline")
    state_dir: Path = Path("/var/lib/paceline")
    log_dir: Path = Path("/var/log/paceline")
    watchdog: Path | None = None
    """The hardware watchdog to feed, None for none."""
    log_level: str = "info"
    unknown_level: str = ""
    """What was set as the level and is none; `log_level` is then the default."""
    log_bytes_max: int = 20 * 1024 * 1024
    log_files_max: int = 5


def read_settings(environment: Mapping[str, str], file: Path = SETTINGS_FILE) -> Settings:
    """Return the settings. A file that is missing is fine; an unknown level counts as `info`."""
    words = {**_read_file(file), **environment}
    defaults = Settings()
    given = words.get("PACELINE_LOG_LEVEL", "")
    level = given.lower()
    return Settings(
        runtime_dir=Path(words.get("PACELINE_RUNTIME_DIR") or defaults.runtime_dir),
        state_dir=Path(words.get("PACELINE_STATE_DIR") or defaults.state_dir),
        log_dir=Path(words.get("PACELINE_LOG_DIR") or defaults.log_dir),
        watchdog=Path(words["PACELINE_WATCHDOG"]) if words.get("PACELINE_WATCHDOG") else None,
        log_level=level if level in LEVELS else defaults.log_level,
        unknown_level="" if level in LEVELS else given,
    )


def _read_file(file: Path) -> dict[str, str]:
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return {}
    pairs = (line.partition("=") for line in map(str.strip, lines) if not line.startswith("#"))
    return {name.strip(): value.strip().strip("\"'") for name, is_, value in pairs if is_}
