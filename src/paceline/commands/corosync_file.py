"""`quorum config|update`: quorum in corosync.conf, and how such commands read and write the file.

With `--corosync_conf FILE` a file is edited in place. Without, this node's file is shown, and
what is changed goes to all nodes through their node services (`corosync_live`).
"""

import difflib
from collections.abc import Mapping, Sequence

from paceline.cib.wording import bad_value, check_option_names
from paceline.commands.arguments import parse_pairs
from paceline.commands.cluster_options import QUORUM, Kind
from paceline.commands.contract import Alias, Command, Needs, Outcome, Ports, Request, UsageError
from paceline.model.corosync_conf import (
    Section,
    parse_corosync_conf,
    read_nodes,
    render_corosync_conf,
)
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report

QUORUM_SHOWN = (
    "auto_tie_breaker", "last_man_standing", "last_man_standing_window", "wait_for_all",
)  # fmt: skip
WITH_DEVICE_REMOVED = (
    "auto_tie_breaker", "last_man_standing", "last_man_standing_window", "two_node",
    "allow_downscale",
)  # fmt: skip
"""Options that a quorum device makes meaningless or forbids. Source: votequorum(5)."""


def refuse(code: str, message: str) -> InvalidRequestError:
    """Return the refusal with one report."""
    return InvalidRequestError(Report(code=code, message=message))


def read_conf(ports: Ports) -> Section:
    """Return corosync.conf. Raises InvalidRequestError where it cannot be read."""
    path = ports.corosync_conf_path
    try:
        return parse_corosync_conf(ports.files.read(path))
    except OSError as problem:
        message = f"Unable to read Corosync configuration '{path}': {problem.strerror}"
        raise refuse("conf-unreadable", message) from problem
    except ValueError as problem:
        message = f"Unable to parse corosync config '{path}': {problem}"
        raise refuse("conf-broken", message) from problem


def write_conf(
    request: Request, ports: Ports, conf: Section, *, needs_stopped: Sequence[str] = ()
) -> None:
    """Write the file, or bring it to all nodes. Raises InvalidRequestError.

    `needs_stopped` names the options that Corosync does not take over while it runs.
    """
    if request.has("dry-run"):
        show_difference(request, ports, conf, needs_stopped)
        return
    if not request.has("corosync_conf"):
        # Slow to load, and a change of a file needs none of it.
        from paceline.commands.corosync_live import spread_conf

        spread_conf(request, ports, conf, needs_stopped=needs_stopped)
        return
    try:
        ports.files.write(ports.corosync_conf_path, render_corosync_conf(conf))
    except OSError as problem:
        message = f"Unable to write '{ports.corosync_conf_path}': {problem.strerror}"
        raise refuse("conf-unwritable", message) from problem


def show_difference(
    request: Request, ports: Ports, conf: Section, needs_stopped: Sequence[str]
) -> None:
    """Show what would change in the file, and whether Corosync would take it over while it runs."""
    old = render_corosync_conf(read_conf(ports)).splitlines()
    new = render_corosync_conf(conf).splitlines()
    lines = difflib.unified_diff(old, new, "now", "then", lineterm="", n=2)
    request.progress("\n".join(lines))
    if needs_stopped:
        named = ", ".join(needs_stopped)
        request.progress(f"The cluster has to be stopped for it: {named}.")


def get_section_of(conf: Section, name: str) -> Section:
    """Return the first section of this name, or an empty one."""
    return next(conf.all_named(name), Section(name=name))


def options_of(section: Section) -> dict[str, str]:
    """Return a section's own options."""
    return dict(section.options)


def quorum_config(request: Request, ports: Ports) -> Outcome:
    """Show quorum options and the quorum device."""
    if request.arguments:
        raise UsageError
    return Outcome(text="\n".join(quorum_lines(read_conf(ports))))


def quorum_lines(conf: Section) -> list[str]:
    """Return the lines of quorum options and quorum device."""
    quorum = get_section_of(conf, "quorum")
    options = options_of(quorum)
    lines = ["Options:"]
    lines += [f"  {name}: {options[name]}" for name in QUORUM_SHOWN if name in options]
    for device in quorum.all_named("device"):
        lines.append("Device:")
        own = options_of(device)
        model = own.pop("model", "")
        lines += [f"  {name}: {own[name]}" for name in sorted(own)]
        lines.append(f"  Model: {model}")
        for inner in device.all_named(model):
            lines += [f"    {name}: {value}" for name, value in sorted(inner.options)]
        for inner in device.all_named("heuristics"):
            lines.append("  Heuristics:")
            lines += [f"    {name}: {value}" for name, value in sorted(inner.options)]
    return lines


def check_kinds(request: Request, given: Mapping[str, str], kinds: Mapping[str, Kind]) -> None:
    """Report the values that cannot be; an empty one removes an option, and always can."""
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
    check_kinds(request, changes, QUORUM)
    conf = read_conf(ports)
    quorum = get_section_of(conf, "quorum")
    has_device = next(quorum.all_named("device"), None) is not None
    forbidden = [name for name in changes if name in WITH_DEVICE_REMOVED]
    if has_device and forbidden:
        listed = ", ".join(f"'{name}'" for name in sorted(forbidden))
        request.findings.error(
            "with-device",
            f"These options cannot be set when the cluster uses a quorum device: {listed}",
        )
    after = {**options_of(quorum), **changes}
    if after.get("last_man_standing_window") and after.get("last_man_standing") != "1":
        request.findings.error(
            "prerequisite-missing",
            "If quorum option 'last_man_standing_window' is enabled, quorum option "
            "'last_man_standing' must be enabled as well",
        )
    request.findings.stop_if_errors()
    changed = with_two_node(conf, quorum.with_options(sorted(changes.items())))
    write_conf(
        request, ports, conf.with_sections("quorum", (changed,)), needs_stopped=("quorum options",)
    )
    return Outcome()


def with_two_node(conf: Section, quorum: Section) -> Section:
    """Return the quorum section with `two_node` just where it belongs."""
    options = options_of(quorum)
    has_device = next(quorum.all_named("device"), None) is not None
    is_two = len(read_nodes(conf)) == 2 and not has_device
    wanted = is_two and options.get("auto_tie_breaker") != "1"
    return quorum.with_options((("two_node", "1" if wanted else ""),))


COMMANDS = (
    Command(
        words="quorum config",
        handler=quorum_config,
        needs=Needs.CIB_AND_COROSYNC_CONF,
        help="Show quorum options and the quorum device.",
        aliases=(Alias(words="quorum", takes_arguments=False),),
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
)
