"""A plan as lines that a person can check: what is done, after what, and where things are then."""

from paceline.model.plan import ActionKind, Plan, PlannedAction


def render_plan(plan: Plan) -> str:
    """Return the plan as sorted lines; steps that only order are looked through."""
    by_id = {action.id: action for action in plan.actions}
    lines = []
    for action in plan.actions:
        if action.kind is ActionKind.PSEUDO:
            continue
        waits = sorted({_name(each) for each in _real_inputs(action, by_id, set())})
        lines.append(_name(action) + (f"  <- {', '.join(waits)}" if waits else ""))
    lines.sort()
    lines.append("")
    lines.extend(sorted(f"{p.resource}: {p.role} {p.node}" for p in plan.placements))
    return "\n".join(lines) + "\n"


def _name(action: PlannedAction) -> str:
    words = [action.task]
    if action.notify:
        words.append(action.notify)
    if action.cancels:
        words.append(action.cancels)
    if action.resource:
        words.append(action.resource)
    if action.interval_ms:
        words.append(f"every {action.interval_ms}ms")
    elif action.task == "monitor":
        words.append("(probe)")
    if action.fencing_delay_ms:
        words.append(f"after {action.fencing_delay_ms}ms")
    return " ".join(words) + (f" on {action.node}" if action.node else "")


def _real_inputs(
    action: PlannedAction, by_id: dict[int, PlannedAction], seen: set[int]
) -> list[PlannedAction]:
    found = []
    for number in action.after:
        if number in seen:
            continue
        seen.add(number)
        first = by_id[number]
        if first.kind is ActionKind.PSEUDO:
            found.extend(_real_inputs(first, by_id, seen))
        else:
            found.append(first)
    return found
