"""`crm_simulate`: what the cluster would do, for the live one or a file, with events to try."""

import time
from collections.abc import Sequence

from msgspec.structs import replace

from paceline.cib.dates import parse_date_ms
from paceline.cib.read import snapshot_of_file
from paceline.cib.tree import serialize
from paceline.commands.simulate_events import BadEventError, Events, parse_result
from paceline.commands.simulate_graph import dot_text, graph_xml
from paceline.commands.simulate_input import snapshot_of_input
from paceline.commands.simulate_report import Asked, simulation_text
from paceline.commands.simulation import Simulation, simulate
from paceline.commands.tools import (
    EXIT_CONFIGURATION,
    EXIT_USAGE,
    Given,
    Option,
    Said,
    ToolError,
    ToolPorts,
)
from paceline.commands.tools import parse_options as parse
from paceline.commands.tools_cib import read_live
from paceline.model.errors import InvalidRequestError
from paceline.model.snapshot import Snapshot

OPTIONS = (
    Option("xml-file", "x", "value"), Option("live-check", "L"), Option("xml-pipe", "p"),
    Option("run", "R"), Option("simulate", "S"), Option("show-scores", "s"), Option("quiet", "Q"),
    Option("show-utilization", "U"),
    Option("set-datetime", "t", "value"), Option("quorum", "q", "value"),
    Option("watchdog", "w", "value"), Option("node-up", "u", "value"),
    Option("node-down", "d", "value"), Option("node-fail", "f", "value"),
    Option("op-inject", "i", "value"), Option("op-fail", "F", "value"),
    Option("ticket-grant", "g", "value"), Option("ticket-revoke", "r", "value"),
    Option("ticket-standby", "b", "value"), Option("ticket-activate", "e", "value"),
    Option("save-graph", "G", "value"), Option("save-dotfile", "D", "value"),
)  # fmt: skip
USAGE = (
    "Usage: crm_simulate -x FILE | -L | -p [-R | -S] [-s] [-Q] [-t TIME] [-q 0|1] [-w 0|1]\n"
    "  [-u NODE] [-d NODE] [-f NODE] [-i OPERATION=RC] [-F OPERATION=RC]\n"
    "  [-g TICKET] [-r TICKET] [-b TICKET] [-e TICKET] [-D DOTFILE] [-G GRAPHFILE]\n"
    "  [--output-as text|xml]    OPERATION: RESOURCE_TASK_INTERVAL@NODE"
)


def crm_simulate(words: Sequence[str], ports: ToolPorts) -> Said:
    """Show what would be done, and with `-S` what the cluster would be then."""
    given = parse(words, OPTIONS)
    if given.has("help"):
        return Said(USAGE)
    form = given.get("output-as", "text")
    if form not in ("text", "xml"):
        raise ToolError(f"--output-as takes text or xml, not {form}", EXIT_USAGE)
    snapshot = snapshot_of(given, ports, now_ms_of(given))
    simulation = simulation_of(given, snapshot)
    save_graphs(given, simulation, ports)
    if form == "xml":
        from paceline.commands.simulate_xml import simulation_xml

        request = " ".join(quoted(word) for word in ("crm_simulate", *words))
        return Said(simulation_xml(simulation, request=request, asked=asked_of(given)))
    return Said(simulation_text(simulation, asked_of(given)))


def asked_of(given: Given) -> Asked:
    """Return what the options ask to be shown."""
    return Asked(
        has_scores=given.has("show-scores"),
        has_utilization=given.has("show-utilization"),
        is_quiet=given.has("quiet"),
        clock=given.get("set-datetime"),
    )


def simulation_of(given: Given, snapshot: Snapshot) -> Simulation:
    """Return the simulation that the options ask for. Raises ToolError for a bad event."""
    try:
        events = _events(given)
        is_decided = events != Events() or any(
            given.has(name) for name in ("run", "simulate", "show-scores", "show-utilization",
                                         "save-graph", "save-dotfile")
        )  # fmt: skip
        return simulate(
            snapshot,
            events,
            is_decided=is_decided,
            is_carried_out=given.has("simulate"),
            failing=tuple(parse_result(each) for each in given.every.get("op-fail", ())),
        )
    except BadEventError as problem:
        raise ToolError(str(problem), EXIT_USAGE) from problem


def _events(given: Given) -> Events:
    def names(option: str) -> tuple[str, ...]:
        return given.every.get(option, ())

    return Events(
        quorum=_flag(given, "quorum"),
        watchdog=_flag(given, "watchdog"),
        nodes_up=names("node-up"),
        nodes_down=names("node-down"),
        nodes_failed=names("node-fail"),
        granted=names("ticket-grant"),
        revoked=names("ticket-revoke"),
        in_standby=names("ticket-standby"),
        activated=names("ticket-activate"),
        results=tuple(parse_result(each) for each in names("op-inject")),
    )


def _flag(given: Given, option: str) -> bool | None:
    if not given.has(option):
        return None
    return given.get(option).lower() in ("1", "true", "yes", "y", "on")


def document_of(given: Given, ports: ToolPorts) -> bytes:
    """Return the CIB, with its status, that the options name."""
    path = given.get("xml-file")
    if path == "-" or given.has("xml-pipe"):
        return ports.read_input()
    if path:
        try:
            return ports.read_file(path)
        except OSError as problem:
            raise ToolError(f"cannot read {path}: {problem.strerror}") from problem
    return serialize(read_live(ports))


def snapshot_of(given: Given, ports: ToolPorts, now_ms: int) -> Snapshot:
    """Return what the options name: a file must be valid, what runs is taken as it is.

    Raises ToolError with all that is wrong in a file.
    """
    document = document_of(given, ports)
    is_of_file = given.has("xml-file") or given.has("xml-pipe")
    try:
        if is_of_file:
            return snapshot_of_input(document, now_ms, is_now_given=given.has("set-datetime"))
        running = snapshot_of_file(document, now_ms)
        # Whatever its option have-watchdog says: a running cluster has no watchdog fencing.
        status = replace(running.status, has_watchdog_fencing=False)
        return replace(running, status=status)
    except InvalidRequestError as problem:
        raise ToolError(problems_text(problem), EXIT_CONFIGURATION) from problem


def problems_text(problem: InvalidRequestError) -> str:
    """Return all that is wrong with a configuration, one problem a line."""
    return "\n".join(
        ["the configuration is not valid:", *(f"  {r.message}" for r in problem.reports)]
    )


def quoted(word: str) -> str:
    """Return a word as it would be typed: with quotes where it has blanks."""
    return f"'{word}'" if " " in word else word


def now_ms_of(given: Given) -> int:
    """Return the moment to decide for: the given one, or now."""
    text = given.get("set-datetime")
    if not text:
        return int(time.time()) * 1000
    try:
        return parse_date_ms(text)
    except ValueError as problem:
        raise ToolError(f"Invalid date/time: {text}", EXIT_USAGE) from problem


def save_graphs(given: Given, simulation: Simulation, ports: ToolPorts) -> None:
    """Write the graphs that were asked for."""
    decision = simulation.decision
    if decision is None:
        return
    if given.has("save-graph"):
        ports.write_file(given.get("save-graph"), graph_xml(decision.plan, simulation.snapshot))
    if given.has("save-dotfile"):
        ports.write_file(given.get("save-dotfile"), dot_text(decision.plan).encode())
