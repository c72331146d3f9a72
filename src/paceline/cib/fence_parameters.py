"""The parameters that every fence device takes beside its agent's own: the fencer acts on them."""

from paceline.cib.agent_metadata import AgentParameter

ACTIONS = ("reboot", "off", "on", "list", "monitor", "status")


def _parameter(
    name: str, text: str, *, kind: str = "string", default: str | None = None, rare: bool = False
) -> AgentParameter:
    return AgentParameter(
        name=name, shortdesc=text, longdesc=text, type=kind, default=default, is_advanced=rare
    )


def _per_action(action: str) -> tuple[AgentParameter, ...]:
    return (
        _parameter(
            f"pcmk_{action}_action",
            f"The agent's own word for '{action}', where it has another one.",
            default=action,
            rare=True,
        ),
        _parameter(
            f"pcmk_{action}_timeout",
            f"How long '{action}' may take with this device, instead of stonith-timeout.",
            kind="time",
            default="60s",
            rare=True,
        ),
        _parameter(
            f"pcmk_{action}_retries",
            f"How often '{action}' is tried within its time limit.",
            kind="integer",
            default="2",
            rare=True,
        ),
    )


FENCER_PARAMETERS: tuple[AgentParameter, ...] = (
    _parameter(
        "pcmk_host_argument",
        "The agent's parameter that takes the node's name; 'none' where there is none.",
        default="port",
        rare=True,
    ),
    _parameter(
        "pcmk_host_map",
        "Node names and what the device calls them: 'n1:1;n2:2,3' means outlet 1 for n1, "
        "outlets 2 and 3 for n2.",
    ),
    _parameter("pcmk_host_list", "The nodes that this device can fence, separated by commas."),
    _parameter(
        "pcmk_host_check",
        "How to learn which nodes the device can fence: dynamic-list (ask its 'list'), static-list "
        "(pcmk_host_list), status (ask its 'status' for the node), none (it can fence all).",
        default="dynamic-list",
    ),
    _parameter(
        "pcmk_delay_max",
        "Wait a random time before fencing, so that with pcmk_delay_base it stays below this.",
        kind="time",
        default="0s",
    ),
    _parameter(
        "pcmk_delay_base",
        "Wait this long before fencing: one time, or times per node as 'n1:10s;n2:5s'. Different "
        "waits keep two nodes from shooting each other at the same moment.",
        default="0s",
    ),
    _parameter(
        "pcmk_action_limit",
        "How many actions may run on this device at the same time; -1 means any number.",
        kind="integer",
        default="1",
    ),
    *(parameter for action in ACTIONS for parameter in _per_action(action)),
)
"""In the order in which they are described."""
