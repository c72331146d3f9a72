"""`resource disable --safe|--simulate`, `safe-disable`: ask first what else is affected."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from paceline.cib.resources import RESOURCE_TAGS
from paceline.cib.tree import Element, parse_cib, serialize
from paceline.cib.wording import quoted
from paceline.commands.contract import Ports, Request, UsageError
from paceline.commands.resource_words import find_many

if TYPE_CHECKING:
    from paceline.commands.simulate_summary import Change
    from paceline.model.status import ClusterStatus

NEEDS_ONE = ("simulate", "safe")


class Effect(NamedTuple):
    """What disabling would do: in lines, and to which other resources (sorted)."""

    lines: tuple[str, ...]
    others: tuple[str, ...]


def check_words(request: Request, ports: Ports) -> None:
    """Raise UsageError for options that do not go together."""
    is_safe = request.has("safe") or request.has("no-strict")
    if request.has("brief") and not is_safe and not request.has("simulate"):
        raise UsageError("'--brief' cannot be used without '--simulate' or '--safe'")
    on_file = not ports.cib.is_live
    together = [f"'--{name}'" for name in ("simulate", "wait") if request.has(name)]
    together += ["'-f'"] if on_file else []
    if request.has("simulate") and len(together) > 1:
        raise UsageError(f"Only one of {', '.join(together)} can be used")
    if is_safe and on_file:
        name = "no-strict" if request.has("no-strict") else "safe"
        raise UsageError(f"'--{name}' cannot be used with '-f'")


def foresee_disable(request: Request, ports: Ports) -> Effect:
    """Return what disabling the named resources would do."""
    from paceline.commands.resource_state import disable_one  # it needs this module
    from paceline.commands.simulate_report import summary_lines  # the scheduler loads slowly

    snapshot = ports.cib.read()
    before = parse_cib(snapshot.document)
    after = parse_cib(serialize(before))
    named = find_many(request, after, request.arguments)
    for element in named:
        disable_one(request, after, element)
    brought = changes_brought(before, after, snapshot.status)
    own = _names(named)
    stops = {"Stop", "Demote"}
    others = {
        one.resource.partition(":")[0]
        for one in brought
        if one.resource.partition(":")[0] not in own
        and (not request.has("no-strict") or one.verb in stops)
    }
    return Effect(tuple(summary_lines(brought)), tuple(sorted(others - {""})))


def changes_brought(
    before: Element, after: Element, status: "ClusterStatus | None"
) -> list["Change"]:
    """Return what would be done after a change of the configuration that would not be without it.

    `status` is the live cluster's; without it that in the file counts. Raises UsageError where
    there is none.
    """
    from paceline.cib.read import read_configuration, read_status  # the scheduler loads slowly
    from paceline.commands.simulate_summary import changes
    from paceline.model.snapshot import Snapshot
    from paceline.scheduler.run import run

    known = status or read_status(before)
    if known is None:
        raise UsageError("there is no status, so what would be affected cannot be said")
    now, then = (
        changes(run(Snapshot(configuration=read_configuration(root), status=known)))
        for root in (before, after)
    )
    return [one for one in then if one not in now]


def _names(elements: Sequence[Element]) -> set[str]:
    """Return the ids of resources and of what is in them."""
    return {one.get("id", "") for element in elements for one in element.iter(*RESOURCE_TAGS)}


def simulated_text(request: Request, effect: Effect) -> str:
    """Return what `--simulate` shows."""
    if request.has("brief"):
        return "\n".join(effect.others)
    return "\n".join(effect.lines)


def refuse_unsafe(request: Request, effect: Effect) -> None:
    """End the request where other resources would be affected."""
    if not effect.others:
        return
    one = len(effect.others) == 1
    noun = "this resource" if one else "these resources"
    named = "resource" if len(request.arguments) == 1 else "resources"
    message = f"Disabling specified {named} would have an effect on {noun}: {quoted(effect.others)}"
    if not request.has("brief"):
        message = "\n".join((message, *(f"  {line}" for line in effect.lines)))
    request.findings.error("others-affected", message)
    request.findings.stop_if_errors()
