"""What goes wrong in a run: values, drawn from the seed before it begins, so that they can be cut.

Each fault has a moment, a kind, the nodes it falls on and how long it lasts. The world carries
them out (`world`); what a kind means is said there and in docs/simulator.md.
"""

from dataclasses import dataclass

from paceline.sim.chance import Chance

CLASSIC: dict[str, int] = {
    "crash": 10,
    "power-all": 2,
    "cut": 10,
    "kill-daemon": 8,
    "kill-daemons": 2,
    "kill-corosync": 4,
    "stop-corosync": 3,
    "freeze": 5,
    "freeze-daemon": 5,
    "shutdown": 6,
    "reform": 3,
    "veto": 3,
    "agent": 12,
    "service-dies": 6,
    "device": 6,
    "disk-slow": 3,
    "disk-full": 3,
    "try-again": 4,
    "slow-plan": 3,
    "clock": 2,
    "ambush": 10,
}
"""What the first worlds knew, with how often it is drawn; `--faults classic` names all of them."""
KINDS: dict[str, int] = CLASSIC | {
    "split": 6,
    "one-way": 4,
    "try-again-long": 1,
    "stagger": 2,
    "device-wrong": 2,
    "disk-altered": 2,
    "disk-old": 2,
    "disk-gone": 1,
    "race": 6,
    "late-result": 4,
    "role-agent": 8,
    "ticket": 4,
    "release": 4,
    "add-node": 2,
    "remove-node": 2,
}
"""Every kind with how often it is drawn."""

AGENT_TROUBLES = ("fail", "hang", "slow", "lie")
DEVICE_TROUBLES = ("fail", "dead", "slow", "late", "half")
AMBUSHES = ("crash", "cut", "kill-daemon", "freeze-daemon", "freeze", "kill-corosync")
"""What falls on a node within a few milliseconds after the next ring is formed."""
TASKS = ("start", "stop", "monitor")
ROLE_TASKS = (
    "k start", "k stop", "k monitor", "p start", "p stop", "p monitor", "p promote", "p promote",
    "p demote", "p demote", "p notify", "m start", "m stop", "m migrate_to", "m migrate_to",
    "m migrate_from", "m migrate_from", "t start", "t stop",
)  # fmt: skip
"""What `role-agent` falls on: resources (see `cibs`) that are cloned, promoted or moved."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong."""

    at_ms: int
    kind: str
    nodes: tuple[int, ...]
    lasts_ms: int
    detail: str = ""

    def __str__(self) -> str:
        """Return it as a line of a story."""
        where = ",".join(str(node) for node in self.nodes)
        detail = f" {self.detail}" if self.detail else ""
        return f"{self.kind}{detail} on {where or 'all'} for {self.lasts_ms / 1000:g} s"


def read_kinds(text: str) -> tuple[str, ...]:
    """Return the kinds that a list names; `classic` names those of the first worlds.

    Raises ValueError where a kind is not known.
    """
    named = [kind for kind in text.split(",") if kind]
    unknown = [kind for kind in named if kind not in KINDS and kind != "classic"]
    if unknown:
        raise ValueError(f"no such fault: {', '.join(unknown)} (there are: {', '.join(KINDS)})")
    if "classic" in named:
        named = [*CLASSIC, *named]
    return tuple(kind for kind in KINDS if kind in named)


def draw_faults(
    chance: Chance,
    *,
    nodes: int,
    count: int,
    from_ms: int,
    spacing_ms: int,
    kinds: tuple[str, ...] = (),
) -> tuple[Fault, ...]:
    """Return `count` faults in their order, one each `spacing_ms` or so, often close together."""
    weights = [(kind, weight) for kind, weight in KINDS.items() if not kinds or kind in kinds]
    faults: list[Fault] = []
    at_ms = from_ms
    for _ in range(count):
        at_ms += (
            chance.between(0, 3_000) if chance.percent(45) else chance.between(0, 2 * spacing_ms)
        )
        faults.append(_draw(chance, chance.weighted(weights), at_ms, nodes))
    return tuple(faults)


def _draw(chance: Chance, kind: str, at_ms: int, nodes: int) -> Fault:
    one = (chance.between(1, nodes),)
    lasts_ms = chance.weighted([((100, 2_500), 35), ((2_500, 10_000), 40), ((10_000, 40_000), 25)])
    fault_ms = chance.between(lasts_ms[0], lasts_ms[1])
    match kind:
        case "cut":
            side = [node for node in range(1, nodes + 1) if chance.percent(50)]
            return Fault(at_ms, kind, tuple(side) or one, fault_ms)
        case "split":
            return Fault(at_ms, kind, (), fault_ms, _draw_partition(chance, nodes))
        case "try-again-long":
            return Fault(at_ms, kind, one, chance.between(60_000, 180_000))
        case "power-all" | "kill-daemons" | "slow-plan" | "stagger":
            return Fault(at_ms, kind, (), fault_ms)
        case "race" | "late-result":
            return Fault(at_ms, kind, (), 0, str(chance.between(2, 8)))
        case "role-agent":
            trouble = chance.weighted([("fail", 35), ("hang", 25), ("slow", 15), ("lie", 25)])
            where = f"{chance.pick(list(ROLE_TASKS))} {chance.between(1, 4)}"
            return Fault(at_ms, kind, one, fault_ms, f"{trouble} {where}")
        case "ticket":
            return Fault(at_ms, kind, one, 0, chance.pick(["grant", "grant", "revoke", "standby"]))
        case "release":
            return Fault(at_ms, kind, one, fault_ms, chance.pick(["shutdown", "kill"]))
        case "agent":
            trouble = chance.weighted([("fail", 40), ("hang", 25), ("slow", 20), ("lie", 15)])
            task = chance.pick(list(TASKS))
            runs = chance.between(1, 4)
            resource = chance.pick(["a", "b", "c", "d", "e0"])
            return Fault(at_ms, kind, one, fault_ms, f"{trouble} {resource} {task} {runs}")
        case "service-dies":
            return Fault(at_ms, kind, one, 0, chance.pick(["a", "b", "c", "d"]))
        case "device":
            return Fault(at_ms, kind, (), 3 * fault_ms, chance.pick(list(DEVICE_TROUBLES)))
        case "ambush":
            return Fault(at_ms, kind, one, fault_ms, chance.pick(list(AMBUSHES)))
        case "clock":
            return Fault(at_ms, kind, one, fault_ms, str(chance.between(-3_600_000, 3_600_000)))
        case _:
            return Fault(at_ms, kind, one, fault_ms)


def _draw_partition(chance: Chance, nodes: int) -> str:
    """Return one of all partitions of the nodes into two parts or more, like `1,3|2|4,5`."""
    places = [chance.between(0, nodes - 1) for _ in range(nodes)]
    if len(set(places)) == 1:
        places[chance.between(0, nodes - 1)] += 1
    parts = [
        ",".join(str(node) for node, place in enumerate(places, 1) if place == part)
        for part in sorted(set(places))
    ]
    return "|".join(parts)
