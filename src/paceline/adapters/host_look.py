"""What can be seen of this machine, and from it: versions, interfaces, names, other nodes."""

import contextlib
import json
import os
import shutil
import socket
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from pathlib import Path

from paceline import __version__
from paceline.adapters.node_link import LinkError, greet, resolve_all
from paceline.adapters.node_paths import NodePaths
from paceline.adapters.run_command import run_bounded
from paceline.model.corosync_conf import read_names
from paceline.ports.node import NodeFiles, ServiceControl
from paceline.ports.node_calls import (
    CLUSTER_SERVICES,
    Datagrams,
    DatagramsTried,
    FileName,
    Interface,
    NodeFacts,
    PeerSeen,
    PeersSeen,
    TryDatagrams,
)
from paceline.ports.peers import Place

PROGRAM_MS_MAX = 5_000
PROBES_AT_ONCE_MAX = 16
DATAGRAM_SIZE_MAX = 65_000
DATAGRAM_WAIT_MS_MAX = 5_000
DATAGRAM_TARGETS_MAX = 64
DATAGRAM_ROUNDS = 3
DATAGRAM_SIZES_MAX = 4
SEARCH_PATH = "/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin"
AGENTS = Path("/usr/lib/ocf/resource.d")

# What has to be installed: a program or file that shows it, and the package's usual name.
_NEEDED_PROGRAMS = (("corosync", "corosync"), ("ip", "iproute2"), ("modprobe", "kmod"))
_NEEDED_AGENT = (AGENTS / "heartbeat" / "IPaddr2", "resource-agents")
# Linux's number (<linux/in.h>); the socket module has it from Python 3.12 on only in part.
_IP_MTU_DISCOVER, _IP_PMTUDISC_DO = 10, 2


class LocalHostLook:
    """This machine."""

    def __init__(
        self,
        paths: NodePaths,
        files: NodeFiles,
        services: ServiceControl,
        environment: Mapping[str, str],
    ) -> None:
        """Keep what is looked at; nothing is read yet."""
        self._paths, self._files, self._services = paths, files, services
        path = environment.get("PATH") or SEARCH_PATH
        self._environment = {"PATH": path, "LC_ALL": "C"}
        self._corosync_system = environment.get("PACELINE_COROSYNC_SYSTEM", "")

    def name(self) -> str:
        """Return the host name without its domain."""
        return socket.gethostname().partition(".")[0]

    def time_ms(self) -> int:
        """Return the clock."""
        return time.time_ns() // 1_000_000

    def version(self) -> str:
        """Return our version."""
        return __version__

    def resolve(self, name: str) -> tuple[str, ...]:
        """Return the addresses of a name."""
        return resolve_all(name)

    def facts(self, names: Sequence[str]) -> NodeFacts:
        """Return everything about this machine."""
        cluster_name, cluster_nodes = self._cluster()
        with ThreadPoolExecutor(max_workers=PROBES_AT_ONCE_MAX) as pool:
            resolved = tuple(zip(names, pool.map(resolve_all, names), strict=True))
            services = self._services.states(CLUSTER_SERVICES)
        return NodeFacts(
            name=self.name(),
            time_ms=self.time_ms(),
            version=self.version(),
            corosync_version=self._corosync_version(),
            system=_system_name(),
            missing=self._missing(),
            interfaces=self._interfaces(),
            services=services,
            resolved=resolved,
            is_in_cluster=self._files.has_cluster_state(),
            cluster_name=cluster_name,
            cluster_nodes=cluster_nodes,
            disk_free=_disk_free(self._paths.state),
            watchdog=next((d for d in ("/dev/watchdog0", "/dev/watchdog") if Path(d).exists()), ""),
            agents=_count_agents(),
            corosync_system=self._corosync_system,
            links=self._links(),
            firewall=self._firewall(),
        )

    def probe(self, targets: Sequence[tuple[str, str, int]]) -> PeersSeen:
        """Look at other nodes' services, all at once."""
        with ThreadPoolExecutor(max_workers=PROBES_AT_ONCE_MAX) as pool:
            return PeersSeen(seen=tuple(pool.map(_probe, targets)))

    def try_datagrams(self, request: TryDatagrams) -> DatagramsTried:
        """Do one end of a test of UDP."""
        try:
            if request.role is Datagrams.LISTEN:
                return _listen(request)
            return _send(request)
        except OSError as error:
            return DatagramsTried(problem=error.strerror or str(error))

    def _cluster(self) -> tuple[str, tuple[str, ...]]:
        with contextlib.suppress(OSError, ValueError):
            content = self._files.read(FileName.COROSYNC_CONF)
            if content is not None:
                return read_names(content.decode(errors="replace"))
        return "", ()

    def _corosync_version(self) -> str:
        """Return what `corosync -v` says: `Corosync Cluster Engine, version '3.1.7'`."""
        first = self._run("corosync", "-v").partition("\n")[0]
        return first.split("'")[1] if first.count("'") >= 2 else ""

    def _links(self) -> tuple[tuple[int, int, str], ...]:
        """Return what `corosync-cfgtool -s` says: `LINK ID 0 udp`, `nodeid:  2:  connected`."""
        link, found = 0, []
        for line in self._run("corosync-cfgtool", "-s").splitlines():
            words = line.split()
            if words[:2] == ["LINK", "ID"] and len(words) > 2 and words[2].isdigit():
                link = int(words[2])
            elif words[:1] == ["nodeid:"] and len(words) > 2:
                node = words[1].rstrip(":")
                if node.isdigit() and words[2] != "localhost":
                    found.append((link, int(node), words[2]))
        return tuple(found)

    def _missing(self) -> tuple[str, ...]:
        path = self._environment["PATH"]
        missing = [
            name for program, name in _NEEDED_PROGRAMS if not shutil.which(program, path=path)
        ]
        file, package = _NEEDED_AGENT
        return (*missing, *(() if file.exists() else (package,)))

    def _interfaces(self) -> tuple[Interface, ...]:
        try:
            rows = json.loads(self._run("ip", "-json", "address", "show") or "[]")
        except ValueError:
            return ()
        return tuple(
            Interface(
                name=str(row["ifname"]),
                mtu=int(row.get("mtu", 0)),
                is_up="UP" in row.get("flags", ()),
                addresses=tuple(
                    f"{found['local']}/{found['prefixlen']}"
                    for found in row.get("addr_info", ())
                    if found.get("scope") == "global"
                ),
            )
            for row in rows
            if "LOOPBACK" not in row.get("flags", ())
        )

    def _firewall(self) -> str:
        path = self._environment["PATH"]
        for program, name in (("firewall-cmd", "firewalld"), ("ufw", "ufw"), ("nft", "nft")):
            if shutil.which(program, path=path):
                return name
        return ""

    def _run(self, program: str, *words: str) -> str:
        """Return what a program printed; "" where it is missing or failed."""
        found = shutil.which(program, path=self._environment["PATH"])
        if found is None:
            return ""
        done = run_bounded((found, *words), self._environment, PROGRAM_MS_MAX)
        return done.out.decode(errors="replace") if done.rc == 0 else ""


def _probe(target: tuple[str, str, int]) -> PeerSeen:
    """Say what is seen of one node."""
    name, address, port = target
    try:
        greeting = greet(Place(name=name, address=address, port=port))
    except LinkError as error:
        found = error.problem
        return PeerSeen(
            name=name,
            address=found.address,
            port=found.port,
            state=found.trouble.value,
            detail=found.detail,
        )
    is_right = greeting.name == name
    return PeerSeen(
        name=name,
        address=greeting.address,
        port=port,
        state="ok" if is_right else "wrong-node",
        detail="" if is_right else greeting.name,
        clock_ms=greeting.clock_ms,
        clock_error_ms=greeting.clock_error_ms,
    )


def _listen(request: TryDatagrams) -> DatagramsTried:
    """Wait for datagrams until the time is over; keep the largest size from each sender."""
    token = request.token.encode()
    heard: dict[str, int] = {}
    with _datagram_socket(is_ipv6=False) as link:
        link.bind(("", request.port))
        deadline = time.monotonic() + min(request.wait_ms, DATAGRAM_WAIT_MS_MAX) / 1000
        while (left := deadline - time.monotonic()) > 0:
            link.settimeout(left)
            try:
                content, sender = link.recvfrom(DATAGRAM_SIZE_MAX)
            except TimeoutError:
                break
            if content.startswith(token) and len(heard) < DATAGRAM_TARGETS_MAX:
                heard[sender[0]] = max(len(content), heard.get(sender[0], 0))
    return DatagramsTried(heard=tuple(sorted(heard.items())))


def _send(request: TryDatagrams) -> DatagramsTried:
    """Send every size to every address, some times: listeners may begin a little later."""
    problems: dict[str, None] = {}
    pause_s = min(request.wait_ms, DATAGRAM_WAIT_MS_MAX) / 1000 / DATAGRAM_ROUNDS
    for round_number in range(DATAGRAM_ROUNDS):
        if round_number:
            time.sleep(pause_s)
        for address in request.addresses[:DATAGRAM_TARGETS_MAX]:
            with _datagram_socket(is_ipv6=ip_address(address).version == 6) as link:
                for size in request.sizes[:DATAGRAM_SIZES_MAX]:
                    filler = b"\0" * max(0, min(size, DATAGRAM_SIZE_MAX) - len(request.token))
                    try:
                        link.sendto(request.token.encode() + filler, (address, request.port))
                    except OSError as error:
                        problems[f"{address}: {size} bytes: {error.strerror}"] = None
    return DatagramsTried(problem="; ".join(problems))


def _datagram_socket(*, is_ipv6: bool) -> socket.socket:
    """Return a socket whose datagrams are never fragmented, as knet's."""
    link = socket.socket(socket.AF_INET6 if is_ipv6 else socket.AF_INET, socket.SOCK_DGRAM)
    if not is_ipv6:
        link.setsockopt(socket.IPPROTO_IP, _IP_MTU_DISCOVER, _IP_PMTUDISC_DO)
    return link


def _system_name() -> str:
    with contextlib.suppress(OSError):
        for line in Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
            if line.startswith("PRETTY_NAME="):
                return line.partition("=")[2].strip('"')
    return ""


def _disk_free(folder: Path) -> int:
    """Return the bytes that root may still write where the folder is, or will be."""
    for place in (folder, *folder.parents):
        with contextlib.suppress(FileNotFoundError):
            found = os.statvfs(place)
            return found.f_bfree * found.f_frsize
    return 0


def _count_agents() -> int:
    """Return how many OCF agents are installed."""
    with contextlib.suppress(OSError):
        return sum(1 for path in AGENTS.glob("*/*") if os.access(path, os.X_OK))
    return 0
