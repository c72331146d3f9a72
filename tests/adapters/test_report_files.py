"""What a report takes along: logs and configuration, for root only, without secrets."""

from pathlib import Path

import pytest

from paceline.adapters.report_files import LocalReportFiles, lines_between, mask_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (b"  key: 0123abcd\n", b"  key: ********\n"),
        (b"fence_x: passwd=hunter2 ip=1.2.3.4", b"fence_x: passwd=******** ip=1.2.3.4"),
        (b'{"api_key": "hunter2", "n": 1}', b'{"api_key": ********, "n": 1}'),
        (b"OCF_RESKEY_password='hunter 2' x", b"OCF_RESKEY_password=******** x"),
        (b"client_secret: hunter2", b"client_secret: ********"),
        (b"token: 1000\nnodeid: 1", b"token: 1000\nnodeid: 1"),
    ],
)
def test_secret_is_masked_and_the_rest_stays(text: bytes, shown: bytes) -> None:
    assert mask_secrets(text) == shown


def test_report_is_for_its_owner_only_and_replaces_nothing(tmp_path: Path) -> None:
    logs = tmp_path / "log"
    logs.mkdir()
    (logs / "paceline.log").write_bytes(b"start of db: password=hunter2")
    (tmp_path / "corosync.conf").write_bytes(b"totem {\n  key: abcd\n}\n")
    files = LocalReportFiles(
        {
            "PACELINE_LOG_DIR": str(logs),
            "PACELINE_COROSYNC_CONF": str(tmp_path / "corosync.conf"),
        }
    )
    ours = [content for name, content in files.collect(0, 1) if str(tmp_path).lstrip("/") in name]
    assert ours == [b"totem {\n  key: ********\n}\n", b"start of db: password=********"]
    target = tmp_path / "report"
    files.write(str(target), b"x")
    assert target.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        files.write(str(target), b"y")
    files.write(str(target), b"y", replaces=True)
    assert files.read(str(target), bytes_max=1) == b"y"
    with pytest.raises(ValueError, match="larger than 0 bytes"):
        files.read(str(target), bytes_max=0)
    assert target.stat().st_mode & 0o777 == 0o600


def test_lines_of_the_wanted_time_are_taken_with_what_belongs_to_them() -> None:
    log = (
        b"2026-01-31T10:00:00.000+00:00 n info: early\n"
        b"  and its second line\n"
        b"2026-01-31T12:00:00.500+00:00 n info: wanted\n"
        b"  and its second line\n"
        b"2026-01-31T15:00:00.000+02:00 n info: late\n"
    )
    noon_ms = 1_769_860_800_000
    taken = lines_between(log, noon_ms, noon_ms + 1000)
    assert taken == b"2026-01-31T12:00:00.500+00:00 n info: wanted\n  and its second line\n"


def test_file_without_our_times_is_taken_whole() -> None:
    assert lines_between(b"Jan 31 10:00:00 corosync\n", 0, 1) == b"Jan 31 10:00:00 corosync\n"
