"""Secrets of resources and fence devices reach agents by their input or environment only."""

import asyncio
from pathlib import Path

from executor_site import OperationMaker, Site

from paceline.adapters.executor.fence import fence_command, find_fence_agent
from paceline.model.identifiers import NodeName, OperationId, ResourceId
from paceline.model.operation import FenceOperation, OperationResult
from paceline.model.status import OperationOutcome
from paceline.replica.events import FenceFinished, OperationFinished

SECRET = (("passwd", "lrm://"), ("ip", "10.0.0.9"))


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


def _keep(site: Site, name: str, value: str) -> None:
    site.folders.secrets.mkdir(exist_ok=True)
    (site.folders.secrets / name).write_text(value, encoding="utf-8")


async def _result(site: Site, count: int) -> OperationResult:
    event = (await site.wait_for(count))[-1]
    assert isinstance(event, OperationFinished)
    return event.result


def test_resource_gets_the_value_that_this_node_keeps(
    site: Site, make_operation: OperationMaker
) -> None:
    site.agent("agent", 'echo "has $OCF_RESKEY_passwd $OCF_RESKEY_ip"')
    _keep(site, "R:passwd", "hunter 2")

    async def play() -> None:
        site.executor().execute(make_operation("start", parameters=SECRET))
        assert "has hunter 2 10.0.0.9" in (await _result(site, 1)).output

    asyncio.run(play())
    noted = b"".join(
        path.read_bytes() for path in site.folders.runtime.rglob("*") if path.is_file()
    )
    assert b"hunter" not in noted


def test_without_its_secret_a_resource_is_stopped_and_not_started_here(
    site: Site, make_operation: OperationMaker
) -> None:
    site.agent("agent", 'echo "has ${OCF_RESKEY_passwd-none} $OCF_RESKEY_ip"')

    async def play() -> None:
        executor = site.executor()
        executor.execute(make_operation("start", parameters=SECRET))
        entry = (await _result(site, 1)).entry
        assert (entry.outcome, entry.rc) == (OperationOutcome.NOT_INSTALLED, 5)
        assert "'passwd' of R is not on this node" in entry.exit_reason
        executor.execute(make_operation("stop", parameters=SECRET))
        assert "has none 10.0.0.9" in (await _result(site, 2)).output

    asyncio.run(play())


def test_fence_device_gets_its_secret_or_says_what_is_missing(site: Site) -> None:
    site.agent("fence_test", f"cat > {site.folder}/input", kind="fence")

    def off(number: int) -> FenceOperation:
        return FenceOperation(
            operation_id=OperationId(f"f{number}"), device=ResourceId("dev"),
            agent_type="fence_test", task="off", target=NodeName("worker2"), parameters=SECRET,
            timeout_ms=5000,
        )  # fmt: skip

    async def play() -> None:
        executor = site.executor()
        executor.fence(off(1))
        event = (await site.wait_for(1))[-1]
        assert isinstance(event, FenceFinished)
        assert event.result.rc != 0
        assert "'passwd' of dev is not on this node" in event.result.exit_reason
        _keep(site, "dev:passwd", "hunter2")
        executor.fence(off(2))
        await site.wait_for(2)

    asyncio.run(play())
    assert "passwd=hunter2\n" in (site.folder / "input").read_text()
