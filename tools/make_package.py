"""Make a .deb of this checkout: `tools/make_package.py [--output FOLDER]`.

Everything is in /opt/paceline: a virtual environment of its own for the system's Python, with the
very versions of the libraries that this checkout was tested with (those in .venv), copied file by
file. Nothing is downloaded. The package's scripts call `paceline install` and `uninstall`.
"""

import argparse
import compileall
import gzip
import shutil
import subprocess
import sys
import tempfile
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

CHECKOUT = Path(__file__).resolve().parents[1]
PREFIX = Path("opt/paceline")
MAN = Path("usr/share/man/man8")
DOC = Path("usr/share/doc/paceline")
COROSYNC = "corosync (>= 3.1)"
SYSTEM_NEEDS = (COROSYNC, "resource-agents", "iproute2", "kmod", "procps", "psmisc")
LAB_NEEDS = ("bubblewrap", "uidmap", "nftables", "apache2-bin")

CONTROL = """\
Package: paceline
Version: {version}
Architecture: {architecture}
Maintainer: The Paceline developers <paceline@localhost>
Section: admin
Priority: optional
Installed-Size: {size_kib}
Depends: {depends}
Recommends: fence-agents
Suggests: {suggests}
Description: {summary}
 Paceline keeps services running on a group of machines: it starts them, watches them, restarts
 them, moves them when a machine dies, and makes sure that what must run once never runs twice.
 It understands the commands of pcs and Pacemaker's cib.xml.
"""
PREINST = """\
#!/bin/sh
set -e
if [ "$1" = upgrade ] && [ -d /run/systemd/system ] && systemctl -q is-active paceline.service; then
    echo "Paceline runs on this node. Stop it first: pcs cluster stop" >&2
    exit 1
fi
"""
POSTINST = """\
#!/bin/sh
set -e
[ "$1" = configure ] || exit 0
if ! /opt/paceline/bin/paceline install; then
    echo "Paceline is unpacked in /opt/paceline, and not set up. When the reason above is gone:" >&2
    echo "  /opt/paceline/bin/paceline install" >&2
fi
[ ! -d /run/systemd/system ] || systemctl try-restart paceline-api.service
"""
PRERM = """\
#!/bin/sh
set -e
[ "$1" = remove ] || exit 0
if [ -d /run/systemd/system ]; then
    if systemctl -q is-active paceline.service; then
        echo "Paceline runs on this node. Stop it first: pcs cluster stop" >&2
        exit 1
    fi
    systemctl -q disable --now paceline-api.service paceline.service || true
fi
/opt/paceline/bin/paceline uninstall
"""
PROGRAM = """\
#!/{prefix}/bin/python -I
import sys
from {module} import {function}
sys.exit({function}())
"""


def main(words: list[str]) -> int:
    """Make the package and say where it is."""
    parser = argparse.ArgumentParser(prog="make_package.py", description="Make a .deb.")
    parser.add_argument("--output", type=Path, default=CHECKOUT / "dist", metavar="FOLDER")
    given = parser.parse_args(words)
    if shutil.which("dpkg-deb") is None:
        print("Error: dpkg-deb is not here; it comes with every Debian and Ubuntu", file=sys.stderr)
        return 1
    project = tomllib.loads((CHECKOUT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    given.output.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="paceline-package-") as folder:
        root = Path(folder, "root")
        lay_out(root, project)
        write_control(root, project)
        print(build(root, given.output, project["version"]))
    return 0


def lay_out(root: Path, project: dict) -> None:
    """Write everything that the package installs below `root`."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    programs, site = root / PREFIX / "bin", root / PREFIX / "lib" / version / "site-packages"
    programs.mkdir(parents=True)
    site.mkdir(parents=True)
    # This is all that makes a virtual environment.
    (programs / "python").symlink_to(f"/usr/bin/{version}")
    (root / PREFIX / "pyvenv.cfg").write_text(
        f"home = /usr/bin\ninclude-system-site-packages = false\nversion = {version[6:]}\n"
    )
    for name in sorted(needed_distributions(project["dependencies"])):
        copy_distribution(metadata.distribution(name), site)
    shutil.copytree(
        CHECKOUT / "src/paceline", site / "paceline", ignore=shutil.ignore_patterns("__pycache__")
    )
    write_own_record(site, project)
    for name, target in project["scripts"].items():
        module, _, function = target.partition(":")
        program = programs / name
        program.write_text(PROGRAM.format(prefix=PREFIX, module=module, function=function))
        program.chmod(0o755)
    compileall.compile_dir(site, quiet=1, stripdir=str(root), prependdir="/")
    for page in sorted((CHECKOUT / "docs/man").glob("*.8")):
        write_compressed(root / MAN / f"{page.name}.gz", page.read_bytes())
    (root / DOC).mkdir(parents=True)
    shutil.copy(CHECKOUT / "README.md", root / DOC)
    write_compressed(root / DOC / "changelog.gz", (CHECKOUT / "CHANGELOG.md").read_bytes())


def needed_distributions(requirements: list[str]) -> set[str]:
    """Return the names of all installed distributions that these need, by and by."""
    found: set[str] = set()
    waiting = [Requirement(text) for text in requirements]
    while waiting:
        wanted = waiting.pop()
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        name = metadata.distribution(wanted.name).metadata["Name"]
        if name not in found:
            found.add(name)
            waiting += [Requirement(text) for text in metadata.requires(name) or ()]
    return found


def copy_distribution(distribution: metadata.Distribution, site: Path) -> None:
    """Copy what an installed distribution has in its site-packages; programs are left out."""
    for entry in distribution.files or ():
        if entry.parts[0] == ".." or "__pycache__" in entry.parts:
            continue
        target = site / entry
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(entry.locate(), target)


def write_own_record(site: Path, project: dict) -> None:
    """Write what `importlib.metadata` wants to know of Paceline itself."""
    own = site / f"paceline-{project['version']}.dist-info"
    own.mkdir()
    (own / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: paceline\nVersion: {project['version']}\n"
    )
    lines = [f"{name} = {target}" for name, target in project["scripts"].items()]
    (own / "entry_points.txt").write_text("\n".join(["[console_scripts]", *lines, ""]))


def write_compressed(path: Path, content: bytes) -> None:
    """Write a gzip file that is the same each time."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, mtime=0))


def write_control(root: Path, project: dict) -> None:
    """Write what dpkg wants to know, and what it runs."""
    size = sum(path.lstat().st_size for path in root.rglob("*") if path.is_file())
    major, minor = sys.version_info[:2]
    # Compiled libraries fit one minor version only.
    python = (f"python3 (>= {major}.{minor})", f"python3 (<< {major}.{minor + 1})")
    folder = root / "DEBIAN"
    folder.mkdir()
    (folder / "control").write_text(
        CONTROL.format(
            version=project["version"],
            architecture=output_of("dpkg", "--print-architecture"),
            size_kib=size // 1024,
            depends=", ".join((*python, *SYSTEM_NEEDS)),
            suggests=", ".join(LAB_NEEDS),
            summary=project["description"],
        )
    )
    for name, text in (("preinst", PREINST), ("postinst", POSTINST), ("prerm", PRERM)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)


def build(root: Path, output: Path, version: str) -> Path:
    """Let dpkg-deb make the file; return where it is."""
    # What one may read here everybody may: the permissions of the checkout do not count.
    for path in root.rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    package = output / f"paceline_{version}_{output_of('dpkg', '--print-architecture')}.deb"
    words = ["dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "--build", str(root), str(package)]
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
    return package


def output_of(*words: str) -> str:
    """Return what a program prints."""
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
