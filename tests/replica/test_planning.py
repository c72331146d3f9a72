"""A plan under way: what becomes eligible, what is carried over, what is held."""

from replica_plans import action, cluster, fence

from paceline.model.identifiers import NodeName
from paceline.model.plan import Plan, PlannedAction
from paceline.replica.entries import Flight
from paceline.replica.packed_plans import open_piece, pack_plan
from paceline.replica.planning import PlanRun
from paceline.replica.steps import run_through
from paceline.replica.tables import State


def run_of(state: State, plan: Plan, number: int = 1) -> PlanRun:
    run = PlanRun(state, plan, number=number, view="v", based_position=0, position=1)
    run_through(run.prepare([plan.actions]))
    return run


def never(planned: PlannedAction) -> bool:
    return False


def refs(eligible: tuple[object, ...]) -> list[str]:
    return [each.ref for each in eligible]  # type: ignore[attr-defined]


def test_action_is_eligible_when_all_it_waits_for_is_done() -> None:
    plan = Plan(
        actions=(
            action(1, "monitor", "A", "n1", target_rc=7),
            action(2, "monitor", "A", "n2", target_rc=7),
            action(3, "start", "A", "n1", after=(1, 2)),
        )
    )
    run = run_of(State(b""), plan)
    assert refs(run_through(run.begin(never))) == ["v/1/1", "v/1/2"]
    assert run.settle("v/1/1", is_done=True) == ()
    assert refs(run.settle("v/1/2", is_done=True)) == ["v/1/3"]
    run.settle("v/1/3", is_done=True)
    assert run.is_complete and run.is_done


def test_what_waits_for_a_failed_action_never_begins() -> None:
    plan = Plan(actions=(action(1, "stop", "A", "n1"), action(2, "start", "A", "n2", after=(1,))))
    run = run_of(State(b""), plan)
    run_through(run.begin(never))
    assert run.settle("v/1/1", is_done=False) == ()
    assert run.is_complete and not run.is_done and run.has_failed.value


def test_nothing_becomes_eligible_after_a_halt() -> None:
    plan = Plan(actions=(action(1, "stop", "A", "n1"), action(2, "start", "A", "n2", after=(1,))))
    run = run_of(State(b""), plan)
    run_through(run.begin(never))
    run.halt()
    assert run.settle("v/1/1", is_done=True) == ()


def flying(state: State, planned: PlannedAction, ref: str = "old/1/1") -> None:
    state.flights.put(
        ref,
        Flight(
            ref=ref,
            executor=planned.node,
            action=planned,
            boot_id="b",
            incarnation=1,
            position=1,
        ),
    )


def test_action_in_flight_is_carried_over_when_the_new_plan_wants_it_too() -> None:
    state = State(b"")
    flying(state, action(9, "stop", "A", "n1"))
    plan = Plan(actions=(action(1, "stop", "A", "n1"), action(2, "start", "A", "n2", after=(1,))))
    run = run_of(state, plan, number=2)
    assert run_through(run.begin(never)) == ()
    assert refs(run.settle("old/1/1", is_done=True)) == ["v/2/2"]


def test_action_is_held_when_something_else_is_in_flight_there() -> None:
    state = State(b"")
    flying(state, action(9, "start", "A", "n1"))
    plan = Plan(
        actions=(
            action(1, "stop", "A", "n1"),
            action(2, "start", "A", "n2", after=(1,)),
            action(3, "start", "B", "n1"),
        )
    )
    run = run_of(state, plan, number=2)
    assert refs(run_through(run.begin(never))) == ["v/2/3"]
    assert run.has_held


def test_action_is_held_when_its_resource_moved_since_the_plan_was_computed() -> None:
    plan = Plan(actions=(action(1, "start", "A", "n1"),))
    run = run_of(State(b""), plan)
    assert run_through(run.begin(lambda planned: True)) == ()
    assert run.has_held


def test_fencing_is_carried_over_by_its_target() -> None:
    state = State(b"")
    planned = fence(4, "n2")
    state.flights.put(
        "old/1/4",
        Flight(
            ref="old/1/4",
            executor=NodeName("n1"),
            action=planned,
            boot_id="b",
            incarnation=1,
            position=1,
        ),
    )
    run = run_of(state, Plan(actions=(fence(1, "n2"),)), number=2)
    assert run_through(run.begin(never)) == ()
    run.settle("old/1/4", is_done=True)
    assert run.is_done


def test_batch_limit_lets_the_highest_priority_go_first() -> None:
    import msgspec

    low, high = action(1, "start", "A", "n1"), action(2, "start", "B", "n1")
    plan = Plan(actions=(low, msgspec.structs.replace(high, priority=5)), batch_limit=1)
    run = run_of(State(b""), plan)
    assert refs(run_through(run.begin(never))) == ["v/1/2"]
    assert refs(run.settle("v/1/2", is_done=True)) == ["v/1/1"]


def test_what_needs_no_agent_is_not_limited() -> None:
    plan = Plan(
        actions=(action(1, "start", "A", "n1"), cluster(2, "do_shutdown", "n2"), fence(3, "n3")),
        batch_limit=1,
    )
    run = run_of(State(b""), plan)
    assert refs(run_through(run.begin(never))) == ["v/1/2", "v/1/3"]


def test_rolled_back_settlement_can_be_done_again() -> None:
    state = State(b"")
    plan = Plan(actions=(action(1, "stop", "A", "n1"), action(2, "start", "A", "n2", after=(1,))))
    run = run_of(state, plan)
    run_through(run.begin(never))
    state.undo.begin()
    first = run.settle("v/1/1", is_done=True)
    state.undo.roll_back()
    state.undo.begin()
    second = run.settle("v/1/1", is_done=True)
    state.undo.commit()
    assert first == second and len(second) == 1


def test_node_is_let_go_after_all_else_that_the_plan_does_there() -> None:
    plan = Plan(
        actions=(
            action(1, "monitor", "A", "n1", target_rc=7),
            action(2, "monitor", "A", "n2", target_rc=7),
            cluster(3, "do_shutdown", "n1"),
        )
    )
    run = run_of(State(b""), plan)
    assert refs(run_through(run.begin(never))) == ["v/1/1", "v/1/2"]
    assert refs(run.settle("v/1/1", is_done=True)) == ["v/1/3"]


def test_node_is_not_let_go_when_a_probe_found_something() -> None:
    plan = Plan(
        actions=(action(1, "monitor", "A", "n1", target_rc=7), cluster(2, "do_shutdown", "n1"))
    )
    run = run_of(State(b""), plan)
    run_through(run.begin(never))
    assert run.settle("v/1/1", is_done=False) == ()


def test_node_is_not_let_go_while_an_older_plans_work_goes_on_there() -> None:
    state = State(b"")
    flying(state, action(9, "monitor", "A", "n1"))
    run = run_of(state, Plan(actions=(cluster(1, "do_shutdown", "n1"),)), number=2)
    assert run_through(run.begin(never)) == ()
    assert run.has_held


def test_nothing_starts_while_a_stop_goes_on_that_the_plan_does_not_want_any_more() -> None:
    """It takes the resource to be running: what it starts would stand on top of nothing."""
    state = State(b"")
    flying(state, action(9, "stop", "A", "n1"))
    plan = Plan(actions=(action(1, "start", "B", "n1"), action(2, "stop", "C", "n1")))
    run = run_of(state, plan, number=2)
    assert refs(run_through(run.begin(never))) == ["v/2/2"]
    assert run.has_held


def test_nothing_starts_when_a_stop_ended_after_the_plan_was_computed() -> None:
    run = run_of(State(b""), Plan(actions=(action(1, "start", "B", "n1"),)), number=2)
    assert run_through(run.begin(never, [("A", "n1")])) == ()
    assert run.has_held


def test_others_start_while_a_resource_is_where_the_plan_works_on_it() -> None:
    state = State(b"")
    flying(state, action(9, "start", "A", "n1"))
    plan = Plan(actions=(action(1, "stop", "A", "n1"), action(2, "start", "B", "n1")))
    run = run_of(state, plan, number=2)
    assert refs(run_through(run.begin(never))) == ["v/2/2"]
    assert run.has_held


def test_plan_of_a_thousand_actions_is_begun_in_many_short_steps() -> None:
    plan = Plan(actions=tuple(action(n, "start", f"R{n}", "n1") for n in range(1, 1001)))
    packed = pack_plan(plan)
    run = PlanRun(State(b""), packed.head, number=1, view="v", based_position=0, position=1)
    steps = list(run.prepare(open_piece(piece) for piece in packed.pieces))
    assert tuple(run.actions.values()) == plan.actions
    assert len(steps) == 2 * len(packed.pieces) == 20
    assert len(run_through(run.begin(never))) == 1000
