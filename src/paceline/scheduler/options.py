"""Phase: the cluster's options as values, under their old and new names.

A word that is not understood counts as the default, as everywhere in the scheduler: somebody's
mistake must not stop a cluster. What is wrong is told by the checks (`cib.validate`).
"""

from collections.abc import Mapping

from msgspec import Struct

from paceline.cib.read_attributes import duration_ms_or, number_or, parse_flag, score_or
from paceline.model.configuration import Configuration
from paceline.scheduler.rules import Moment, RuleContext, pick_values

NEW_NAMES = {
    "stonith-enabled": "fencing-enabled",
    "stonith-action": "fencing-action",
    "stonith-timeout": "fencing-timeout",
    "stonith-watchdog-timeout": "fencing-watchdog-timeout",
    "stonith-max-attempts": "fencing-max-attempts",
    "stop-orphan-resources": "stop-removed-resources",
    "stop-orphan-actions": "cancel-removed-actions",
    "no_quorum-policy": "no-quorum-policy",
    "no_quorum_policy": "no-quorum-policy",
    "symmetric_cluster": "symmetric-cluster",
    "stop_orphan_resources": "stop-removed-resources",
}
"""Options by their old names."""

DEFAULT_FENCING_TIMEOUT_MS = 60_000
DEFAULT_PENDING_TIMEOUT_MS = 0


class Options(Struct, frozen=True, kw_only=True):
    """What the scheduler wants to know of the cluster properties; times in milliseconds."""

    values: Mapping[str, str]
    no_quorum_policy: str
    is_symmetric: bool
    fencing_enabled: bool
    fencing_action: str
    fencing_timeout_ms: int
    fencing_delay_ms: int
    is_fencing_concurrent: bool
    startup_fencing: bool
    stop_all: bool
    stop_removed: bool
    cancel_removed: bool
    maintenance_mode: bool
    start_failure_is_fatal: bool
    placement: str
    health_strategy: str
    health_red: int
    health_yellow: int
    health_green: int
    health_base: int
    enable_startup_probes: bool
    shutdown_lock: bool
    shutdown_lock_limit_ms: int
    pending_timeout_ms: int
    batch_limit: int
    migration_limit: int


def read_options(configuration: Configuration, moment: Moment) -> Options:
    """Return the options that hold now. A word that is not understood counts as the default."""
    raw = pick_values(configuration.options, RuleContext(moment=moment))
    values: dict[str, str] = {}
    for name, value in raw.items():
        values.setdefault(NEW_NAMES.get(name, name), value)

    def flag(name: str, default: bool) -> bool:
        return parse_flag(values.get(name), default)

    def duration(name: str, default: int) -> int:
        return duration_ms_or(values.get(name), default)

    def number(name: str, default: int) -> int:
        return number_or(values.get(name), default)

    policy = values.get("no-quorum-policy", "stop").lower()
    if policy == "suicide":
        policy = "fence"
    if policy not in ("stop", "freeze", "ignore", "demote", "fence"):
        policy = "stop"
    fencing_enabled = flag("fencing-enabled", True)
    action = values.get("fencing-action", "reboot")
    return Options(
        values=values,
        no_quorum_policy=policy if policy != "fence" or fencing_enabled else "stop",
        is_symmetric=flag("symmetric-cluster", True),
        fencing_enabled=fencing_enabled,
        fencing_action="off" if action == "poweroff" else action,
        fencing_timeout_ms=duration("fencing-timeout", DEFAULT_FENCING_TIMEOUT_MS),
        fencing_delay_ms=duration("priority-fencing-delay", 0),
        is_fencing_concurrent=flag("concurrent-fencing", True),
        startup_fencing=flag("startup-fencing", True),
        stop_all=flag("stop-all-resources", False),
        stop_removed=flag("stop-removed-resources", True),
        cancel_removed=flag("cancel-removed-actions", True),
        maintenance_mode=flag("maintenance-mode", False),
        start_failure_is_fatal=flag("start-failure-is-fatal", True),
        placement=values.get("placement-strategy", "default"),
        health_strategy=values.get("node-health-strategy", "none"),
        health_red=score_or(values.get("node-health-red"), -1_000_000),
        health_yellow=score_or(values.get("node-health-yellow"), 0),
        health_green=score_or(values.get("node-health-green"), 0),
        health_base=score_or(values.get("node-health-base"), 0),
        enable_startup_probes=flag("enable-startup-probes", True),
        shutdown_lock=flag("shutdown-lock", False),
        shutdown_lock_limit_ms=duration("shutdown-lock-limit", 0),
        pending_timeout_ms=duration("node-pending-timeout", DEFAULT_PENDING_TIMEOUT_MS),
        batch_limit=number("batch-limit", 0),
        migration_limit=number("migration-limit", -1),
    )
