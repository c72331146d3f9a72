"""`--wait[=SECONDS]`: end only when the cluster has done what the change asks for."""

from paceline.commands.contract import Ports, Request, UsageError
from paceline.model.durations import parse_duration_ms

WAIT_MS_DEFAULT = 60 * 60 * 1000
"""How long `--wait` waits where no time is given."""


def check_wait(request: Request, ports: Ports) -> None:
    """Refuse `--wait` where there is no cluster to wait for. Raises UsageError."""
    if not request.has("wait"):
        return
    if not ports.cib.is_live:
        raise UsageError("Cannot use '-f' together with '--wait'")
    wait_limit_ms(request)


def wait_limit_ms(request: Request) -> int:
    """Return how long to wait, in milliseconds. Raises UsageError where it is no duration."""
    value = request.value("wait")
    if not value:
        return WAIT_MS_DEFAULT
    try:
        return parse_duration_ms(value)
    except ValueError as error:
        message = f"{value} is not a valid number of seconds to wait"
        raise UsageError(message) from error


def wait_if_asked(request: Request, ports: Ports) -> None:
    """Wait, if asked to, until the cluster has nothing more to do; report if it still has."""
    if not request.has("wait"):
        return
    limit_ms = wait_limit_ms(request)
    answer = ports.daemon.ask({"do": "wait", "timeout_ms": limit_ms}, timeout_ms=limit_ms)
    if answer.get("ok") is not True:
        message = str(answer.get("message") or "the cluster did not settle in time")
        request.findings.error("wait-failed", message)
