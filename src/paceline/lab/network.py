"""The lab's switch as text for `ip -batch` and `nft -f`. Pure.

Each network is a bridge in the keeper's network namespace. A member's port is the outer end of its
veth pair. A member whose packets are delayed is taken off the bridge and joined to it again by the
relay (`relay.py`) and a second veth pair:

    ens33 in the node ── p1-ens33 ~~relay~~ r1-ens33 ── q1-ens33 on the bridge

What is cut or lost is decided in the bridge's forward hook, so the nodes see their links up and
their own packet filters stay theirs.
"""

from dataclasses import dataclass, field

from paceline.lab import layout
from paceline.lab.layout import NETWORKS, Network

PERMILLE = 1000
DELAY_MS_MAX = 60_000


def port(member: str, network: Network) -> str:
    """Return the outer end of a member's veth pair."""
    return f"p{_index(member)}-{network.device}"


def relayed_port(member: str, network: Network) -> str:
    """Return the bridge's end of the second veth pair of a delayed member."""
    return f"q{_index(member)}-{network.device}"


def relay_port(member: str, network: Network) -> str:
    """Return the relay's end of the second veth pair of a delayed member."""
    return f"r{_index(member)}-{network.device}"


def _index(member: str) -> int:
    return 0 if member == layout.CLIENT else layout.host_number(member) - layout.NODE_HOST_BASE


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """No packet passes between two members, or one member and all, on the named devices.

    `is_one_way`: what `first` sends is dropped, what it is sent is not.
    """

    first: str
    second: str = ""
    is_one_way: bool = False
    devices: tuple[str, ...] = tuple(network.device for network in NETWORKS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoil:
    """A member's packets are lost by chance, in thousandths, and delayed, each way."""

    member: str
    loss_permille: int = 0
    delay_ms: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Everything that is wrong with the lab's network."""

    cuts: tuple[Cut, ...] = ()
    spoils: tuple[Spoil, ...] = field(default=())

    def with_cut(self, cut: Cut) -> "Faults":
        """Return the faults with one more cut."""
        others = tuple(known for known in self.cuts if known != cut)
        return Faults(cuts=(*others, cut), spoils=self.spoils)

    def with_spoil(self, spoil: Spoil) -> "Faults":
        """Return the faults with this member spoiled so, and not as it was before."""
        others = tuple(known for known in self.spoils if known.member != spoil.member)
        wanted = (spoil,) if spoil.loss_permille or spoil.delay_ms else ()
        return Faults(cuts=self.cuts, spoils=(*others, *wanted))

    def healed(self, member: str = "") -> "Faults":
        """Return the faults without those that touch `member`, or without any."""
        if not member:
            return Faults()
        return Faults(
            cuts=tuple(cut for cut in self.cuts if member not in (cut.first, cut.second)),
            spoils=tuple(spoil for spoil in self.spoils if spoil.member != member),
        )

    def delay_ms(self, member: str) -> int:
        """Return how long a member's packets are held, each way."""
        return next((spoil.delay_ms for spoil in self.spoils if spoil.member == member), 0)


def switch_commands() -> str:
    """Return the `ip -batch` lines that make the bridges."""
    lines = ["link set lo up"]
    for network in NETWORKS:
        lines += [
            f"link add {network.bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0",
            f"link set {network.bridge} up",
        ]
    return "\n".join(lines) + "\n"


def plug_commands(member: str, pid: int) -> str:
    """Return the `ip -batch` lines that plug a member's namespace into the bridges."""
    lines = []
    for network in NETWORKS:
        outer = port(member, network)
        mac = layout.hardware_address(member, network)
        lines += [
            f"link add {outer} type veth peer name {network.device} address {mac} netns {pid}",
            f"link set {outer} master {network.bridge}",
            f"link set {outer} up",
        ]
    return "\n".join(lines) + "\n"


def unplug_commands(member: str) -> str:
    """Return the `ip -force -batch` lines that remove a member's ports."""
    return "".join(f"link del {port(member, network)}\n" for network in NETWORKS)


def relay_commands(member: str) -> str:
    """Return the `ip -batch` lines that put the relay between a member and the bridges."""
    lines = []
    for network in NETWORKS:
        bridge_end, relay_end = relayed_port(member, network), relay_port(member, network)
        lines += [
            f"link add {bridge_end} type veth peer name {relay_end}",
            f"link set {bridge_end} master {network.bridge}",
            f"link set {bridge_end} up",
            f"link set {relay_end} up",
            f"link set {port(member, network)} nomaster",
        ]
    return "\n".join(lines) + "\n"


def unrelay_commands(member: str) -> str:
    """Return the `ip -force -batch` lines that plug a member straight into the bridges again."""
    lines = []
    for network in NETWORKS:
        lines += [
            f"link del {relayed_port(member, network)}",
            f"link set {port(member, network)} master {network.bridge}",
        ]
    return "\n".join(lines) + "\n"


def member_commands(member: str) -> str:
    """Return the `ip -batch` lines that a member runs for itself when it boots."""
    lines = ["link set lo up"]
    for network in NETWORKS:
        own = layout.address(member, network)
        lines += [
            f"addr add {own}/24 brd + dev {network.device}",
            f"link set {network.device} up",
        ]
    return "\n".join(lines) + "\n"


def filter_rules(faults: Faults) -> str:
    """Return the whole rule set of the switch, for `nft -f`: it replaces the one before."""
    rules: list[str] = []
    for cut in faults.cuts:
        rules += _cut_rules(cut)
    for spoil in faults.spoils:
        rules += _loss_rules(spoil)
    body = "".join(f"    {rule}\n" for rule in rules)
    return (
        "table bridge lab\n"
        "delete table bridge lab\n"
        "table bridge lab {\n"
        "  chain forward {\n"
        "    type filter hook forward priority 0; policy accept;\n"
        f"{body}"
        "  }\n"
        "}\n"
    )


def _cut_rules(cut: Cut) -> list[str]:
    ports = _ports(cut.first, cut.devices)
    if cut.second:
        others = _ports(cut.second, cut.devices)
        there = f"iifname {ports} oifname {others} drop"
        back = f"iifname {others} oifname {ports} drop"
    else:
        there, back = f"iifname {ports} drop", f"oifname {ports} drop"
    return [there] if cut.is_one_way else [there, back]


def _loss_rules(spoil: Spoil) -> list[str]:
    if not spoil.loss_permille:
        return []
    ports = _ports(spoil.member, tuple(network.device for network in NETWORKS))
    chance = f"numgen random mod {PERMILLE} <= {spoil.loss_permille - 1} drop"
    return [f"iifname {ports} {chance}", f"oifname {ports} {chance}"]


def _ports(member: str, devices: tuple[str, ...]) -> str:
    names = [
        f'"{name}"'
        for network in NETWORKS
        if network.device in devices
        for name in (port(member, network), relayed_port(member, network))
    ]
    return "{ " + ", ".join(names) + " }"
