"""Clusters in trouble for properties: the case folders after random events, and spoiled ones.

The case folders have every kind of resource and constraint. The same case and chance give the same
situation.
"""

import random
from pathlib import Path

from lxml import etree

from paceline.cib.read import snapshot_of_file
from paceline.commands.simulate_events import BadEventError, Events, apply_events, parse_result
from paceline.model.snapshot import Snapshot

NOW_MS = 1_798_761_600_000
FOLDER = Path(__file__).parent / "cases"
CASES = tuple(sorted(path.name for path in FOLDER.iterdir() if path.is_dir()))
EVENTS_MAX = 3
MUTATIONS_MAX = 6
WORDS = (
    "", "0", "-1", "9" * 30, "9" * 5000, "x", "INFINITY", "-INFINITY", "true", "n1", "r1", "P1D",
    "10s", "-5s", "1.5", "\u00b2", "\u0663", "#uname", "Promoted", "Stopped", " ", "10:1:7:x",
    "stonith", "ocf", "1e5", "0x10",
)  # fmt: skip
"""What a mutated attribute may say."""


def document(case: str) -> bytes:
    """Return the CIB of a case folder."""
    return (FOLDER / case / "cib.xml").read_bytes()


def situation(case: str, chance: int) -> Snapshot:
    """Return a cluster to which up to `EVENTS_MAX` things have happened."""
    snapshot = snapshot_of_file(document(case), NOW_MS)
    rnd = random.Random(chance)
    for _ in range(rnd.randint(0, EVENTS_MAX)):
        try:
            snapshot, _lines = apply_events(snapshot, _event(snapshot, rnd))
        except BadEventError:
            continue
    return snapshot


def _event(snapshot: Snapshot, rnd: random.Random) -> Events:
    nodes = [str(node.name) for node in snapshot.status.nodes] or ["none"]
    node = rnd.choice(nodes)
    match rnd.randrange(6):
        case 0:
            return Events(nodes_down=(node,))
        case 1:
            return Events(nodes_failed=(node,))
        case 2:
            return Events(nodes_up=(node,))
        case 3:
            return Events(quorum=rnd.random() < 0.5)
        case 4:
            return Events(revoked=("T",)) if rnd.random() < 0.5 else Events(granted=("T",))
    rows = [(entry, each) for each in snapshot.status.nodes for entry in each.history]
    if not rows:
        return Events()
    entry, where = rnd.choice(rows)
    task, interval_ms = rnd.choice((("monitor", 10_000), ("start", 0), ("stop", 0)))
    rc = rnd.choice((1, 5, 7))
    text = f"{entry.resource}_{task}_{interval_ms}@{where.name}={rc}"
    return Events(results=(parse_result(text),))


def spoiled(case: str, chance: int) -> bytes:
    """Return a CIB of which some elements and attributes are wrong, missing or in wrong places."""
    root = etree.fromstring(document(case))
    rnd = random.Random(chance)
    for _ in range(rnd.randint(1, MUTATIONS_MAX)):
        elements = list(root.iter())
        element = rnd.choice(elements)
        parent = element.getparent()
        names = [str(name) for name in element.attrib]
        match rnd.randrange(4):
            case 0 if parent is not None:
                parent.remove(element)
            case 1 if names:
                element.set(rnd.choice(names), rnd.choice(WORDS))
            case 2 if names:
                del element.attrib[rnd.choice(names)]
            case 3:
                other = rnd.choice(elements)
                if other is not root:
                    element.append(etree.fromstring(etree.tostring(other)))
    return etree.tostring(root)
