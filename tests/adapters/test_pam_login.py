"""Logins: only cluster users, the account counts too, failures are limited."""

from pathlib import Path

import pytest

from paceline.adapters.pam_login import (
    FAILURES_MAX,
    FAILURES_WINDOW_S,
    PAM_ACCT_EXPIRED,
    PamLogin,
)
from paceline.ports.node import LoginVerdict

PAM_AUTH_ERR = 7


class Accounts:
    """PAM, made of a mapping; says which services were asked."""

    def __init__(self) -> None:
        self.passwords = {"hacluster": "right", "bob": "right"}
        self.code_when_right = 0
        self.asked: list[str] = []

    def __call__(self, user: str, password: str, service: str) -> tuple[int, str]:
        self.asked.append(service)
        if self.passwords.get(user) != password:
            return PAM_AUTH_ERR, "Authentication failure"
        return self.code_when_right, "account has expired" if self.code_when_right else ""


class Clock:
    """A clock that stands still unless it is moved."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def accounts() -> Accounts:
    """Accounts that know two users."""
    return Accounts()


@pytest.fixture
def clock() -> Clock:
    """A clock at its beginning."""
    return Clock()


@pytest.fixture
def login(accounts: Accounts, clock: Clock, tmp_path: Path) -> PamLogin:
    """A login in which only hacluster is a cluster user."""
    return PamLogin(
        ask=accounts,
        is_cluster_user=lambda user: user == "hacluster",
        now_s=clock,
        pam_folder=tmp_path,
    )


def test_a_cluster_user_with_the_right_password_is_accepted(login: PamLogin) -> None:
    assert login.check("hacluster", "right", source="a").verdict is LoginVerdict.ACCEPTED


def test_a_changed_password_counts_at_once(login: PamLogin, accounts: Accounts) -> None:
    assert login.check("hacluster", "right", source="a").verdict is LoginVerdict.ACCEPTED
    accounts.passwords["hacluster"] = "other"
    assert login.check("hacluster", "right", source="a").verdict is LoginVerdict.WRONG
    assert login.check("hacluster", "other", source="a").verdict is LoginVerdict.ACCEPTED


def test_only_who_knows_the_password_learns_of_the_group(login: PamLogin) -> None:
    assert login.check("bob", "wrong", source="a").verdict is LoginVerdict.WRONG
    assert login.check("bob", "right", source="a").verdict is LoginVerdict.NOT_A_CLUSTER_USER


def test_an_expired_account_is_refused(login: PamLogin, accounts: Accounts) -> None:
    accounts.code_when_right = PAM_ACCT_EXPIRED
    answer = login.check("hacluster", "right", source="a")
    assert answer.verdict is LoginVerdict.ACCOUNT_REFUSED
    assert answer.detail == "account has expired"


def test_refused_accounts_count_as_failures(login: PamLogin, accounts: Accounts) -> None:
    accounts.code_when_right = PAM_ACCT_EXPIRED
    for _ in range(FAILURES_MAX):
        login.check("hacluster", "right", source="a")
    assert login.check("hacluster", "right", source="a").verdict is LoginVerdict.BUSY


def test_a_source_with_many_failures_has_to_wait_and_others_do_not(
    login: PamLogin, accounts: Accounts, clock: Clock
) -> None:
    for _ in range(FAILURES_MAX):
        login.check("hacluster", "wrong", source="a")
    asked = len(accounts.asked)
    assert login.check("hacluster", "right", source="a").verdict is LoginVerdict.BUSY
    assert len(accounts.asked) == asked
    assert login.check("hacluster", "right", source="b").verdict is LoginVerdict.ACCEPTED
    clock.now = FAILURES_WINDOW_S + 1
    assert login.check("hacluster", "right", source="a").verdict is LoginVerdict.ACCEPTED


@pytest.mark.parametrize(("user", "password"), [("", "x"), ("a\0b", "x"), ("a", "x" * 5000)])
def test_what_pam_must_not_see_is_wrong_at_once(
    login: PamLogin, accounts: Accounts, user: str, password: str
) -> None:
    assert login.check(user, password, source="a").verdict is LoginVerdict.WRONG
    assert accounts.asked == []


def test_our_own_pam_service_is_preferred(
    login: PamLogin, accounts: Accounts, tmp_path: Path
) -> None:
    login.check("hacluster", "right", source="a")
    (tmp_path / "paceline").touch()
    login.check("hacluster", "right", source="a")
    assert accounts.asked == ["other", "paceline"]
