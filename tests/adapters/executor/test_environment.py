"""What agents are given, by class: the pure parts."""

from pathlib import Path

import pytest
from executor_site import OperationMaker

from paceline.adapters.executor.environment import AgentFolders, base_environment
from paceline.adapters.executor.fence import agent_options, find_fence_agent
from paceline.adapters.executor.lsb import ocf_status
from paceline.adapters.executor.ocf import find_exit_reason, ocf_command


def test_base_environment_passes_on_only_what_is_named(tmp_path: Path) -> None:
    own = {"TZ": "UTC", "PACELINE_RUNTIME_DIR": "/r", "SECRET": "x", "LD_PRELOAD": "y"}
    base = base_environment(AgentFolders(tools=tmp_path), own)
    assert base["PACELINE_RUNTIME_DIR"] == "/r"
    assert base["PATH"].startswith(f"{tmp_path}:")
    assert not {"SECRET", "LD_PRELOAD"} & set(base)


def test_shell_is_left_for_the_agent_s_own_to_name(tmp_path: Path) -> None:
    # Agents written for bash start "$SHELL" with words that only bash understands.
    assert "SHELL" not in base_environment(AgentFolders(tools=tmp_path), {"SHELL": "/bin/sh"})


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
        ({}, {"action": "monitor"}),
        ({"plug": "9", "pcmk_host_list": "a"}, {"action": "monitor", "plug": "9"}),
        ({"pcmk_monitor_action": "status", "priority": "1"}, {"action": "status"}),
        ({"a": "x\naction=on"}, {"action": "monitor"}),
    ],
)
def test_fence_agent_gets_its_own_options_and_the_action(
    parameters: dict[str, str], expected: dict[str, str]
) -> None:
    assert agent_options("monitor", parameters) == expected


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
