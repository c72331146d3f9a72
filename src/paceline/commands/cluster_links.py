"""Which addresses a new cluster's links get where the user named none. Pure.

Link 0 has the addresses that the nodes' names lead to. If there is exactly one other network in
which every node has exactly one address, all different, it becomes link 1. Anything less clear is
left to the user, because a link over a wrong network is worse than none.
"""

from collections.abc import Mapping, Sequence
from ipaddress import IPv4Interface, IPv4Network, IPv6Interface, IPv6Network, ip_interface

from paceline.ports.node_calls import Interface

Network = IPv4Network | IPv6Network
Address = IPv4Interface | IPv6Interface


def find_second_link(
    interfaces: Mapping[str, Sequence[Interface]], first: Mapping[str, str]
) -> dict[str, str] | None:
    """Return the second link's address of each node; None where no network is the obvious one.

    `first` is each node's address on link 0.
    """
    candidates = []
    found = {name: _addresses(interfaces[name]) for name in first}
    networks = sorted({str(a.network) for addresses in found.values() for a in addresses})
    for text in networks:
        addresses = {
            name: [str(a.ip) for a in found[name] if str(a.network) == text] for name in first
        }
        if any(len(own) != 1 or own[0] == first[name] for name, own in addresses.items()):
            continue
        chosen = {name: own[0] for name, own in addresses.items()}
        if len(set(chosen.values())) == len(first):
            candidates.append(chosen)
    return candidates[0] if len(candidates) == 1 else None


def _addresses(interfaces: Sequence[Interface]) -> tuple[Address, ...]:
    """Return the addresses of interfaces that are up, in networks that hold more than one host."""
    return tuple(
        address
        for interface in interfaces
        if interface.is_up
        for address in map(ip_interface, interface.addresses)
        if address.network.num_addresses > 1
    )
