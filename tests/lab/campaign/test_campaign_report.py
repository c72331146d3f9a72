"""A campaign's last words."""

from paceline.lab.campaign.evidence import Window
from paceline.lab.campaign.faults import Round, Strike, find_kinds
from paceline.lab.campaign.judge import Violation
from paceline.lab.campaign.report import summary, table
from paceline.lab.campaign.rounds import RoundResult
from paceline.lab.outages import Outage


def strike(name: str) -> Strike:
    return Strike(kind=find_kinds([name])[0], targets=("worker1",), offset_ms=0, hold_ms=100)


def result(faults: Round, dark_ms: float, *violations: Violation) -> RoundResult:
    outage = Outage(begun_ms=0.0, ended_ms=dark_ms, is_over=True, reason="no answer")
    return RoundResult(
        faults=faults,
        window=Window(title="", begun_ms=0, settled_ms=1, parts_nodes=False),
        settle_ms=1_500,
        own_ms=None,
        dark=(outage,) if dark_ms else (),
        violations=violations,
    )


def test_each_kind_has_a_line_and_pairs_have_their_own() -> None:
    rows = [result((strike("crash"),), ms) for ms in (2_000.0, 4_000.0, 0.0)]
    lines = table([*rows, result((strike("crash"), strike("cut")), 9_000.0)]).splitlines()
    crash = next(line for line in lines if line.startswith("crash"))
    assert crash.split() == ["crash", "3", "0", "2.0", "4.0", "-", "-", "1.5", "1.5"]
    assert any(line.startswith("two at once") for line in lines)
    assert lines[-1].split()[:3] == ["all", "4", "0"]


def test_broken_promises_are_counted_and_the_first_is_told() -> None:
    broken = Violation(rule="S4", at_ms=1, what="a=3 was acknowledged, worker2 has 2")
    text = summary([result((strike("cut"),), 0.0, broken)], writes=5, acknowledged=4, moves=1)
    assert "S4 broken 1 times; first: a=3 was acknowledged" in text
    kept = summary([result((strike("cut"),), 0.0)], writes=5, acknowledged=4, moves=1)
    assert "No promise was broken." in kept
