"""`quorum device add|update|remove|status`: the quorum device in corosync.conf, and of the cluster.

With `--corosync_conf FILE` only the file is changed; what a cluster needs beside it is brought by
`quorum_device_live`.
"""

import re
from collections.abc import Mapping, Sequence

from paceline.cib.wording import bad_value, check_option_names, check_required, quoted
from paceline.commands.arguments import parse_pairs, split_sections
from paceline.commands.cluster_options import POSITIVE, Kind, choice, number_range
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.corosync_file import (
    WITH_DEVICE_REMOVED,
    get_section_of,
    options_of,
    read_conf,
    refuse,
    with_two_node,
    write_conf,
)
from paceline.model.corosync_conf import Section, read_nodes
from paceline.model.errors import UnreachableError

MODEL_NET = "net"
GENERIC: Mapping[str, Kind] = {
    "sync_timeout": POSITIVE,
    "timeout": POSITIVE,
}
HEURISTICS: Mapping[str, Kind] = {
    "mode": choice("off", "on", "sync"),
    "interval": POSITIVE,
    "sync_timeout": POSITIVE,
    "timeout": POSITIVE,
}
EXEC_PREFIX = "exec_"
_EXEC_NAME = re.compile(r"exec_[a-zA-Z0-9/_-]*")
_PORT_MAX = 65_535


def _net_kinds(conf: Section) -> dict[str, Kind]:
    """Return what each option of the model may be: a tie breaker names a node of this cluster."""
    ids = sorted(str(node.nodeid) for node in read_nodes(conf))
    port = number_range(1, _PORT_MAX)
    return {
        "algorithm": choice("ffsplit", "lms"),
        "connect_timeout": number_range(1000, 2 * 60 * 1000),
        "force_ip_version": choice("0", "4", "6"),
        "port": Kind(is_valid=port.is_valid, words="a port number (1..65535)"),
        "tie_breaker": choice(*ids, "highest", "lowest"),
    }


NET_OPTIONS = ("algorithm", "connect_timeout", "force_ip_version", "host", "port", "tie_breaker")


class _Words:
    """What the words say of a device. Raises UsageError."""

    def __init__(self, words: Sequence[str], *, is_new: bool) -> None:
        first, sections = split_sections(words, ("model", "heuristics"))
        model_words = list(sections.get("model", ()))
        self.model = ""
        if is_new:
            if "model" not in sections:
                raise UsageError
            if not model_words:
                raise UsageError("No model options specified")
            if "=" in model_words[0]:
                raise UsageError
            self.model = model_words.pop(0)
        self.generic = parse_pairs(first)
        self.net = parse_pairs(model_words)
        self.heuristics = parse_pairs(sections.get("heuristics", ()))
        if "model" in self.generic:
            raise UsageError("Model cannot be specified in generic options")


def _check(request: Request, conf: Section, words: _Words, *, is_new: bool) -> None:
    """Report everything that is wrong with the options."""
    findings = request.findings
    is_net = not is_new or words.model == MODEL_NET
    if is_net:
        _check_net(request, conf, words.net, is_new=is_new)
    findings.extend(
        check_option_names(words.generic, GENERIC, what="quorum device", is_forceable=True)
    )
    _check_values(request, words.generic, GENERIC)
    _check_heuristics(request, words.heuristics)


def _check_net(request: Request, conf: Section, net: Mapping[str, str], *, is_new: bool) -> None:
    findings = request.findings
    what = "quorum device model"
    given = [name for name, value in net.items() if value]
    if is_new:
        findings.extend(check_required(given, ("algorithm", "host"), what=what))
    if not is_new and net.get("host") == "":
        findings.error("value-empty", "host cannot be empty, use a qdevice host address")
    if not is_new and net.get("algorithm") == "":
        findings.error("value-empty", "algorithm cannot be empty, use 'ffsplit', 'lms'")
    findings.extend(check_option_names(net, NET_OPTIONS, what=what, is_forceable=True))
    _check_values(request, net, _net_kinds(conf))


def _check_values(request: Request, given: Mapping[str, str], kinds: Mapping[str, Kind]) -> None:
    for name, kind in kinds.items():
        value = given.get(name, "")
        if value and not kind.is_valid(value):
            request.findings.add(bad_value(name, value, kind.words, is_forceable=True))


def _check_heuristics(request: Request, given: Mapping[str, str]) -> None:
    findings = request.findings
    commands = {name: value for name, value in given.items() if name.startswith(EXEC_PREFIX)}
    wrong = sorted(name for name in commands if not _EXEC_NAME.fullmatch(name))
    if wrong:
        noun = "option" if len(wrong) == 1 else "options"
        findings.error(
            "heuristics-name",
            f"invalid heuristics {noun} {quoted(wrong)}, heuristics options may contain a-z A-Z "
            "0-9 /_- characters only",
        )
    own = {name: value for name, value in given.items() if name not in commands}
    alien = sorted(name for name in own if name not in HEURISTICS)
    if alien:
        noun = "option" if len(alien) == 1 else "options:"
        findings.error(
            "option-invalid",
            f"invalid heuristics {noun} {quoted(alien)}, allowed options are: "
            f"{quoted(sorted(HEURISTICS))} and options matching patterns: 'exec_NAME'",
            is_forceable=True,
        )
    _check_values(request, own, HEURISTICS)


def _warn_of_no_commands(request: Request, heuristics: Section | None) -> None:
    if heuristics is None or options_of(heuristics).get("mode") not in ("on", "sync"):
        return
    if not any(name.startswith(EXEC_PREFIX) for name in options_of(heuristics)):
        request.findings.warn(
            "heuristics-without-commands",
            "No exec_NAME options are specified, so heuristics are effectively disabled",
        )


def add(request: Request, ports: Ports) -> Outcome:
    """Add a quorum device: `quorum device add [OPTIONS] model net host=H algorithm=A [...]`."""
    words = _Words(request.arguments, is_new=True)
    conf = read_conf(ports)
    quorum = get_section_of(conf, "quorum")
    if next(quorum.all_named("device"), None) is not None:
        raise refuse("device-exists", "quorum device is already defined")
    if words.model != MODEL_NET:
        request.findings.add(bad_value("model", words.model, "'net'", is_forceable=True))
    _check(request, conf, words, is_new=True)
    for name in sorted(one for one, value in words.heuristics.items() if not value):
        if name.startswith(EXEC_PREFIX):
            message = f"{name} cannot be empty, use a command to be run"
            request.findings.error("value-empty", message)
    request.findings.stop_if_errors()
    own = [("model", words.model)]
    if words.model == MODEL_NET and words.net.get("algorithm") == "ffsplit":
        own.append(("votes", "1"))
    own += _given(words.generic)
    sections = [Section(name=words.model, options=tuple(_given(words.net)))]
    heuristics = None
    if any(words.heuristics.values()):
        heuristics = Section(name="heuristics", options=tuple(_given(words.heuristics)))
        sections.append(heuristics)
    _warn_of_no_commands(request, heuristics)
    device = Section(name="device", options=tuple(own), sections=tuple(sections))
    changed = quorum.with_options(tuple((name, "") for name in WITH_DEVICE_REMOVED))
    changed = changed.with_sections("device", (device,))
    conf = conf.with_sections("quorum", (changed,))
    if _is_on_file(request):
        write_conf(request, ports, conf)
    else:
        from paceline.commands.quorum_device_live import bring_device

        bring_device(request, ports, conf)
    return Outcome()


def _is_on_file(request: Request) -> bool:
    """Say whether only a file is changed, or shown: what a cluster needs is slow to load."""
    return request.has("corosync_conf") or request.has("dry-run")


def _given(pairs: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted((name, value) for name, value in pairs.items() if value)


def _get_device(quorum: Section) -> Section:
    device = next(quorum.all_named("device"), None)
    if device is None:
        raise refuse("no-device", "no quorum device is defined in this cluster")
    return device


def update(request: Request, ports: Ports) -> Outcome:
    """Change the quorum device: `quorum device update [OPTIONS] [model ...] [heuristics ...]`."""
    if not request.arguments:
        raise UsageError
    words = _Words(request.arguments, is_new=False)
    conf = read_conf(ports)
    quorum = get_section_of(conf, "quorum")
    device = _get_device(quorum)
    _check(request, conf, words, is_new=False)
    request.findings.stop_if_errors()
    device = device.with_options(sorted(words.generic.items()))
    model = options_of(device).get("model", MODEL_NET)
    if words.net:
        inner = next(device.all_named(model), Section(name=model))
        device = device.with_sections(model, (inner.with_options(sorted(words.net.items())),))
        algorithm = words.net.get("algorithm")
        if algorithm:
            device = device.with_options((("votes", "1" if algorithm == "ffsplit" else ""),))
    if words.heuristics:
        inner = next(device.all_named("heuristics"), Section(name="heuristics"))
        inner = inner.with_options(sorted(words.heuristics.items()))
        _warn_of_no_commands(request, inner)
        device = device.with_sections("heuristics", (inner,) if inner.options else ())
    changed = quorum.with_sections("device", (device,))
    write_conf(
        request,
        ports,
        conf.with_sections("quorum", (changed,)),
        needs_stopped=("quorum device options",),
    )
    return Outcome()


def remove(request: Request, ports: Ports) -> Outcome:
    """Remove the quorum device."""
    if request.arguments:
        raise UsageError
    conf = read_conf(ports)
    quorum = get_section_of(conf, "quorum")
    _get_device(quorum)
    changed = with_two_node(conf, quorum.with_sections("device", ()))
    conf = conf.with_sections("quorum", (changed,))
    if _is_on_file(request):
        write_conf(request, ports, conf)
    else:
        from paceline.commands.quorum_device_live import take_device_away

        take_device_away(request, ports, conf)
    return Outcome()


def heuristics_remove(request: Request, ports: Ports) -> Outcome:
    """Remove the quorum device's heuristics."""
    if request.arguments:
        raise UsageError
    conf = read_conf(ports)
    quorum = get_section_of(conf, "quorum")
    device = _get_device(quorum).with_sections("heuristics", ())
    conf = conf.with_sections("quorum", (quorum.with_sections("device", (device,)),))
    if _is_on_file(request):
        write_conf(request, ports, conf)
    else:
        from paceline.commands.quorum_device_live import bring_settings

        bring_settings(request, ports, conf)
    return Outcome()


def status(request: Request, ports: Ports) -> Outcome:
    """Show what corosync-qdevice on this node says."""
    if request.arguments:
        raise UsageError
    try:
        text = ports.open_node().quorum_device.device_text(is_full=request.has("full"))
    except UnreachableError as error:
        raise refuse("device-status", f"Unable to get quorum status: {error}") from error
    return Outcome(text=text.rstrip("\n"))


COMMANDS = (
    Command(
        words="quorum device add",
        handler=add,
        needs=Needs.COROSYNC_CONF,
        arguments="[<generic options>] model net host=<host> algorithm=ffsplit|lms "
        "[<model options>] [heuristics <options>]",
        options=("force", "skip-offline", "request-timeout"),
        help="Add a quorum device; its host is set up by 'qdevice setup' and known by 'host auth'.",
    ),
    Command(
        words="quorum device update",
        handler=update,
        needs=Needs.COROSYNC_CONF,
        arguments="[<generic options>] [model <model options>] [heuristics <options>]",
        options=("force", "skip-offline", "request-timeout"),
        help="Change the quorum device; an empty value removes an option.",
    ),
    Command(
        words="quorum device status",
        handler=status,
        needs=Needs.NOTHING,
        options=("full",),
        help="Show what the quorum device's end on this node says.",
    ),
    Command(
        words="quorum device delete",
        handler=remove,
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
)
