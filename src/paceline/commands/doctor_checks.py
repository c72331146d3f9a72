"""What `paceline doctor` concludes from what nodes say of themselves and of each other. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_interface

from paceline.commands.node_checks import (
    COROSYNC_MIN,
    COROSYNC_MIN_WORDS,
    DISK_FREE_MIN,
    name_trouble,
    version,
)
from paceline.commands.node_trouble import clock_words, explain, firewall_lines, is_clock_apart
from paceline.model.corosync_conf import UDP_PORT
from paceline.ports.node_calls import (
    DatagramsTried,
    NodeFacts,
    PeerSeen,
    Service,
    ServiceState,
)
from paceline.ports.peers import PORT, PeerProblem, Trouble

DISK_FREE_WARN = 512 * 1024 * 1024


class State(StrEnum):
    """How a check came out."""

    OK = "ok"
    NOTE = "note"
    """Nothing is wrong; something to know."""
    WARNING = "warn"
    BROKEN = "FAIL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One thing that was looked at, on one node; `fix` are the lines that say what to do."""

    what: str
    state: State = State.OK
    detail: str = ""
    fix: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """Everything that was seen.

    `facts` has the nodes that answered, `problems` the others. `seen` is by observer. `heard` is
    what each node heard of the others' datagrams, by node and port; `ports` are the links' UDP
    ports with the addresses that use each (none: all do). `node_names` are by Corosync's node id.
    """

    names: tuple[str, ...]
    local: str
    facts: Mapping[str, NodeFacts]
    problems: Mapping[str, PeerProblem]
    seen: Mapping[str, Sequence[PeerSeen]]
    heard: Mapping[tuple[str, int], DatagramsTried]
    ports: tuple[tuple[int, frozenset[str]], ...] = ((UDP_PORT, frozenset()),)
    node_names: Mapping[int, str] = field(default_factory=dict)


def examine(found: Examined) -> tuple[tuple[str, tuple[Check, ...]], ...]:
    """Return the checks of each node, in the order of the nodes."""
    return tuple((name, tuple(_examine_node(name, found))) for name in found.names)


def is_broken(checks: Sequence[tuple[str, Sequence[Check]]]) -> bool:
    """Say whether anything has to be mended."""
    return any(check.state is State.BROKEN for _, of_node in checks for check in of_node)


def _examine_node(name: str, found: Examined) -> Iterator[Check]:
    facts = found.facts.get(name)
    yield from _check_reached(name, found)
    if facts is None:
        return
    trouble, fix = name_trouble(name, found.facts)
    if trouble:
        yield Check(what="name", state=State.BROKEN, detail=trouble, fix=(fix,))
    yield _check_programs(name, facts)
    yield _check_corosync(name, facts, found.facts)
    yield _check_disk(name, facts)
    yield from _check_tokens(name, facts, found)
    yield from _check_services(name, facts)
    yield from _check_membership(name, facts, found)
    yield _check_mtu(name, facts, found.facts)
    yield from _check_datagrams(name, facts, found)
    if facts.watchdog:
        yield Check(what="watchdog", detail=facts.watchdog)
    else:
        yield Check(
            what="watchdog",
            state=State.NOTE,
            detail="none: needed only by sbd with a shared disk, as Paceline does not fence by"
            " watchdog alone; modprobe softdog makes one",
        )


def _check_reached(name: str, found: Examined) -> Iterator[Check]:
    """Look at names, port 2224, keys and clocks: this node's way to the others, and theirs."""
    problem = found.problems.get(name)
    if problem is not None:
        yield Check(
            what="node service",
            state=State.BROKEN,
            detail=f"{found.local} gets no answer ({problem.trouble.value})",
            fix=_fix(name, problem),
        )
    for observer, seen in found.seen.items():
        for one in seen:
            if one.name == name and not (problem is not None and observer == found.local):
                yield _check_seen(observer, one)


def _fix(name: str, problem: PeerProblem) -> tuple[str, ...]:
    if problem.trouble in (Trouble.NOT_KNOWN, Trouble.NOT_AUTHORIZED):
        return (f"pcs host auth {name}",)
    if problem.trouble is Trouble.REFUSED_CALL:
        return (problem.detail,)
    return tuple(line.strip() for line in explain(name, problem).splitlines())


def _check_seen(observer: str, seen: PeerSeen) -> Check:
    what = f"from {observer}"
    where = f"{seen.address}:{seen.port}/tcp" if seen.address else f"port {seen.port}/tcp"
    if seen.state == "wrong-node":
        return Check(
            what=what,
            state=State.BROKEN,
            detail=f"the name '{seen.name}' leads to {seen.address}, which is '{seen.detail}'",
            fix=(f"on {observer}: correct '{seen.name}' in /etc/hosts",),
        )
    if seen.state != "ok":
        problem = PeerProblem(
            trouble=Trouble(seen.state), address=seen.address, port=seen.port, detail=seen.detail
        )
        lines = tuple(
            line.strip() for line in explain(seen.name, problem, observer=observer).splitlines()
        )
        return Check(what=what, state=State.BROKEN, detail=f"{where}: {seen.state}", fix=lines)
    if is_clock_apart(seen.clock_ms, seen.clock_error_ms):
        return Check(
            what=what,
            state=State.BROKEN,
            detail=f"{where} answers, but the clock is {clock_words(seen.clock_ms)} {observer}'s",
            fix=("set all clocks by the network: timedatectl set-ntp true  (chronyc makestep)",),
        )
    return Check(what=what, detail=f"{where} answers, clock within {_within(seen)}")


def _within(seen: PeerSeen) -> str:
    return f"{(abs(seen.clock_ms) + seen.clock_error_ms) / 1000:.2f} s"


def _check_programs(name: str, facts: NodeFacts) -> Check:
    if facts.missing:
        packages = " ".join(facts.missing)
        return Check(
            what="packages",
            state=State.BROKEN,
            detail=f"missing: {', '.join(facts.missing)}",
            fix=(f"on {name}: apt-get install {packages}   (or: dnf install {packages})",),
        )
    return Check(what="packages", detail=f"all there, {facts.agents} OCF agents; {facts.system}")


def _check_corosync(name: str, facts: NodeFacts, all_facts: Mapping[str, NodeFacts]) -> Check:
    own = facts.corosync_version
    others = sorted({f.corosync_version for f in all_facts.values() if f.corosync_version})
    if own and version(own) < COROSYNC_MIN:
        return Check(
            what="versions",
            state=State.BROKEN,
            detail=f"Corosync {own} is too old: {COROSYNC_MIN_WORDS} or later is needed",
            fix=(f"on {name}: upgrade corosync",),
        )
    releases = sorted({found.version for found in all_facts.values()})
    shown = f"Corosync {own or 'missing'}, Paceline {facts.version}"
    if len(others) > 1 or len(releases) > 1:
        seen = f"{', '.join(others)}; Paceline {', '.join(releases)}"
        return Check(
            what="versions",
            state=State.WARNING,
            detail=f"{shown}; the nodes differ (Corosync {seen})",
            fix=("bring all nodes to the same release",),
        )
    return Check(what="versions", detail=shown)


def _check_disk(name: str, facts: NodeFacts) -> Check:
    free = f"{facts.disk_free // (1024 * 1024)} MiB free for the cluster's state"
    if facts.disk_free >= DISK_FREE_WARN:
        return Check(what="disk", detail=free)
    state = State.WARNING if facts.disk_free >= DISK_FREE_MIN else State.BROKEN
    # A small disk that is a small disk is no fault; a full one is.
    fix = (f"on {name}: df -h /var/lib/paceline",) if state is State.BROKEN else ()
    state = State.NOTE if state is State.WARNING else state
    return Check(what="disk", state=state, detail=free, fix=fix)


def _check_tokens(name: str, facts: NodeFacts, found: Examined) -> Iterator[Check]:
    """Look whether commands that are typed on this node reach the others."""
    strangers = [n for n in found.facts if n != name and n not in facts.drives]
    if strangers:
        yield Check(
            what="authenticated",
            state=State.WARNING,
            detail=f"not against {', '.join(strangers)}: commands typed here do not reach it",
            fix=(f"pcs host auth {' '.join(found.names)}",),
        )


def _check_services(name: str, facts: NodeFacts) -> Iterator[Check]:
    states = {found.service: found for found in facts.services}
    service = states.get(Service.NODE_SERVICE)
    if service is not None and service.enabled not in ("enabled", "alias", "static", "unknown"):
        yield Check(
            what="node service",
            state=State.WARNING,
            detail=f"is {service.enabled}: after a reboot nobody can drive this node",
            fix=(f"on {name}: systemctl enable paceline-api",),
        )
    if not facts.cluster_name:
        return
    wanted = [states[s] for s in (Service.COROSYNC, Service.PACELINE) if s in states]
    down = [found.service.value for found in wanted if found.active != "active"]
    if down:
        yield Check(
            what="services",
            state=State.WARNING,
            detail=f"not running: {', '.join(down)}",
            fix=(f"pcs cluster start {name}",),
        )
    elif wanted:
        yield Check(what="services", detail=_service_words(wanted))


def _service_words(states: Sequence[ServiceState]) -> str:
    return ", ".join(f"{found.service.value} {found.active}/{found.enabled}" for found in states)


def _check_membership(name: str, facts: NodeFacts, found: Examined) -> Iterator[Check]:
    """Compare what the nodes' corosync.conf say of the cluster."""
    own = (facts.cluster_name, facts.cluster_nodes)
    all_of_them = {(f.cluster_name, f.cluster_nodes) for f in found.facts.values()}
    if len(all_of_them) > 1:
        shown = f"'{own[0]}' of {', '.join(own[1])}" if own[0] else "none"
        yield Check(
            what="cluster",
            state=State.BROKEN,
            detail=f"its corosync.conf says: {shown}; the nodes do not agree",
            fix=("from a node that is right: pcs cluster sync; then pcs cluster start NODE",),
        )
    elif own[0]:
        yield Check(what="cluster", detail=f"'{own[0]}' of {', '.join(own[1])}")
    else:
        yield Check(
            what="cluster",
            state=State.NOTE,
            detail="none yet",
            fix=(f"pcs cluster setup NAME {' '.join(found.names)}",),
        )


def _check_mtu(name: str, facts: NodeFacts, all_facts: Mapping[str, NodeFacts]) -> Check:
    """Compare the MTU of interfaces in the same network."""
    own = _mtus(facts)
    for other, found in all_facts.items():
        for network, mtu in _mtus(found).items():
            if network in own and own[network] != mtu:
                return Check(
                    what="MTU",
                    state=State.BROKEN,
                    detail=f"{own[network]} in {network}, but {mtu} on {other}",
                    fix=(f"on {name} or {other}: ip link set DEVICE mtu {max(mtu, own[network])}",),
                )
    shown = ", ".join(f"{network}: {mtu}" for network, mtu in sorted(own.items()))
    return Check(what="MTU", detail=shown or "no interface with an address")


def _mtus(facts: NodeFacts) -> dict[str, int]:
    return {
        str(ip_interface(address).network): interface.mtu
        for interface in facts.interfaces
        if interface.is_up
        for address in interface.addresses
    }


def _check_datagrams(name: str, facts: NodeFacts, found: Examined) -> Iterator[Check]:
    """Look at Corosync's port: by its own links where it runs, else by datagrams of ours."""
    if facts.links:
        yield from _check_links(name, facts, found)
        return
    for port, users in found.ports:
        tried = found.heard.get((name, port))
        if tried is None:
            continue
        what = f"{port}/udp"
        if tried.problem:
            yield Check(what=what, state=State.NOTE, detail=f"not tried: {tried.problem}")
            continue
        heard = dict(tried.heard)
        for other, its in found.facts.items():
            if other == name or (other, port) not in found.heard:
                continue
            for address in shared_addresses(its, facts):
                if not users or address in users:
                    yield _check_heard(what, other, address, heard, _open_udp(name, found))


def _check_links(name: str, facts: NodeFacts, found: Examined) -> Iterator[Check]:
    """Tell links that are cut from nodes whose Corosync is not there to answer."""
    cut, absent = [], []
    for link, node_id, state in facts.links:
        other = found.node_names.get(node_id, f"node {node_id}")
        if state == "connected":
            continue
        if other in found.names and not _runs_corosync(found.facts.get(other)):
            absent.append(other)
        else:
            cut.append(f"link {link} to {other}")
    if cut:
        yield Check(
            what="links",
            state=State.BROKEN,
            detail=f"Corosync says: {', '.join(cut)} not connected",
            fix=_open_udp(name, found),
        )
    if absent:
        shown = ", ".join(dict.fromkeys(absent))
        yield Check(
            what="links",
            state=State.NOTE,
            detail=f"none to {shown}: Corosync does not run there, or the node does not answer",
        )
    if not cut and not absent:
        count = len({link for link, _, _ in facts.links})
        yield Check(what="links", detail=f"Corosync is connected over {count} link(s)")


def _runs_corosync(facts: NodeFacts | None) -> bool:
    states = facts.services if facts is not None else ()
    return any(s.service is Service.COROSYNC and s.active == "active" for s in states)


def _check_heard(
    what: str, other: str, address: str, heard: Mapping[str, int], fix: tuple[str, ...]
) -> Check:
    size = heard.get(address)
    if size is None:
        detail = f"nothing arrives from {other} ({address})"
        return Check(what=what, state=State.BROKEN, detail=detail, fix=fix)
    return Check(what=what, detail=f"datagrams of {size} bytes arrive from {other} ({address})")


def _open_udp(name: str, found: Examined) -> tuple[str, ...]:
    return firewall_lines(name, (*((port, "udp") for port, _ in found.ports), (PORT, "tcp")))


def shared_addresses(facts: NodeFacts, other: NodeFacts) -> tuple[str, ...]:
    """Return a node's addresses in the networks that another node has too."""
    networks = set(_mtus(other))
    return tuple(
        str(found.ip)
        for interface in facts.interfaces
        if interface.is_up
        for found in map(ip_interface, interface.addresses)
        if str(found.network) in networks
    )
