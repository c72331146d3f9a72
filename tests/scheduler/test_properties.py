"""What holds for every plan: no loops, nothing left once it was done, the same bytes always.

The situations are the case folders (clones, groups, promotable clones, bundles, guest and remote
nodes, fencing, migrations, tickets, ...) after random events, and spoiled copies of them.
"""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from executor import carry_out
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from situations import CASES, NOW_MS, document, situation, spoiled

from paceline.cib.read import snapshot_of_file
from paceline.commands.simulate import conformance_json
from paceline.commands.simulate_input import snapshot_of_input
from paceline.model.errors import InvalidRequestError
from paceline.model.plan import ActionKind, Plan, PlannedAction
from paceline.model.snapshot import Snapshot
from paceline.scheduler import schedule
from paceline.scheduler.explain import explain_all, explain_nodes, score_tables

ROOT = Path(__file__).resolve().parents[2]
CHANCES = st.integers(0, 2**32)
PLANS_MAX = 2
"""After so many plans nothing is left to do, whatever happened before."""


def left(plan: Plan) -> list[PlannedAction]:
    """Return what a plan does, without its helper steps."""
    return [each for each in plan.actions if each.kind is not ActionKind.PSEUDO]


def plans_until_settled(snapshot: Snapshot, name: str = "") -> int:
    """Return how many plans are carried out until there is nothing to do; fail if there always is.

    Two may be needed: a stop takes the failure that banned a node off the record, a node that was
    fenced or forgotten is asked anew, what is up now weighs where before it did not.
    """
    for count in range(PLANS_MAX + 1):
        plan = schedule(snapshot)
        if not left(plan):
            return count
        snapshot = carry_out(snapshot, plan)
    raise AssertionError(f"{name}: after {PLANS_MAX} plans there is still to do: {left(plan)}")


def test_next_plan_is_empty_when_plan_was_carried_out() -> None:
    """A second look after everything worked finds nothing more to do."""
    snapshots = {case: snapshot_of_file(document(case), NOW_MS) for case in CASES}
    counts = [plans_until_settled(snapshot, case) for case, snapshot in snapshots.items()]
    assert sum(count <= 1 for count in counts) > 0.95 * len(CASES)


@settings(max_examples=250, deadline=None, derandomize=True)
@given(st.sampled_from(CASES), CHANCES)
def test_plans_come_to_an_end_when_anything_happens(case: str, chance: int) -> None:
    """Nodes lost, failed or back, results, tickets, quorum: soon nothing is left to do.

    A node that is joining is waited for, so what it hinders may be planned again and again.
    """
    snapshot = situation(case, chance)
    assume(not any(node.is_pending for node in snapshot.status.nodes))
    plans_until_settled(snapshot)


def in_order(plan: Plan) -> list[int]:
    """Return the ids of a plan's actions in an order that its waits allow; fail on a loop."""
    done: list[int] = []
    waiting = {each.id: set(each.after) for each in plan.actions}
    while waiting:
        ready = sorted(number for number, after in waiting.items() if after <= set(done))
        assert ready, f"these wait for each other: {sorted(waiting)}"
        done.extend(ready)
        for number in ready:
            del waiting[number]
    return done


@settings(max_examples=250, deadline=None, derandomize=True)
@given(st.sampled_from(CASES), CHANCES)
def test_plan_can_be_carried_out_and_is_repeatable_when_anything_happens(
    case: str, chance: int
) -> None:
    """No loop, no wait for what is not in the plan, and the same bytes each time."""
    snapshot = situation(case, chance)
    plan = schedule(snapshot)
    assert len(in_order(plan)) == len(plan.actions)
    assert msgspec.msgpack.encode(plan) == msgspec.msgpack.encode(schedule(snapshot))


def test_loop_is_noticed_when_a_plan_has_one() -> None:
    """The check of the property above does find loops and waits for nothing."""
    plan = schedule(snapshot_of_file(document("order-mandatory"), NOW_MS))
    first, *others = plan.actions
    looped = replace(first, after=(plan.actions[-1].id,))
    last = replace(others[-1], after=(first.id,))
    with pytest.raises(AssertionError, match="wait for each other"):
        in_order(replace(plan, actions=(looped, *others[:-1], last)))
    with pytest.raises(AssertionError, match="wait for each other"):
        in_order(replace(plan, actions=(replace(first, after=(10**6,)), *others)))


def test_something_is_left_when_a_plan_was_not_carried_out() -> None:
    """The world of the properties is needed: without it nearly every case has something to do."""
    plans = [schedule(snapshot_of_file(document(case), NOW_MS)) for case in CASES]
    assert sum(bool(left(plan)) for plan in plans) > 0.9 * len(CASES)


PROGRAM = """
import sys
sys.path.insert(0, "tests/scheduler")
import msgspec
from situations import CASES, situation
from paceline.scheduler import schedule
for number, case in enumerate(CASES):
    for chance in (number, number + 1000):
        sys.stdout.buffer.write(msgspec.msgpack.encode(schedule(situation(case, chance))))
"""


def test_plan_is_byte_equal_when_hash_seed_differs() -> None:
    """Two processes with different string hashes give the same bytes."""
    results = []
    for seed in ("1", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "src"}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            capture_output=True,
            check=True,
            env=environment,
            cwd=ROOT,
        )
        results.append(done.stdout)
    assert results[0] == results[1]
    assert results[0]


def use_all(snapshot: Snapshot) -> None:
    """Decide, explain and write down, as the commands do."""
    in_order(schedule(snapshot))
    explain_all(snapshot)
    explain_nodes(snapshot)
    score_tables(snapshot)
    conformance_json("any", snapshot)


@settings(max_examples=300, deadline=None, derandomize=True)
@given(st.sampled_from(CASES), CHANCES)
def test_configuration_is_decided_or_refused_in_words_when_it_is_spoiled(
    case: str, chance: int
) -> None:
    """Whatever a CIB says, it has a plan and reasons, or a list of what is wrong with it."""
    try:
        snapshot = snapshot_of_input(spoiled(case, chance), NOW_MS)
    except InvalidRequestError as refused:
        assert all(report.message for report in refused.reports)
        return
    use_all(snapshot)


@pytest.mark.parametrize("chance", range(20))
def test_no_crash_when_what_is_wrong_is_not_refused(chance: int) -> None:
    """The daemon takes what it has: it must decide on what a check would refuse, too."""
    for case in CASES[chance::40]:
        use_all(snapshot_of_file(spoiled(case, chance), NOW_MS))
