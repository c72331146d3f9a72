"""`paceline simulate` as a program of its own: it runs as the user, on the user's files."""

import os
import sys
import time
from pathlib import Path

from paceline.adapters.daemon_client import DaemonClient
from paceline.cli.tools import tool_ports
from paceline.commands.simulate import conformance_json
from paceline.commands.simulate_command import (
    batch_times,
    moment_ms,
    paceline_simulate,
    simulate_words,
)
from paceline.commands.simulate_input import snapshot_of_input
from paceline.commands.tools import Given, Said, ToolError, guard
from paceline.commands.tools_simulate import problems_text
from paceline.model.errors import InvalidRequestError


def main(words: list[str]) -> int:
    """Obey the words; return the exit status."""
    now_ms = int(time.time()) * 1000
    try:
        given = simulate_words(words)
        if given.has("batch") and not given.has("help"):
            return run_batch(given, now_ms)
    except ToolError as problem:
        sys.stderr.write(f"Error: {problem}\n")
        return problem.status
    ports = tool_ports(DaemonClient(), "simulate")
    said = guard(
        lambda _words, ports: paceline_simulate(given, ports, now_ms=now_ms), "simulate", words,
        ports,
    )  # fmt: skip
    return _show(said)


def _show(said: Said) -> int:
    try:
        if said.out:
            sys.stdout.write(f"{said.out}\n")
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    if said.err:
        sys.stderr.write(f"{said.err}\n")
    return said.status


def run_batch(given: Given, now_ms: int) -> int:
    """Write OUT_DIR/NAME.json for every IN_DIR/NAME.xml; 1 if a file could not be answered."""
    if len(given.words) != 2 or not given.has("json"):
        raise ToolError("--batch takes two folders, and --json with it: --json --batch IN OUT")
    source, target = (Path(word) for word in given.words)
    if not source.is_dir():
        raise ToolError(f"there is no folder {source}")
    now_ms = moment_ms(given.get("now"), now_ms)
    status = 0
    try:
        times = batch_times(Path(given.get("times")).read_text()) if given.has("times") else {}
        target.mkdir(parents=True, exist_ok=True)
        for path in sorted(source.glob("*.xml")):
            name = path.stem
            moment = times.get(name, now_ms)
            is_now_given = name in times or given.has("now")
            try:
                snapshot = snapshot_of_input(path.read_bytes(), moment, is_now_given=is_now_given)
            except InvalidRequestError as problem:
                sys.stderr.write(f"{path.name}: {problems_text(problem)}\n")
                status = 1
                continue
            text = conformance_json(name, snapshot)
            (target / f"{name}.json").write_text(text, encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise ToolError(str(problem)) from problem
    return status
