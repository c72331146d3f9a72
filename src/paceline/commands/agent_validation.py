"""`--agent-validation`: let the agent itself say whether it can do with the parameters."""

from collections.abc import Mapping

from paceline.commands.contract import Ports, Request
from paceline.model.agent_name import AgentName
from paceline.ports.agents import AgentMetadataError, AgentRun

TASK = "validate-all"
HEAD = "Validation result from agent"


def validate_by_agent(
    request: Request,
    ports: Ports,
    agent: AgentName,
    resource_id: str,
    parameters: Mapping[str, str],
) -> None:
    """Run the agent's own check, where it is asked for, and report what it has to say."""
    if not request.has("agent-validation"):
        return
    given = tuple(sorted((name, value) for name, value in parameters.items() if value))
    run = AgentRun(
        standard=agent.standard, provider=agent.provider, agent_type=agent.type, task=TASK,
        resource=resource_id, parameters=given,
    )  # fmt: skip
    try:
        answer = ports.open_agent_runner().run(run)
    except AgentMetadataError as problem:
        request.findings.warn("validation-not-done", f"{HEAD}: {problem}")
        return
    if answer.rc == 0:
        return
    said = [line for line in f"{answer.out}\n{answer.err}".splitlines() if line.strip()]
    lines = "\n".join(f"  {line}" for line in said or [f"exit status {answer.rc}"])
    if request.is_forced:
        request.findings.warn("validation-failed", f"{HEAD}:\n{lines}")
    else:
        request.findings.error("validation-failed", f"{HEAD} (use --force to override):\n{lines}")
