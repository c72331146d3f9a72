"""`cluster node add-remote`, `add-guest` and their opposites: nodes without a daemon of their own.

Only the configuration is changed here. The key that the cluster and the node share, and the
service on the node, are brought there by hand; each command says so.
"""

from collections.abc import Sequence
from dataclasses import replace

from paceline.cib.agent_metadata import AgentMetadata
from paceline.cib.names import already_exists, check_id_form
from paceline.cib.nvsets import update_first_set
from paceline.cib.operations import check_operations, complete, normalize
from paceline.cib.parameters import check_new_parameters
from paceline.cib.remote_nodes import (
    GUEST_NAME,
    GUEST_OPTIONS,
    REMOTE_AGENT,
    RemoteNode,
    guest_nodes,
    remote_nodes,
    taken_names,
)
from paceline.cib.resources import create_primitive, find_resource
from paceline.cib.tree import Element, get_section, has_id
from paceline.cib.wording import check_option_names, quoted
from paceline.commands.agent_lookup import metadata_or_unknown
from paceline.commands.arguments import parse_pairs, split_sections
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib
from paceline.commands.resource_create import parse_operations
from paceline.commands.resource_delete import delete_resource
from paceline.commands.waiting import check_wait, wait_if_asked
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report

SERVICE = "pacemaker_remote"
CONNECTION_OPTIONS = ("port", "reconnect_interval", "trace_file", "trace_ra")


def add_remote(request: Request, ports: Ports) -> Outcome:
    """Add a remote node: `cluster node add-remote NAME [ADDRESS] [options] [op ...] [meta ...]`."""
    if not request.arguments:
        raise UsageError
    name, *words = request.arguments
    address = words.pop(0) if words and "=" not in words[0] and words[0] not in _KEYWORDS else ""
    first, sections = split_sections(words, _KEYWORDS)
    options = parse_pairs(first)
    operations = parse_operations(sections["op"]) if "op" in sections else []
    meta = parse_pairs(sections.get("meta", ()))
    check_wait(request, ports)
    agent = metadata_or_unknown(request, ports, REMOTE_AGENT)
    _say_unchecked(request, ports)
    address = _address(request, name, address)

    def change(root: Element) -> str:
        _refuse_taken(request, root, name, address)
        findings = request.findings
        if "server" in options:  # the address has its own place
            findings.extend(check_option_names(["server"], CONNECTION_OPTIONS, what="resource"))
        modern = []
        for operation in operations:
            today, notices = normalize(operation)
            modern.append(today)
            findings.extend(notices)
        parameters = {**options, "server": address}
        findings.extend(tuple(check_operations(modern, agent)))
        findings.extend(tuple(check_new_parameters(_without_server(agent), options)))
        findings.stop_if_errors()
        completed, notices = complete(modern, agent, only_monitor=request.has("no-default-ops"))
        findings.extend(notices)
        create_primitive(
            root, get_section(root, "resources"), name, REMOTE_AGENT,
            parameters=parameters, meta=meta, operations=completed,
        )  # fmt: skip
        return ""

    edit_cib(request, ports, change)
    _say_by_hand_after_adding(request, ports, name)
    wait_if_asked(request, ports)
    return Outcome()


_KEYWORDS = ("op", "meta")


def _without_server(agent: AgentMetadata) -> AgentMetadata:
    """Return the agent as this command's user sees it: the address is no option."""
    rest = tuple(one for one in agent.parameters if one.name != "server")
    return replace(agent, parameters=rest)


def _say_unchecked(request: Request, ports: Ports) -> None:
    if not ports.cib.is_live:
        request.findings.inform(
            "not-live",
            "Unable to check if there is a conflict with nodes set in corosync because the command "
            "does not run on a live cluster (e.g. -f was used)",
        )


def _address(request: Request, name: str, address: str) -> str:
    """Return the address; where none was given, the name is one."""
    if address:
        return address
    request.findings.inform(
        "address-guessed", f"No addresses specified for host '{name}', using '{name}'"
    )
    return name


def _refuse_taken(request: Request, root: Element, name: str, address: str) -> None:
    """Report the names that are in use, and end the request with what no force lifts."""
    taken = taken_names(root)
    for wanted in dict.fromkeys((name, address)):
        if wanted in taken and not _is_corosync_address(root, wanted, name):
            request.findings.add(already_exists(wanted))
    if not request.findings.has_errors():
        if has_id(root, name):
            request.findings.add(already_exists(name))
        request.findings.extend(check_id_form(name, "resource name"))


def _is_corosync_address(root: Element, wanted: str, name: str) -> bool:
    """Say whether this is only the address of a cluster node, which a remote one may share."""
    others = {one.name for one in (*remote_nodes(root), *guest_nodes(root))}
    others |= {one.address for one in (*remote_nodes(root), *guest_nodes(root))}
    return wanted != name and wanted not in others


def add_guest(request: Request, ports: Ports) -> Outcome:
    """Make a resource a guest node: `cluster node add-guest NAME RESOURCE [options]`."""
    if len(request.arguments) < 2:
        raise UsageError
    name, resource_id, *words = request.arguments
    options = parse_pairs(words)
    check_wait(request, ports)
    _say_unchecked(request, ports)
    options.setdefault("remote-addr", _address(request, name, options.get("remote-addr", "")))

    def change(root: Element) -> str:
        findings = request.findings
        findings.extend(check_option_names(options, GUEST_OPTIONS, what="guest"))
        taken = taken_names(root)
        for wanted in dict.fromkeys((name, options["remote-addr"])):
            if wanted in taken or (wanted == name and has_id(root, wanted)):
                findings.add(already_exists(wanted))
        element = _resource_for_guest(request, root, resource_id)
        findings.stop_if_errors()
        if element is not None:
            changes = dict(sorted({**options, GUEST_NAME: name}.items()))
            update_first_set(root, element, "meta_attributes", changes, position=0)
        return ""

    edit_cib(request, ports, change)
    _say_by_hand_after_adding(request, ports, name)
    wait_if_asked(request, ports)
    return Outcome()


def _resource_for_guest(request: Request, root: Element, wanted: str) -> Element | None:
    element = find_resource(root, wanted, ("primitive",))
    if element is None:
        known = find_resource(root, wanted) is not None
        message = (
            f"'{wanted}' is not a resource" if known else f"resource '{wanted}' does not exist"
        )
        request.findings.error("id-unknown", message)
    elif any(one.resource is element for one in guest_nodes(root)):
        request.findings.error("already-guest", f"the resource '{wanted}' is already a guest node")
    return element


def remove_remote(request: Request, ports: Ports) -> Outcome:
    """Remove a remote node by its name or address: `cluster node remove-remote NODE`."""
    wanted = _one_word(request)

    def change(root: Element) -> str:
        found = [one for one in remote_nodes(root) if wanted in (one.name, one.address)]
        chosen = _the_one(request, found, wanted, "remote")
        _say_by_hand_after_removing(request, ports, chosen)
        for one in chosen:
            delete_resource(request, root, one.resource)
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def remove_guest(request: Request, ports: Ports) -> Outcome:
    """Let a resource be no guest node any more: `cluster node remove-guest NODE|RESOURCE`."""
    wanted = _one_word(request)
    check_wait(request, ports)

    def change(root: Element) -> str:
        found = [
            one
            for one in guest_nodes(root)
            if wanted in (one.name, one.address, one.resource.get("id"))
        ]
        chosen = _the_one(request, found, wanted, "guest")
        _say_by_hand_after_removing(request, ports, chosen)
        gone = dict.fromkeys((GUEST_NAME, *GUEST_OPTIONS), "")
        for one in chosen:
            update_first_set(root, one.resource, "meta_attributes", gone)
        return ""

    edit_cib(request, ports, change)
    wait_if_asked(request, ports)
    return Outcome()


def _one_word(request: Request) -> str:
    if len(request.arguments) != 1:
        raise UsageError
    return request.arguments[0]


def _the_one(
    request: Request, found: Sequence[RemoteNode], wanted: str, kind: str
) -> Sequence[RemoteNode]:
    """Return the nodes that are meant. Raises InvalidRequestError for none; several need force."""
    if not found:
        message = f"{kind} node '{wanted}' does not appear to exist in configuration"
        raise InvalidRequestError(Report(code="node-unknown", message=message))
    if len(found) > 1:
        names = quoted(sorted(one.resource.get("id", "") for one in found))
        request.findings.error(
            "node-ambiguous",
            f"more than one resource for '{wanted}' found: {names}",
            is_forceable=True,
        )
        request.findings.stop_if_errors()
    return found


def _say_by_hand_after_adding(request: Request, ports: Ports, name: str) -> None:
    why = _why_by_hand(ports)
    request.findings.inform(
        "key-by-hand",
        f"Distribution of 'pacemaker authkey' to '{name}' was skipped because {why}. Please, "
        "distribute the file(s) manually.",
    )
    request.findings.inform(
        "service-by-hand",
        f"Running action(s) '{SERVICE} enable', '{SERVICE} start' on '{name}' was skipped because "
        f"{why}. Please, run the action(s) manually.",
    )


def _say_by_hand_after_removing(
    request: Request, ports: Ports, chosen: Sequence[RemoteNode]
) -> None:
    why = _why_by_hand(ports)
    names = quoted(sorted(one.name for one in chosen))
    request.findings.inform(
        "service-by-hand",
        f"Running action(s) '{SERVICE} disable', '{SERVICE} stop' on {names} was skipped because "
        f"{why}. Please, run the action(s) manually.",
    )
    request.findings.inform(
        "key-by-hand",
        f"Removing 'pacemaker authkey' from {names} was skipped because {why}. Please, remove the "
        "file(s) manually.",
    )


def _why_by_hand(ports: Ports) -> str:
    if ports.cib.is_live:
        return "the node may run another cluster stack's remote daemon"
    return "the command does not run on a live cluster (e.g. -f was used)"


_OPTIONS = ("force", "skip-offline", "request-timeout", "wait")

COMMANDS = (
    Command(
        words="cluster node add-remote",
        handler=add_remote,
        needs=Needs.CIB,
        arguments="<node name> [<node address>] [port=<port>] [reconnect_interval=<seconds>] "
        "[op <operation> <name>=<value>...]... [meta <name>=<value>...]",
        options=("no-default-ops", *_OPTIONS),
        help="Add a node that runs resources and no cluster stack of its own.",
    ),
    Command(
        words="cluster node delete-remote",
        handler=remove_remote,
        needs=Needs.CIB,
        arguments="<node name | address>",
        options=(*_OPTIONS, "no-stop"),
        help="Remove a remote node.",
        aliases=(Alias(words="cluster node remove-remote"),),
    ),
    Command(
        words="cluster node add-guest",
        handler=add_guest,
        needs=Needs.CIB,
        arguments="<node name> <resource id> [remote-addr=<address>] [remote-port=<port>] "
        "[remote-connect-timeout=<seconds>]",
        options=_OPTIONS,
        help="Make a resource (a virtual machine) a node that runs resources.",
        aliases=(Alias(words="cluster remote-node add", replaced_by="cluster node add-guest"),),
    ),
    Command(
        words="cluster node delete-guest",
        handler=remove_guest,
        needs=Needs.CIB,
        arguments="<node name | address | resource id>",
        options=_OPTIONS,
        help="Let a resource be no node any more.",
        aliases=(
            Alias(words="cluster node remove-guest"),
            Alias(words="cluster remote-node remove", replaced_by="cluster node delete-guest"),
        ),
    ),
)
