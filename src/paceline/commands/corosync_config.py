"""`cluster config show|update|uuid`: the cluster's settings in corosync.conf."""

import json
import shlex
from collections.abc import Mapping

from paceline.commands.arguments import parse_pairs, split_sections
from paceline.commands.cluster_options import (
    COMPRESSION,
    CRYPTO,
    TOTEM,
    TRANSPORT_KNET,
    TRANSPORT_UDP,
    check_changed_options,
)
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.corosync_file import (
    QUORUM_SHOWN,
    get_section_of,
    options_of,
    read_conf,
    write_conf,
)
from paceline.commands.output_formats import output_format
from paceline.model.corosync_conf import ConfNode, Section, read_cluster_name, read_nodes
from paceline.ports.daemon import Json

FIXED_WHILE_RUNNING = ("ip_version", "netmtu")
"""Transport options that Corosync reads only when it starts. Source: corosync.conf(5)."""
UUID_BYTES = 16
TRANSPORT_NAMES = ("ip_version", "knet_pmtud_interval", "link_mode", "netmtu")


def show(request: Request, ports: Ports) -> Outcome:
    """Show the settings: `cluster config [show] [--output-format text|cmd|json]`."""
    if request.arguments:
        raise UsageError
    wanted = output_format(request)
    conf = read_conf(ports)
    settings = _Settings(conf)
    if wanted == "json":
        return Outcome(text=json.dumps(settings.record()))
    if wanted == "cmd":
        if settings.device is not None:
            request.findings.warn(
                "device-left-out",
                "Quorum device configuration detected but not yet supported by this command.",
            )
        return Outcome(text=" \\\n".join(settings.command_lines()))
    return Outcome(text="\n".join(settings.lines()))


class _Settings:
    """What a corosync.conf says, by subject."""

    def __init__(self, conf: Section) -> None:
        totem, quorum = get_section_of(conf, "totem"), get_section_of(conf, "quorum")
        options = options_of(totem)
        self.name = read_cluster_name(conf)
        self.uuid = options.get("cluster_uuid", "")
        self.kind = options.get("transport", "knet")
        self.nodes = tuple(sorted(read_nodes(conf), key=lambda one: one.name))
        self.links = _links(totem)
        self.transport = {name: options[name] for name in TRANSPORT_NAMES if name in options}
        self.compression = _with_prefix(options, "knet_compression_")
        self.crypto = _with_prefix(options, "crypto_")
        self.totem = {name: options[name] for name in sorted(options) if name in TOTEM}
        own = options_of(quorum)
        self.quorum = {name: own[name] for name in sorted(QUORUM_SHOWN) if name in own}
        self.device = next(quorum.all_named("device"), None)

    def lines(self) -> list[str]:
        """Return it as people read it."""
        lines = [f"Cluster Name: {self.name}"]
        lines += [f"Cluster UUID: {self.uuid}"] if self.uuid else []
        lines += [f"Transport: {self.kind}", "Nodes:"]
        for node in self.nodes:
            lines.append(f"  {node.name}:")
            lines += [
                f"    Link {number} address: {address}"
                for number, address in enumerate(node.addresses)
            ]
            lines.append(f"    nodeid: {node.nodeid}")
        if self.links:
            lines.append("Links:")
        for number, pairs in self.links.items():
            lines.append(f"  Link {number}:")
            lines += [f"    {name}: {value}" for name, value in pairs.items()]
        for title, pairs in (
            ("Transport Options", self.transport),
            ("Compression Options", self.compression),
            ("Crypto Options", self.crypto),
            ("Totem Options", self.totem),
            ("Quorum Options", self.quorum),
        ):
            if pairs:
                lines += [f"{title}:", *(f"  {name}: {value}" for name, value in pairs.items())]
        return lines if self.device is None else [*lines, *_device_lines(self.device)]

    def command_lines(self) -> list[str]:
        """Return the command that sets such a cluster up."""
        lines = [f"pcs cluster setup {shlex.quote(self.name)}"]
        for node in self.nodes:
            addresses = " ".join(f"addr={shlex.quote(one)}" for one in node.addresses)
            lines.append(f"  {shlex.quote(node.name)} {addresses}".rstrip())
        lines += ["  transport", f"  {self.kind}", *_words(self.transport, 6)]
        for number, pairs in self.links.items():
            lines += ["    link", *_words({"linknumber": number, **pairs}, 6)]
        for keyword, pairs in (("compression", self.compression), ("crypto", self.crypto)):
            if pairs:
                lines += [f"    {keyword}", *_words(pairs, 6)]
        for keyword, pairs in (("totem", self.totem), ("quorum", self.quorum)):
            if pairs:
                lines += [f"  {keyword}", *_words(pairs, 4)]
        return lines if self.uuid else [*lines, "  --no-cluster-uuid"]

    def record(self) -> dict[str, Json]:
        """Return it for programs."""
        return {
            "cluster_name": self.name,
            "cluster_uuid": self.uuid or None,
            "transport": self.kind.upper(),
            "totem_options": dict(self.totem),
            "transport_options": dict(self.transport),
            "compression_options": dict(self.compression),
            "crypto_options": dict(self.crypto),
            "nodes": [_node_record(node) for node in self.nodes],
            "links_options": {
                number: {"linknumber": number, **pairs} for number, pairs in self.links.items()
            },
            "quorum_options": dict(self.quorum),
            "quorum_device": None if self.device is None else _device_record(self.device),
        }


def _with_prefix(options: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {
        name.removeprefix(prefix): options[name]
        for name in sorted(options)
        if name.startswith(prefix)
    }


def _words(pairs: Mapping[str, str], indent: int) -> list[str]:
    return [f"{' ' * indent}{shlex.quote(f'{name}={value}')}" for name, value in pairs.items()]


def _links(totem: Section) -> dict[str, dict[str, str]]:
    """Return the options of the links that have some, by number."""
    found: dict[str, dict[str, str]] = {}
    for link in totem.all_named("interface"):
        pairs = options_of(link)
        number = pairs.pop("linknumber", pairs.pop("ringnumber", "0"))
        if pairs:
            own = {name.removeprefix("knet_"): value for name, value in pairs.items()}
            found[number] = dict(sorted(own.items()))
    return dict(sorted(found.items()))


def _device_lines(device: Section) -> list[str]:
    own = options_of(device)
    model = own.pop("model", "")
    lines = [f"Quorum Device: {model}"]
    groups = (
        ("Options", own),
        ("Model Options", options_of(get_section_of(device, model))),
        ("Heuristics", options_of(get_section_of(device, "heuristics"))),
    )
    for title, pairs in groups:
        if pairs:
            lines.append(f"  {title}:")
            lines += [f"    {name}: {value}" for name, value in sorted(pairs.items())]
    return lines


def _device_record(device: Section) -> Json:
    own = options_of(device)
    model = own.pop("model", "")
    return {
        "model": model,
        "model_options": dict(options_of(get_section_of(device, model))),
        "generic_options": dict(own),
        "heuristics_options": dict(options_of(get_section_of(device, "heuristics"))),
    }


def _node_record(node: ConfNode) -> Json:
    return {
        "name": node.name,
        "nodeid": str(node.nodeid),
        "addrs": [
            {"addr": address, "link": str(number), "type": _address_type(address)}
            for number, address in enumerate(node.addresses)
        ],
    }


def _address_type(address: str) -> str:
    if ":" in address:
        return "IPv6"
    parts = address.split(".")
    is_v4 = len(parts) == 4 and all(part.isdecimal() and int(part) < 256 for part in parts)
    return "IPv4" if is_v4 else "FQDN"


def update(request: Request, ports: Ports) -> Outcome:
    """Change settings: `cluster config update [transport ...] [totem ...]`; "" removes."""
    first, sections = split_sections(
        request.arguments, ("transport", "compression", "crypto", "totem")
    )
    if first:
        raise UsageError
    given = {name: parse_pairs(words) for name, words in sections.items()}
    totem, transport = given.get("totem", {}), given.get("transport", {})
    compression, crypto = given.get("compression", {}), given.get("crypto", {})
    conf = read_conf(ports)
    before = _Settings(conf)
    kinds = TRANSPORT_KNET if before.kind == "knet" else TRANSPORT_UDP
    findings = request.findings
    check_changed_options(findings, "totem", totem, TOTEM)
    check_changed_options(findings, f"{before.kind} transport", transport, kinds)
    check_changed_options(findings, "compression", compression, COMPRESSION)
    check_changed_options(findings, "crypto", crypto, CRYPTO)
    after = {**before.crypto, **crypto}
    if (after.get("cipher") or "none") != "none" and (after.get("hash") or "none") == "none":
        findings.error(
            "prerequisite-missing",
            "If crypto option 'cipher' is enabled, crypto option 'hash' must be enabled as well",
        )
    findings.stop_if_errors()
    changes = [
        *sorted(totem.items()),
        *sorted(transport.items()),
        *((f"knet_compression_{name}", value) for name, value in sorted(compression.items())),
        *((f"crypto_{name}", value) for name, value in sorted(crypto.items())),
    ]
    changed = get_section_of(conf, "totem").with_options(changes)
    fixed = [name for name in sorted(transport) if name in FIXED_WHILE_RUNNING]
    write_conf(request, ports, conf.with_sections("totem", (changed,)), needs_stopped=fixed)
    return Outcome()


def generate_uuid(request: Request, ports: Ports) -> Outcome:
    """Give the cluster an id of its own: `cluster config uuid generate`."""
    if request.arguments:
        raise UsageError
    conf = read_conf(ports)
    totem = get_section_of(conf, "totem")
    if options_of(totem).get("cluster_uuid"):
        request.findings.error("uuid-set", "Cluster UUID has already been set", is_forceable=True)
    request.findings.stop_if_errors()
    wanted = ports.open_node().random_bytes(UUID_BYTES).hex()
    changed = totem.with_options((("cluster_uuid", wanted),))
    write_conf(request, ports, conf.with_sections("totem", (changed,)))
    return Outcome()


COMMANDS = (
    Command(
        words="cluster config show",
        handler=show,
        needs=Needs.COROSYNC_CONF,
        options=("output-format",),
        help="Show the cluster's settings as text, as the command that makes them, or as JSON.",
        aliases=(Alias(words="cluster config", takes_arguments=False),),
    ),
    Command(
        words="cluster config update",
        handler=update,
        needs=Needs.COROSYNC_CONF,
        arguments="[transport <name>=[<value>]...] [compression <name>=[<value>]...] "
        "[crypto <name>=[<value>]...] [totem <name>=[<value>]...]",
        options=("skip-offline", "request-timeout"),
        help="Change corosync settings; an empty value removes one.",
    ),
    Command(
        words="cluster config uuid generate",
        handler=generate_uuid,
        needs=Needs.COROSYNC_CONF,
        options=("force", "skip-offline", "request-timeout"),
        help="Give the cluster an id of its own.",
    ),
)
