"""`pcs booth`: the files of the ticket manager between clusters, here and on other nodes.

booth is another program. With `--booth-conf` and `--booth-key` the files are those that are named.
"""

from pathlib import PurePosixPath

from paceline.commands.arguments import parse_pairs, split_sections
from paceline.commands.booth_config import (
    AUTHFILE,
    Ticket,
    check_peers,
    check_ticket,
    new_config,
    parse_booth,
    render_booth,
)
from paceline.commands.booth_place import (
    FILE_OPTIONS,
    Place,
    find_service,
    folder_of,
    name_of,
    place_of,
)
from paceline.commands.cluster_nodes import ask_all, check_all_present, invalid
from paceline.commands.cluster_services import cluster_names
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import read_cib
from paceline.commands.node_trouble import report_problem, wait_limit_ms
from paceline.model.errors import InvalidRequestError, UnreachableError
from paceline.ports.node_calls import (
    File,
    FileName,
    FilesRead,
    GetFiles,
    NodeRequest,
    PutFiles,
)
from paceline.ports.peers import PeerProblem

KEY_BYTES = 32
"""booth takes up to 64 characters as a key: these as hexadecimal digits."""
STATE_MS_MAX = 40_000


def set_up(request: Request, ports: Ports) -> Outcome:
    """`booth setup sites ADDRESS ADDRESS... [arbitrators ADDRESS...]`."""
    first, sections = split_sections(request.arguments, ("sites", "arbitrators"))
    if first or "sites" not in sections:
        raise UsageError
    sites, arbitrators = sections["sites"], sections.get("arbitrators", [])
    place, findings = place_of(request, ports), request.findings
    check_peers(findings, sites, arbitrators)
    findings.stop_if_errors()
    if not place.is_named:
        for what, path, is_there in (
            ("key file", place.key, place.has_key()),
            ("configuration", place.conf, place.read() is not None),
        ):
            if is_there:
                message = f"Booth {what} '{path}' already exists"
                findings.error("booth-exists", message, is_forceable=True)
    findings.stop_if_errors()
    place.write_key(ports.open_node().random_bytes(KEY_BYTES).hex().encode())
    place.write(new_config(sites, arbitrators, authfile=place.key))
    return Outcome()


def destroy(request: Request, ports: Ports) -> Outcome:
    """`booth destroy`: remove the files, unless something uses them."""
    if request.arguments:
        raise UsageError
    place, node = place_of(request, ports), ports.open_node()
    _check_unused(request, ports, place)
    text = place.read()
    if text is None:
        message = f"Unable to read Booth configuration '{place.conf}': No such file or directory"
        request.findings.error("booth-unreadable", message)
    request.findings.stop_if_errors()
    for key in _keys_of(text or "", place.name):
        node.files.remove(FileName.BOOTH_KEY, key)
    node.files.remove(FileName.BOOTH_CONFIG, place.name)
    return Outcome()


def _check_unused(request: Request, ports: Ports, place: Place) -> None:
    findings = request.findings
    try:
        if find_service(read_cib(ports), place.conf) is not None:
            message = f"booth instance '{place.name}' is used in a cluster resource"
            findings.error("booth-used", message)
    except UnreachableError:
        findings.warn(
            "cib-unread",
            "The cluster does not run here: whether a resource uses the files is not known",
        )


def _keys_of(text: str, name: str) -> tuple[str, ...]:
    """Return the names of the key files that a configuration has in booth's folder."""
    try:
        paths = parse_booth(text).values(AUTHFILE)
    except ValueError:
        paths = ()
    return tuple(PurePosixPath(path).name for path in paths[:1]) or (f"{name}.key",)


def show(request: Request, ports: Ports) -> Outcome:
    """`booth config [NODE]`."""
    if len(request.arguments) > 1:
        raise UsageError
    if not request.arguments:
        return Outcome(text=render_booth(place_of(request, ports).get()).rstrip("\n"))
    files = _fetch(request, ports, request.arguments[0])
    return Outcome(text=files[0].content.decode(errors="replace").rstrip("\n"))


def pull(request: Request, ports: Ports) -> Outcome:
    """`booth pull NODE`: take another node's configuration and key."""
    if len(request.arguments) != 1:
        raise UsageError
    (node,) = request.arguments
    request.progress(f"Fetching booth config from node '{node}'...")
    files = ports.open_node().files
    for file in reversed(_fetch(request, ports, node)):
        files.write(file.name, file.content, file.instance)
    request.progress("Booth config saved")
    return Outcome()


def _fetch(request: Request, ports: Ports, node: str) -> list[File]:
    """Return a node's configuration, then its key. Raises InvalidRequestError."""
    name = name_of(request)

    def get(kind: FileName, instance: str) -> list[File]:
        wanted = GetFiles(names=(kind,), instance=instance)
        asked: list[tuple[str, NodeRequest]] = [(node, wanted)]
        limit_ms = wait_limit_ms(request, STATE_MS_MAX)
        for name, answer in ports.open_peers().ask(asked, FilesRead, wait_ms_max=limit_ms):
            if isinstance(answer, PeerProblem):
                raise InvalidRequestError(report_problem(name, answer))
            return list(answer.files)
        return []

    found = get(FileName.BOOTH_CONFIG, name)
    if not found:
        raise invalid("booth-unreadable", f"{node}: there is no booth configuration '{name}'")
    text = found[0].content.decode(errors="replace")
    return found + [file for key in _keys_of(text, name) for file in get(FileName.BOOTH_KEY, key)]


def sync(request: Request, ports: Ports) -> Outcome:
    """`booth sync`: send configuration and key to all nodes of the cluster."""
    if request.arguments:
        raise UsageError
    place, node = place_of(request, ports), ports.open_node()
    config = place.get()
    files = []
    for key in _keys_of(render_booth(config), place.name):
        content = node.files.read(FileName.BOOTH_KEY, key)
        if content is None:
            raise invalid("key-missing", f"Booth key file '{folder_of(request)}/{key}' is missing")
        files.append(File(name=FileName.BOOTH_KEY, content=content, instance=key))
    text = render_booth(config).encode()
    files.append(File(name=FileName.BOOTH_CONFIG, content=text, instance=place.name))
    peers = ports.open_peers()
    names = tuple(check_all_present(request, peers, cluster_names(ports)))
    request.progress("Sending booth configuration to cluster nodes...")
    for name in ask_all(request, peers, [(n, PutFiles(files=tuple(files))) for n in names]):
        request.progress(f"{name}: Booth config saved")
    return Outcome()


def add_ticket(request: Request, ports: Ports) -> Outcome:
    """`booth ticket add TICKET [NAME=VALUE]...`."""
    if not request.arguments:
        raise UsageError
    name, options = request.arguments[0], parse_pairs(request.arguments[1:])
    place = place_of(request, ports)
    config = place.get()
    check_ticket(request.findings, config, name, options)
    request.findings.stop_if_errors()
    place.write(config.with_ticket(Ticket(name=name, options=tuple(sorted(options.items())))))
    return Outcome()


def remove_ticket(request: Request, ports: Ports) -> Outcome:
    """`booth ticket delete TICKET`."""
    if len(request.arguments) != 1:
        raise UsageError
    (name,) = request.arguments
    place = place_of(request, ports)
    config = place.get()
    if not config.has_ticket(name):
        message = f"booth ticket name '{name}' does not exist"
        request.findings.error("ticket-unknown", message)
    request.findings.stop_if_errors()
    place.write(config.without_ticket(name))
    return Outcome()


_NAMED = ("name",)

COMMANDS = (
    Command(
        words="booth setup",
        handler=set_up,
        needs=Needs.NOTHING,
        arguments="sites <address> <address> [<address>...] [arbitrators <address>...]",
        options=(*_NAMED, *FILE_OPTIONS, "force"),
        help="Write a new configuration and key of booth; the number of peers has to be odd.",
    ),
    Command(
        words="booth destroy",
        handler=destroy,
        needs=Needs.NOTHING,
        options=(*_NAMED, "force"),
        help="Remove booth's configuration and key from this machine.",
    ),
    Command(
        words="booth ticket add",
        handler=add_ticket,
        needs=Needs.NOTHING,
        arguments="<ticket> [<name>=<value>]...",
        options=(*_NAMED, *FILE_OPTIONS, "force"),
        help="Add a ticket to booth's configuration.",
        details="What the options mean is in boothd(8). Then: 'booth sync', and 'booth pull' on "
        "the other sites.",
    ),
    Command(
        words="booth ticket delete",
        handler=remove_ticket,
        needs=Needs.NOTHING,
        arguments="<ticket>",
        options=(*_NAMED, *FILE_OPTIONS),
        help="Remove a ticket from booth's configuration.",
        aliases=(Alias(words="booth ticket remove"),),
    ),
    Command(
        words="booth config",
        handler=show,
        needs=Needs.NOTHING,
        arguments="[<node>]",
        options=(*_NAMED, "request-timeout"),
        help="Show booth's configuration of this machine, or of another.",
    ),
    Command(
        words="booth pull",
        handler=pull,
        needs=Needs.NOTHING,
        arguments="<node>",
        options=(*_NAMED, "request-timeout"),
        help="Take booth's configuration and key from another node.",
    ),
    Command(
        words="booth sync",
        handler=sync,
        needs=Needs.CLUSTER,
        options=(*_NAMED, "skip-offline", "request-timeout"),
        help="Send booth's configuration and key to all nodes of the cluster.",
    ),
)
