"""The live configuration: what the daemon answers, and what is said of it."""

import pytest

from paceline.adapters.cib_live import SUBMITS_MAX, LiveCib
from paceline.model.errors import InvalidRequestError, UnreachableError
from paceline.ports.cib_store import VersionMovedError
from paceline.ports.daemon import AnswerLostError, JsonRecord


class ScriptedDaemon:
    """Answers in the order given; an exception is raised."""

    def __init__(self, *answers: JsonRecord | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[JsonRecord] = []

    def ask(self, request: JsonRecord, *, timeout_ms: int = 0) -> JsonRecord:
        self.asked.append(request)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def store(daemon: ScriptedDaemon) -> LiveCib:
    """Return the live configuration behind a daemon."""
    return LiveCib(daemon, user="root", client="pcs", pause=lambda seconds: None)


def test_read_gives_configuration_version_and_status() -> None:
    status = {"now_ms": 5, "is_quorate": True}
    answer: JsonRecord = {"ok": True, "configuration": "<cib/>", "version": "7", "status": status}
    snapshot = store(ScriptedDaemon(answer)).read()
    assert (snapshot.document, snapshot.version) == (b"<cib/>", "7")
    assert snapshot.status is not None
    assert snapshot.status.is_quorate


def test_read_says_that_no_cluster_runs_when_nothing_listens() -> None:
    with pytest.raises(UnreachableError, match="cluster is not currently running on this node"):
        store(ScriptedDaemon(UnreachableError("no socket"))).read()


def test_push_says_what_a_change_waits_for_when_it_is_not_safe() -> None:
    daemon = ScriptedDaemon({"ok": True, "outcome": "not-yet-safe", "waits_for": "worker2"})
    outcome = store(daemon).push(b"<cib/>", based_on="7")
    assert (outcome.is_safe, outcome.waits_for) == (False, "worker2")
    assert daemon.asked[0]["based_on"] == "7"


def test_push_raises_when_the_version_moved() -> None:
    daemon = ScriptedDaemon({"ok": False, "code": "version-moved", "message": "moved"})
    with pytest.raises(VersionMovedError):
        store(daemon).push(b"<cib/>", based_on="7")


def test_push_gives_the_reason_of_a_refusal() -> None:
    daemon = ScriptedDaemon({"ok": False, "code": "no-quorum", "message": "there is no quorum"})
    with pytest.raises(InvalidRequestError, match="there is no quorum"):
        store(daemon).push(b"<cib/>", based_on="7")


def test_a_lost_answer_is_asked_for_again_with_the_same_id() -> None:
    daemon = ScriptedDaemon(AnswerLostError("cut"), {"ok": True, "outcome": "acknowledged"})
    assert store(daemon).push(b"<cib/>", based_on="7").is_safe
    assert daemon.asked[0]["request_id"] == daemon.asked[1]["request_id"]


def test_a_change_whose_answer_never_comes_is_unknown() -> None:
    daemon = ScriptedDaemon(*[AnswerLostError("cut")] * SUBMITS_MAX)
    with pytest.raises(UnreachableError, match="nobody can say whether it took effect"):
        store(daemon).push(b"<cib/>", based_on="7")


def test_a_change_that_was_sent_to_a_daemon_that_is_gone_is_unknown_and_not_refused() -> None:
    gone = [UnreachableError("no socket")] * (SUBMITS_MAX - 1)
    daemon = ScriptedDaemon(AnswerLostError("killed"), *gone)
    with pytest.raises(UnreachableError, match="nobody can say whether it took effect"):
        store(daemon).push(b"<cib/>", based_on="7")


def test_a_change_is_asked_for_again_when_the_daemon_is_back() -> None:
    back: JsonRecord = {"ok": True, "outcome": "acknowledged"}
    daemon = ScriptedDaemon(AnswerLostError("killed"), UnreachableError("no socket"), back)
    assert store(daemon).push(b"<cib/>", based_on="7").is_safe
