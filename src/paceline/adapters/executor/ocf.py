"""OCF agents: the environment and the answers of the Resource Agent API 1.1.

Source: https://github.com/ClusterLabs/OCF-spec/blob/main/ra/1.1/resource-agent-api.md, and the
HA_* variables that the shell functions of resource-agents read.
"""

import re
from collections.abc import Mapping
from pathlib import Path

from paceline.adapters.executor.environment import OPERATION_VARIABLE
from paceline.adapters.executor.processes import Command
from paceline.model.operation import Operation

EXIT_REASON_PREFIX = "ocf-exit-reason:"
EXIT_REASON_CHARACTERS_MAX = 500
FEATURE_SET = "3.16.2"
"""What agents take for Pacemaker's feature set: 3.16 knows promoted roles by their new names."""
CHECK_LEVEL = "OCF_CHECK_LEVEL"
_NOT_IN_NAME = re.compile(r"[^A-Za-z0-9_]")
# No HA_LOGFACILITY and no HA_LOGFILE: then an agent's messages come with its output, and into our
# log with its result, and no `logger` is started for each line.
_FIXED = {
    "OCF_RA_VERSION_MAJOR": "1",
    "OCF_RA_VERSION_MINOR": "1",
    "OCF_EXIT_REASON_PREFIX": EXIT_REASON_PREFIX,
    "OCF_RESKEY_crm_feature_set": FEATURE_SET,
    "HA_cluster_type": "corosync",
    "HA_quorum_type": "corosync",
    "HA_mcp": "true",
    "HA_debug": "0",
    "OCF_OUTPUT_FORMAT": "text",
    "PCMK_cluster_type": "corosync",
    "PCMK_quorum_type": "corosync",
    "PCMK_logfacility": "none",
    "PCMK_debug": "0",
    "PCMK_mcp": "true",
    "PCMK_service": "pacemaker-execd",
}


def agent_path(ocf_root: Path, provider: str, agent_type: str) -> Path:
    """Return where the agent is, by the standard's layout."""
    return ocf_root / "resource.d" / provider / agent_type


def ocf_command(
    operation: Operation, ocf_root: Path, base: Mapping[str, str], *, node_id: int = 0
) -> Command:
    """Return how to run this operation's agent."""
    action = operation.action
    agent = action.agent
    if agent is None:
        raise ValueError(f"operation {operation.operation_id} names no agent")
    environment = {
        **base,
        **_FIXED,
        "OCF_ROOT": str(ocf_root),
        "OCF_RESOURCE_INSTANCE": action.resource,
        "OCF_RESOURCE_TYPE": agent.agent_type,
        "OCF_RESOURCE_PROVIDER": agent.provider,
        OPERATION_VARIABLE: operation.operation_id,
        **{f"OCF_RESKEY_{name}": value for name, value in action.parameters},
        **_meta(operation, node_id),
    }
    for name, value in (*action.parameters, *action.meta):
        if name == CHECK_LEVEL:
            environment[CHECK_LEVEL] = value
    environment.pop(f"OCF_RESKEY_{CHECK_LEVEL}", None)
    return Command(
        argv=(str(agent_path(ocf_root, agent.provider, agent.agent_type)), action.task),
        environment=environment,
        timeout_ms=action.timeout_ms,
        name=f"{action.resource}_{action.task}_{action.interval_ms}",
    )


def _meta(operation: Operation, node_id: int) -> dict[str, str]:
    """Return the CRM_meta_* variables: those of the plan, and those of every operation."""
    action = operation.action
    known = {
        "name": action.task,
        "timeout": str(action.timeout_ms),
        **({"interval": str(action.interval_ms)} if action.interval_ms else {}),
        "on_node": action.node or operation.node,
        **({"on_node_uuid": str(node_id)} if node_id else {}),
        **({"op_target_rc": str(action.target_rc)} if action.target_rc > 0 else {}),
        **({"migrate_source": action.migrate_source} if action.migrate_source else {}),
        **({"migrate_target": action.migrate_target} if action.migrate_target else {}),
        **dict(action.meta),
    }
    return {
        f"OCF_RESKEY_CRM_meta_{_NOT_IN_NAME.sub('_', name)}": value for name, value in known.items()
    }


def find_exit_reason(output: str) -> str:
    """Return the agent's own words on why it failed: the last `ocf-exit-reason:` line."""
    for line in reversed(output.splitlines()):
        if line.startswith(EXIT_REASON_PREFIX):
            return line.removeprefix(EXIT_REASON_PREFIX).strip()[:EXIT_REASON_CHARACTERS_MAX]
    return ""
