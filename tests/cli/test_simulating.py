"""`paceline simulate --json --batch`: a folder of CIBs becomes a folder of decisions."""

import json
from pathlib import Path

import pytest

from paceline.cli.simulating import main

CIB = (
    '<cib crm_feature_set="3.16.1" validate-with="pacemaker-3.9" epoch="1" num_updates="0"'
    ' admin_epoch="0" have-quorum="1"><configuration><crm_config/><nodes/><resources/>'
    "<constraints/></configuration><status/></cib>"
)


def test_batch_writes_a_decision_for_every_file(tmp_path: Path) -> None:
    source, target = tmp_path / "in", tmp_path / "out"
    source.mkdir()
    for name in ("one", "two"):
        (source / f"{name}.xml").write_text(CIB)
    (tmp_path / "times.tsv").write_text("one\t2026-01-31 12:00:00Z\n")
    words = ["--json", "--batch", str(source), str(target), "--times", str(tmp_path / "times.tsv")]
    assert main(words) == 0
    found = {path.name: json.loads(path.read_text())["case"] for path in target.iterdir()}
    assert found == {"one.json": "one", "two.json": "two"}


def test_batch_goes_on_when_one_file_is_no_cib(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "bad.xml").write_text("<cib")
    (tmp_path / "good.xml").write_text(CIB)
    assert main(["--json", "--batch", str(tmp_path), str(tmp_path / "out")]) == 1
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["good.json"]
    assert "bad.xml" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        ("--json", "--batch", "no-such-folder", "out"),
        ("--json", "--batch", ".", "out", "--times", "no-such-file"),
        ("--json", "--batch", ".", "out", "--times", "bad.tsv"),
        ("--json", "--batch", ".", "out", "--now", "yesterday-ish"),
        ("--json", "--batch", ".", "good.xml"),
        ("--batch", ".", "out"),
        ("--no-such-option",),
        ("good.xml", "another.xml"),
        ("no-such-file.xml",),
        ("invalid.xml",),
        ("good.xml", "--op-inject", "nonsense"),
        ("good.xml", "--node-up", "no-such-node"),
    ],
)
def test_bad_words_are_refused_in_words_when_simulating(
    words: tuple[str, ...],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.xml").write_text(CIB)
    (tmp_path / "invalid.xml").write_text(CIB.replace("<nodes/>", ""))
    (tmp_path / "bad.tsv").write_text("a line without a tab\n")
    assert main(list(words)) != 0
    told = capsys.readouterr()
    assert told.err.strip()
    assert "Traceback" not in told.err


def test_all_that_is_wrong_is_told_when_the_configuration_is_not_valid(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "bad.xml"
    file.write_text(CIB.replace("<nodes/>", "").replace("<resources/>", ""))
    assert main([str(file)]) == 1
    told = capsys.readouterr().err
    assert "not valid" in told
    assert "<nodes>" in told
    assert "<resources>" in told
