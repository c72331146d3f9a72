"""`paceline simulate`: the tool's report, reasons and scores in sentences, and JSON.

    paceline simulate [FILE] [--why] [--scores] [events, as crm_simulate takes them]
    paceline simulate --json [--now TIME] FILE
    paceline simulate --json --batch IN_DIR OUT_DIR [--times FILE]

Without FILE the running cluster is meant. TIME is seconds since 1970 or a date.
"""

from collections.abc import Iterator, Sequence

from paceline.cib.dates import parse_date_ms
from paceline.commands.score_text import score_blocks
from paceline.commands.simulate import conformance_json
from paceline.commands.simulate_input import snapshot_of_input
from paceline.commands.simulate_report import simulation_text
from paceline.commands.simulation import Simulation
from paceline.commands.tools import EXIT_USAGE, Given, Option, Said, ToolError, ToolPorts
from paceline.commands.tools import parse_options as parse
from paceline.commands.tools_simulate import OPTIONS as TOOL_OPTIONS
from paceline.commands.tools_simulate import (
    asked_of,
    problems_text,
    save_graphs,
    simulation_of,
    snapshot_of,
)
from paceline.commands.why import is_worth_telling, node_text, why_text
from paceline.model.errors import InvalidRequestError
from paceline.model.snapshot import Snapshot
from paceline.scheduler.explain import explain_all, explain_nodes, score_tables

OPTIONS = (
    *TOOL_OPTIONS, Option("json"), Option("batch"), Option("now", "", "value"),
    Option("times", "", "value"), Option("why"), Option("scores"),
)  # fmt: skip
USAGE = """Usage: paceline simulate [FILE] [--why] [--scores] [EVENTS]
       paceline simulate --json [--now TIME] FILE
       paceline simulate --json --batch IN_DIR OUT_DIR [--times FILE]

Show what the cluster would do, and what it would be then. Without FILE: the running cluster.

  --why                 say why, for every resource that something happens to
  --scores              every node's score for every resource, and what it is made of
  --now TIME            decide as at this time: seconds since 1970, or a date
  --json                the decision as JSON; with --batch for every IN_DIR/NAME.xml
  --times FILE          lines of NAME, tab, time: the time of single files
  --node-up/--node-down/--node-fail NODE
  --ticket-grant/--ticket-revoke/--ticket-standby/--ticket-activate TICKET
  --op-inject/--op-fail RESOURCE_TASK_INTERVAL@NODE=RC
  --quorum/--watchdog 0|1
  --save-graph FILE, --save-dotfile FILE, --show-scores, --quiet: as crm_simulate"""


def simulate_words(words: Sequence[str]) -> Given:
    """Read the words. Raises ToolError (usage)."""
    given = parse(words, OPTIONS)
    if len(given.words) > (2 if given.has("batch") else 1):
        raise ToolError(f"unexpected word '{given.words[-1]}'\n{USAGE}", EXIT_USAGE)
    return given


def moment_ms(text: str, default_ms: int) -> int:
    """Return the moment that `--now` names. Raises ToolError where it names none."""
    if not text:
        return default_ms
    try:
        return int(text) * 1000 if text.isdecimal() else parse_date_ms(text.strip("'"))
    except ValueError as problem:
        raise ToolError(str(problem), EXIT_USAGE) from problem


def paceline_simulate(given: Given, ports: ToolPorts, *, now_ms: int) -> Said:
    """Answer all but `--batch`."""
    if given.has("help"):
        return Said(USAGE)
    snapshot = _snapshot(given, ports, now_ms)
    if given.has("json"):
        name = given.words[0] if given.words else "live"
        return Said(conformance_json(case_name(name), snapshot))
    shown = Given(values={**given.values, "simulate": ""}, every=given.every, words=given.words)
    simulation = simulation_of(shown, snapshot)
    save_graphs(shown, simulation, ports)
    asked = asked_of(given)
    blocks = [simulation_text(simulation, asked)]
    if given.has("why"):
        blocks.extend(_reasons(simulation))
    if given.has("scores"):
        blocks.extend(score_blocks(score_tables(simulation.snapshot)))
    return Said("\n\n".join(block for block in blocks if block))


def case_name(path: str) -> str:
    """Return a file's name without folder and ending."""
    return path.rpartition("/")[2].removesuffix(".xml")


def _snapshot(given: Given, ports: ToolPorts, now_ms: int) -> Snapshot:
    asked = given.get("now") or given.get("set-datetime")
    now_ms = moment_ms(asked, now_ms)
    if not given.words:
        return snapshot_of(given, ports, now_ms)
    try:
        document = ports.read_file(given.words[0])
    except OSError as problem:
        raise ToolError(f"cannot read {given.words[0]}: {problem.strerror}") from problem
    try:
        return snapshot_of_input(document, now_ms, is_now_given=bool(asked))
    except InvalidRequestError as problem:
        raise ToolError(problems_text(problem)) from problem


def batch_times(text: str) -> dict[str, int]:
    """Read the lines of `--times`. Raises ToolError."""
    times: dict[str, int] = {}
    for line in text.splitlines():
        if line.strip():
            name, tab, moment = line.partition("\t")
            if not tab or not moment.strip():
                raise ToolError(f"--times wants lines of case, tab, time, not '{line}'", EXIT_USAGE)
            times[name.strip()] = moment_ms(moment.strip().removeprefix("-t ").strip("'"), 0)
    return times


def _reasons(simulation: Simulation) -> Iterator[str]:
    """Yield why, for every node and resource that something happens to, or should."""
    yield from (node_text(each) for each in explain_nodes(simulation.snapshot))
    for each in explain_all(simulation.snapshot):
        if is_worth_telling(each):
            yield "\n".join(why_text(each, each.resource))
