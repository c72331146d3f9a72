"""Do watchdogs count as a way to fence? A file is believed; a running cluster knows better."""

from pathlib import Path

from msgspec.structs import replace

from paceline.cib.read import snapshot_of_file
from paceline.model.plan import ActionKind
from paceline.scheduler import schedule

CASE = Path(__file__).parent / "cases" / "watchdog-fencing" / "cib.xml"
NOW_MS = 1_798_761_600_000


def test_lost_node_is_fenced_by_its_watchdog_when_a_file_says_that_there_are_watchdogs() -> None:
    plan = schedule(snapshot_of_file(CASE.read_bytes(), NOW_MS))
    assert [each.node for each in plan.actions if each.kind is ActionKind.FENCE] == ["a2"]


def test_nothing_is_fenced_or_started_when_a_running_cluster_has_only_the_option() -> None:
    """The daemon's own status says whether watchdogs fence, whatever somebody wrote down."""
    snapshot = snapshot_of_file(CASE.read_bytes(), NOW_MS)
    running = replace(snapshot, status=replace(snapshot.status, has_watchdog_fencing=False))
    plan = schedule(running)
    tasks = {each.task for each in plan.actions}
    assert not tasks & {"start", "reboot", "off"}
    assert "no-fence-device" in {each.code for each in plan.findings}
