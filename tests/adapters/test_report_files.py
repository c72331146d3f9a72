"""What a report takes along: logs and configuration, for root only, without secrets."""

from pathlib import Path

import pytest

from paceline.adapters.report_files import LocalReportFiles, mask_secrets


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
    ours = [content for name, content in files.collect(0) if str(tmp_path).lstrip("/") in name]
    assert ours == [b"totem {\n  key: ********\n}\n", b"start of db: password=********"]
    target = tmp_path / "report"
    files.write(str(target), b"x")
    assert target.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        files.write(str(target), b"y")
