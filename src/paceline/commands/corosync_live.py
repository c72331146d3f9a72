"""corosync.conf changed on all nodes of the cluster, and what is changed in Corosync as it runs.

A changed file goes to every node, then a running Corosync reads it. Nodes that do not answer stop
the change (or are left out with --skip-offline): two versions of the file split a cluster.
"""

from collections.abc import Mapping, Sequence

from paceline.commands.cluster_nodes import check_all_present, invalid, spread
from paceline.commands.contract import Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.corosync_file import show_difference
from paceline.model.corosync_conf import Section, read_nodes
from paceline.model.errors import UnreachableError
from paceline.ports.daemon import Json
from paceline.ports.node_calls import Service

VOTES_MAX = 65_535
QUORUM_MS_MAX = 3000
"""How long a cluster that waits for nobody any more may take to agree that it has quorum."""


def spread_conf(
    request: Request,
    ports: Ports,
    conf: Section,
    *,
    needs_stopped: Sequence[str] = (),
    answers_as: Mapping[str, str] | None = None,
) -> None:
    """Bring a changed corosync.conf to all nodes.

    `needs_stopped` names what Corosync does not take over while it runs: then it must be down on
    every node. `answers_as` says under which other names nodes of the file are known here. Raises
    InvalidRequestError, and nothing is sent.
    """
    peers = ports.open_peers()
    other_names = answers_as or {}
    names = [other_names.get(node.name, node.name) for node in read_nodes(conf)]
    present = check_all_present(request, peers, names)
    if needs_stopped:
        running = [
            name
            for name, facts in present.items()
            if any(
                found.service is Service.COROSYNC and found.active == "active"
                for found in facts.services
            )
        ]
        if running:
            request.findings.error(
                "cluster-running",
                f"{', '.join(needs_stopped)} can be changed only while the cluster is stopped; "
                f"Corosync runs on {', '.join(sorted(running))}",
                advice="  stop it first:  pcs cluster stop --all",
            )
        request.findings.stop_if_errors()
    if request.has("dry-run"):
        show_difference(request, ports, conf, ())
        return
    spread(request, ports, peers, conf, tuple(present))


def set_expected_votes(request: Request, ports: Ports) -> Outcome:
    """`quorum expected-votes N`: in the running cluster; no file is changed."""
    if len(request.arguments) != 1:
        raise UsageError
    (text,) = request.arguments
    if not (text.isdecimal() and 0 < int(text) <= VOTES_MAX):
        raise invalid("bad-votes", f"'{text}' is not a valid number of votes, use 1..{VOTES_MAX}")
    ports.open_engine_tools().set_expected_votes(int(text))
    return Outcome()


def unblock(request: Request, ports: Ports) -> Outcome:
    """`quorum unblock`: wait no longer for nodes that have not been seen since the start.

    Corosync waits for them to be seen once; the daemons here may then still wait for their copies
    of the configuration, and go on where a person vouches that those nodes are off.
    """
    if request.arguments:
        raise UsageError
    tools = ports.open_engine_tools()
    is_waiting = tools.is_waiting_for_all()
    if not is_waiting and not _awaited_nodes(ports):
        raise invalid("not-waiting", "cluster is not waiting for nodes to establish quorum")
    missing = _missing_nodes(ports)
    if missing and not (request.is_forced or request.has("yes")):
        _confirm(request, missing)
    if is_waiting:
        tools.cancel_waiting_for_all()
        ports.daemon.ask({"do": "wait", "until": "quorate", "timeout_ms": QUORUM_MS_MAX})
    for node in _awaited_nodes(ports):
        answer = ports.daemon.ask({"do": "confirm-off", "node": node})
        if answer.get("ok") is not True:
            reason = answer.get("message") or answer.get("detail") or "no reason was given"
            raise UnreachableError(f"'{node}' is still waited for: {reason}")
    return Outcome(text="Waiting for nodes canceled")


def _status(ports: Ports) -> Mapping[str, Json]:
    status = ports.daemon.ask({"do": "state", "parts": ["status"]}).get("status")
    return status if isinstance(status, Mapping) else {}


def _awaited_nodes(ports: Ports) -> list[str]:
    """Return the nodes without whose copies the daemons here do not go on."""
    awaited = _status(ports).get("awaited", ())
    return [str(node) for node in awaited] if isinstance(awaited, Sequence) else []


def _missing_nodes(ports: Ports) -> list[str]:
    """Return the nodes that this one does not see."""
    nodes = _status(ports).get("nodes", ())
    seen = {
        str(node.get("name")): bool(node.get("is_online"))
        for node in (nodes if isinstance(nodes, Sequence) else ())
        if isinstance(node, Mapping)
    }
    seen |= dict.fromkeys(_awaited_nodes(ports), False)
    return sorted(name for name, is_online in seen.items() if not is_online)


def _confirm(request: Request, missing: Sequence[str]) -> None:
    """Ask; raises InvalidRequestError where the answer is not yes."""
    names = ", ".join(f"'{name}'" for name in missing)
    answer = request.ask(
        f"WARNING: {names} must be off, and without access to shared storage: otherwise services "
        "run twice and destroy what they share. Are they? (yes/no) ",
        False,
    )
    if answer.strip().lower() not in ("y", "yes"):
        raise invalid("not-confirmed", "Canceled")


COMMANDS = (
    Command(
        words="quorum expected-votes",
        handler=set_expected_votes,
        needs=Needs.CLUSTER,
        arguments="<votes>",
        help="Set the expected votes of the running cluster; no file is changed.",
    ),
    Command(
        words="quorum unblock",
        handler=unblock,
        needs=Needs.CLUSTER,
        options=("force", "yes"),
        help="Stop waiting for all nodes after a start without some of them.",
        details="Only for nodes that are confirmed to be off and have no access to shared storage: "
        "if one runs, services run twice.",
    ),
)
