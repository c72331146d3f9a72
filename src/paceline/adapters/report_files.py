"""Logs and configuration of this node, for a report."""

import os
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path

FILE_BYTES_MAX = 20 * 1024 * 1024
"""Of each file its last bytes: what happened last is what people ask about."""
FILES_MAX = 200
LOG_FOLDERS = ("/var/log/paceline", "/var/log/corosync", "/var/log/cluster")
CONFIGURATION = "/etc/corosync/corosync.conf"
_SECRET_LINE = re.compile(rb"(?im)^(\s*(?:key|password|passwd)\s*:\s*).*$")
_SECRET_WORD = re.compile(
    rb"""(?i)\b((?:\w*passw\w*|\w*secret\w*|\w*api_?key|\w*auth_?key)["']?[ \t]*[=:][ \t]*)"""
    rb"""("[^"\n]*"|'[^'\n]*'|[^\s,;]+)"""
)
"""What an agent or a tool may have printed: `passwd=...`, `"api_key": "..."`."""
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d(?= )")
"""What the lines of paceline.log begin with."""
REPORT_MODE = 0o600


class LocalReportFiles:
    """Reads from the usual places."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Look where the settings in the environment say, else where systems put it."""
        own = environment.get("PACELINE_LOG_DIR")
        self._folders = tuple(Path(each) for each in ((own,) if own else ()) + LOG_FOLDERS)
        self._configuration = Path(environment.get("PACELINE_COROSYNC_CONF") or CONFIGURATION)

    def collect(self, since_ms: int, until_ms: int) -> tuple[tuple[str, bytes], ...]:
        """Return logs of that time, and corosync.conf."""
        found = [_read(self._configuration)] if self._configuration.exists() else []
        for path in self._logs(since_ms):
            if len(found) >= FILES_MAX:
                found.append(("more-files-were-left-out", b""))
                break
            name, content = _read(path)
            found.append((name, lines_between(content, since_ms, until_ms)))
        return tuple(found)

    def _logs(self, since_ms: int) -> Iterator[Path]:
        for folder in self._folders:
            if folder.is_dir():
                for path in sorted(folder.rglob("*")):
                    if path.is_file() and path.stat().st_mtime_ns // 1_000_000 >= since_ms:
                        yield path

    def write(self, path: str, content: bytes, *, replaces: bool = False) -> None:
        """Write the report. Raises OSError where it exists already, unless it `replaces` it."""
        if replaces:
            Path(path).unlink(missing_ok=True)
        out = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, REPORT_MODE)
        with os.fdopen(out, "wb") as file:
            file.write(content)

    def read(self, path: str, *, bytes_max: int) -> bytes:
        """Return an archive. Raises OSError, ValueError where it is larger than `bytes_max`."""
        with Path(path).open("rb") as file:
            content = file.read(bytes_max + 1)
        if len(content) > bytes_max:
            raise ValueError(f"it is larger than {bytes_max} bytes")
        return content


def _read(path: Path) -> tuple[str, bytes]:
    name = str(path).lstrip("/")
    try:
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - FILE_BYTES_MAX))
            content = file.read(FILE_BYTES_MAX)
    except OSError as problem:
        return f"{name}.unreadable", str(problem).encode()
    return name, mask_secrets(content)


def lines_between(content: bytes, since_ms: int, until_ms: int) -> bytes:
    """Return the lines of that time, where lines begin with one as our log's do.

    A line without a time goes with the one before it; a file without any is returned whole.
    """
    kept, is_wanted = [], True
    for line in content.splitlines(keepends=True):
        stamp = _TIME.match(line)
        if stamp:
            time_ms = int(datetime.fromisoformat(stamp[0].decode()).timestamp() * 1000)
            is_wanted = since_ms <= time_ms <= until_ms
        if is_wanted:
            kept.append(line)
    return b"".join(kept)


def mask_secrets(content: bytes) -> bytes:
    """Return the text without keys of Corosync and without what is called a password or secret."""
    masked = _SECRET_LINE.sub(rb"\g<1>********", content)
    return _SECRET_WORD.sub(rb"\g<1>********", masked)
