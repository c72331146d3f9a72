"""Alerts: the agents of the configuration's `<alerts>` are told what happened.

Each alert's program is run once per recipient with `CRM_alert_*` variables, as Pacemaker runs
them; a program that hangs is ended at its time limit. Alerts are told in order, each recipient's
one after another; a queue that is full loses the newest and says so.
"""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from msgspec import Struct

from paceline.adapters.run_command import run_bounded
from paceline.cib.read_attributes import Element
from paceline.cib.tree import parse_cib
from paceline.model.durations import parse_duration_ms
from paceline.model.errors import InvalidRequestError
from paceline.model.exit_status import rc_text
from paceline.replica.effects import RaiseAlert

TIMEOUT_MS_DEFAULT = 30_000
TIMESTAMP_DEFAULT = "%H:%M:%S.%06N"
"""Pacemaker's defaults. Source: Pacemaker Explained, chapter on alerts."""
WORKERS = 2
WAITING_MAX = 500
_NAMES = {"resource": "rsc", "interval_ms": "interval", "exec_ms": "exec_time"}
_STATUSES = {"done": "0", "cancelled": "1", "timed-out": "2", "not-supported": "3"}
"""What alert agents call our facts, and their numbers for outcomes. Source: Pacemaker Explained."""
SEARCH_PATH = "/usr/sbin:/usr/bin:/sbin:/bin"


class Recipient(Struct, frozen=True, kw_only=True):
    """One program and whom it is to tell. `kinds` is empty for the usual ones."""

    path: str
    value: str = ""
    timeout_ms: int = TIMEOUT_MS_DEFAULT
    timestamp: str = TIMESTAMP_DEFAULT
    environment: tuple[tuple[str, str], ...] = ()
    kinds: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()

    def wants(self, alert: RaiseAlert) -> bool:
        """Say whether it is to be told; attributes are told only where they are selected."""
        if not self.kinds:
            return alert.kind != "attribute"
        if alert.kind != "attribute" or not self.attributes:
            return alert.kind in self.kinds
        return dict(alert.facts).get("attribute_name") in self.attributes


def read_recipients(configuration: bytes) -> tuple[Recipient, ...]:
    """Return whom the configuration wants told; nobody where it cannot be read."""
    try:
        root = parse_cib(configuration)
    except InvalidRequestError:
        return ()
    found: list[Recipient] = []
    for alert in root.iterfind("configuration/alerts/alert"):
        recipients = alert.findall("recipient") or [alert]
        found.extend(_recipient(alert, each) for each in recipients)
    return tuple(found)


def _recipient(alert: Element, recipient: Element) -> Recipient:
    meta = {**_pairs(alert, "meta_attributes"), **_pairs(recipient, "meta_attributes")}
    environment = {
        **_pairs(alert, "instance_attributes"),
        **_pairs(recipient, "instance_attributes"),
    }
    select = alert.find("select")
    kinds: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    if select is not None:
        names = (
            str(each.tag) for each in select.iterchildren(tag=None) if isinstance(each.tag, str)
        )
        kinds = tuple(name.removeprefix("select_").removesuffix("s") for name in names)
        kinds = tuple("fencing" if kind == "fencing" else kind for kind in kinds)
        attributes = tuple(
            each.get("name", "") for each in select.iterfind("select_attributes/attribute")
        )
    return Recipient(
        path=alert.get("path", ""),
        value=recipient.get("value", ""),
        timeout_ms=_timeout_ms(meta.get("timeout", "")),
        timestamp=meta.get("timestamp-format", TIMESTAMP_DEFAULT),
        environment=tuple(environment.items()),
        kinds=kinds,
        attributes=attributes,
    )


def _pairs(element: Element, tag: str) -> dict[str, str]:
    return {
        pair.get("name", ""): pair.get("value", "") for pair in element.iterfind(f"{tag}/nvpair")
    }


def _timeout_ms(text: str) -> int:
    try:
        return parse_duration_ms(text) if text else TIMEOUT_MS_DEFAULT
    except ValueError:
        return TIMEOUT_MS_DEFAULT


def alert_environment(
    alert: RaiseAlert, recipient: Recipient, *, number: int, wall_ms: int, version: str
) -> dict[str, str]:
    """Return the variables for one run."""
    at = time.localtime(wall_ms // 1000)
    stamp = recipient.timestamp.replace("%06N", f"{wall_ms % 1000 * 1000:06}")
    stamp = stamp.replace("%N", f"{wall_ms % 1000 * 1_000_000:09}")
    known = {
        "kind": alert.kind,
        "node": alert.node,
        "recipient": recipient.value,
        "node_sequence": str(number),
        "version": version,
        "timestamp": time.strftime(stamp, at),
        "timestamp_epoch": str(wall_ms // 1000),
        "timestamp_usec": str(wall_ms % 1000 * 1000),
    }
    known.update(_named_facts(alert))
    named = {f"CRM_alert_{name}": value for name, value in known.items()}
    return {"PATH": SEARCH_PATH, "LC_ALL": "C", **named, **dict(recipient.environment)}


def _named_facts(alert: RaiseAlert) -> dict[str, str]:
    """Return an alert's facts by the names that alert agents know, with a sentence (`desc`)."""
    facts = {_NAMES.get(name, name): value for name, value in alert.facts}
    if alert.kind == "resource":
        outcome = facts.pop("outcome", "done")
        rc = int(facts.get("rc", "0"))
        facts["status"] = _STATUSES.get(outcome, "4")
        facts["desc"] = facts.pop("exit_reason", "") or rc_text(rc)
    if alert.kind == "fencing":
        is_done = facts.pop("ok", "") == "1"
        facts["task"] = "st_notify_fence"
        facts["rc"] = "0" if is_done else "1"
        word = "OK" if is_done else "failed"
        facts["desc"] = f"Operation {facts.pop('action', 'fence')} of {alert.node}: {word}"
    return facts


class AlertSender:
    """Runs alert programs in threads beside the loop."""

    def __init__(self, *, version: str, on_problem: Callable[[str], None]) -> None:
        """Tell `on_problem` (from any thread) what went wrong with an alert program."""
        self._version = version
        self._on_problem = on_problem
        self._threads = ThreadPoolExecutor(max_workers=WORKERS, thread_name_prefix="alerts")
        self._recipients: tuple[Recipient, ...] = ()
        self._known_version: str | None = None
        self._numbers = count(1)
        self._waiting = 0
        self._lock = threading.Lock()

    def send(self, alert: RaiseAlert, configuration: bytes, version: str, *, wall_ms: int) -> None:
        """Queue an alert for everyone whom this configuration wants told."""
        if version != self._known_version:
            self._recipients = read_recipients(configuration) if b"<alert" in configuration else ()
            self._known_version = version
        number = next(self._numbers)
        for recipient in self._recipients:
            if recipient.path and recipient.wants(alert):
                self._queue(alert, recipient, number, wall_ms)

    def _queue(self, alert: RaiseAlert, recipient: Recipient, number: int, wall_ms: int) -> None:
        with self._lock:
            if self._waiting >= WAITING_MAX:
                self._on_problem(f"{WAITING_MAX} alerts wait; one for {recipient.path} is lost")
                return
            self._waiting += 1
        environment = alert_environment(
            alert, recipient, number=number, wall_ms=wall_ms, version=self._version
        )
        self._threads.submit(self._run, recipient, environment)

    def _run(self, recipient: Recipient, environment: dict[str, str]) -> None:
        done = run_bounded([recipient.path], environment, recipient.timeout_ms)
        with self._lock:
            self._waiting -= 1
        if done.has_timed_out:
            self._on_problem(f"{recipient.path} did not end within {recipient.timeout_ms} ms")
        elif done.rc != 0:
            words = done.err.decode(errors="replace").strip()[:200]
            self._on_problem(f"{recipient.path} ended with {done.rc}: {words}")

    def close(self) -> None:
        """Start no more; what runs is let finish."""
        self._threads.shutdown(wait=False, cancel_futures=True)
