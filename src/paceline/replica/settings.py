"""The few cluster properties that the replica itself must know; all else is opaque to it."""

from msgspec import Struct

from paceline.cib.read import read_configuration, read_options
from paceline.model.configuration import AttributeSet, Configuration
from paceline.model.durations import parse_duration_ms
from paceline.model.errors import InvalidRequestError
from paceline.replica.tables import State

TRUE_WORDS = ("true", "yes", "on", "y", "1")

DC_DEADTIME_MS = 20_000
RECHECK_MS = 15 * 60_000
SHUTDOWN_ESCALATION_MS = 20 * 60_000
FENCE_TIMEOUT_MS = 60_000
"""Pacemaker's defaults for dc-deadtime, cluster-recheck-interval, shutdown-escalation and
stonith-timeout (pacemaker-schedulerd and pacemaker-controld metadata)."""
DAEMON_GRACE_MS = 30_000
"""How long a daemon lost on a living node may take to return: longer than a supervisor needs to
restart it and it needs to end or adopt what its predecessor left."""


class Settings(Struct, frozen=True, gc=False, kw_only=True):
    """Cluster properties, with their defaults."""

    is_fencing_on: bool = True
    has_startup_fencing: bool = True
    start_failure_is_fatal: bool = True
    no_quorum_policy: str = "stop"
    dc_deadtime_ms: int = DC_DEADTIME_MS
    recheck_ms: int = RECHECK_MS
    shutdown_escalation_ms: int = SHUTDOWN_ESCALATION_MS
    daemon_grace_ms: int = DAEMON_GRACE_MS
    fence_timeout_ms: int = FENCE_TIMEOUT_MS


def read_settings(configuration: bytes) -> Settings:
    """Return the settings that a configuration says; what cannot be read is the default."""
    try:
        words = _words(read_options(configuration))
    except InvalidRequestError:
        words = {}
    defaults = Settings()
    return Settings(
        is_fencing_on=_flag(words, ("stonith-enabled", "fencing-enabled"), defaults.is_fencing_on),
        has_startup_fencing=_flag(words, ("startup-fencing",), True),
        start_failure_is_fatal=_flag(words, ("start-failure-is-fatal",), True),
        no_quorum_policy=words.get("no-quorum-policy", "stop").lower(),
        dc_deadtime_ms=_duration(words, ("dc-deadtime",), DC_DEADTIME_MS),
        recheck_ms=_duration(words, ("cluster-recheck-interval",), RECHECK_MS),
        shutdown_escalation_ms=_duration(words, ("shutdown-escalation",), SHUTDOWN_ESCALATION_MS),
        daemon_grace_ms=_duration(words, ("daemon-grace",), DAEMON_GRACE_MS),
        fence_timeout_ms=_duration(words, ("stonith-timeout", "fencing-timeout"), FENCE_TIMEOUT_MS),
    )


class SettingsReader:
    """Reads the configuration again only when it is another, and all of it only when asked to."""

    def __init__(self, state: State) -> None:
        """Begin with nothing read."""
        self._state = state
        self._of = b""
        self._settings = Settings()
        self._whole_of = b""
        self._whole: Configuration | None = None

    def read(self) -> Settings:
        """Return the settings of the configuration that is there now."""
        document = self._state.configuration.value
        if self._of is not document:
            self._of = document
            self._settings = read_settings(document)
        return self._settings

    def whole(self) -> Configuration | None:
        """Return the configuration as values, None where it is no CIB.

        Tens of milliseconds with thousands of resources: where a fencing begins, or a view with
        something left behind, not at each change.
        """
        document = self._state.configuration.value
        if self._whole_of is not document:
            self._whole_of = document
            try:
                self._whole = read_configuration(document)
            except InvalidRequestError:
                self._whole = None
        return self._whole


def _words(options: tuple[AttributeSet, ...]) -> dict[str, str]:
    words: dict[str, str] = {}
    for each in options:
        for name, value in each.pairs:
            words.setdefault(name, value)
    return words


def _first(words: dict[str, str], names: tuple[str, ...]) -> str | None:
    return next((words[name] for name in names if name in words), None)


def _flag(words: dict[str, str], names: tuple[str, ...], default: bool) -> bool:
    word = _first(words, names)
    return default if word is None else word.strip().lower() in TRUE_WORDS


def _duration(words: dict[str, str], names: tuple[str, ...], default_ms: int) -> int:
    word = _first(words, names)
    if word is None:
        return default_ms
    try:
        return parse_duration_ms(word)
    except ValueError:
        return default_ms
