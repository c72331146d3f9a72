"""What agents are given, by class: the pure parts."""

from pathlib import Path

import pytest
from executor_site import OperationMaker

from paceline.adapters.executor.environment import AgentFolders, base_environment
from paceline.adapters.executor.fence import agent_options, find_fence_agent, host_map
from paceline.adapters.executor.lsb import ocf_status
from paceline.adapters.executor.ocf import find_exit_reason, ocf_command
from paceline.model.identifiers import NodeName

WORKER2 = NodeName("worker2")


def test_base_environment_passes_on_only_what_is_named(tmp_path: Path) -> None:
    own = {"TZ": "UTC", "PACELINE_RUNTIME_DIR": "/r", "SECRET": "x", "LD_PRELOAD": "y"}
    base = base_environment(AgentFolders(tools=tmp_path), own)
    assert base["PACELINE_RUNTIME_DIR"] == "/r"
    assert base["PATH"].startswith(f"{tmp_path}:")
    assert not {"SECRET", "LD_PRELOAD"} & set(base)


def test_check_level_is_no_resource_parameter(make_operation: OperationMaker) -> None:
    operation = make_operation("monitor", parameters=(("OCF_CHECK_LEVEL", "10"),))
    environment = ocf_command(operation, Path("/ocf"), {}).environment
    assert environment["OCF_CHECK_LEVEL"] == "10"
    assert "OCF_RESKEY_OCF_CHECK_LEVEL" not in environment


def test_meta_names_become_variables(make_operation: OperationMaker) -> None:
    operation = make_operation(
        "notify", meta=(("clone-max", "2"), ("notify_type", "pre")), migrate_source="worker2"
    )
    environment = ocf_command(operation, Path("/ocf"), {}, node_id=1).environment
    assert environment["OCF_RESKEY_CRM_meta_clone_max"] == "2"
    assert environment["OCF_RESKEY_CRM_meta_notify_type"] == "pre"
    assert environment["OCF_RESKEY_CRM_meta_migrate_source"] == "worker2"
    assert environment["OCF_RESKEY_CRM_meta_on_node_uuid"] == "1"
    assert "OCF_RESKEY_CRM_meta_interval" not in environment


def test_last_exit_reason_counts() -> None:
    output = "ocf-exit-reason:first\nnoise\nocf-exit-reason: second \nmore"
    assert find_exit_reason(output) == "second"
    assert find_exit_reason("nothing") == ""


@pytest.mark.parametrize(
    ("parameters", "expected"),
    [
        ({}, {"action": "off", "nodename": "worker2", "plug": "worker2"}),
        ({"port": "9"}, {"action": "off", "nodename": "worker2", "port": "9"}),
        (
            {"pcmk_host_map": "worker1:1;worker2:2", "pcmk_host_argument": "port"},
            {"action": "off", "nodename": "worker2", "port": "2"},
        ),
        ({"pcmk_host_argument": "none"}, {"action": "off", "nodename": "worker2"}),
        ({"a": "x\naction=on"}, {"action": "off", "nodename": "worker2", "plug": "worker2"}),
    ],
)
def test_fence_options_name_the_target(
    parameters: dict[str, str], expected: dict[str, str]
) -> None:
    assert agent_options("off", WORKER2, parameters) == expected


def test_monitor_of_a_device_names_no_target() -> None:
    assert agent_options("monitor", NodeName(""), {"ip": "a"}) == {"action": "monitor", "ip": "a"}


def test_host_map_takes_semicolons_and_spaces() -> None:
    assert host_map("a:1;b:2 c:3") == {"a": "1", "b": "2", "c": "3"}


def test_fence_agent_is_a_plain_name(tmp_path: Path) -> None:
    (tmp_path / "fence_x").touch()
    assert find_fence_agent((tmp_path,), "fence_x") == tmp_path / "fence_x"
    assert find_fence_agent((tmp_path,), "../fence_x") is None
    assert find_fence_agent((tmp_path,), "fence_y") is None


@pytest.mark.parametrize(
    ("task", "status", "expected"),
    [
        ("monitor", 0, 0), ("monitor", 1, 7), ("monitor", 3, 7), ("monitor", 4, 1),
        ("start", 5, 5), ("start", 150, 1), ("stop", 0, 0),
    ],
)  # fmt: skip
def test_init_scripts_answer_in_ocf_numbers(task: str, status: int, expected: int) -> None:
    assert ocf_status(task, status) == expected
