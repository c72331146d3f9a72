"""User name and password through PAM, for users of the group haclient only, with a rate limit.

PAM's own delay makes a wrong password take some seconds, so a check blocks: call it in a thread.
"""

import grp
import pwd
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import pam

from paceline.ports.node import LoginAnswer, LoginVerdict

GROUP = "haclient"
SERVICES = ("paceline", "pcsd", "password-auth", "login")
"""PAM services in order of preference; the first that the machine has is used, else `other`."""
PAM_FOLDER = Path("/etc/pam.d")
NAME_LENGTH_MAX = 256
PASSWORD_LENGTH_MAX = 1024
CHECKS_AT_ONCE_MAX = 4
FAILURES_MAX = 5
FAILURES_WINDOW_S = 60
SOURCES_MAX = 1000

# Of <security/_pam_types.h>: what is wrong with the account, not with the password.
PAM_ACCT_EXPIRED, PAM_NEW_AUTHTOK_REQD, PAM_PERM_DENIED = 13, 12, 6
PAM_SUCCESS = 0
_ACCOUNT_CODES = frozenset({PAM_ACCT_EXPIRED, PAM_NEW_AUTHTOK_REQD, PAM_PERM_DENIED})

AskPam = Callable[[str, str, str], tuple[int, str]]
"""Takes user, password, service; returns PAM's code (0: right, good account) and words."""


def ask_pam(user: str, password: str, service: str) -> tuple[int, str]:
    """Ask the machine's PAM; the account's state is asked for too."""
    session = pam.pam()
    session.authenticate(user, password, service=service, resetcreds=False)
    reason = session.reason
    words = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason or "")
    return int(session.code), words


class PamLogin:
    """Checks users; remembers failures of the last minute, never a password."""

    def __init__(
        self,
        *,
        ask: AskPam = ask_pam,
        is_cluster_user: Callable[[str], bool] | None = None,
        now_s: Callable[[], float] = time.monotonic,
        pam_folder: Path = PAM_FOLDER,
    ) -> None:
        """Take the machine's PAM and groups unless others are given."""
        self._ask = ask
        self._is_cluster_user = is_cluster_user or is_in_cluster_group
        self._now_s = now_s
        self._pam_folder = pam_folder
        self._slots = threading.BoundedSemaphore(CHECKS_AT_ONCE_MAX)
        self._lock = threading.Lock()
        self._failures: dict[str, deque[float]] = {}

    def check(self, user: str, password: str, *, source: str) -> LoginAnswer:
        """Return what PAM and the group say; more than "wrong" only to who knows the password."""
        if self._is_limited(source):
            wait = f"{FAILURES_MAX} wrong passwords within {FAILURES_WINDOW_S} s"
            return LoginAnswer(verdict=LoginVerdict.BUSY, detail=wait)
        if not 0 < len(user) <= NAME_LENGTH_MAX or len(password) > PASSWORD_LENGTH_MAX:
            return LoginAnswer(verdict=LoginVerdict.WRONG)
        if "\0" in user + password:
            return LoginAnswer(verdict=LoginVerdict.WRONG)
        if not self._slots.acquire(blocking=False):
            return LoginAnswer(verdict=LoginVerdict.BUSY, detail="too many at once")
        try:
            code, words = self._ask(user, password, self._service())
        finally:
            self._slots.release()
        return self._judge(user, code, words, source)

    def _judge(self, user: str, code: int, words: str, source: str) -> LoginAnswer:
        if code in _ACCOUNT_CODES:
            # Some modules say "denied" to a wrong password too.
            self._remember_failure(source)
            return LoginAnswer(verdict=LoginVerdict.ACCOUNT_REFUSED, detail=words)
        if code != PAM_SUCCESS:
            self._remember_failure(source)
            return LoginAnswer(verdict=LoginVerdict.WRONG)
        if not self._is_cluster_user(user):
            return LoginAnswer(verdict=LoginVerdict.NOT_A_CLUSTER_USER, detail=GROUP)
        return LoginAnswer(verdict=LoginVerdict.ACCEPTED)

    def _service(self) -> str:
        return next((name for name in SERVICES if (self._pam_folder / name).exists()), "other")

    def _is_limited(self, source: str) -> bool:
        with self._lock:
            return len(self._recent(source)) >= FAILURES_MAX

    def _remember_failure(self, source: str) -> None:
        with self._lock:
            if source not in self._failures and len(self._failures) >= SOURCES_MAX:
                self._failures.pop(next(iter(self._failures)))
            recent = self._recent(source)
            recent.append(self._now_s())
            self._failures[source] = recent

    def _recent(self, source: str) -> deque[float]:
        """Return the times of a source's failures within the window."""
        recent = self._failures.get(source, deque(maxlen=FAILURES_MAX))
        while recent and self._now_s() - recent[0] > FAILURES_WINDOW_S:
            recent.popleft()
        return recent


def is_in_cluster_group(user: str) -> bool:
    """Say whether the user is in the group haclient, as its main group or another."""
    try:
        account, group = pwd.getpwnam(user), grp.getgrnam(GROUP)
    except KeyError:
        return False
    return account.pw_gid == group.gr_gid or user in group.gr_mem
