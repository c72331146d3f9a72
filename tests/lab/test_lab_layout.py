"""Names and addresses of a lab."""

from paceline.lab import layout
from paceline.lab.layout import CLIENT, PRIVATE, PUBLIC, LabSpec


def test_addresses_are_those_of_the_notes() -> None:
    assert layout.address("worker1", PUBLIC) == "192.168.222.31"
    assert layout.address("worker2", PRIVATE) == "172.16.1.32"
    assert layout.address(CLIENT, PUBLIC) == "192.168.222.1"
    assert layout.virtual_address() == "192.168.222.30"


def test_hosts_file_names_every_node_and_the_virtual_address() -> None:
    lines = layout.hosts_file(LabSpec(name="lab", nodes=2)).splitlines()
    assert "192.168.222.31  worker1" in lines
    assert "192.168.222.32  worker2" in lines
    assert "192.168.222.30  worker" in lines


def test_hardware_addresses_differ_on_every_link_of_the_largest_lab() -> None:
    names = LabSpec(name="lab", nodes=layout.NODES_MAX).member_names
    found = {
        layout.hardware_address(name, network) for name in names for network in layout.NETWORKS
    }
    assert len(found) == 2 * (layout.NODES_MAX + 1)


def test_problems_names_each_when_name_and_numbers_are_bad() -> None:
    problems = LabSpec(name="Bad Name", nodes=17, token_ms=1).problems()
    assert len(problems) == 3


def test_problems_is_empty_when_the_request_is_good() -> None:
    assert LabSpec(name="lab-2", nodes=16, token_ms=200).problems() == ()
