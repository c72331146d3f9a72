"""What goes wrong in a campaign, drawn from its seed. Pure.

A round is one strike, or two that overlap. Kinds that spoil what a promise rests on (a disk that
loses what it confirmed, power that fails everywhere) come alone: two of them at once may lose
what was acknowledged without anybody's fault.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

RESOURCES = ("Ledger1", "Ledger2", "Ledger3")
"""The witness resources, which agents' troubles fall on."""
PAIRS_PERCENT = 25
"""How often a second fault strikes while the first lasts."""
OFFSET_MS_MAX = 3_000
TASKS = ("start", "stop", "monitor")
TROUBLES = ("fail", "hang", "babble")
TEARS = ("cut-off", "garbled", "emptied", "cib-torn", "cib-empty", "cib-digest")
LOSSES_PERCENT = (5, 20, 40, 70)


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of fault. It lasts `hold_ms` (from, to).

    `parts_nodes`: nodes may lose sight of each other; without fencing each side then runs all.
    """

    name: str
    text: str
    weight: int
    hold_ms: tuple[int, int]
    is_alone: bool = False
    parts_nodes: bool = False
    needs_fencing: bool = False


KINDS = (
    Kind(name="crash", text="power cut of a node", weight=10, hold_ms=(300, 6_000)),
    Kind(name="blackout", text="power cut of all nodes", weight=2, hold_ms=(300, 2_000),
         is_alone=True),
    Kind(name="cut", text="the network falls into two parts", weight=10, hold_ms=(300, 8_000),
         parts_nodes=True),
    Kind(name="one-way-cut", text="a node is heard no more, and hears", weight=5,
         hold_ms=(500, 8_000), parts_nodes=True),
    Kind(name="loss", text="a node's packets are lost by chance", weight=5, hold_ms=(2_000, 8_000),
         parts_nodes=True),
    Kind(name="freeze", text="all of a node stands still", weight=7, hold_ms=(300, 10_000),
         parts_nodes=True),
    Kind(name="freeze-daemon", text="SIGSTOP of a daemon", weight=5, hold_ms=(500, 12_000)),
    Kind(name="freeze-corosync", text="SIGSTOP of a Corosync", weight=4, hold_ms=(300, 6_000),
         parts_nodes=True),
    Kind(name="kill-daemon", text="kill -9 of a daemon", weight=6, hold_ms=(100, 1_000)),
    Kind(name="kill-daemons", text="kill -9 of all daemons", weight=4, hold_ms=(100, 1_000),
         is_alone=True),
    Kind(name="kill-corosync", text="kill -9 of a Corosync", weight=5, hold_ms=(300, 5_000),
         parts_nodes=True),
    Kind(name="disk-full", text="no room on a node's disk", weight=4, hold_ms=(2_000, 6_000),
         is_alone=True),
    Kind(name="disk-torn", text="a journal or cib.xml is damaged under a killed daemon", weight=5,
         hold_ms=(100, 1_000), is_alone=True),
    Kind(name="agent", text="an agent fails, hangs or babbles", weight=8, hold_ms=(2_000, 7_000)),
    Kind(name="device-dead", text="a node is lost and its power switch does not answer", weight=4,
         hold_ms=(3_000, 7_000), is_alone=True, needs_fencing=True),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Strike:
    """One fault: when it begins in its round, whom it falls on, how long it lasts."""

    kind: Kind
    targets: tuple[str, ...]
    offset_ms: int
    hold_ms: int
    detail: str = ""

    def __str__(self) -> str:
        """Return it as a line of a story."""
        detail = f" ({self.detail})" if self.detail else ""
        return f"{self.kind.name}{detail} on {', '.join(self.targets)} for {self.hold_ms / 1000} s"


Round = tuple[Strike, ...]


def find_kinds(names: Sequence[str]) -> tuple[Kind, ...]:
    """Return the kinds of these names, all without any. Raises ValueError for an unknown one."""
    known = {kind.name: kind for kind in KINDS}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"no such fault: {', '.join(unknown)} (there are: {', '.join(known)})")
    return tuple(known[name] for name in names) or KINDS


def draw_rounds(
    seed: int, nodes: Sequence[str], count: int, *, kinds: Sequence[Kind], is_fencing_on: bool
) -> Iterator[Round]:
    """Yield rounds with `count` faults together."""
    chance = Random(seed)
    usable = [kind for kind in kinds if is_fencing_on or not kind.needs_fencing]
    if not usable:
        raise ValueError("these faults need fencing")
    left = count
    while left:
        first = _draw(chance, usable, nodes, offset_ms=0)
        strikes = [first]
        others = [kind for kind in usable if not kind.is_alone]
        is_pair = chance.randrange(100) < PAIRS_PERCENT
        if left > 1 and is_pair and others and not first.kind.is_alone:
            offset_ms = chance.randint(0, min(OFFSET_MS_MAX, first.hold_ms))
            strikes.append(_draw(chance, others, nodes, offset_ms=offset_ms))
        left -= len(strikes)
        yield tuple(strikes)


def _draw(chance: Random, kinds: Sequence[Kind], nodes: Sequence[str], *, offset_ms: int) -> Strike:
    kind = chance.choices(kinds, weights=[kind.weight for kind in kinds])[0]
    one = (chance.choice(nodes),)
    targets: tuple[str, ...] = one
    detail = ""
    match kind.name:
        case "crash":
            targets = _some(chance, nodes, (len(nodes) - 1) // 2)
        case "cut":
            targets = _some(chance, nodes, len(nodes) // 2)
        case "blackout" | "kill-daemons":
            targets = tuple(nodes)
        case "one-way-cut":
            others = [node for node in nodes if node != one[0]]
            targets = (one[0], chance.choice(others)) if chance.randrange(2) else one
        case "loss":
            detail = f"{chance.choice(LOSSES_PERCENT)} %"
        case "disk-torn":
            detail = chance.choice(TEARS)
        case "agent":
            targets = _some(chance, nodes, len(nodes))
            trouble, task = chance.choice(TROUBLES), chance.choice(TASKS)
            detail = f"{trouble} {task} {chance.choice(RESOURCES)}"
        case "device-dead":
            detail = chance.choice(("crash", "cut"))
    return Strike(
        kind=kind,
        targets=targets,
        offset_ms=offset_ms,
        hold_ms=chance.randint(*kind.hold_ms),
        detail=detail,
    )


def _some(chance: Random, nodes: Sequence[str], most: int) -> tuple[str, ...]:
    """Return one to `most` nodes by chance, in their order."""
    chosen = chance.sample(list(nodes), chance.randint(1, max(1, most)))
    return tuple(node for node in nodes if node in chosen)
