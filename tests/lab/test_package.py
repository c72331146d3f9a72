"""What people install, in machines with a real systemd: the .deb, the wheel, the README's steps."""

import subprocess
import sys
import sysconfig
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from systemd_node import SystemdNode, why_not

pytestmark = pytest.mark.lab

CHECKOUT = Path(__file__).resolve().parents[2]
STEP_SECONDS = 40
ADDRESS = "192.168.77.30"
PAGES = ("paceline.8.gz", "paceline-resource.8.gz")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The .deb of this checkout."""
    if not Path("/usr/bin/dpkg-deb").exists():
        pytest.skip("no dpkg-deb here")
    folder = tmp_path_factory.mktemp("package")
    maker = str(CHECKOUT / "tools/make_package.py")
    words = [sys.executable, maker, "--output", str(folder)]
    made = subprocess.run(words, capture_output=True, text=True, check=False)
    assert made.returncode == 0, made.stderr
    return Path(made.stdout.strip())


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SystemdNode, SystemdNode]]:
    """Two machines on one network, as they are before anything of ours is installed."""
    if reason := why_not():
        pytest.skip(reason)
    with ExitStack() as stack:
        one, two = (
            stack.enter_context(SystemdNode(tmp_path_factory.mktemp(name), name))
            for name in ("worker1", "worker2")
        )
        one.connect(two)
        yield one, two


def done(node: SystemdNode, line: str) -> str:
    """Run a line that must succeed."""
    result = node.run(line)
    assert result.returncode == 0, f"{line}\n{result.stdout}{result.stderr}"
    return result.stdout


def wait_for(node: SystemdNode, line: str, words: str) -> None:
    deadline = time.monotonic() + STEP_SECONDS
    while words not in (text := node.run(line).stdout):
        assert time.monotonic() < deadline, text + node.run("journalctl --no-pager -n 60").stdout
        time.sleep(0.2)


def test_install_works_from_a_wheel_and_uninstall_undoes_it(
    nodes: tuple[SystemdNode, SystemdNode], tmp_path: Path
) -> None:
    words = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "pip", *words, str(CHECKOUT)], check=True)
    [wheel] = tmp_path.glob("*.whl")
    node, place = nodes[0], "/opt/from-wheel"
    # Its libraries are those of this checkout's environment: nothing is asked of an index.
    libraries = sysconfig.get_path("purelib")
    done(node, f"{sys.executable} -m venv {place}")
    done(node, f"echo {libraries} > $(echo {place}/lib/python3*/site-packages)/libraries.pth")
    done(node, f"{place}/bin/pip install --quiet --no-index --no-deps {wheel}")
    assert place in done(node, f"{place}/bin/python -c 'import paceline; print(paceline.__file__)'")
    assert "paceline.service" in done(node, f"{place}/bin/paceline install")
    done(node, "systemctl start paceline-api.service")
    assert done(node, "systemctl is-active paceline-api.service") == "active\n"
    done(node, "systemctl stop paceline-api.service")
    assert "removed" in done(node, f"{place}/bin/paceline uninstall")
    assert node.run("ls /usr/local/sbin/paceline").returncode != 0


def test_the_five_steps_of_the_readme_make_a_cluster_of_machines_with_the_package(
    nodes: tuple[SystemdNode, SystemdNode], package: Path
) -> None:
    one, two = nodes
    for node in nodes:
        done(node, f"dpkg -i {package}")
        done(node, "systemctl enable --now paceline-api")
        done(node, "echo hacluster:secret | chpasswd")
        for page in PAGES:
            done(node, f"test -f /usr/share/man/man8/{page}")
    assert done(one, "readlink -f /usr/local/sbin/paceline") == "/opt/paceline/bin/paceline\n"
    done(one, "paceline host auth worker1 worker2 -u hacluster -p secret")
    # What it finds in such machines (no watchdog, ...) is not the point: it looks and says so.
    assert "worker2" in one.run("paceline doctor worker1 worker2").stdout
    done(one, "paceline cluster setup mycluster worker1 worker2 --start --enable --wait")
    wait_for(one, "paceline status", "Online: [ worker1 worker2 ]")
    done(one, "paceline property set stonith-enabled=false")
    done(
        one,
        f"paceline resource create VirtualIP ocf:heartbeat:IPaddr2 ip={ADDRESS} cidr_netmask=24 "
        "op monitor interval=30s",
    )
    wait_for(two, "paceline status", "Started worker")
    assert one.run(f"ping -c 1 -w 5 {ADDRESS}").returncode == 0
    assert done(two, "systemctl is-enabled paceline.service corosync.service").split() == (
        ["enabled"] * 2
    )


def test_the_package_is_not_removed_from_a_running_node_and_leaves_nothing_when_it_is_stopped(
    nodes: tuple[SystemdNode, SystemdNode],
) -> None:
    one, two = nodes
    refused = one.run("dpkg -r paceline")
    assert refused.returncode != 0
    assert "pcs cluster stop" in refused.stderr
    assert "Started worker" in done(two, "paceline status")
    done(one, "paceline cluster stop --all")
    for node in nodes:
        done(node, "dpkg -r paceline")
        for left in ("/etc/systemd/system/paceline.service", "/usr/local/sbin/paceline"):
            assert node.run(f"ls {left}").returncode != 0
        assert node.run("find /opt/paceline -type f -not -name '*.pyc'").stdout == ""
