"""The switch's commands and rules."""

from paceline.lab import network
from paceline.lab.layout import NETWORKS, PUBLIC
from paceline.lab.network import Cut, Faults, Spoil


def test_ports_fit_into_an_interface_name_when_the_lab_is_the_largest() -> None:
    for make in (network.port, network.relayed_port, network.relay_port):
        assert all(len(make("worker16", net)) <= 15 for net in NETWORKS)


def test_rules_drop_both_directions_when_a_node_is_cut_from_all() -> None:
    rules = network.filter_rules(Faults().with_cut(Cut(first="worker1")))
    port = network.port("worker1", PUBLIC)
    dropped = [line.strip() for line in rules.splitlines() if line.endswith("drop")]
    assert len(dropped) == 2
    assert all(f'"{port}"' in line for line in dropped)


def test_rules_leave_the_other_link_when_one_is_cut() -> None:
    rules = network.filter_rules(Faults().with_cut(Cut(first="worker1", devices=("ens37",))))
    assert "p1-ens37" in rules
    assert "p1-ens33" not in rules


def test_rules_lose_in_thousandths_when_a_node_is_spoiled() -> None:
    rules = network.filter_rules(Faults().with_spoil(Spoil(member="worker2", loss_permille=125)))
    assert "numgen random mod 1000 <= 124 drop" in rules


def test_rules_are_empty_but_replace_the_former_when_nothing_is_wrong() -> None:
    rules = network.filter_rules(Faults())
    assert "delete table bridge lab" in rules
    assert "drop" not in rules


def test_spoil_replaces_the_former_one_of_the_same_node() -> None:
    faults = Faults().with_spoil(Spoil(member="worker1", delay_ms=10))
    faults = faults.with_spoil(Spoil(member="worker1", loss_permille=5))
    assert faults.delay_ms("worker1") == 0
    assert len(faults.spoils) == 1


def test_healed_leaves_the_faults_of_others() -> None:
    faults = Faults().with_cut(Cut(first="worker1", second="worker2"))
    faults = faults.with_cut(Cut(first="worker3"))
    assert faults.healed("worker2").cuts == (Cut(first="worker3"),)
    assert faults.healed() == Faults()
