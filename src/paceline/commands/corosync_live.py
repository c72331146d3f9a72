"""corosync.conf changed on all nodes of the cluster, and what is changed in Corosync as it runs.

A changed file goes to every node, then a running Corosync reads it. Nodes that do not answer stop
the change (or are left out with --skip-offline): two versions of the file split a cluster.
"""

from collections.abc import Mapping, Sequence

from paceline.commands.cluster_nodes import check_all_present, invalid, spread
from paceline.commands.contract import Command, Needs, Outcome, Ports, Request, UsageError
from paceline.model.corosync_conf import Section, read_nodes
from paceline.ports.node_calls import Service

VOTES_MAX = 65_535


def spread_conf(
    request: Request, ports: Ports, conf: Section, *, needs_stopped: Sequence[str] = ()
) -> None:
    """Bring a changed corosync.conf to all nodes.

    `needs_stopped` names what Corosync does not take over while it runs: then it must be down on
    every node. Raises InvalidRequestError, and nothing is sent.
    """
    peers = ports.open_peers()
    names = [node.name for node in read_nodes(conf)]
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
    """`quorum unblock`: wait no longer for nodes that have not been seen since the start."""
    if request.arguments:
        raise UsageError
    tools = ports.open_engine_tools()
    if not tools.is_waiting_for_all():
        raise invalid("not-waiting", "cluster is not waiting for nodes to establish quorum")
    missing = _missing_nodes(ports)
    if missing and not (request.is_forced or request.has("yes")):
        _confirm(request, missing)
    tools.cancel_waiting_for_all()
    return Outcome(text="Waiting for nodes canceled")


def _missing_nodes(ports: Ports) -> list[str]:
    """Return the nodes that this one does not see."""
    answer = ports.daemon.ask({"do": "state", "parts": ["status"]})
    status = answer.get("status")
    nodes = status.get("nodes", ()) if isinstance(status, Mapping) else ()
    return sorted(
        str(node.get("name"))
        for node in (nodes if isinstance(nodes, Sequence) else ())
        if isinstance(node, Mapping) and not node.get("is_online")
    )


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
