"""What has to hold on nodes before they can be in one cluster: from their facts to findings."""

from collections.abc import Mapping, Sequence

from paceline.commands.contract import Findings, Request
from paceline.commands.node_trouble import (
    clock_apart,
    is_clock_apart,
    report_problem,
    wait_limit_ms,
    wrong_node,
)
from paceline.ports.node_calls import NodeFacts, NodeRequest, ReadFacts, Service
from paceline.ports.peers import Greeting, PeerProblem, Peers, Place

COROSYNC_MIN = (3, 1)
COROSYNC_MIN_WORDS = "3.1"
DISK_FREE_MIN = 64 * 1024 * 1024
"""The journal and some versions of the configuration, with room."""
FACTS_MS_MAX = 20_000


def read_facts(request: Request, peers: Peers, names: Sequence[str]) -> dict[str, NodeFacts]:
    """Return the facts of every node that answers; those that do not become findings."""
    asked: list[tuple[str, NodeRequest]] = [(n, ReadFacts(names=tuple(names))) for n in names]
    facts: dict[str, NodeFacts] = {}
    limit_ms = wait_limit_ms(request, FACTS_MS_MAX)
    for name, answer in peers.ask(asked, NodeFacts, wait_ms_max=limit_ms):
        if isinstance(answer, PeerProblem):
            request.findings.add(report_problem(name, answer))
        else:
            facts[name] = answer
    return facts


def check_greetings(request: Request, peers: Peers, names: Sequence[str]) -> dict[str, Greeting]:
    """Greet every node where it is known to listen; report wrong nodes and wrong clocks."""
    known = {host.name: host for host in peers.known_hosts()}
    places = [
        Place(name=name, address=known[name].address, port=known[name].port)
        for name in names
        if name in known and name != peers.local_name()
    ]
    greetings: dict[str, Greeting] = {}
    for place, greeting in peers.greet(places):
        if isinstance(greeting, PeerProblem):
            # The same node is asked for its facts, and reported once.
            continue
        greetings[place.name] = greeting
        if greeting.name != place.name:
            request.findings.add(
                wrong_node(place.name, greeting.name, greeting.address, greeting.port)
            )
        if is_clock_apart(greeting.clock_ms, greeting.clock_error_ms):
            request.findings.error(
                "clock-apart", clock_apart(place.name, greeting.clock_ms), is_forceable=True
            )
    return greetings


def check_fitness(findings: Findings, name: str, facts: NodeFacts) -> None:
    """Report what is missing or too old on one node."""
    if facts.missing:
        packages = " ".join(facts.missing)
        findings.error(
            "not-installed",
            f"{name}: not installed: {', '.join(facts.missing)}",
            advice=f"  on {name}:  apt-get install {packages}   (or: dnf install {packages})",
        )
    if facts.corosync_version and version(facts.corosync_version) < COROSYNC_MIN:
        findings.error(
            "corosync-too-old",
            f"{name}: Corosync {facts.corosync_version} is too old: {COROSYNC_MIN_WORDS} or later "
            "is needed",
        )
    if facts.disk_free < DISK_FREE_MIN:
        findings.error(
            "disk-full",
            f"{name}: only {facts.disk_free // 1024} KiB are free where the state is kept",
            is_forceable=True,
            advice=f"  on {name}:  df -h /var/lib/paceline",
        )


def check_not_in_cluster(findings: Findings, name: str, facts: NodeFacts) -> None:
    """Report a node that is in a cluster already; `--force` takes it out of that one."""
    running = [
        f"'{state.service.value}'"
        for state in facts.services
        if state.active == "active" and state.service is not Service.NODE_SERVICE
    ]
    if running:
        findings.error(
            "in-cluster",
            f"{name}: Running cluster services: {', '.join(running)}, the host seems to be in a "
            f"cluster already{_cluster(facts)}",
            is_forceable=True,
        )
    if facts.is_in_cluster:
        findings.error(
            "in-cluster",
            f"{name}: Cluster configuration files found, the host seems to be in a cluster "
            f"already{_cluster(facts)}",
            is_forceable=True,
        )


def check_versions_agree(findings: Findings, facts: Mapping[str, NodeFacts]) -> None:
    """Warn where nodes have different releases of Corosync or of Paceline."""
    corosync = {name: found.corosync_version for name, found in facts.items()}
    paceline = {name: found.version for name, found in facts.items()}
    for what, versions in (("Corosync", corosync), ("Paceline", paceline)):
        known = {name: text for name, text in versions.items() if text}
        if len(set(known.values())) > 1:
            shown = ", ".join(f"{name} {text}" for name, text in known.items())
            findings.warn(
                "versions-differ", f"the nodes have different versions of {what}: {shown}"
            )


def check_names_agree(findings: Findings, facts: Mapping[str, NodeFacts]) -> None:
    """Report names that lead somewhere else on one node than on another, or nowhere."""
    for target in facts:
        problem, fix = name_trouble(target, facts)
        if problem:
            findings.error("names-differ", problem, is_forceable=True, advice=f"  {fix}")


def name_trouble(target: str, facts: Mapping[str, NodeFacts]) -> tuple[str, str]:
    """Return what is wrong with what the nodes think a name leads to, and the fix; or "" twice."""
    seen: dict[tuple[str, ...], list[str]] = {}
    for observer, found in facts.items():
        addresses = dict(found.resolved).get(target, ())
        if not (observer == target and _is_only_loopback(addresses)):
            seen.setdefault(addresses[:1], []).append(observer)
    if () in seen:
        shown = ", ".join(seen[()])
        return (
            f"the name '{target}' has no address on {shown}",
            f"add a line 'ADDRESS {target}' to /etc/hosts on {shown}",
        )
    if len(seen) > 1:
        shown = "; ".join(f"{a[0]} on {', '.join(names)}" for a, names in seen.items())
        return (
            f"the name '{target}' leads to different addresses: {shown}",
            "make /etc/hosts equal on all nodes",
        )
    return "", ""


def _is_only_loopback(addresses: tuple[str, ...]) -> bool:
    """Say whether a node knows itself by such addresses only (Debian's 127.0.1.1): no harm."""
    return bool(addresses) and all(a.startswith("127.") or a == "::1" for a in addresses)


def _cluster(facts: NodeFacts) -> str:
    return f" ('{facts.cluster_name}')" if facts.cluster_name else ""


def version(text: str) -> tuple[int, ...]:
    """Return a version's leading numbers: `3.1.7-rc` is (3, 1, 7)."""
    numbers = []
    for part in text.split("."):
        digits = part.partition("-")[0]
        if not digits.isdigit():
            break
        numbers.append(int(digits))
    return tuple(numbers)
