"""`quorum config|update|device`, `cluster config`: corosync.conf shown and changed.

With `--corosync_conf FILE` a file is edited in place. Without, this node's file is shown, and
what is changed goes to all nodes through their node services (`corosync_live`).
"""

from collections.abc import Mapping, Sequence

from paceline.cib.wording import bad_value, check_option_names, check_required
from paceline.commands.arguments import parse_pairs, split_sections
from paceline.commands.cluster_options import QUORUM, TOTEM, Kind
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.model.corosync_conf import (
    Section,
    parse_corosync_conf,
    read_cluster_name,
    read_nodes,
    render_corosync_conf,
)
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report

QUORUM_SHOWN = (
    "auto_tie_breaker", "last_man_standing", "last_man_standing_window", "wait_for_all",
)  # fmt: skip
DEVICE_GENERIC = ("sync_timeout", "timeout")
DEVICE_NET = ("algorithm", "connect_timeout", "force_ip_version", "host", "port", "tie_breaker")
ALGORITHMS = ("ffsplit", "lms")
HEURISTICS_MODES = ("off", "on", "sync")
WITH_DEVICE_REMOVED = (
    "auto_tie_breaker", "last_man_standing", "last_man_standing_window", "two_node",
    "allow_downscale",
)  # fmt: skip
"""Options that a quorum device makes meaningless or forbids. Source: votequorum(5)."""
FIXED_WHILE_RUNNING = ("ip_version", "netmtu")
"""Transport options that Corosync reads only when it starts. Source: corosync.conf(5)."""
KNET_COMPRESSION = ("level", "model", "threshold")
KNET_CRYPTO = ("cipher", "hash", "model")


def _refuse(code: str, message: str) -> InvalidRequestError:
    return InvalidRequestError(Report(code=code, message=message))


def read_conf(ports: Ports) -> Section:
    """Return corosync.conf. Raises InvalidRequestError where it cannot be read."""
    path = ports.corosync_conf_path
    try:
        return parse_corosync_conf(ports.files.read(path))
    except OSError as problem:
        message = f"Unable to read Corosync configuration '{path}': {problem.strerror}"
        raise _refuse("conf-unreadable", message) from problem
    except ValueError as problem:
        message = f"Unable to parse corosync config '{path}': {problem}"
        raise _refuse("conf-broken", message) from problem


def _write(
    request: Request, ports: Ports, conf: Section, *, needs_stopped: Sequence[str] = ()
) -> None:
    """Write the file, or bring it to all nodes. Raises InvalidRequestError.

    `needs_stopped` names the options that Corosync does not take over while it runs.
    """
    if not request.has("corosync_conf"):
        # Slow to load, and a change of a file needs none of it.
        from paceline.commands.corosync_live import spread_conf

        spread_conf(request, ports, conf, needs_stopped=needs_stopped)
        return
    try:
        ports.files.write(ports.corosync_conf_path, render_corosync_conf(conf))
    except OSError as problem:
        message = f"Unable to write '{ports.corosync_conf_path}': {problem.strerror}"
        raise _refuse("conf-unwritable", message) from problem


def _need_file(request: Request) -> None:
    """Refuse a live change of the quorum device: its daemon and certificates are not set up."""
    if not request.has("corosync_conf"):
        raise _refuse(
            "not-yet-live",
            "Changing the quorum device of a cluster is not possible yet; give a file by "
            "--corosync_conf, and bring it to all nodes while the cluster is stopped",
        )


def _section(conf: Section, name: str) -> Section:
    return next(conf.all_named(name), Section(name=name))


def _options(section: Section) -> dict[str, str]:
    return dict(section.options)


def quorum_config(request: Request, ports: Ports) -> Outcome:
    """Show quorum options and the quorum device."""
    if request.arguments:
        raise UsageError
    return Outcome(text="\n".join(quorum_lines(read_conf(ports))))


def quorum_lines(conf: Section) -> list[str]:
    """Return the lines of quorum options and quorum device."""
    quorum = _section(conf, "quorum")
    options = _options(quorum)
    lines = ["Options:"]
    lines += [f"  {name}: {options[name]}" for name in QUORUM_SHOWN if name in options]
    for device in quorum.all_named("device"):
        lines.append("Device:")
        own = _options(device)
        model = own.pop("model", "")
        lines += [f"  {name}: {own[name]}" for name in sorted(own)]
        lines.append(f"  Model: {model}")
        for inner in device.all_named(model):
            lines += [f"    {name}: {value}" for name, value in sorted(inner.options)]
        for inner in device.all_named("heuristics"):
            lines.append("  Heuristics:")
            lines += [f"    {name}: {value}" for name, value in sorted(inner.options)]
    return lines


def _check_kinds(request: Request, given: Mapping[str, str], kinds: Mapping[str, Kind]) -> None:
    for name, value in given.items():
        kind = kinds.get(name)
        if kind is not None and value != "" and not kind.is_valid(value):
            request.findings.add(bad_value(name, value, kind.words))


def quorum_update(request: Request, ports: Ports) -> Outcome:
    """Change quorum options: `quorum update NAME=[VALUE]...`."""
    if not request.arguments:
        raise UsageError
    changes = parse_pairs(request.arguments)
    request.findings.extend(check_option_names(changes, QUORUM, what="quorum"))
    _check_kinds(request, changes, QUORUM)
    conf = read_conf(ports)
    quorum = _section(conf, "quorum")
    has_device = next(quorum.all_named("device"), None) is not None
    forbidden = [name for name in changes if name in WITH_DEVICE_REMOVED]
    if has_device and forbidden:
        listed = ", ".join(f"'{name}'" for name in sorted(forbidden))
        request.findings.error(
            "with-device", f"cannot set options {listed} when a quorum device is in use"
        )
    request.findings.stop_if_errors()
    changed = _with_two_node(conf, quorum.with_options(sorted(changes.items())))
    _write(
        request, ports, conf.with_sections("quorum", (changed,)), needs_stopped=("quorum options",)
    )
    return Outcome()


def _with_two_node(conf: Section, quorum: Section) -> Section:
    """Return the quorum section with `two_node` just where it belongs."""
    options = _options(quorum)
    has_device = next(quorum.all_named("device"), None) is not None
    is_two = len(read_nodes(conf)) == 2 and not has_device
    wanted = is_two and options.get("auto_tie_breaker") != "1"
    return quorum.with_options((("two_node", "1" if wanted else ""),))


def _read_device(
    words: Sequence[str], *, is_new: bool
) -> tuple[dict[str, str], str, dict[str, str], dict[str, str]]:
    """Return generic options, model, model options, heuristics. Raises UsageError."""
    first, sections = split_sections(words, ("model", "heuristics"))
    model_words = list(sections.get("model", ()))
    model = ""
    if is_new:
        if not model_words or "=" in model_words[0]:
            raise UsageError
        model = model_words.pop(0)
    heuristics = parse_pairs(sections.get("heuristics", ()))
    return parse_pairs(first), model, parse_pairs(model_words), heuristics


def _check_device(
    request: Request,
    generic: Mapping[str, str],
    net: Mapping[str, str],
    heuristics: Mapping[str, str],
    *,
    is_new: bool,
) -> None:
    findings = request.findings
    findings.extend(
        check_option_names(generic, DEVICE_GENERIC, what="quorum device", is_forceable=True)
    )
    what = "quorum device model"
    findings.extend(check_option_names(net, DEVICE_NET, what=what, is_forceable=True))
    if is_new:
        given = [name for name, value in net.items() if value]
        findings.extend(check_required(given, ("algorithm", "host"), what=what))
    algorithm = net.get("algorithm", "")
    if algorithm and algorithm not in ALGORITHMS:
        findings.add(bad_value("algorithm", algorithm, "'ffsplit', 'lms'", is_forceable=True))
    for name in (*DEVICE_GENERIC, "connect_timeout"):
        value = {**generic, **net}.get(name, "")
        if value and not (value.isdecimal() and int(value) > 0):
            findings.add(bad_value(name, value, "a positive integer", is_forceable=True))
    mode = heuristics.get("mode", "")
    if mode and mode not in HEURISTICS_MODES:
        findings.add(bad_value("mode", mode, "'off', 'on', 'sync'", is_forceable=True))


def device_add(request: Request, ports: Ports) -> Outcome:
    """Add a quorum device: `quorum device add [OPTIONS] model net host=H algorithm=A [...]`."""
    generic, model, net, heuristics = _read_device(request.arguments, is_new=True)
    _need_file(request)
    if model != "net":
        request.findings.add(bad_value("model", model, "'net'", is_forceable=True))
    _check_device(request, generic, net, heuristics, is_new=True)
    conf = read_conf(ports)
    quorum = _section(conf, "quorum")
    if next(quorum.all_named("device"), None) is not None:
        request.findings.error("device-exists", "quorum device is already defined")
    request.findings.stop_if_errors()
    own = [("model", model)]
    if net.get("algorithm") == "ffsplit":
        own.append(("votes", "1"))
    own += sorted((name, value) for name, value in generic.items() if value)
    inner = Section(
        name=model, options=tuple(sorted((name, value) for name, value in net.items() if value))
    )
    sections = [inner]
    if any(heuristics.values()):
        pairs = tuple(sorted((name, value) for name, value in heuristics.items() if value))
        sections.append(Section(name="heuristics", options=pairs))
    device = Section(name="device", options=tuple(own), sections=tuple(sections))
    changed = quorum.with_options(tuple((name, "") for name in WITH_DEVICE_REMOVED))
    changed = changed.with_sections("device", (device,))
    _write(request, ports, conf.with_sections("quorum", (changed,)))
    return Outcome()


def _get_device(request: Request, quorum: Section) -> Section:
    device = next(quorum.all_named("device"), None)
    if device is None:
        raise _refuse("no-device", "no quorum device is defined in this cluster")
    return device


def device_update(request: Request, ports: Ports) -> Outcome:
    """Change the quorum device: `quorum device update [OPTIONS] [model ...] [heuristics ...]`."""
    if not request.arguments:
        raise UsageError
    generic, _model, net, heuristics = _read_device(request.arguments, is_new=False)
    _need_file(request)
    conf = read_conf(ports)
    quorum = _section(conf, "quorum")
    device = _get_device(request, quorum)
    _check_device(request, generic, net, heuristics, is_new=False)
    request.findings.stop_if_errors()
    device = device.with_options(sorted(generic.items()))
    model = _options(device).get("model", "net")
    if net:
        inner = next(device.all_named(model), Section(name=model))
        device = device.with_sections(model, (inner.with_options(sorted(net.items())),))
        algorithm = net.get("algorithm")
        if algorithm:
            device = device.with_options((("votes", "1" if algorithm == "ffsplit" else ""),))
    if heuristics:
        inner = next(device.all_named("heuristics"), Section(name="heuristics"))
        inner = inner.with_options(sorted(heuristics.items()))
        device = device.with_sections("heuristics", (inner,) if inner.options else ())
    changed = quorum.with_sections("device", (device,))
    _write(request, ports, conf.with_sections("quorum", (changed,)))
    return Outcome()


def device_remove(request: Request, ports: Ports) -> Outcome:
    """Remove the quorum device."""
    if request.arguments:
        raise UsageError
    _need_file(request)
    conf = read_conf(ports)
    quorum = _section(conf, "quorum")
    _get_device(request, quorum)
    changed = _with_two_node(conf, quorum.with_sections("device", ()))
    _write(request, ports, conf.with_sections("quorum", (changed,)))
    return Outcome()


def heuristics_remove(request: Request, ports: Ports) -> Outcome:
    """Remove the quorum device's heuristics."""
    if request.arguments:
        raise UsageError
    _need_file(request)
    conf = read_conf(ports)
    quorum = _section(conf, "quorum")
    device = _get_device(request, quorum).with_sections("heuristics", ())
    changed = quorum.with_sections("device", (device,))
    _write(request, ports, conf.with_sections("quorum", (changed,)))
    return Outcome()


def config_show(request: Request, ports: Ports) -> Outcome:
    """Show the cluster's corosync settings."""
    if request.arguments:
        raise UsageError
    conf = read_conf(ports)
    totem = _section(conf, "totem")
    options = _options(totem)
    lines = [
        f"Cluster Name: {read_cluster_name(conf)}",
        *([f"Cluster UUID: {options['cluster_uuid']}"] if "cluster_uuid" in options else ()),
        f"Transport: {options.get('transport', 'knet')}",
        "Nodes:",
    ]
    for node in sorted(read_nodes(conf), key=lambda one: one.name):
        lines.append(f"  {node.name}:")
        lines += [
            f"    Link {number} address: {address}" for number, address in enumerate(node.addresses)
        ]
        lines.append(f"    nodeid: {node.nodeid}")
    lines += _link_lines(totem)
    for title, pairs in _grouped(options):
        if pairs:
            lines.append(f"{title}:")
            lines += [f"  {name}: {value}" for name, value in sorted(pairs.items())]
    return Outcome(text="\n".join(lines))


def _link_lines(totem: Section) -> list[str]:
    lines: list[str] = []
    for link in totem.all_named("interface"):
        pairs = _options(link)
        number = pairs.pop("linknumber", pairs.pop("ringnumber", "0"))
        if not pairs:
            continue
        if not lines:
            lines.append("Links:")
        lines.append(f"  Link {number}:")
        lines += [f"    {name.removeprefix('knet_')}: {pairs[name]}" for name in sorted(pairs)]
    return lines


def _grouped(options: Mapping[str, str]) -> list[tuple[str, dict[str, str]]]:
    """Return transport, compression, crypto and totem options of a totem section."""
    compression = {
        name.removeprefix("knet_compression_"): value
        for name, value in options.items()
        if name.startswith("knet_compression_")
    }
    crypto = {
        name.removeprefix("crypto_"): value
        for name, value in options.items()
        if name.startswith("crypto_")
    }
    transport_names = ("ip_version", "knet_pmtud_interval", "link_mode", "netmtu")
    transport = {name: options[name] for name in transport_names if name in options}
    totem = {name: value for name, value in options.items() if name in TOTEM}
    return [
        ("Transport Options", transport),
        ("Compression Options", compression),
        ("Crypto Options", crypto),
        ("Totem Options", totem),
    ]


def config_update(request: Request, ports: Ports) -> Outcome:
    """Change corosync settings: `cluster config update [transport ...] [totem ...]`."""
    first, sections = split_sections(
        request.arguments, ("transport", "compression", "crypto", "totem")
    )
    if first or not sections:
        raise UsageError
    totem = parse_pairs(sections.get("totem", ()))
    compression = parse_pairs(sections.get("compression", ()))
    crypto = parse_pairs(sections.get("crypto", ()))
    transport = parse_pairs(sections.get("transport", ()))
    request.findings.extend(check_option_names(totem, TOTEM, what="totem"))
    _check_kinds(request, totem, TOTEM)
    request.findings.extend(check_option_names(compression, KNET_COMPRESSION, what="compression"))
    request.findings.extend(check_option_names(crypto, KNET_CRYPTO, what="crypto"))
    transports = ("ip_version", "knet_pmtud_interval", "link_mode", "netmtu")
    request.findings.extend(check_option_names(transport, transports, what="transport"))
    request.findings.stop_if_errors()
    conf = read_conf(ports)
    changes = [
        *sorted(transport.items()),
        *((f"knet_compression_{name}", value) for name, value in sorted(compression.items())),
        *((f"crypto_{name}", value) for name, value in sorted(crypto.items())),
        *sorted(totem.items()),
    ]
    changed = _section(conf, "totem").with_options(changes)
    fixed = [name for name in sorted(transport) if name in FIXED_WHILE_RUNNING]
    _write(request, ports, conf.with_sections("totem", (changed,)), needs_stopped=fixed)
    return Outcome()


COMMANDS = (
    Command(
        words="quorum config",
        handler=quorum_config,
        needs=Needs.CIB_AND_COROSYNC_CONF,
        help="Show quorum options and the quorum device.",
    ),
    Command(
        words="quorum update",
        handler=quorum_update,
        needs=Needs.COROSYNC_CONF,
        arguments="[auto_tie_breaker=[0|1]] [last_man_standing=[0|1]] "
        "[last_man_standing_window=[<ms>]] [wait_for_all=[0|1]]",
        options=("force", "skip-offline", "request-timeout"),
        help="Change quorum options; an empty value removes one.",
    ),
    Command(
        words="quorum device add",
        handler=device_add,
        needs=Needs.COROSYNC_CONF,
        arguments="[<generic options>] model net host=<host> algorithm=ffsplit|lms "
        "[<model options>] [heuristics <options>]",
        options=("force", "skip-offline", "request-timeout"),
        help="Add a quorum device.",
    ),
    Command(
        words="quorum device update",
        handler=device_update,
        needs=Needs.COROSYNC_CONF,
        arguments="[<generic options>] [model <model options>] [heuristics <options>]",
        options=("force", "skip-offline", "request-timeout"),
        help="Change the quorum device; an empty value removes an option.",
    ),
    Command(
        words="quorum device delete",
        handler=device_remove,
        needs=Needs.COROSYNC_CONF,
        options=("skip-offline", "request-timeout"),
        help="Remove the quorum device.",
        aliases=(Alias(words="quorum device remove"),),
    ),
    Command(
        words="quorum device heuristics delete",
        handler=heuristics_remove,
        needs=Needs.COROSYNC_CONF,
        options=("skip-offline", "request-timeout"),
        help="Remove the quorum device's heuristics.",
        aliases=(Alias(words="quorum device heuristics remove"),),
    ),
    Command(
        words="cluster config show",
        handler=config_show,
        needs=Needs.COROSYNC_CONF,
        help="Show the cluster's corosync settings.",
        aliases=(Alias(words="cluster config", takes_arguments=False),),
    ),
    Command(
        words="cluster config update",
        handler=config_update,
        needs=Needs.COROSYNC_CONF,
        arguments="[transport <name>=[<value>]...] [compression <name>=[<value>]...] "
        "[crypto <name>=[<value>]...] [totem <name>=[<value>]...]",
        options=("skip-offline", "request-timeout"),
        help="Change corosync settings; an empty value removes one.",
    ),
)
