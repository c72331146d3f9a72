"""`crm_node`: who are the nodes, who am I, is there a quorum."""

from collections.abc import Sequence

from paceline.commands.tools import (
    DANGEROUS,
    EXIT_NO_SUCH,
    EXIT_USAGE,
    Facts,
    Option,
    Said,
    ToolError,
    ToolPorts,
    ask,
    own_node,
    parse_options,
)

USAGE = "Usage: crm_node -n | -i | -l | -p | -q | -N ID | -R NODE --force"
OPTIONS = (
    Option("name", "n"),
    Option("cluster-id", "i"),
    Option("list", "l"),
    Option("partition", "p"),
    Option("quorum", "q"),
    Option("name-for-id", "N", "value"),
    Option("remove", "R", "value"),
    Option("force", "f"),
    Option("quiet", "Q"),
)


def crm_node(words: Sequence[str], ports: ToolPorts) -> Said:
    """Answer about nodes."""
    given = parse_options(words, OPTIONS)
    if given.has("help"):
        return Said(USAGE)
    if given.has("name") and own_node(ports):
        return Said(own_node(ports))
    if given.has("remove"):
        if not given.has("force"):
            raise ToolError(DANGEROUS, EXIT_USAGE, is_bare=True)
        ask(ports, {"do": "forget-node", "node": given.get("remove")})
        return Said()
    if not set(given.values) & {
        "name", "cluster-id", "list", "partition", "quorum", "name-for-id"
    }:  # fmt: skip
        raise ToolError(f"nothing to do\n{USAGE}", EXIT_USAGE)
    facts = Facts(ports)
    members = [node for node in facts.nodes if node.get("kind", "member") == "member"]
    if given.has("name"):
        return Said(facts.local_node)
    if given.has("quorum"):
        return Said("1" if facts.is_quorate else "0")
    if given.has("cluster-id"):
        mine = (node for node in members if node.get("name") == facts.local_node)
        return Said(str(next(mine, {}).get("node_id", 0)))
    if given.has("name-for-id"):
        wanted = given.get("name-for-id")
        for node in members:
            if str(node.get("node_id")) == wanted:
                return Said(str(node.get("name")))
        raise ToolError(f"no node has the id {wanted}", EXIT_NO_SUCH)
    if given.has("partition"):
        return Said(" ".join(str(node["name"]) for node in members if node.get("is_online")))
    ordered = sorted(members, key=lambda node: int(str(node.get("node_id", 0))))
    return Said(
        "\n".join(
            f"{node.get('node_id')} {node['name']} {'member' if node.get('is_member') else 'lost'}"
            for node in ordered
        )
    )
