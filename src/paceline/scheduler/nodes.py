"""Phase: which nodes there are, and which of them are usable, pending or unclean.

A node is *unclean* where it may still run things although we cannot ask it: it was expected and is
gone, or was never seen. Whether it is then fenced is decided in `fencing`.
Remote and guest nodes get their state in `remote` once their connection's history was read.
"""

import re

from paceline.cib.read_attributes import number_or, parse_flag, score_or
from paceline.model.configuration import (
    Bundle,
    Clone,
    Configuration,
    ConfiguredResource,
    Group,
    Primitive,
)
from paceline.model.identifiers import NodeName
from paceline.model.scores import MINUS_INFINITY, add_scores
from paceline.model.status import ClusterStatus, NodeKind, NodeStatus
from paceline.scheduler.rules import RuleContext, pick_values
from paceline.scheduler.work import Node, Work

HEALTH_PREFIX = "#health"


def natural_key(name: str) -> tuple[tuple[int, int, str], ...]:
    """Return a key that sorts node2 before node10."""
    return tuple(
        (1, number_or(part, 0), "") if part.isdecimal() else (0, 0, part.lower())
        for part in re.split(r"(\d+)", name)
        if part
    )


def make_nodes(work: Work) -> None:
    """Create every node of the configuration and status, with attributes and membership."""
    configuration = work.snapshot.configuration
    states = {state.name: state for state in work.snapshot.status.nodes}
    configured = {node.name: node for node in configuration.nodes}
    for each in configuration.nodes:
        _add(work, Node(each.name, each.id, each.kind))
    for name, kind in remote_names(configuration):
        known = work.node_by_name.get(name)
        if known is not None:
            known.kind = kind
        else:
            _add(work, Node(NodeName(name), name, kind))
    for name, kind in _removed_remote_names(work.snapshot.status):
        left_over = Node(NodeName(name), name, kind)
        left_over.is_removed = True
        _add(work, left_over)
    for state in work.snapshot.status.nodes:
        # A live member that the configuration does not name yet is a node all the same.
        if (
            state.kind is NodeKind.MEMBER
            and state.name not in work.node_by_name
            and not configuration.nodes
        ):
            _add(work, Node(state.name, str(state.node_id or state.name), "member"))
    work.nodes.sort(key=lambda node: natural_key(node.name))
    for index, node in enumerate(work.nodes):
        node.index = index
        node.status = states.get(node.name)
        node.is_dc = node.name == work.snapshot.status.coordinator
        if node.is_dc:
            work.dc = node
    for node in work.nodes:
        each_configured = configured.get(node.name)
        transient = node.status.attributes if node.status else ()
        node.attributes = _attributes(work, node)
        if each_configured is not None:
            node.base_score = each_configured.score
            context = RuleContext(moment=work.moment, node=node.attributes.get)
            permanent = pick_values(each_configured.attributes, context)
            for key, value in permanent.items():
                node.attributes.setdefault(key, value)
            for key, value in pick_values(each_configured.utilization, context).items():
                node.free[key] = number_or(value, 0)
        for key, value in transient:
            node.attributes[key] = value
        site = node.attributes.get("site-name")
        if site is not None:
            node.attributes.setdefault("#site-name", site)


def _removed_remote_names(status: ClusterStatus) -> list[tuple[str, str]]:
    """Return remote and guest nodes that may be connected though nothing defines them any more.

    What runs there is stopped over the connection before that is closed. They are known by the
    connection in a member's history; of a node that has no state there is nothing to stop.
    """
    states = {str(state.name) for state in status.nodes}
    found: dict[str, str] = {}
    for state in status.nodes:
        for entry in state.history:
            is_connection = entry.provider == "pacemaker" and entry.agent_type == "remote"
            if is_connection and entry.resource in states:
                kind = "guest" if entry.container else "remote"
                found.setdefault(entry.resource, kind)
    return list(found.items())


def _add(work: Work, node: Node) -> None:
    if node.name not in work.node_by_name:
        work.node_by_name[node.name] = node
        work.nodes.append(node)


def _attributes(work: Work, node: Node) -> dict[str, str]:
    """Return the attributes that every node has of itself."""
    kind = {"member": "cluster", "remote": "remote", "guest": "container"}[node.kind]
    own = {
        "#uname": str(node.name),
        "#id": node.cib_id,
        "#kind": kind,
        "#is_dc": "true" if node.is_dc else "false",
    }
    cluster = work.options.values.get("cluster-name")
    if cluster is not None:
        own["#cluster-name"] = cluster
        own["#site-name"] = cluster
    return own


def remote_names(configuration: Configuration) -> list[tuple[str, str]]:
    """Return the names and kinds of remote and guest nodes that resources define."""
    from paceline.scheduler.bundles import guest_names

    found: list[tuple[str, str]] = []

    def look(resource: ConfiguredResource) -> None:
        match resource:
            case Primitive():
                agent = resource.agent
                if agent.provider == "pacemaker" and agent.agent_type == "remote":
                    found.append((resource.id, "remote"))
                for each in resource.meta:
                    found.extend((v, "guest") for n, v in each.pairs if n == "remote-node")
            case Group():
                for member in resource.members:
                    look(member)
            case Clone():
                look(resource.child)
            case Bundle():
                found.extend((name, "guest") for name in guest_names(resource))

    for resource in configuration.resources:
        look(resource)
    return found


def read_node_states(work: Work) -> None:
    """Set what each cluster member is: online, unclean, pending, standby, ..."""
    for node in work.nodes:
        read_wishes(node)
        if node.is_remote:
            continue
        if node.status is None or not node.status.is_seen:
            node.is_unseen = True
            # Never seen: it may run anything, so it counts as unclean until it was fenced.
            if counts_as_unclean_unseen(work):
                node.is_unclean = True
                node.fence_reason = "node has not been seen by the cluster"
            continue
        node.is_unseen = False
        if work.options.fencing_enabled:
            _judge_with_fencing(work, node, node.status)
        else:
            _judge_without_fencing(node, node.status)
    has_panic = parse_flag(work.snapshot.configuration.find_root("no-quorum-panic"), False)
    if has_panic and work.options.no_quorum_policy == "fence" and not work.has_quorum:
        _fence_partition(work)


def counts_as_unclean_unseen(work: Work) -> bool:
    """Say whether a node that was never seen counts as unclean."""
    return work.options.startup_fencing and work.options.fencing_enabled


def read_wishes(node: Node) -> None:
    """Set what attributes ask of a node: standby, maintenance, shutdown."""
    get = node.attributes.get
    if parse_flag(get("standby"), False):
        node.is_standby = True
    if parse_flag(get("maintenance"), False):
        node.in_maintenance = True
    if wants_shutdown(node) and not node.is_remote:
        node.is_shutting_down = True


def wants_shutdown(node: Node) -> bool:
    """Say whether an attribute asks for the node to leave."""
    return node.attributes.get("shutdown", "0") not in ("", "0", "false")


def _judge_without_fencing(node: Node, state: NodeStatus) -> None:
    """Decide by membership and process.

    A member that has lost its daemon is unclean. It cannot be shot, so this is only shown: what it
    ran is started elsewhere all the same, which is what switching fencing off means.
    """
    node.is_expected = state.is_expected
    node.is_online = state.is_member and state.is_online and not state.is_pending
    is_halved = state.is_member and not state.is_online and state.is_expected
    if state.is_unclean or (is_halved and not node.is_shutting_down):
        node.is_unclean = True


def _judge_with_fencing(work: Work, node: Node, state: NodeStatus) -> None:
    """Decide by membership (Corosync), process (daemon), join and expectation.

    member process expected  ->
    yes    yes     yes          online once joined, until then pending
    no     any     yes          unclean: it left without saying so
    yes    no      yes          unclean: its daemon is gone
    either         no           pending: it is coming, or going
    no     no      no           offline and clean

    One that was told to shut down is online while its daemon is, and clean when that has gone;
    should its history say that it still runs something, that makes it unclean (`history`).
    """
    node.is_expected = state.is_expected
    if state.is_unclean:
        _unclean(node, "node is known to be unclean")
    if node.is_shutting_down:
        node.is_online = state.is_online
    elif state.is_left_banned and state.is_member:
        node.is_online = True
        _unclean(node, "peer was refused by the cluster")
    elif state.is_expected:
        node.is_online = state.is_member
        if not state.is_member:
            _unclean(node, "peer is no longer part of the cluster")
        elif not state.is_online:
            _unclean(node, "peer process is no longer available")
        elif _wants_fencing(node):
            _unclean(node, "fencing was requested")
        elif state.is_pending:
            _pending(work, node, state)
    elif state.is_member or state.is_online:
        node.is_online = state.is_member
        if _wants_fencing(node):
            _unclean(node, "fencing was requested")
        else:
            _pending(work, node, state)


def _wants_fencing(node: Node) -> bool:
    """Say whether the attribute `terminate` asks for it."""
    word = node.attributes.get("terminate", "")
    return parse_flag(word, False) or number_or(word, 0) > 1


def _pending(work: Work, node: Node, state: NodeStatus) -> None:
    """Make it pending, unless it has been so for longer than `node-pending-timeout` allows."""
    limit = work.options.pending_timeout_ms
    if limit and state.member_since_ms:
        deadline = state.member_since_ms + limit
        if work.moment.now_ms >= deadline:
            _unclean(node, "peer pending timed out on joining the process group")
            return
        work.moment.note_change_at(deadline)
    node.is_pending = True


def _unclean(node: Node, reason: str) -> None:
    node.is_unclean = True
    if not node.fence_reason:
        node.fence_reason = reason


def _fence_partition(work: Work) -> None:
    for node in work.nodes:
        if not node.is_remote and node.is_online:
            _unclean(node, "cluster does not have quorum")


def apply_health(work: Work) -> None:
    """Add what node health says to the scores of every resource, by the chosen strategy."""
    strategy = work.options.health_strategy
    if strategy not in ("migrate-on-red", "only-green", "progressive", "custom"):
        return
    for node in work.nodes:
        node.health = _health(work, node, strategy)
    for rsc in work.resources:
        allow = parse_flag(rsc.meta.get("allow-unhealthy-nodes"), False)
        if not allow:
            for node in work.nodes:
                if node.health:
                    add_everywhere(work, rsc, node.name, node.health, "health", strategy)


def add_everywhere(
    work: Work, rsc: "object", node: str, score: int, code: str, source: str
) -> None:
    """Add to a score of a resource as a location constraint on it would."""
    from paceline.scheduler.constraints import add_location_score

    add_location_score(work, rsc, node, score, code, source)  # type: ignore[arg-type]


def _health(work: Work, node: Node, strategy: str) -> int:
    """Return the sum of what a node's health attributes are worth: a colour's score, or a number.

    The strategies differ in the scores of the colours only.
    """
    options = work.options
    match strategy:
        case "migrate-on-red":
            colours = {"red": MINUS_INFINITY, "yellow": 0, "green": 0}
        case "only-green":
            colours = {"red": MINUS_INFINITY, "yellow": MINUS_INFINITY, "green": 0}
        case _:
            colours = {
                "red": options.health_red,
                "yellow": options.health_yellow,
                "green": options.health_green,
            }
    total = options.health_base if strategy == "progressive" else 0
    for name, value in sorted(node.attributes.items()):
        if name.startswith(HEALTH_PREFIX):
            total = add_scores(total, colours.get(value, score_or(value, 0)))
    return total
