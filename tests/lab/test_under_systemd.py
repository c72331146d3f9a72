"""Paceline under a real systemd: installed, started, enabled, stopped, removed."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from systemd_node import SystemdNode, why_not

pytestmark = pytest.mark.lab

PROGRAMS = Path(sys.executable).parent
START_SECONDS = 30


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SystemdNode]:
    if reason := why_not():
        pytest.skip(reason)
    with SystemdNode(tmp_path_factory.mktemp("systemd")) as node:
        done = node.run(f"{PROGRAMS}/paceline install")
        assert done.returncode == 0, done.stdout + done.stderr
        yield node


def wait_for(node: SystemdNode, line: str, words: str) -> str:
    deadline = time.monotonic() + START_SECONDS
    while words not in (text := node.run(line).stdout):
        assert time.monotonic() < deadline, text + node.run("journalctl --no-pager -n 60").stdout
        time.sleep(0.2)
    return text


def test_the_node_service_starts_under_its_own_name_and_its_alias(node: SystemdNode) -> None:
    unit = "pcsd" if not Path("/lib/systemd/system/pcsd.service").exists() else "paceline-api"
    started = node.run(f"systemctl enable --now {unit}.service")
    assert started.returncode == 0, started.stderr + node.run("journalctl -n 50 --no-pager").stdout
    assert node.run("systemctl is-active paceline-api.service").stdout == "active\n"
    assert node.run("systemctl is-enabled paceline-api.service").stdout == "enabled\n"


def test_pcs_makes_starts_and_enables_a_cluster_through_systemd(node: SystemdNode) -> None:
    node.run("echo hacluster:secret | chpasswd")
    node.run("systemctl enable --now paceline-api.service")
    auth = node.run("paceline host auth sdnode -u hacluster -p secret")
    assert auth.returncode == 0, auth.stdout + auth.stderr
    made = node.run("paceline cluster setup one sdnode --start --enable --wait")
    assert made.returncode == 0, made.stdout + made.stderr
    wait_for(node, "paceline status", "Online: [ sdnode ]")
    assert node.run("systemctl is-active paceline.service").stdout == "active\n"
    assert "paceline: active/enabled" in node.run("paceline status").stdout.replace(
        "pacemaker:", "paceline:"
    )


def test_a_systemd_unit_is_a_resource(node: SystemdNode) -> None:
    node.run(
        "printf '[Service]\\nExecStart=/bin/sleep infinity\\n' "
        "> /etc/systemd/system/lab-sleep.service && systemctl daemon-reload"
    )
    node.run("paceline property set stonith-enabled=false")
    made = node.run("paceline resource create Sleep systemd:lab-sleep op monitor interval=10s")
    assert made.returncode == 0, made.stdout + made.stderr
    wait_for(node, "paceline status", "Started sdnode")
    assert node.run("systemctl is-active lab-sleep.service").stdout == "active\n"


def test_services_are_adopted_when_systemd_restarts_the_killed_daemon(node: SystemdNode) -> None:
    show = "systemctl show -p MainPID --value "
    before = node.run(show + "paceline.service").stdout
    sleeper = node.run(show + "lab-sleep.service").stdout
    node.run(f"kill -9 {before}")
    deadline = time.monotonic() + START_SECONDS
    while node.run(show + "paceline.service").stdout in (before, "0\n"):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    wait_for(node, "paceline status", "Started sdnode")
    assert node.run(show + "lab-sleep.service").stdout == sleeper


def test_the_unit_stops_cleanly_and_what_was_installed_goes(node: SystemdNode) -> None:
    stopped = node.run("paceline cluster stop --force")
    assert stopped.returncode == 0, stopped.stdout + stopped.stderr
    assert node.run("systemctl is-active lab-sleep.service").stdout == "inactive\n"
    node.run("systemctl disable --now paceline-api.service")
    gone = node.run(f"{PROGRAMS}/paceline uninstall")
    assert gone.returncode == 0, gone.stdout + gone.stderr
    assert node.run("ls /etc/systemd/system/paceline.service").returncode != 0
