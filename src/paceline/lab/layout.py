"""Names, addresses, limits and paths of a lab. Pure."""

import re
from dataclasses import dataclass
from pathlib import Path

NODES_MIN = 1
NODES_MAX = 16
TOKEN_MS_DEFAULT = 1000
# Below this knet's own ping time limit (half the token) makes an idle link flap.
TOKEN_MS_MIN = 200
TOKEN_MS_MAX = 300_000
LAB_NAME_DEFAULT = "lab"
# A unix socket's path may have 107 bytes; the name is a part of it.
LAB_NAME_PATTERN = re.compile(r"[a-z][a-z0-9-]{0,15}")

CLIENT = "client"
CLIENT_HOST = 1
ADDRESS_NAME = "worker"
ADDRESS_HOST = 30
NODE_HOST_BASE = 30

# Where a node finds what its lab gave it (init's socket, the power switch, its boot id).
NODE_RUN = Path("/run/paceline-lab")
OCF_AGENTS = Path("/usr/lib/ocf/resource.d")
NODE_ENABLED = Path("/var/lib/paceline-lab/enabled")
NODE_LOG = Path("/var/log/lab")
# Ours lie over /usr/sbin, so that comes first: nothing else on the machine may stand before them.
SEARCH_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
# The disk that all nodes share, by the notes' name for it.
NODE_SHARED_DISK = "/dev/vdb"


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """One of the lab's networks: its bridge, the device in each node, the first three octets."""

    bridge: str
    device: str
    prefix: str


PUBLIC = Network(bridge="public", device="ens33", prefix="192.168.222")
PRIVATE = Network(bridge="private", device="ens37", prefix="172.16.1")
NETWORKS = (PUBLIC, PRIVATE)


@dataclass(frozen=True, slots=True, kw_only=True)
class LabSpec:
    """What a lab was asked to be.

    `disk_mib` is the size of each node's private disk. It is in memory, or with `disk_folder` an
    image in that folder of the host, so that a sync costs what it costs there (root only).
    """

    name: str
    nodes: int
    token_ms: int = TOKEN_MS_DEFAULT
    disk_mib: int = 256
    disk_folder: str = ""

    def problems(self) -> tuple[str, ...]:
        """Return everything wrong with the request, as sentences."""
        found = []
        if not LAB_NAME_PATTERN.fullmatch(self.name):
            found.append(
                f"'{self.name}' is not a lab name: a small letter, then at most 15 small letters,"
                " digits or '-'"
            )
        if not NODES_MIN <= self.nodes <= NODES_MAX:
            found.append(f"a lab has {NODES_MIN} to {NODES_MAX} nodes, not {self.nodes}")
        if not TOKEN_MS_MIN <= self.token_ms <= TOKEN_MS_MAX:
            found.append(
                f"the token is {TOKEN_MS_MIN} to {TOKEN_MS_MAX} milliseconds, not {self.token_ms}"
            )
        return tuple(found)

    @property
    def node_names(self) -> tuple[str, ...]:
        """The cluster's nodes, in order."""
        return tuple(f"worker{number}" for number in range(1, self.nodes + 1))

    @property
    def member_names(self) -> tuple[str, ...]:
        """The nodes and the client: everything with an address."""
        return (*self.node_names, CLIENT)


def host_number(member: str) -> int:
    """Return the last octet of a member's addresses."""
    if member == CLIENT:
        return CLIENT_HOST
    return NODE_HOST_BASE + int(member.removeprefix("worker"))


def address(member: str, network: Network) -> str:
    """Return a member's address on a network."""
    return f"{network.prefix}.{host_number(member)}"


def virtual_address() -> str:
    """Return the address that the notes give to the service (`worker` in /etc/hosts)."""
    return f"{PUBLIC.prefix}.{ADDRESS_HOST}"


def hardware_address(member: str, network: Network) -> str:
    """Return a member's MAC address: locally administered, made of its address."""
    octets = (int(octet) for octet in address(member, network).split("."))
    return "02:00:" + ":".join(f"{octet:02x}" for octet in octets)


def hosts_file(spec: LabSpec) -> str:
    """Return /etc/hosts as the notes write it, for this many nodes."""
    lines = [
        "127.0.0.1   localhost localhost.localdomain localhost4 localhost4.localdomain4",
        "::1         localhost localhost.localdomain localhost6 localhost6.localdomain6",
        "",
        *(f"{address(name, PUBLIC)}  {name}" for name in spec.node_names),
        f"{virtual_address()}  {ADDRESS_NAME}",
        f"{address(CLIENT, PUBLIC)}  {CLIENT}",
    ]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True, slots=True)
class LabPaths:
    """The files of one lab on the host. `root` is the lab's own folder; nothing is outside it."""

    root: Path

    @property
    def spec(self) -> Path:
        """What was asked, and which process keeps the lab (JSON)."""
        return self.root / "lab.json"

    @property
    def control(self) -> Path:
        """The keeper's socket."""
        return self.root / "control.sock"

    @property
    def log(self) -> Path:
        """The keeper's own words."""
        return self.root / "keeper.log"

    @property
    def ledger(self) -> Path:
        """What the power switch did, a JSON object a line."""
        return self.root / "power.log"

    @property
    def programs(self) -> Path:
        """Our programs, laid over /usr/sbin in the nodes."""
        return self.root / "programs"

    @property
    def sbin(self) -> Path:
        """Where the keeper joins `programs` and the host's /usr/sbin."""
        return self.root / "sbin"

    @property
    def own_agents(self) -> Path:
        """The lab's own OCF agents."""
        return self.root / "own-agents"

    @property
    def agents(self) -> Path:
        """Where the keeper joins `own_agents` and the host's OCF agents."""
        return self.root / "agents"

    @property
    def template(self) -> Path:
        """The readable part of the host's /etc, copied once."""
        return self.disks / "etc-template"

    @property
    def disks(self) -> Path:
        """Where the keeper mounts the members' disks; the host sees it empty."""
        return self.root / "disks"

    @property
    def shared_image(self) -> Path:
        """The image behind /dev/vdb, the disk that all nodes share (root only)."""
        return self.root / "vdb.img"

    def run(self, member: str) -> Path:
        """Return the folder that a member sees as /run/paceline-lab."""
        return self.root / "run" / member

    def init_socket(self, member: str) -> Path:
        """Return the socket of a member's init."""
        return self.run(member) / "init.sock"

    def disk(self, member: str) -> Path:
        """Return the mount point of a member's disk; mounted in the keeper's namespace only."""
        return self.disks / member

    def witness(self, member: str) -> Path:
        """Return the book in which the witness agents of a node write (`witness_agent.sh`)."""
        return self.run(member) / "witness.log"

    def misbehaviour(self, member: str, resource: str) -> Path:
        """Return the file that makes a witness agent of a node misbehave."""
        return self.run(member) / "misbehave" / resource

    def console(self, member: str) -> Path:
        """Return what a member's bwrap and init wrote."""
        return self.root / f"{member}.console"
