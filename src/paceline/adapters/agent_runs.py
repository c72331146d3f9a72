"""Run an agent by hand, past the cluster, as the daemon would: same environment, same limits."""

from collections.abc import Mapping
from pathlib import Path

from paceline.adapters.agent_metadata import LSB_DIR, OCF_ROOT_DEFAULT, fence_folders
from paceline.adapters.executor.environment import AgentFolders, base_environment
from paceline.adapters.executor.fence import fence_command, find_fence_agent
from paceline.adapters.executor.lsb import lsb_command, ocf_status
from paceline.adapters.executor.ocf import find_exit_reason, ocf_command
from paceline.adapters.executor.processes import Command
from paceline.adapters.node_paths import node_paths
from paceline.adapters.run_command import run_bounded
from paceline.adapters.secret_values import MissingSecretError, with_secret_values
from paceline.model.identifiers import ActionId, NodeName, OperationId, ResourceId
from paceline.model.operation import Operation
from paceline.model.plan import ActionKind, Agent, PlannedAction
from paceline.ports.agents import AgentAnswer, AgentMetadataError, AgentRun

OPERATION_ID = OperationId("by-hand")
RC_TIMED_OUT = 198
CHECK_LEVEL = "OCF_CHECK_LEVEL"
RUNTIME_DIR_DEFAULT = "/run/paceline"


class AgentsByHand:
    """Runs the agents of this machine."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        """Look where the environment says (OCF_ROOT, PACELINE_FENCE_DIR, PACELINE_RUNTIME_DIR)."""
        runtime = Path(environment.get("PACELINE_RUNTIME_DIR") or RUNTIME_DIR_DEFAULT)
        self._folders = AgentFolders(
            tools=runtime / "tools",
            ocf_root=Path(environment.get("OCF_ROOT") or OCF_ROOT_DEFAULT),
            lsb=Path(LSB_DIR),
            fence=tuple(Path(folder) for folder in fence_folders(environment)),
            runtime=runtime,
            secrets=node_paths(environment).secrets,
        )
        self._base = base_environment(self._folders, environment)

    def run(self, run: AgentRun) -> AgentAnswer:
        """Run it to its end or its time limit.

        Raises AgentMetadataError where it is no agent, or a secret is missing.
        """
        try:
            parameters = with_secret_values(
                self._folders.secrets, run.resource, tuple(run.parameters)
            )
        except MissingSecretError as problem:
            raise AgentMetadataError(str(problem)) from problem
        command = self._command(run._replace(parameters=parameters))
        if not Path(command.argv[0]).is_file():
            raise AgentMetadataError(f"Agent {run.agent_type} not found")
        done = run_bounded(
            command.argv, command.environment, command.timeout_ms, stdin=command.input
        )
        out, err = done.out.decode(errors="replace"), done.err.decode(errors="replace")
        rc = RC_TIMED_OUT if done.has_timed_out else done.rc
        if run.standard == "lsb" and not done.has_timed_out:
            rc = ocf_status(run.task, done.rc)
        return AgentAnswer(
            rc=rc, out=out, err=err, reason=find_exit_reason(err),
            has_timed_out=done.has_timed_out,
        )  # fmt: skip

    def _command(self, run: AgentRun) -> Command:
        match run.standard:
            case "ocf":
                return ocf_command(_operation(run), self._folders.ocf_root, self._base)
            case "lsb":
                return lsb_command(_operation(run), self._folders.lsb, self._base)
            case "stonith":
                path = find_fence_agent(self._folders.fence, run.agent_type)
                if path is None:
                    raise AgentMetadataError(f"Agent {run.agent_type} not found")
                return fence_command(
                    path, operation_id=OPERATION_ID, task=run.task, target=NodeName(""),
                    parameters=tuple(run.parameters), timeout_ms=run.timeout_ms, base=self._base,
                )  # fmt: skip
        raise AgentMetadataError(f"Manual execution of the {run.standard} standard is unsupported")


def _operation(run: AgentRun) -> Operation:
    meta = dict(run.meta)
    if run.check_level:
        meta[CHECK_LEVEL] = run.check_level
    node = NodeName(meta.get("on_node", ""))
    action = PlannedAction(
        id=ActionId(0),
        kind=ActionKind.RESOURCE,
        task=run.task,
        resource=ResourceId(run.resource),
        node=node,
        timeout_ms=run.timeout_ms,
        agent=Agent(agent_class=run.standard, provider=run.provider, agent_type=run.agent_type),
        parameters=tuple(run.parameters),
        meta=tuple(sorted(meta.items())),
    )
    return Operation(operation_id=OPERATION_ID, action=action, call_id=0, node=node)
