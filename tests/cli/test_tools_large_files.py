"""Large CIBs as files: what is read is read whole, what is too large is refused."""

import subprocess
import sys
from pathlib import Path

import pytest

from paceline.cli.tools import INPUT_BYTES_MAX, run_tool

CIB = (
    '<cib epoch="1" admin_epoch="0" num_updates="0" validate-with="pacemaker-3.9"><configuration>'
    "<crm_config/><nodes/><resources/><constraints/></configuration>{}<status/></cib>"
)
MEBIBYTE_OF_COMMENT = f"<!--{' ' * (1 << 20)}-->"


def test_cib_of_a_large_cluster_is_read_to_its_end(tmp_path: Path) -> None:
    file = tmp_path / "cib.xml"
    file.write_text(CIB.format(MEBIBYTE_OF_COMMENT * 80), encoding="ascii")
    assert run_tool("crm_simulate", ["-x", str(file), "-R", "-Q"]) == 0


def test_file_beyond_the_limit_is_refused_and_not_cut(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "cib.xml"
    with file.open("wb") as empty:
        empty.truncate(INPUT_BYTES_MAX + 1)
    assert run_tool("crm_simulate", ["-x", str(file), "-R", "-Q"]) != 0
    assert "too large" in capsys.readouterr().err


def test_standard_input_beyond_the_limit_is_refused_in_words(tmp_path: Path) -> None:
    file = tmp_path / "cib.xml"
    with file.open("wb") as empty:
        empty.truncate(INPUT_BYTES_MAX + 1)
    code = "from paceline.cli.tools import run_tool; exit(run_tool('crm_simulate', ['-p', '-R']))"
    with file.open("rb") as large:
        done = subprocess.run(
            [sys.executable, "-c", code], stdin=large, capture_output=True, text=True, check=False
        )
    assert done.returncode != 0
    assert "cannot read standard input: File too large" in done.stderr
    assert "Traceback" not in done.stderr
