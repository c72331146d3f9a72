"""What goes wrong in a run: values, drawn from the seed before it begins, so that they can be cut.

Each fault has a moment, a kind, the nodes it falls on and how long it lasts. The world carries
them out (`world`); what a kind means is said there and in docs/simulator.md.
"""

from dataclasses import dataclass

from paceline.sim.chance import Chance

KINDS: dict[str, int] = {
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
"""Every kind with how often it is drawn."""

AGENT_TROUBLES = ("fail", "hang", "slow", "lie")
DEVICE_TROUBLES = ("fail", "dead", "slow", "late", "half")
AMBUSHES = ("crash", "cut", "kill-daemon", "freeze-daemon", "freeze", "kill-corosync")
"""What falls on a node within a few milliseconds after the next ring is formed."""
TASKS = ("start", "stop", "monitor")


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


def draw_faults(
    chance: Chance,
    *,
    nodes: int,
    count: int,
    from_ms: int,
    spacing_ms: int,
    kinds: tuple[str, ...] = (),
) -> tuple[Fault, ...]:
    """Return `count` faults in their order, one each `spacing_ms` or so, often close together.

    Raises ValueError where a kind is not known.
    """
    unknown = [kind for kind in kinds if kind not in KINDS]
    if unknown:
        raise ValueError(f"no such fault: {', '.join(unknown)} (there are: {', '.join(KINDS)})")
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
        case "power-all" | "kill-daemons" | "slow-plan":
            return Fault(at_ms, kind, (), fault_ms)
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
