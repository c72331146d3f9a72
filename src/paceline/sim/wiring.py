"""The rules that the simulator's wiring keeps, each of which can be taken out.

`paceline sim --plant NAME` runs with one of them gone, to show that the judge notices. The rules
are taken out here, in the made-up surroundings; the product is not touched.
"""

from dataclasses import dataclass

from msgspec import structs

from paceline.model.plan import ActionKind, Plan
from paceline.model.status import ClusterStatus
from paceline.replica.durability import EpochRecord, decode_record
from paceline.replica.effects import WriteJournal


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """How a replica is wired to its surroundings; all true is how the daemon does it."""

    syncs_before_saying: bool = True
    """`JournalWritten` is said after the sync."""
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
    keeps_order: bool = True
    """An entry of one's own takes effect when it is delivered in its place."""
    asks_level: bool = True
    """A newer release writes its own format only where all members speak it."""
    tells_quorum_votes: bool = True
    """How many votes a quorum takes is told, so that the daemons' own can be counted."""
    tells_all_votes: bool = True
    """All nodes' votes are told, so that a majority of the disks can be counted."""
    plans_purely: bool = True
    """The same input gives the same plan."""
    compares_versions: bool = True
    """A change names the version that it was based on."""
    keeps_request_ids: bool = True
    """Who asks again asks with the same id."""
    answers_all: bool = True
    """Every answer reaches its client."""
    keeps_promises: bool = True
    """Promised epochs go to the disk."""
    tells_damage: bool = True
    """Of a damaged journal it is told that it is one."""
    probes_truly: bool = True
    """A probe tells what it found."""
    kills_at_limit: bool = True
    """At its time limit an agent is ended before the time-out is told."""
    drops_late_results: bool = True
    """A result belongs to the operation that it names."""
    tells_fence_failures: bool = True
    """A fence device's failure is told as one."""
    names_unclean: bool = True
    """The scheduler is told which nodes are lost and may still run something."""


KEEPS_ALL = Wiring()


@dataclass(frozen=True, slots=True)
class Plant:
    """A wiring with a rule gone, in words, and the faults that bring it to light soonest."""

    wiring: Wiring
    words: str
    kinds: tuple[str, ...]


PLANTS: dict[str, Plant] = {
    "early-sync": Plant(
        Wiring(syncs_before_saying=False),
        "writes are confirmed before they are synced",
        ("power-all", "disk-slow"),
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
    "failed-fence": Plant(
        Wiring(tells_fence_failures=False),
        "a fencing that failed counts as done",
        ("cut", "freeze", "crash", "device"),
    ),
    "down-not-unclean": Plant(
        Wiring(names_unclean=False),
        "a node that is lost counts as one that left",
        ("cut", "freeze", "crash"),
    ),
    "deaf-quorum": Plant(
        Wiring(tells_quorum_loss=False),
        "the loss of quorum is never heard",
        ("veto", "service-dies", "agent"),
    ),
    "corosync-quorum": Plant(
        Wiring(tells_quorum_votes=False),
        "Corosync's word on quorum is enough, whatever daemons there are",
        ("kill-daemons", "stagger", "freeze-daemon", "service-dies"),
    ),
    "lone-majority": Plant(
        Wiring(tells_all_votes=False),
        "a change is acknowledged when one disk has it",
        ("power-all", "cut", "split", "crash"),
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
    "forgotten-promise": Plant(
        Wiring(keeps_promises=False),
        "a promised epoch is not kept on the disk",
        ("power-all", "disk-slow", "split", "crash"),
    ),
    "hushed-damage": Plant(
        Wiring(tells_damage=False),
        "a damaged journal is read as far as it goes, and nothing is said of it",
        ("disk-altered", "disk-gone"),
    ),
    "stale-plan": Plant(
        Wiring(plans_fresh=False),
        "the plan is the answer to the request before",
        ("kill-daemon", "shutdown"),
    ),
    "moody-planner": Plant(
        Wiring(plans_purely=False),
        "the same input does not always give the same plan",
        ("service-dies", "crash"),
    ),
    "no-compare": Plant(
        Wiring(compares_versions=False),
        "a change does not say what it was based on",
        ("race", "reform"),
    ),
    "new-names": Plant(
        Wiring(keeps_request_ids=False),
        "who asks again asks with another id, as if for the first time",
        ("kill-daemon", "crash"),
    ),
    "lost-answers": Plant(
        Wiring(answers_all=False),
        "an answer gets lost on its way to the client now and then",
        ("service-dies",),
    ),
    "own-order": Plant(
        Wiring(keeps_order=False),
        "a daemon takes its own entries as delivered when it sends them",
        ("race", "kill-daemon", "reform"),
    ),
    "new-tongue": Plant(
        Wiring(asks_level=False),
        "a newer release writes what an older one cannot read",
        ("release", "crash"),
    ),
    "blind-probes": Plant(
        Wiring(probes_truly=False),
        "a probe finds nothing running",
        ("kill-daemon", "kill-daemons"),
    ),
    "lingering-agents": Plant(
        Wiring(kills_at_limit=False),
        "a time-out is told while the agent still runs",
        ("agent", "role-agent"),
    ),
    "late-results": Plant(
        Wiring(drops_late_results=False),
        "a result that comes late counts for what runs now",
        ("late-result", "service-dies", "agent"),
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


def without_unclean(status: ClusterStatus) -> ClusterStatus:
    """Return the status as if every node that is not here had said goodbye."""
    return structs.replace(
        status,
        nodes=tuple(
            node
            if node.is_online
            else structs.replace(
                node,
                is_unclean=False,
                is_expected=False,
                is_lost=False,
                is_member=False,
                is_seen=True,
            )
            for node in status.nodes
        ),
    )


def without_promises(request: WriteJournal) -> WriteJournal:
    """Return the write with the records left out that hold no content."""
    kept = tuple(
        record for record in request.records if not isinstance(decode_record(record), EpochRecord)
    )
    return structs.replace(request, records=kept)
