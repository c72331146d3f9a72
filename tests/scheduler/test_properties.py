"""What holds for every plan: no loops, nothing left once it was done, the same bytes always."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from executor import carry_out
from hypothesis import given, settings
from hypothesis import strategies as st

from paceline.cib.read import snapshot_of_file
from paceline.model.plan import ActionKind
from paceline.scheduler import schedule

HERE = Path(__file__).parent
CASES = sorted(path for path in (HERE / "cases").iterdir() if path.is_dir())
NOW_MS = 1_798_761_600_000
UNFINISHED: set[str] = set()


@pytest.mark.parametrize(
    "folder", [f for f in CASES if f.name not in UNFINISHED], ids=lambda path: path.name
)
def test_next_plan_is_empty_when_plan_was_carried_out(folder: Path) -> None:
    """A second look after everything worked finds nothing more to do."""
    snapshot = snapshot_of_file((folder / "cib.xml").read_bytes(), NOW_MS)
    for _ in range(3):
        plan = schedule(snapshot)
        snapshot = carry_out(snapshot, plan)
    rest = [a for a in schedule(snapshot).actions if a.kind is not ActionKind.PSEUDO]
    assert rest == []


PROGRAM = """
import sys, msgspec
from pathlib import Path
from paceline.cib.read import snapshot_of_file
from paceline.scheduler import schedule
for name in sys.argv[1:]:
    plan = schedule(snapshot_of_file(Path(name).read_bytes(), 1798761600000))
    sys.stdout.buffer.write(msgspec.msgpack.encode(plan))
"""


def test_plan_is_byte_equal_when_hash_seed_differs() -> None:
    """Two processes with different string hashes give the same bytes."""
    names = [str(folder / "cib.xml") for folder in CASES]
    results = []
    for seed in ("1", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": "src"}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, *names],
            capture_output=True,
            check=True,
            env=environment,
            cwd=HERE.parent.parent,
        )
        results.append(done.stdout)
    assert results[0] == results[1]
    assert results[0]


NODES = ("n1", "n2", "n3")
SCORES = st.sampled_from(("-INFINITY", "-100", "0", "50", "100", "INFINITY"))


@st.composite
def configurations(draw: st.DrawFn) -> str:
    """Return a CIB without status: primitives, perhaps grouped or cloned, and constraints."""
    count = draw(st.integers(1, 5))
    ids = [f"r{n}" for n in range(count)]
    resources = "".join(_wrapped(draw, name) for name in ids)
    constraints = []
    for number in range(draw(st.integers(0, 5))):
        left, right = draw(st.sampled_from(ids)), draw(st.sampled_from(ids))
        kind = draw(st.sampled_from(("location", "colocation", "order")))
        if kind == "location":
            node = draw(st.sampled_from(NODES))
            words = f'rsc="{left}" node="{node}" score="{draw(SCORES)}"'
        elif kind == "colocation":
            words = f'rsc="{left}" with-rsc="{right}" score="{draw(SCORES)}"'
        else:
            words = f'first="{left}" then="{right}"'
        constraints.append(f'<rsc_{kind} id="c{number}" {words}/>')
    nodes = "".join(f'<node id="{n}" uname="{name}"/>' for n, name in enumerate(NODES, 1))
    states = "".join(
        f'<node_state id="{n}" uname="{name}" in_ccm="true" crmd="online" join="member" '
        'expected="member"><lrm><lrm_resources/></lrm></node_state>'
        for n, name in enumerate(NODES, 1)
    )
    return (
        '<cib have-quorum="1" dc-uuid="1"><configuration><crm_config>'
        '<cluster_property_set id="cib-bootstrap-options">'
        '<nvpair id="f" name="stonith-enabled" value="false"/></cluster_property_set></crm_config>'
        f"<nodes>{nodes}</nodes><resources>{resources}</resources>"
        f"<constraints>{''.join(constraints)}</constraints></configuration>"
        f"<status>{states}</status></cib>"
    )


def _wrapped(draw: st.DrawFn, name: str) -> str:
    inner = (
        f'<primitive id="{name}" class="ocf" provider="heartbeat" type="Dummy"><operations>'
        f'<op id="{name}-m" name="monitor" interval="10s"/></operations></primitive>'
    )
    match draw(st.sampled_from(("plain", "plain", "clone", "group"))):
        case "clone":
            return f'<clone id="{name}-clone">{inner}</clone>'
        case "group":
            return f'<group id="{name}-group">{inner}</group>'
    return inner


@settings(max_examples=60, deadline=None)
@given(configurations())
def test_plan_has_no_loop_and_is_repeatable_when_configuration_is_random(xml: str) -> None:
    """Any configuration gives a plan that can be carried out, the same one each time."""
    snapshot = snapshot_of_file(xml.encode(), NOW_MS)
    plan = schedule(snapshot)
    carry_out(snapshot, plan)
    assert msgspec.msgpack.encode(plan) == msgspec.msgpack.encode(schedule(snapshot))
