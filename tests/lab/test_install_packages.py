"""The installation of packages starts no service, also when it is broken off."""

import subprocess
from pathlib import Path

import pytest
from conftest import need_lab

pytestmark = pytest.mark.lab

SCRIPT = Path(__file__).resolve().parents[2] / "tools" / "install-packages.sh"
# The machine's own /usr/sbin is not touched: an empty one lies over it, in this namespace only.
STORY = """
set -eu
mount -t tmpfs tmpfs /usr/sbin
echo '# the administrator wrote this' > /usr/sbin/policy-rc.d
status=0
PATH=$1:$PATH sh "$2" --install-with-apt nginx || status=$?
echo "status $status: $(cat /usr/sbin/policy-rc.d)"
"""
# What package scripts ask before they start a service: 101 is no.
APT_GET = """#!/bin/sh
echo "$1 $(tail -1 /usr/sbin/policy-rc.d)"
"""
BROKEN_OFF = "case $* in *install*) kill -INT $PPID; exit 1 ;; esac\n"


@pytest.mark.parametrize(
    ("apt_get", "told"),
    [
        (APT_GET, ["install exit 101", "status 0: # the administrator wrote this"]),
        (APT_GET + BROKEN_OFF, ["install exit 101", "status 130: # the administrator wrote this"]),
    ],
    ids=["done", "broken off"],
)
def test_guard_stands_while_packages_are_installed_and_the_former_one_comes_back(
    tmp_path: Path, apt_get: str, told: list[str]
) -> None:
    need_lab()
    for name, text in (("apt-get", apt_get), ("apt-cache", "#!/bin/sh\n")):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "sh", "-c", STORY, "sh", tmp_path, SCRIPT],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == told, done.stderr
