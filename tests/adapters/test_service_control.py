"""Services through a `systemctl`: any program of that name that answers its words."""

from pathlib import Path

import pytest

from paceline.adapters.service_control import SystemctlServices
from paceline.ports.node_calls import Service, ServiceAction

PROGRAM = """#!/bin/sh
echo "$@" >> "$PACELINE_LOG"
case "$1" in
    is-active) printf 'active\\ninactive\\n'; exit 3 ;;
    is-enabled) printf 'enabled\\ndisabled\\n'; exit 1 ;;
    start) echo "Job for corosync.service failed." >&2; echo "See more." >&2; exit 1 ;;
esac
"""


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """What systemctl was called with."""
    return tmp_path / "log"


@pytest.fixture
def services(tmp_path: Path, log: Path) -> SystemctlServices:
    """Service control that finds our systemctl."""
    program = tmp_path / "systemctl"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    return SystemctlServices({"PATH": f"{tmp_path}:/usr/bin:/bin", "PACELINE_LOG": str(log)})


def test_what_is_asked_is_passed_on(services: SystemctlServices, log: Path) -> None:
    assert services.act(ServiceAction.STOP, Service.PACELINE) == ""
    assert services.act(ServiceAction.ENABLE, Service.COROSYNC) == ""
    assert log.read_text().splitlines() == ["stop paceline.service", "enable corosync.service"]


def test_a_failure_comes_in_one_line(services: SystemctlServices) -> None:
    words = services.act(ServiceAction.START, Service.COROSYNC)
    assert words == "Job for corosync.service failed. See more."


def test_states_are_in_the_order_asked_whatever_the_exit_status(
    services: SystemctlServices,
) -> None:
    first, second = services.states((Service.COROSYNC, Service.PACELINE))
    assert (first.service, first.active, first.enabled) == (Service.COROSYNC, "active", "enabled")
    assert (second.service, second.active, second.enabled) == (
        Service.PACELINE,
        "inactive",
        "disabled",
    )


def test_states_are_unknown_without_a_runner(tmp_path: Path) -> None:
    services = SystemctlServices({"PATH": str(tmp_path)})
    (state,) = services.states((Service.COROSYNC,))
    assert (state.active, state.enabled) == ("unknown", "unknown")
