"""What the cluster would do if the configuration were another one: for `--dry-run`.

The changed configuration is decided upon with the status as it is now. What would be done in any
case, changed or not, is told apart from what the change brings.
"""

from paceline.cib.read import read_configuration, read_status
from paceline.cib.tree import Element
from paceline.commands.simulate_report import summary_lines
from paceline.commands.simulate_summary import changes
from paceline.commands.time_estimate import estimate, estimate_line
from paceline.model.snapshot import Snapshot
from paceline.model.status import ClusterStatus
from paceline.scheduler.plan import make_plan
from paceline.scheduler.run import run

NO_STATUS = "There is no status in it, so what the cluster would do cannot be said."
NOTHING = "The cluster would do nothing because of it."
THEN = "The cluster would then:"
ANYWAY = "And, changed or not:"


def foresee(before: Element, after: Element, status: ClusterStatus | None) -> list[str]:
    """Return the lines that say what would be done after a change, and why.

    `status` is the live cluster's; without it that in the files' own status section counts.
    """
    known = status or read_status(before)
    if known is None or not any(node.is_online for node in known.nodes):
        return [NO_STATUS]
    now, then = (
        Snapshot(configuration=read_configuration(root), status=known) for root in (before, after)
    )
    return foresee_snapshots(now, then)


def foresee_snapshots(before: Snapshot, after: Snapshot) -> list[str]:
    """Return the lines that say what would be done if one state of things became another."""
    works = [run(snapshot) for snapshot in (before, after)]
    now, then = (changes(work) for work in works)
    brought = [each for each in then if each not in now]
    anyway = [each for each in then if each in now]
    lines = [THEN, *(f"  * {line}" for line in summary_lines(brought))] if brought else [NOTHING]
    if brought:
        lines.append(estimate_line(estimate(make_plan(works[1]), after.status)))
    if anyway:
        lines += [ANYWAY, *(f"  * {line}" for line in summary_lines(anyway))]
    return lines
