"""`resource restart`: stop a resource, wait, and let it start again."""

from paceline.cib.nvsets import set_values, update_first_set
from paceline.cib.resources import find_resource
from paceline.cib.tree import Element
from paceline.commands.contract import Command, Needs, Outcome, Ports, Request, UsageError
from paceline.commands.edit import edit_cib, read_cib
from paceline.commands.resource_places import running_on
from paceline.commands.resource_words import unknown_resource
from paceline.commands.waiting import WAIT_MS_DEFAULT, wait_limit_ms
from paceline.model.errors import InvalidRequestError
from paceline.model.reports import Report
from paceline.ports.daemon import JsonRecord

META = "meta_attributes"
TARGET_ROLE = "target-role"


def restart(request: Request, ports: Ports) -> Outcome:
    """Restart a resource where it runs: `resource restart ID [--wait=SECONDS]`.

    What was configured as its target role is put back whether it stopped in time or not.
    """
    if len(request.arguments) != 1:
        raise UsageError
    wanted = request.arguments[0]
    element = find_resource(read_cib(ports), wanted)
    if element is None:
        raise unknown_resource(wanted)
    before = set_values(element, META).get(TARGET_ROLE, "")
    if not running_on(ports.cib.read(), wanted):
        message = f"{wanted} is not running anywhere and so cannot be restarted"
        raise InvalidRequestError(Report(code="not-running", message=message))
    limit_ms = wait_limit_ms(request) if request.has("wait") else WAIT_MS_DEFAULT
    edit_cib(request, ports, lambda root: _set_role(root, wanted, "Stopped"))
    try:
        has_stopped = _wait(ports, limit_ms)
    finally:
        edit_cib(request, ports, lambda root: _set_role(root, wanted, before))
    if not has_stopped:
        request.findings.error(
            "not-stopped",
            f"Could not stop {wanted} in time; it is allowed to run again",
            advice=f"'{request.program} why {wanted}' says what holds it up.",
        )
        request.findings.stop_if_errors()
    if not _wait(ports, limit_ms) or not running_on(ports.cib.read(), wanted):
        request.findings.error(
            "not-started",
            f"{wanted} was stopped, but does not run again",
            advice=f"'{request.program} why {wanted}' says why not.",
        )
        request.findings.stop_if_errors()
    return Outcome(text=f"{wanted} successfully restarted")


def _set_role(root: Element, wanted: str, role: str) -> str:
    element = find_resource(root, wanted)
    if element is None:
        raise unknown_resource(wanted)
    update_first_set(root, element, META, {TARGET_ROLE: role}, position=0)
    return ""


def _wait(ports: Ports, limit_ms: int) -> bool:
    """Wait until the cluster has nothing more to do; say whether it came to that."""
    question: JsonRecord = {"do": "wait", "timeout_ms": limit_ms}
    return ports.daemon.ask(question, timeout_ms=limit_ms).get("ok") is True


COMMANDS = (
    Command(
        words="resource restart",
        handler=restart,
        needs=Needs.CIB_LIVE,
        arguments="<resource id>",
        options=("wait",),
        help="Stop a resource, wait until it has stopped, and let it start again.",
    ),
)
