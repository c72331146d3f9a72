"""The rules that the simulator's wiring keeps, each of which can be taken out.

`paceline sim --plant NAME` runs with one of them gone, to show that the judge notices. The rules
are taken out here, in the made-up surroundings; the product is not touched.
"""

from dataclasses import dataclass

from msgspec import structs

from paceline.model.plan import ActionKind, Plan


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """How a replica is wired to its surroundings; all true is how the daemon does it."""

    settles_orphans: bool = True
    """A starting daemon ends or awaits the agents that an earlier one began."""
    syncs_before_saying: bool = True
    """`JournalWritten` is said after the sync."""
    waits_for_empty_inbox: bool = True
    """`InboxEmpty` is said only when nothing waits."""
    waits_for_devices: bool = True
    """`FenceFinished` is said when the device has answered."""
    fences_first: bool = True
    """What a plan wants fenced is fenced before what waits for it."""
    tells_quorum_loss: bool = True
    """Quorum callbacks are told as they come."""
    names_lives: bool = True
    """Boot and incarnation are new with each life."""
    keeps_disk: bool = True
    """A daemon gets what its disk holds."""
    plans_fresh: bool = True
    """A plan is the answer to the request that it is given for."""
    tells_stalls: bool = True
    """A loop that stood still says so before anything that waited."""


KEEPS_ALL = Wiring()


@dataclass(frozen=True, slots=True)
class Plant:
    """A wiring with a rule gone, in words, and the faults that bring it to light soonest."""

    wiring: Wiring
    words: str
    kinds: tuple[str, ...]


PLANTS: dict[str, Plant] = {
    "orphans": Plant(
        Wiring(settles_orphans=False),
        "a restarted daemon ignores the agents of the one before",
        ("kill-daemon", "agent", "shutdown"),
    ),
    "early-sync": Plant(
        Wiring(syncs_before_saying=False),
        "writes are confirmed before they are synced",
        ("power-all", "disk-slow"),
    ),
    "busy-inbox": Plant(
        Wiring(waits_for_empty_inbox=False),
        "starts are released although events wait",
        ("freeze-daemon", "freeze", "crash", "cut"),
    ),
    "trusting-fence": Plant(
        Wiring(waits_for_devices=False),
        "fencing counts as done when it is asked for",
        ("cut", "freeze", "crash"),
    ),
    "no-fence": Plant(
        Wiring(fences_first=False),
        "plans are carried out without their fencing",
        ("cut", "freeze"),
    ),
    "deaf-quorum": Plant(
        Wiring(tells_quorum_loss=False),
        "the loss of quorum is never heard",
        ("veto", "service-dies", "agent"),
    ),
    "same-life": Plant(
        Wiring(names_lives=False),
        "every life of a node has the same boot id and incarnation",
        ("device", "crash", "cut", "kill-daemon"),
    ),
    "blank-disk": Plant(
        Wiring(keeps_disk=False),
        "a daemon starts with an empty disk",
        ("power-all", "kill-daemons", "crash"),
    ),
    "stale-plan": Plant(
        Wiring(plans_fresh=False),
        "the plan is the answer to the request before",
        ("kill-daemon", "shutdown"),
    ),
    "quiet-stall": Plant(
        Wiring(tells_stalls=False),
        "a thawed daemon does not know that it stood still",
        ("freeze-daemon", "freeze", "cut"),
    ),
}
"""The plants by name."""


def without_fencing(plan: Plan) -> Plan:
    """Return the plan with its fence actions gone, and nothing waiting for them."""
    fences = {action.id for action in plan.actions if action.kind is ActionKind.FENCE}
    return structs.replace(
        plan,
        actions=tuple(
            structs.replace(action, after=tuple(n for n in action.after if n not in fences))
            for action in plan.actions
            if action.id not in fences
        ),
    )
