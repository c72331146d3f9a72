"""The second link: only where exactly one other network is common to all nodes."""

import pytest

from paceline.commands.cluster_links import find_second_link
from paceline.ports.node_calls import Interface

FIRST = {"a": "192.168.222.31", "b": "192.168.222.32"}


def _interfaces(*addresses: str, is_up: bool = True) -> tuple[Interface, ...]:
    return tuple(
        Interface(name=f"eth{number}", mtu=1500, is_up=is_up, addresses=(address,))
        for number, address in enumerate(addresses)
    )


def test_the_other_network_is_taken_when_there_is_one() -> None:
    found = find_second_link(
        {
            "a": _interfaces("192.168.222.31/24", "172.16.1.31/24"),
            "b": _interfaces("192.168.222.32/24", "172.16.1.32/24"),
        },
        FIRST,
    )
    assert found == {"a": "172.16.1.31", "b": "172.16.1.32"}


@pytest.mark.parametrize(
    ("of_a", "of_b"),
    [
        ((), ()),
        (("172.16.1.31/24",), ()),
        (("172.16.1.31/24",), ("172.16.2.32/24",)),
        # Both have a bridge of their own with the same address (containers).
        (("172.17.0.1/16",), ("172.17.0.1/16",)),
        # Two addresses in one network: which is the node's own cannot be known.
        (("172.16.1.31/24", "172.16.1.30/24"), ("172.16.1.32/24",)),
        # Two candidates.
        (("172.16.1.31/24", "10.0.0.1/24"), ("172.16.1.32/24", "10.0.0.2/24")),
        # A host route is no network.
        (("172.16.1.31/32",), ("172.16.1.32/32",)),
    ],
)
def test_nothing_is_taken_when_it_is_not_clear(
    of_a: tuple[str, ...], of_b: tuple[str, ...]
) -> None:
    interfaces = {
        "a": _interfaces("192.168.222.31/24", *of_a),
        "b": _interfaces("192.168.222.32/24", *of_b),
    }
    assert find_second_link(interfaces, FIRST) is None


def test_interfaces_that_are_down_do_not_count() -> None:
    interfaces = {
        "a": _interfaces("172.16.1.31/24", is_up=False),
        "b": _interfaces("172.16.1.32/24"),
    }
    assert find_second_link(interfaces, FIRST) is None
