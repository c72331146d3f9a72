"""The cluster's options: which there are, what they may be, what they are by default.

Source: "Pacemaker Explained", cluster options; the names of 2.x and 3.x.
"""

from dataclasses import dataclass
from enum import Enum

from paceline.cib.operations import BOOLEANS, interval_ms_or_none
from paceline.cib.wording import quoted_sorted
from paceline.model.scores import parse_score


class Kind(Enum):
    """What a value has to look like."""

    BOOLEAN = "boolean"
    INTEGER = "integer"
    PERCENTAGE = "percentage"
    SCORE = "score"
    TIME = "time"
    CHOICE = "choice"
    TEXT = "string"


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterOption:
    """One option. `is_managed` ones are set by the cluster itself and not for people to set."""

    name: str
    kind: Kind
    default: str
    text: str
    choices: tuple[str, ...] = ()
    is_advanced: bool = False
    is_managed: bool = False
    is_recent: bool = False
    """A name of Pacemaker 3.x: understood, but not offered while the older one is in use."""


def _option(
    name: str, kind: Kind, default: str, text: str, *choices: str, rare: bool = False
) -> ClusterOption:
    return ClusterOption(
        name=name, kind=kind, default=default, text=text, choices=choices, is_advanced=rare
    )


def _managed(name: str, kind: Kind, default: str, text: str) -> ClusterOption:
    return ClusterOption(name=name, kind=kind, default=default, text=text, is_managed=True)


def _recent(name: str, kind: Kind, default: str, text: str, *choices: str) -> ClusterOption:
    return ClusterOption(
        name=name, kind=kind, default=default, text=text, choices=choices, is_recent=True
    )


CLUSTER_OPTIONS: tuple[ClusterOption, ...] = (
    _option("batch-limit", Kind.INTEGER, "0", "How many actions may run at once; 0 is any number."),
    _option("cluster-delay", Kind.TIME, "60s", "The longest way of a message between nodes."),
    _managed("cluster-infrastructure", Kind.TEXT, "", "The engine the cluster runs on."),
    _option("cluster-ipc-limit", Kind.INTEGER, "500", "How many messages of a client may wait."),
    _managed("cluster-name", Kind.TEXT, "", "The cluster's name."),
    _option(
        "cluster-recheck-interval",
        Kind.TIME,
        "15min",
        "How often rules that depend on the time are looked at again.",
    ),
    _option("concurrent-fencing", Kind.BOOLEAN, "false", "Fence several nodes at once."),
    _option("dc-deadtime", Kind.TIME, "20s", "How long to wait for other nodes at a cold start."),
    _managed("dc-version", Kind.TEXT, "none", "The version of the coordinating node."),
    _option("election-timeout", Kind.TIME, "2min", "Kept for old files; no effect.", rare=True),
    _option("enable-acl", Kind.BOOLEAN, "false", "Let access control lists restrict users."),
    _option(
        "enable-startup-probes",
        Kind.BOOLEAN,
        "true",
        "Look for resources that already run when a node joins.",
        rare=True,
    ),
    _option(
        "fence-reaction",
        Kind.CHOICE,
        "stop",
        "What a node does that learns of its own fencing.",
        "stop",
        "panic",
    ),
    _recent("fencing-action", Kind.CHOICE, "reboot", "How nodes are fenced.", "reboot", "off"),
    _recent("fencing-enabled", Kind.BOOLEAN, "true", "Fence nodes that fail."),
    _recent("fencing-max-attempts", Kind.INTEGER, "10", "How often a fencing is tried at once."),
    _recent(
        "fencing-reaction",
        Kind.CHOICE,
        "stop",
        "What a node does that learns of its own fencing.",
        "stop",
        "panic",
    ),
    _recent("fencing-timeout", Kind.TIME, "60s", "How long a fencing may take."),
    _recent("fencing-watchdog-timeout", Kind.TIME, "0", "When a lost node's watchdog has fired."),
    _managed("have-watchdog", Kind.BOOLEAN, "false", "A watchdog device is in use."),
    _option("join-finalization-timeout", Kind.TIME, "30min", "Kept for old files.", rare=True),
    _option("join-integration-timeout", Kind.TIME, "3min", "Kept for old files.", rare=True),
    _managed("last-lrm-refresh", Kind.INTEGER, "0", "When the status was last cleaned up."),
    _option("load-threshold", Kind.PERCENTAGE, "80%", "Node load from which fewer actions start."),
    _option("maintenance-mode", Kind.BOOLEAN, "false", "Leave all resources alone."),
    _option("migration-limit", Kind.INTEGER, "-1", "How many live migrations may run at once."),
    _option(
        "no-quorum-policy",
        Kind.CHOICE,
        "stop",
        "What happens to resources where there is no quorum.",
        "stop",
        "freeze",
        "ignore",
        "demote",
        "suicide",
    ),
    _option("node-action-limit", Kind.INTEGER, "0", "How many actions may run on a node at once."),
    _option("node-health-base", Kind.INTEGER, "0", "The score every node's health begins with."),
    _option("node-health-green", Kind.INTEGER, "0", "The score that 'green' stands for."),
    _option("node-health-red", Kind.SCORE, "-INFINITY", "The score that 'red' stands for."),
    _option(
        "node-health-strategy",
        Kind.CHOICE,
        "none",
        "What nodes' health attributes do.",
        "none",
        "migrate-on-red",
        "only-green",
        "progressive",
        "custom",
    ),
    _option("node-health-yellow", Kind.INTEGER, "0", "The score that 'yellow' stands for."),
    _recent("node-pending-timeout", Kind.TIME, "0", "How long a node may take to finish joining."),
    _option("pe-error-series-max", Kind.INTEGER, "-1", "How many failed plans are kept."),
    _option("pe-input-series-max", Kind.INTEGER, "4000", "How many plans are kept."),
    _option("pe-warn-series-max", Kind.INTEGER, "5000", "How many plans with warnings are kept."),
    _option(
        "placement-strategy",
        Kind.CHOICE,
        "default",
        "How utilization and load rule placement.",
        "default",
        "utilization",
        "minimal",
        "balanced",
    ),
    _option(
        "priority-fencing-delay",
        Kind.TIME,
        "0",
        "How long the fencing of the node with the higher total priority is put off.",
    ),
    _option("remove-after-stop", Kind.BOOLEAN, "false", "Forget stopped resources.", rare=True),
    _option(
        "shutdown-escalation", Kind.TIME, "20min", "How long a clean leave may take.", rare=True
    ),
    _option("shutdown-lock", Kind.BOOLEAN, "false", "Keep resources for a node that left cleanly."),
    _option("shutdown-lock-limit", Kind.TIME, "0", "How long they are kept; 0 is for ever."),
    _option(
        "start-failure-is-fatal",
        Kind.BOOLEAN,
        "true",
        "A failed start keeps the resource off that node until it is cleaned up.",
    ),
    _option("startup-fencing", Kind.BOOLEAN, "true", "Fence nodes not seen at start.", rare=True),
    _option(
        "stonith-action",
        Kind.CHOICE,
        "reboot",
        "How nodes are fenced.",
        "reboot",
        "off",
        "poweroff",
    ),
    _option(
        "stonith-enabled",
        Kind.BOOLEAN,
        "true",
        "Fence nodes that fail; without it a lost node's resources may run twice.",
        rare=True,
    ),
    _option("stonith-max-attempts", Kind.INTEGER, "10", "How often a fencing is tried at once."),
    _option("stonith-timeout", Kind.TIME, "60s", "How long a fencing may take."),
    _option(
        "stonith-watchdog-timeout",
        Kind.TIME,
        "0",
        "When a lost node's watchdog has fired.",
        rare=True,
    ),
    _option("stop-all-resources", Kind.BOOLEAN, "false", "Stop everything."),
    _option("stop-orphan-actions", Kind.BOOLEAN, "true", "Cancel monitors no longer configured."),
    _option("stop-orphan-resources", Kind.BOOLEAN, "true", "Stop what is no longer configured."),
    _option("symmetric-cluster", Kind.BOOLEAN, "true", "Resources may run anywhere by default."),
    _option("transition-delay", Kind.TIME, "0s", "Wait this long before acting.", rare=True),
)


_RECENT_CHOICES = {"no-quorum-policy": ("fence",)}
"""Values that are understood beside those that are offered."""


def is_valid(option: ClusterOption, value: str) -> bool:
    """Say whether the option can have this value."""
    match option.kind:
        case Kind.BOOLEAN:
            return value.lower() in BOOLEANS
        case Kind.INTEGER:
            return _is_integer(value) or value in ("INFINITY", "-INFINITY", "+INFINITY")
        case Kind.PERCENTAGE:
            return value.endswith("%") and _is_integer(value[:-1])
        case Kind.SCORE:
            return _is_score(value)
        case Kind.TIME:
            return interval_ms_or_none(value) is not None or value == "-1"
        case Kind.CHOICE:
            return value in option.choices or value in _RECENT_CHOICES.get(option.name, ())
        case Kind.TEXT:
            return True


def allowed_words(option: ClusterOption) -> str:
    """Return how a message describes the values that the option can have."""
    match option.kind:
        case Kind.BOOLEAN:
            return f"a pacemaker boolean value: {quoted_sorted(BOOLEANS)}"
        case Kind.INTEGER:
            return "an integer or INFINITY or -INFINITY"
        case Kind.PERCENTAGE:
            return "a non-negative integer followed by '%' (e.g. 0%, 50%, 200%, ...)"
        case Kind.SCORE:
            return "an integer or INFINITY or -INFINITY"
        case Kind.TIME:
            return "time interval (e.g. 1, 2s, 3m, 4h, ...)"
        case Kind.CHOICE:
            return ", ".join(f"'{choice}'" for choice in sorted(option.choices))
        case Kind.TEXT:
            return "a string"


def _is_integer(text: str) -> bool:
    return text.lstrip("+-").isdecimal()


def _is_score(text: str) -> bool:
    try:
        parse_score(text)
    except ValueError:
        return False
    return True
