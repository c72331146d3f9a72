"""The executor with real processes."""

import asyncio
import os
import time
from pathlib import Path

from executor_site import OperationMaker, Site

from paceline.adapters.executor.diagnosis import find_process
from paceline.model.identifiers import NodeName, OperationId, ResourceId
from paceline.model.operation import FenceOperation, OperationResult
from paceline.model.status import OperationOutcome
from paceline.ports.executor import ExecutorEvent
from paceline.replica.events import FenceDelayOver, FenceFinished, OperationFinished


def result_of(event: ExecutorEvent) -> OperationResult:
    assert isinstance(event, OperationFinished)
    return event.result


def test_start_reports_exit_status_and_reason_when_the_agent_fails(
    site: Site, make_operation: OperationMaker
) -> None:
    site.agent("agent", "echo 'ocf-exit-reason:no such disk' >&2; echo other; exit 1")

    async def play() -> None:
        site.executor().execute(make_operation("start"))
        result = result_of((await site.wait_for(1))[0])
        assert (result.entry.outcome, result.entry.rc) == (OperationOutcome.DONE, 1)
        assert result.entry.exit_reason == "no such disk"
        assert result.entry.entry_id == "R_last_0"
        assert "other" in result.output

    asyncio.run(play())


def test_agent_sees_the_standards_variables(site: Site, make_operation: OperationMaker) -> None:
    site.agent("agent", 'env | sort; echo "args $@"; ls -l /proc/self/fd')
    inherited = site.folder / "inherited"

    async def play() -> None:
        os.set_inheritable(os.open(inherited, os.O_CREAT | os.O_RDONLY), True)
        operation = make_operation(
            "monitor", parameters=(("ip", "10.0.0.1"),), interval_ms=30_000, timeout_ms=20_000
        )
        executor = site.executor()
        executor.execute(operation)
        output = result_of((await site.wait_for(1))[0]).output
        executor.cancel_all_recurring()
        for line in (
            "OCF_RESKEY_ip=10.0.0.1",
            "OCF_RESOURCE_INSTANCE=R",
            "OCF_RESOURCE_TYPE=agent",
            "OCF_RESOURCE_PROVIDER=test",
            "OCF_RA_VERSION_MAJOR=1",
            "OCF_RA_VERSION_MINOR=1",
            "OCF_RESKEY_CRM_meta_interval=30000",
            "OCF_RESKEY_CRM_meta_timeout=20000",
            "OCF_RESKEY_CRM_meta_on_node=worker1",
            f"OCF_ROOT={site.folders.ocf_root}",
            "args monitor",
        ):
            assert line in output.splitlines()
        assert str(inherited) not in output
        assert f"PATH={site.folders.tools}:" in output

    asyncio.run(play())


def test_operation_ends_at_exit_when_a_daemon_holds_the_output(
    site: Site, make_operation: OperationMaker
) -> None:
    site.agent("agent", "setsid sleep 5 & exit 0")

    async def play() -> None:
        began = time.monotonic()
        site.executor().execute(make_operation("start"))
        assert result_of((await site.wait_for(1))[0]).entry.rc == 0
        assert time.monotonic() - began < 4

    asyncio.run(play())


def test_output_is_bounded_when_the_agent_prints_without_end(
    site: Site, make_operation: OperationMaker
) -> None:
    site.agent(
        "agent",
        "head -c 100000000 /dev/zero | tr '\\0' x; echo; echo 'ocf-exit-reason:full'; exit 1",
    )

    async def play() -> None:
        site.executor().execute(make_operation("start"))
        result = result_of((await site.wait_for(1))[0])
        assert len(result.output) <= 8192
        assert result.entry.exit_reason == "full"

    asyncio.run(play())


def test_time_limit_ends_the_group_and_saves_a_diagnosis(
    site: Site, make_operation: OperationMaker
) -> None:
    site.agent("agent", f"sleep 1000 & echo $! > {site.folder}/child; wait")

    async def play() -> None:
        site.executor().execute(make_operation("start", timeout_ms=300))
        result = result_of((await site.wait_for(1))[0])
        assert result.entry.outcome is OperationOutcome.TIMED_OUT
        assert "300ms" in result.entry.exit_reason
        text = Path(result.diagnosis).read_text()  # noqa: ASYNC240
        assert "sleep 1000" in text
        assert "pressure cpu" in text
        child = int((site.folder / "child").read_text())
        facts = find_process(child)
        assert facts is None or facts.state == "Z"

    asyncio.run(play())


def test_missing_agent_is_not_installed(site: Site, make_operation: OperationMaker) -> None:
    async def play() -> None:
        site.executor().execute(make_operation("monitor", "absent", target_rc=7))
        entry = result_of((await site.wait_for(1))[0]).entry
        assert (entry.outcome, entry.rc) == (OperationOutcome.NOT_INSTALLED, 5)
        assert "ocf:test:absent" in entry.exit_reason

    asyncio.run(play())


def test_operations_of_one_resource_do_not_overlap(
    site: Site, make_operation: OperationMaker
) -> None:
    log = site.folder / "log"
    site.agent("agent", f"echo begin $1 >> {log}; sleep 0.1; echo end $1 >> {log}")

    async def play() -> None:
        executor = site.executor()
        for task in ("start", "notify", "stop"):
            executor.execute(make_operation(task))
        await site.wait_for(3)
        words = log.read_text().split("\n")
        assert words[:-1] == [
            "begin start", "end start", "begin notify", "end notify", "begin stop", "end stop",
        ]  # fmt: skip

    asyncio.run(play())


def test_recurring_says_only_changes(site: Site, make_operation: OperationMaker) -> None:
    flag, count = site.folder / "flag", site.folder / "count"
    site.agent("agent", f"echo x >> {count}; test -e {flag} && exit 7; exit 0")

    async def play() -> None:
        executor = site.executor()
        executor.execute(make_operation("monitor", interval_ms=40))
        await site.wait_for(1)
        while not count.exists() or len(count.read_text().split()) < 4:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert len(site.events) == 1
        flag.touch()
        entry = result_of((await site.wait_for(2))[1]).entry
        assert (entry.rc, entry.entry_id) == (7, "R_monitor_40")
        executor.cancel_recurring(ResourceId("R"), "monitor", 40)
        flag.unlink()
        seen = len(count.read_text().split())
        await asyncio.sleep(0.15)
        assert len(count.read_text().split()) <= seen + 1
        assert len(site.events) == 2

    asyncio.run(play())


def test_cancel_action_is_answered(site: Site, make_operation: OperationMaker) -> None:
    site.agent("agent", "exit 0")

    async def play() -> None:
        executor = site.executor()
        executor.execute(make_operation("monitor", interval_ms=60_000))
        await site.wait_for(1)
        executor.execute(make_operation("cancel", cancels="monitor", interval_ms=60_000))
        assert result_of((await site.wait_for(2))[1]).entry.rc == 0
        assert executor.internals()["recurring-operations"] == "0"

    asyncio.run(play())


def test_lsb_status_is_told_in_ocf_numbers(site: Site, make_operation: OperationMaker) -> None:
    site.agent("svc", '[ "$1" = status ] && exit 3; exit 0', kind="lsb")

    async def play() -> None:
        executor = site.executor()
        executor.execute(make_operation("monitor", "svc", agent_class="lsb"))
        assert result_of((await site.wait_for(1))[0]).entry.rc == 7
        executor.execute(make_operation("start", "svc", agent_class="lsb"))
        assert result_of((await site.wait_for(2))[1]).entry.rc == 0

    asyncio.run(play())


def test_fence_agent_reads_options_and_answers(site: Site) -> None:
    site.agent(
        "fence_test", f"cat > {site.folder}/input; echo 'it is stuck' >&2; exit 1", kind="fence"
    )

    async def play() -> None:
        site.executor().fence(
            FenceOperation(
                operation_id=OperationId("f1"),
                device=ResourceId("dev"),
                agent_type="fence_test",
                task="reboot",
                target=NodeName("worker2"),
                parameters=(
                    ("ip", "10.0.0.9"), ("passwd", "s3cret"), ("plug", "7"),
                    ("pcmk_reboot_action", "off"),
                ),
                timeout_ms=5000,
            )
        )  # fmt: skip
        event = (await site.wait_for(1))[0]
        assert isinstance(event, FenceFinished)
        assert (event.result.rc, event.result.exit_reason) == (1, "it is stuck")
        assert (site.folder / "input").read_text() == (
            "action=off\nip=10.0.0.9\npasswd=s3cret\nplug=7\n"
        )

    asyncio.run(play())


def test_long_list_of_a_fence_agent_is_told_whole(site: Site) -> None:
    site.agent("fence_test", "seq -f 'machine-%g,' 3000", kind="fence")

    async def play() -> None:
        site.executor().fence(
            FenceOperation(
                operation_id=OperationId("f1"),
                device=ResourceId("dev"),
                agent_type="fence_test",
                task="list",
                target=NodeName("worker2"),
                parameters=(),
                timeout_ms=5000,
            )
        )
        event = (await site.wait_for(1))[0]
        assert isinstance(event, FenceFinished)
        assert event.result.output.splitlines()[0] == "machine-1,"
        assert len(event.result.output.splitlines()) == 3000

    asyncio.run(play())


def test_fence_device_is_active_where_it_was_started(
    site: Site, make_operation: OperationMaker
) -> None:
    site.agent("fence_test", "grep -q action=monitor || exit 1", kind="fence")

    async def play() -> None:
        executor = site.executor()
        device = {"agent_class": "stonith", "resource": "dev"}
        for task in ("monitor", "start", "monitor", "stop", "monitor"):
            executor.execute(make_operation(task, "fence_test", **device))
        rcs = [result_of(event).entry.rc for event in await site.wait_for(5)]
        assert rcs == [7, 0, 0, 0, 7]

    asyncio.run(play())


def test_fence_delay_is_waited(site: Site) -> None:
    async def play() -> None:
        site.executor().wait_fence_delay("f1", 20)
        assert await site.wait_for(1) == [FenceDelayOver(operation_id="f1")]

    asyncio.run(play())


def test_orphan_is_settled_before_the_next_life(site: Site, make_operation: OperationMaker) -> None:
    """A start that outlives its daemon is waited for; a monitor is ended."""
    site.agent(
        "agent", f'[ "$1" = monitor ] && exec sleep 1000; sleep 0.5; echo x > {site.folder}/done'
    )

    async def play() -> None:
        first = site.executor(incarnation=1)
        first.execute(make_operation("start", resource="A"))
        first.execute(make_operation("monitor", resource="B", timeout_ms=60_000))
        for _ in range(4):
            await asyncio.sleep(0)  # one begins in each turn at least
        second = site.executor(incarnation=2)
        lines = sorted(await second.settle_orphans())
        assert (site.folder / "done").exists()
        assert len(lines) == 2
        assert "finished by itself" in "".join(lines)
        assert "ended by SIGTERM" in "".join(lines)
        assert not (site.folders.runtime / "operations" / "1.log").exists()

    asyncio.run(play())


def parameter_file(number: int) -> tuple[tuple[str, str], ...]:
    return (("ip", f"10.0.0.{number}"),)


def test_resource_is_stopped_as_it_was_started(site: Site, make_operation: OperationMaker) -> None:
    """Its parameters have changed, and the daemon has begun anew; then it is over."""
    site.agent("agent", f'echo "$1 $OCF_RESKEY_ip" >> {site.folder}/calls')

    async def play() -> None:
        first = site.executor(incarnation=1)
        first.execute(make_operation("start", parameters=parameter_file(1)))
        await site.wait_for(1)
        second = site.executor(incarnation=2)
        assert [each.resource for each in second.started()] == ["R"]
        second.execute(make_operation("stop", parameters=parameter_file(2)))
        await site.wait_for(2)
        assert second.started() == ()
        second.execute(make_operation("stop", parameters=parameter_file(3)))
        await site.wait_for(3)

    asyncio.run(play())
    calls = (site.folder / "calls").read_text().splitlines()
    assert calls == ["start 10.0.0.1", "stop 10.0.0.1", "stop 10.0.0.3"]


def test_reloaded_resource_is_stopped_with_what_it_was_reloaded_with(
    site: Site, make_operation: OperationMaker
) -> None:
    site.agent("agent", f'echo "$1 $OCF_RESKEY_ip" >> {site.folder}/calls')

    async def play() -> None:
        executor = site.executor()
        for number, task in enumerate(("start", "reload-agent", "stop"), 1):
            executor.execute(make_operation(task, parameters=parameter_file(number)))
            await site.wait_for(number)

    asyncio.run(play())
    calls = (site.folder / "calls").read_text().splitlines()
    assert calls == ["start 10.0.0.1", "reload-agent 10.0.0.2", "stop 10.0.0.2"]


def test_resource_that_is_found_stopped_was_not_started(
    site: Site, make_operation: OperationMaker
) -> None:
    site.agent("agent", '[ "$1" = monitor ] && exit 7; exit 0')

    async def play() -> None:
        executor = site.executor()
        executor.execute(make_operation("start"))
        await site.wait_for(1)
        executor.execute(make_operation("monitor"))
        await site.wait_for(2)
        assert executor.started() == ()

    asyncio.run(play())
