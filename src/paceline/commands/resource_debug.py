"""`resource debug-start|stop|promote|demote|monitor`: run an agent here, past the cluster."""

from paceline.cib.read import read_configuration, read_status
from paceline.cib.resources import find_resource, outer_clone, primitives_of
from paceline.cib.tree import Element, parse_cib
from paceline.commands.contract import Command, Handler, Needs, Outcome, Ports, Request, UsageError
from paceline.model.agent_name import AgentName
from paceline.model.errors import InvalidRequestError
from paceline.model.exit_status import rc_text
from paceline.model.identifiers import NodeName, ResourceId
from paceline.model.reports import Report
from paceline.model.snapshot import Snapshot
from paceline.ports.agents import AgentMetadataError, AgentRun
from paceline.ports.cib_store import CibSnapshot
from paceline.scheduler.calls import agent_call

TASKS = ("start", "stop", "promote", "demote", "monitor")
STARTING = ("start", "promote", "demote")
TIMEOUT_MS_DEFAULT = 20_000


def _handler(task: str) -> Handler:
    def handler(request: Request, ports: Ports) -> Outcome:
        if not request.arguments:
            raise UsageError("You must specify a resource to debug")
        if len(request.arguments) > 1:
            raise UsageError
        snapshot = ports.cib.read()
        root = parse_cib(snapshot.document)
        primitive = _primitive(root, request.arguments[0])
        if task in STARTING and not request.is_forced:
            _refuse_cloned(primitive)
        run = _run_of(snapshot, root, primitive, task)
        return _answer(request, ports, run, primitive.get("id", ""))

    return handler


def _refuse(code: str, message: str) -> InvalidRequestError:
    return InvalidRequestError(Report(code=code, message=message))


def _primitive(root: Element, wanted: str) -> Element:
    """Return the resource that is meant. Raises InvalidRequestError unless it is one primitive."""
    found = find_resource(root, wanted)
    if found is None:
        raise _refuse("id-unknown", f"unable to find a resource/clone/group: {wanted}")
    if found.tag in ("group", "bundle"):
        inner = ", ".join(one.get("id", "") for one in primitives_of(found))
        raise _refuse(
            "kind-wrong",
            f"unable to debug a {found.tag}, try one of its resource(s) ({inner})",
        )
    if found.tag != "primitive":
        inner = primitives_of(found)[0].get("id", "")
        raise _refuse("kind-wrong", f"unable to debug a clone, try the clone's resource: {inner}")
    return found


def _refuse_cloned(primitive: Element) -> None:
    """Raise InvalidRequestError for a clone's resource: the cluster may run it here."""
    clone = outer_clone(primitive)
    if clone is not None:
        raise InvalidRequestError(
            Report(
                code="is-cloned",
                message=f"{primitive.get('id')} is in the clone {clone.get('id')}, which the "
                "cluster may run on this node",
                is_forceable=True,
            )
        )


def _run_of(snapshot: CibSnapshot, root: Element, primitive: Element, task: str) -> AgentRun:
    status = snapshot.status or read_status(root)
    if status is None:
        raise _refuse("no-status", "nothing is known of this node's state")
    whole = Snapshot(configuration=read_configuration(root), status=status)
    call = agent_call(whole, ResourceId(primitive.get("id", "")), NodeName(status.local_node), task)
    if call is None:
        raise _refuse("id-unknown", f"there is no agent for {primitive.get('id')}")
    return AgentRun(
        standard=call.agent.agent_class, provider=call.agent.provider,
        agent_type=call.agent.agent_type, task=task, resource=call.resource,
        parameters=call.parameters, meta=call.meta,
        timeout_ms=call.timeout_ms or TIMEOUT_MS_DEFAULT,
    )  # fmt: skip


def _answer(request: Request, ports: Ports, run: AgentRun, resource_id: str) -> Outcome:
    agent = AgentName(standard=run.standard, provider=run.provider, type=run.agent_type)
    head = f"Operation {run.task} for {resource_id} ({agent})"
    try:
        answer = ports.open_agent_runner().run(run)
    except AgentMetadataError as problem:
        raise _refuse("not-run", f"{head} could not be executed: {problem}") from problem
    words = "time out" if answer.has_timed_out else rc_text(answer.rc)
    reason = f": {answer.reason}" if answer.reason else ""
    lines = [f"{head} returned: '{words}' ({answer.rc}){reason}"]
    printed = (("stdout", answer.out), ("stderr", answer.err))
    for source, text in printed if request.has("full") or answer.rc else printed[1:]:
        lines += [f" >  {source}: {line}" for line in text.splitlines()]
    return Outcome(text="\n".join(lines), status=0 if answer.rc == 0 else 1)


COMMANDS = tuple(
    Command(
        words=f"resource debug-{task}",
        handler=_handler(task),
        needs=Needs.CIB_LIVE,
        arguments="<resource id>",
        options=("full", "force"),
        help=f"Let the agent {task} a resource on this node, past the cluster, and show what it "
        "says.",
    )
    for task in TASKS
)
