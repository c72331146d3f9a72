"""`pcs booth`: booth as a resource (a site) or a service (an arbitrator), and its tickets."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from paceline.cib.nvsets import set_values
from paceline.cib.resources import agent_of
from paceline.cib.tree import Element
from paceline.commands.booth_place import Place, find_service, name_of, place_of
from paceline.commands.cluster_nodes import invalid
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib, read_cib
from paceline.commands.resource_create import add_resource
from paceline.commands.resource_delete import delete as delete_resources
from paceline.commands.resource_restart import restart as restart_resource
from paceline.model.errors import UnreachableError
from paceline.ports.daemon import Json, JsonRecord
from paceline.ports.node_calls import Service, ServiceAction

_DONE = {
    ServiceAction.ENABLE: "enabled",
    ServiceAction.DISABLE: "disabled",
    ServiceAction.START: "started",
    ServiceAction.STOP: "stopped",
}


def _find_group(root: Element, name: str, conf: str) -> Element | None:
    """Return the group of address and service, or the service where it is in none."""
    service = find_service(root, conf)
    parent = service.getparent() if service is not None else None
    return parent if parent is not None and parent.tag == "group" else service


def create(request: Request, ports: Ports) -> Outcome:
    """`booth create ip ADDRESS`: a group of an address and of booth."""
    if len(request.arguments) != len(("ip", "ADDRESS")) or request.arguments[0] != "ip":
        raise UsageError
    place, address = place_of(request, ports), request.arguments[1]
    place.get()
    prefix = f"booth-{place.name}"

    def change(root: Element) -> str:
        if find_service(root, place.conf) is not None:
            message = f"booth instance '{place.name}' is already created as cluster resource"
            request.findings.error("booth-exists", message)
            request.findings.stop_if_errors()
        group = ("group", f"{prefix}-group")
        words = (f"{prefix}-ip", "ocf:heartbeat:IPaddr2", f"ip={address}", *group)
        add_resource(request, ports, root, words)
        agent, config = "ocf:pacemaker:booth-site", f"config={place.conf}"
        add_resource(request, ports, root, (f"{prefix}-service", agent, config, *group))
        return ""

    edit_cib(request, ports, change)
    return Outcome()


def _need_group(request: Request, ports: Ports) -> str:
    """Return the id of what runs booth. Raises ErrorsHaveOccurredError where nothing does."""
    place = place_of(request, ports)
    group = _find_group(read_cib(ports), place.name, place.conf)
    if group is None:
        message = f"booth instance '{place.name}' not found in cib"
        request.findings.error("booth-unknown", message)
        request.findings.stop_if_errors()
    return "" if group is None else group.get("id", "")


def delete(request: Request, ports: Ports) -> Outcome:
    """`booth delete`."""
    if request.arguments:
        raise UsageError
    return delete_resources(replace(request, arguments=(_need_group(request, ports),)), ports)


def restart(request: Request, ports: Ports) -> Outcome:
    """`booth restart`."""
    if request.arguments:
        raise UsageError
    return restart_resource(replace(request, arguments=(_need_group(request, ports),)), ports)


def _give(verb: str) -> Callable[[Request, Ports], Outcome]:
    """Return the handler that grants or revokes a ticket."""

    def handler(request: Request, ports: Ports) -> Outcome:
        if not 1 <= len(request.arguments) <= len(("TICKET", "SITE")):
            raise UsageError
        ticket, *given = request.arguments
        place = place_of(request, ports)
        site = given[0] if given else _own_site(ports, place)
        try:
            ports.open_node().booth.ask(verb, place.name, ticket=ticket, site=site)
        except UnreachableError as error:
            message = f"unable to {verb} booth ticket '{ticket}' for site '{site}', reason: {error}"
            raise invalid("ticket-failed", message) from error
        return Outcome()

    return handler


def _mark(values: Mapping[str, Json]) -> Callable[[Request, Ports], Outcome]:
    """Return the handler that sets what this cluster knows of a ticket; empty: it forgets it."""

    def handler(request: Request, ports: Ports) -> Outcome:
        if len(request.arguments) != 1:
            raise UsageError
        (ticket,) = request.arguments
        wanted: JsonRecord = {
            "do": "set-ticket",
            "ticket": ticket,
            "values": values,
            "remove": not values,
        }
        answer = ports.daemon.ask(wanted)
        if answer.get("ok") is not True:
            reason = answer.get("message") or answer.get("detail") or "no reason was given"
            raise invalid("ticket-failed", f"unable to change ticket '{ticket}': {reason}")
        return Outcome()

    return handler


def _own_site(ports: Ports, place: Place) -> str:
    """Return the address that this cluster's booth has. Raises InvalidRequestError."""
    root = read_cib(ports)
    group = _find_group(root, place.name, place.conf)
    for element in () if group is None else group.iter("primitive"):
        if agent_of(element).type == "IPaddr2":
            address = set_values(element, "instance_attributes").get("ip")
            if address:
                return address
    raise invalid("site-unknown", "cannot determine local site ip, please specify site parameter")


def status(request: Request, ports: Ports) -> Outcome:
    """`booth status`."""
    if request.arguments:
        raise UsageError
    name, booth = name_of(request), ports.open_node().booth
    blocks = []
    try:
        for title, command in (
            ("TICKETS:", "list"), ("PEERS:", "peers"), ("DAEMON STATUS:", "status"),
        ):  # fmt: skip
            text = booth.ask(command, name).rstrip("\n")
            blocks += [f"{title}\n{text}"] if text else []
    except UnreachableError as error:
        message = f"unable to get status of booth daemon: {error}"
        raise invalid("booth-status", message) from error
    return Outcome(text="\n".join(blocks))


def _service(action: ServiceAction) -> Callable[[Request, Ports], Outcome]:
    """Return the handler that does one thing to booth's service on this machine."""

    def handler(request: Request, ports: Ports) -> Outcome:
        if request.arguments:
            raise UsageError
        name = name_of(request)
        problem = ports.open_node().services.act(action, Service.BOOTH, name)
        if problem:
            message = f"Unable to {action.value} booth@{name}: {problem}"
            raise invalid("service-failed", message)
        return Outcome(text=f"booth@{name} {_DONE[action]}")

    return handler


_NAMED = ("name",)

COMMANDS = (
    Command(
        words="booth ticket grant",
        handler=_give("grant"),
        needs=Needs.CLUSTER,
        arguments="<ticket> [<site address>]",
        options=_NAMED,
        help="Grant a ticket to a site: this one, where booth runs as a resource.",
    ),
    Command(
        words="booth ticket revoke",
        handler=_give("revoke"),
        needs=Needs.CLUSTER,
        arguments="<ticket> [<site address>]",
        options=_NAMED,
        help="Revoke a ticket.",
    ),
    Command(
        words="booth ticket standby",
        handler=_mark({"standby": "true"}),
        needs=Needs.CLUSTER,
        arguments="<ticket>",
        help="Let this cluster stop what depends on a ticket in order, before it is revoked.",
    ),
    Command(
        words="booth ticket unstandby",
        handler=_mark({"standby": "false"}),
        needs=Needs.CLUSTER,
        arguments="<ticket>",
        help="Undo 'booth ticket standby'.",
    ),
    Command(
        words="booth ticket cleanup",
        handler=_mark({}),
        needs=Needs.CLUSTER,
        arguments="<ticket>",
        options=_NAMED,
        help="Let this cluster forget what it knows of a ticket that is no longer configured.",
    ),
    Command(
        words="booth create",
        handler=create,
        needs=Needs.CIB,
        arguments="ip <address>",
        options=(*_NAMED, "force"),
        help="Let the cluster run booth at an address, as a site.",
    ),
    Command(
        words="booth delete",
        handler=delete,
        needs=Needs.CIB,
        options=(*_NAMED, "force", "no-stop"),
        help="Delete the resources that 'booth create' made.",
        aliases=(Alias(words="booth remove"),),
    ),
    Command(
        words="booth restart",
        handler=restart,
        needs=Needs.CIB_LIVE,
        options=(*_NAMED, "force"),
        help="Restart the resources that 'booth create' made.",
    ),
    Command(
        words="booth status",
        handler=status,
        needs=Needs.NOTHING,
        options=_NAMED,
        help="Show booth's tickets and peers, as the booth of this machine knows them.",
        aliases=(Alias(words="status booth"),),
    ),
    Command(
        words="booth enable",
        handler=_service(ServiceAction.ENABLE),
        needs=Needs.NOTHING,
        options=_NAMED,
        help="Let booth start when this machine, an arbitrator, boots.",
    ),
    Command(
        words="booth disable",
        handler=_service(ServiceAction.DISABLE),
        needs=Needs.NOTHING,
        options=_NAMED,
        help="Do not start booth when this machine boots.",
    ),
    Command(
        words="booth start",
        handler=_service(ServiceAction.START),
        needs=Needs.NOTHING,
        options=_NAMED,
        help="Start booth on this machine, an arbitrator.",
    ),
    Command(
        words="booth stop",
        handler=_service(ServiceAction.STOP),
        needs=Needs.NOTHING,
        options=_NAMED,
        help="Stop booth on this machine, an arbitrator.",
    ),
)
