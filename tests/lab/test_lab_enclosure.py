"""What a member sees of the machine."""

from pathlib import Path

from paceline.lab import programs
from paceline.lab.enclosure import Enclosure
from paceline.lab.layout import LabPaths

TOP = (("bin", "usr/bin"), ("etc", ""), ("home", ""), ("run", ""), ("usr", ""))


def arguments(*needed: str) -> list[str]:
    """Return bwrap's arguments for a member of a lab in /lab."""
    return Enclosure(
        member="worker1",
        paths=LabPaths(Path("/lab")),
        top=TOP,
        needed=tuple(Path(path) for path in needed),
        info_file=3,
        block_file=4,
    ).arguments(("init",))


def place(words: list[str], *wanted: str) -> int:
    """Return where these words follow each other; -1 if they do not."""
    at = range(len(words) - len(wanted) + 1)
    return next((i for i in at if tuple(words[i : i + len(wanted)]) == wanted), -1)


def test_top_folders_are_read_only_and_links_stay_links() -> None:
    words = arguments()
    assert place(words, "--ro-bind", "/usr", "/usr") >= 0
    assert place(words, "--ro-bind", "/home", "/home") >= 0
    assert place(words, "--symlink", "usr/bin", "/bin") >= 0


def test_the_hosts_own_etc_and_run_are_not_seen() -> None:
    words = arguments()
    assert place(words, "--ro-bind", "/etc", "/etc") == -1
    assert place(words, "--bind", "/lab/disks/worker1/etc", "/etc") >= 0
    assert place(words, "--tmpfs", "/run") >= 0


def test_checkout_below_a_private_folder_is_laid_into_it() -> None:
    words = arguments("/root/checkout", "/usr/lib/python3")
    assert place(words, "--ro-bind", "/root/checkout", "/root/checkout") > place(
        words, "--bind", "/lab/disks/worker1/root", "/root"
    )
    assert place(words, "--ro-bind", "/usr/lib/python3", "/usr/lib/python3") == -1


def test_programs_of_the_product_and_of_the_lab_are_written(tmp_path: Path) -> None:
    folder = tmp_path / "programs"
    programs.write_programs(folder)
    names = {path.name for path in folder.iterdir()}
    assert {"pcs", "paceline", "paceline-daemon", "fence_lab", "systemctl", "reboot"} <= names
    assert all(path.stat().st_mode & 0o111 for path in folder.iterdir())
