"""Installing into a machine's places, and taking it away again."""

from pathlib import Path

import pytest

from paceline.adapters.installation import Installation
from paceline.model.errors import InvalidRequestError

PROGRAM = "#!/bin/python\nfrom paceline.cli.main import main\n"


class Tools:
    """Answers for the system's tools; a tool that the test did not name fails the test."""

    def __init__(self, **statuses: int) -> None:
        self.statuses = {"getent": 0, "systemctl": 3, **statuses}
        self.asked: list[tuple[str, ...]] = []

    def run(self, words: tuple[str, ...]) -> tuple[int, str]:
        self.asked.append(words)
        return self.statuses[words[0]], ""


def make_installation(tmp_path: Path, tools: Tools) -> tuple[Path, Installation]:
    programs = tmp_path / "venv"
    programs.mkdir()
    for name in ("paceline", "paceline-daemon", "paceline-api", "pcs"):
        (programs / name).write_text(PROGRAM)
        (programs / name).chmod(0o755)
    (programs / "pip").write_text("#!/bin/python\n")
    root = tmp_path / "root"
    root.mkdir()
    return root, Installation(root=root, programs=programs, run_tool=tools.run)


def test_install_writes_units_with_aliases_when_the_names_are_free(tmp_path: Path) -> None:
    root, installation = make_installation(tmp_path, Tools())
    installation.install()
    unit = (root / "etc/systemd/system/paceline.service").read_text()
    assert "Alias=pacemaker.service" in unit
    assert (root / "etc/systemd/system/pcsd.service").readlink() == Path("paceline-api.service")
    assert (root / "usr/local/sbin/pcs").is_symlink()
    assert not (root / "usr/local/sbin/pip").exists()


def test_install_leaves_names_alone_when_another_package_has_them(tmp_path: Path) -> None:
    root, installation = make_installation(tmp_path, Tools())
    foreign = root / "usr/lib/systemd/system/pcsd.service"
    foreign.parent.mkdir(parents=True)
    foreign.write_text("[Unit]\n")
    lines = installation.install()
    assert "Alias" not in (root / "etc/systemd/system/paceline-api.service").read_text()
    assert not (root / "etc/systemd/system/pcsd.service").exists()
    assert any("pcsd.service is another package's" in line for line in lines)


def test_install_changes_nothing_when_done_again(tmp_path: Path) -> None:
    _root, installation = make_installation(tmp_path, Tools())
    installation.install()
    assert installation.install() == ("Everything is in its place already.",)


def test_uninstall_removes_what_install_made_and_nothing_else(tmp_path: Path) -> None:
    root, installation = make_installation(tmp_path, Tools())
    other = root / "etc/systemd/system/other.service"
    other.parent.mkdir(parents=True)
    other.write_text("[Unit]\n")
    installation.install()
    installation.uninstall()
    left = sorted(p.name for p in root.rglob("*") if p.is_file() or p.is_symlink())
    assert left == ["other.service"]


def test_install_is_refused_when_pacemaker_runs(tmp_path: Path) -> None:
    root, installation = make_installation(tmp_path, Tools(systemctl=0))
    with pytest.raises(InvalidRequestError, match=r"pacemaker\.service is running"):
        installation.install()
    assert list(root.iterdir()) == []
