"""Secrets of resources and fence devices reach agents by their input or environment only."""

from pathlib import Path

from paceline.adapters.executor.fence import fence_command, find_fence_agent
from paceline.model.identifiers import NodeName


def test_password_of_a_fence_device_is_in_no_word_and_no_repr() -> None:
    command = fence_command(
        Path("/usr/sbin/fence_x"),
        operation_id="1",
        task="off",
        target=NodeName("n1"),
        parameters=(("password", "hunter2"), ("ip", "10.0.0.1")),
        timeout_ms=1000,
        base={},
    )
    assert b"password=hunter2\n" in command.input
    assert "hunter2" not in repr(command)
    assert not any("hunter2" in word for word in command.argv)
    assert "hunter2" not in str(command.environment)
    assert "hunter2" not in command.name


def test_name_of_a_fence_agent_is_no_path(tmp_path: Path) -> None:
    (tmp_path / "evil").touch()
    (tmp_path / "bin").mkdir()
    assert find_fence_agent([tmp_path / "bin"], "../evil") is None
    assert find_fence_agent([tmp_path], "evil") == tmp_path / "evil"


def test_line_break_in_a_parameter_gives_no_second_option() -> None:
    command = fence_command(
        Path("/usr/sbin/fence_x"),
        operation_id="1",
        task="off",
        target=NodeName("n1"),
        parameters=(("ip", "10.0.0.1\naction=on"),),
        timeout_ms=1000,
        base={},
    )
    assert command.input == b"action=off\n"
