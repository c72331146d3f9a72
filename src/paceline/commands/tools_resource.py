"""`crm_resource`: where resources run and why, their values, moves, agents.

This module has the options and finds what is to be done; `tools_resource_asked` answers questions,
`tools_resource_change` changes the configuration, `tools_resource_agents` is about agents.
"""

from collections.abc import Mapping, Sequence

from paceline.commands import (
    tools_resource_agents as agents,
)
from paceline.commands import (
    tools_resource_asked as asked,
)
from paceline.commands import (
    tools_resource_change as change,
)
from paceline.commands import (
    tools_resource_ties as ties,
)
from paceline.commands.tools import Given, Option, Said, ToolPorts, parse_options
from paceline.commands.tools_answers import Act, Answer, failed, run_act

OPTIONS = (
    Option("list", "L"), Option("list-raw", "l"), Option("list-operations", "O"),
    Option("list-all-operations", "o"), Option("list-standards"), Option("list-ocf-providers"),
    Option("list-agents", "", "value"), Option("list-ocf-alternatives", "", "maybe"),
    Option("show-metadata", "", "value"), Option("query-xml", "q"), Option("query-xml-raw", "w"),
    Option("get-parameter", "g", "value"), Option("locate", "W"), Option("constraints", "a"),
    Option("stack", "A"), Option("why", "Y"), Option("validate", "", "maybe"),
    Option("cleanup", "C"), Option("refresh", "RP"), Option("set-parameter", "p", "value"),
    Option("delete-parameter", "d", "value"), Option("move", "M"), Option("ban", "B"),
    Option("clear", "U"), Option("expired", "e"), Option("lifetime", "u", "value"),
    Option("promoted"), Option("master"), Option("delete", "D"), Option("fail", "F"),
    Option("restart"), Option("wait"), Option("digests"), Option("force-demote"),
    Option("force-stop"), Option("force-start"), Option("force-promote"),
    Option("force-check", "", "maybe"), Option("node", "NH", "value"),
    Option("resource", "r", "value"), Option("resource-type", "t", "value"),
    Option("parameter-value", "v", "value"), Option("meta", "m"), Option("utilization", "z"),
    Option("element", "", "value"), Option("set-name", "s", "value"),
    Option("nvpair", "i", "value"), Option("operation", "n", "value"),
    Option("interval", "I", "value"), Option("class", "", "value"), Option("agent", "", "value"),
    Option("provider", "", "value"), Option("option", "", "value"), Option("recursive"),
    Option("force", "f"), Option("quiet", "Q"), Option("timeout", "T", "value"),
    Option("text-fancy"),
)  # fmt: skip
EXIT_UNIMPLEMENTED = 3
ALIASES = {
    "--migrate": "--move", "--un-migrate": "--clear", "--un-move": "--clear",
    "--unmove": "--clear", "--host-uname": "--node", "--reprobe": "--refresh",
    "--property-value": "--parameter-value",
}  # fmt: skip
"""Older words that scripts still use."""
ACTS: Mapping[str, Act] = {
    "list-raw": asked.list_raw,
    "list-operations": asked.operations,
    "list-all-operations": asked.operations,
    "query-xml": asked.query_xml,
    "query-xml-raw": asked.query_xml,
    "locate": asked.locate,
    "why": asked.why,
    "digests": asked.digests,
    "constraints": ties.constraints,
    "stack": ties.constraints,
    "get-parameter": asked.get_parameter,
    "set-parameter": change.set_parameter,
    "delete-parameter": change.delete_parameter,
    "move": change.move,
    "ban": change.ban,
    "clear": change.clear,
    "delete": change.delete,
    "cleanup": change.clear_history,
    "refresh": change.clear_history,
    "restart": change.restart,
    "wait": change.wait,
    "list-standards": agents.list_standards,
    "list-ocf-providers": agents.list_providers,
    "list-ocf-alternatives": agents.list_alternatives,
    "list-agents": agents.list_agents,
    "show-metadata": agents.show_metadata,
    "validate": agents.run_by_hand,
    "force-start": agents.run_by_hand,
    "force-stop": agents.run_by_hand,
    "force-promote": agents.run_by_hand,
    "force-demote": agents.run_by_hand,
    "force-check": agents.run_by_hand,
    "list": asked.list_all,
}
"""What may be asked; `list` where nothing is."""
USAGE = (
    "Usage: crm_resource -L | -l | -O | -o | -W | -q | -w | -g NAME | -a | -A | -Y | --digests\n"
    "       crm_resource -p NAME -v VALUE | -d NAME [-m | -z] [-s SET] [-i ID]  -r RESOURCE\n"
    "       crm_resource -M | -B | -U [-N NODE] [-u LIFETIME] [--promoted] [-e] -r RESOURCE\n"
    "       crm_resource -C | -R [-r RESOURCE] [-N NODE] [-n OPERATION -I INTERVAL]\n"
    "       crm_resource --restart -r RESOURCE | --wait | -D -r RESOURCE -t TYPE\n"
    "       crm_resource --force-start|stop|promote|demote|check -r RESOURCE\n"
    "       crm_resource --validate -r RESOURCE | --class C --agent A [--option NAME=VALUE ...]\n"
    "       crm_resource --list-standards | --list-ocf-providers\n"
    "                    | --list-agents STANDARD[:PROVIDER] | --list-ocf-alternatives AGENT\n"
    "                    | --show-metadata AGENT\n"
    "       also: -r RESOURCE, -N NODE, -Q, --force, --timeout, --recursive, --output-as=xml"
)


def crm_resource(words: Sequence[str], ports: ToolPorts) -> Said:
    """Do one thing with resources."""
    given = parse_options([_modern(word) for word in words], OPTIONS)
    if given.has("help"):
        return Said(USAGE)
    return run_act("crm_resource", _act(given), given, words, ports)


def _modern(word: str) -> str:
    name, equals, value = word.partition("=")
    return f"{ALIASES.get(name, name)}{equals}{value}"


def _fail(_given: Given, _ports: ToolPorts) -> Answer:
    """Refuse: a failure that nobody saw cannot be told to the cluster."""
    raise failed(EXIT_UNIMPLEMENTED, "Paceline takes results from agents only; see --restart")


def _act(given: Given) -> Act:
    if given.has("fail"):
        return _fail
    return next((act for name, act in ACTS.items() if given.has(name)), ACTS["list"])
