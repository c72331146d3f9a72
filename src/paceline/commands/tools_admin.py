"""`crmadmin`: who coordinates, which nodes there are, is the daemon well."""

from collections.abc import Mapping, Sequence

from paceline.commands.tools import (
    EXIT_NO_SUCH,
    EXIT_USAGE,
    Facts,
    Given,
    Option,
    Said,
    ToolError,
    ToolPorts,
    parse_options,
)

OPTIONS = (
    Option("status", "S", "value"),
    Option("pacemakerd", "P"),
    Option("dc_lookup", "D"),
    Option("nodes", "N", "maybe"),
    Option("timeout", "t", "value"),
    Option("bash-export", "B"),
    Option("ipc-name", "i", "value"),
    Option("quiet", "q"),
)
KINDS = {"cluster": "member", "guest": "guest", "remote": "remote"}
IDLE, NOT_COORDINATING, PENDING = "S_IDLE", "S_NOT_DC", "S_PENDING"
"""The states that callers look for; a Paceline node has no others to tell."""


def crmadmin(words: Sequence[str], ports: ToolPorts) -> Said:
    """Answer about the coordinator, the nodes or the daemon."""
    given = parse_options(words, OPTIONS)
    if given.has("help"):
        return Said("Usage: crmadmin -D | -N[TYPE] [-B] | -S NODE | -P  [-q]")
    facts = Facts(ports)
    coordinator = str(facts.record.get("coordinator") or "")
    is_quiet = given.has("quiet")
    if given.has("dc_lookup"):
        if not coordinator:
            return Said(err="DC not yet elected", status=EXIT_NO_SUCH)
        return Said(coordinator if is_quiet else f"Designated Controller is: {coordinator}")
    if given.has("nodes"):
        return Said("\n".join(_nodes(given, facts)))
    if given.has("pacemakerd"):
        return Said("running" if is_quiet else "Status of pacemakerd: 'running'")
    if given.has("status"):
        return _status(given.get("status"), coordinator, facts, is_quiet=is_quiet)
    raise ToolError("give -D, -N, -S NODE or -P", EXIT_USAGE)


def _nodes(given: Given, facts: Facts) -> list[str]:
    kinds = given.get("nodes") or "all"
    unknown = sorted(set(kinds.split(",")) - {*KINDS, "all"})
    if unknown:
        raise ToolError(f"no type of node: {', '.join(unknown)} (all, {', '.join(KINDS)})",
                        EXIT_USAGE)  # fmt: skip
    wanted = {KINDS.get(kind, "") for kind in kinds.split(",")}
    found = [node for node in facts.nodes if "" in wanted or _kind(node) in wanted]
    if given.has("bash-export"):
        return [f"export {node['name']}={node.get('node_id') or node['name']}" for node in found]
    if given.has("quiet"):
        return [str(node["name"]) for node in found]
    shown = {kind: word for word, kind in KINDS.items()}
    return [
        f"{shown.get(_kind(node), 'cluster')} node: {node['name']} "
        f"({node.get('node_id') or node['name']})"
        for node in found
    ]


def _kind(node: Mapping[str, object]) -> str:
    return str(node.get("kind", "member"))


def _status(name: str, coordinator: str, facts: Facts, *, is_quiet: bool) -> Said:
    node = next((each for each in facts.nodes if each.get("name") == name), None)
    if node is None:
        raise ToolError(f"Could not determine state of {name}: no such node", EXIT_NO_SUCH)
    is_up = node.get("is_online") is True
    state = PENDING if not is_up else IDLE if name == coordinator else NOT_COORDINATING
    if is_quiet:
        return Said(state)
    return Said(f"Status of crmd@{name}: {state} ({'ok' if is_up else 'lost'})")
