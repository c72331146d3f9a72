"""Large CIBs as files: what is read is read whole, what is too large is refused."""

from pathlib import Path

import pytest

from paceline.cli.tools import INPUT_BYTES_MAX, run_tool

CIB = '<cib epoch="1"><configuration><resources/></configuration>{}<status/></cib>'
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
