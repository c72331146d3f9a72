"""People at work while faults strike: some write configuration, one moves resources.

Each writer has a key of his own and sets it to 1, 2, 3, ... through whichever node he finds; every
request and its answer is kept. What he is told decides what the judge may hold against the cluster.
"""

import json
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

from paceline.lab.campaign.evidence import KEY_PREFIX, Outcome, Write
from paceline.lab.lab import Completed, Lab, LabError

_ASK_TIMEOUT_S = 30.0
_PAUSE_S = (0.2, 1.5)
_MOVE_PAUSE_S = (2.0, 8.0)
# What the command line says when nothing was changed for certain.
_REFUSALS = ("Unable to update cib", "unable to get cib")
_NOT_YET_SAFE = "not yet safe"
_SAID_CHARACTERS_MAX = 300


def judge_answer(done: Completed) -> Outcome:
    """Return what the answer of a changing command promises."""
    text = done.out + done.err
    if done.is_ok:
        return Outcome.NOT_YET_SAFE if _NOT_YET_SAFE in text else Outcome.ACKNOWLEDGED
    return Outcome.REFUSED if any(word in text for word in _REFUSALS) else Outcome.UNKNOWN


class Clients:
    """All of them; `work` in a `with`, and `hold` while the judge looks."""

    def __init__(
        self, lab: Lab, *, seed: int, writers: int, resources: Sequence[str], book: Path
    ) -> None:
        """Describe them; `book` gets every answer as a line of JSON."""
        self._lab = lab
        self._resources = tuple(resources)
        self._book = book
        self._lock = threading.Lock()
        self._writes: list[Write] = []
        self._moves = 0
        self._may_work = threading.Event()
        self._is_over = threading.Event()
        self._busy = 0
        self._idle = threading.Condition(self._lock)
        keys = [chr(ord("a") + number) for number in range(writers)]
        self._threads = [
            threading.Thread(target=self._write_on, args=(key, Random(f"{seed}-{key}")))
            for key in keys
        ]
        self._threads.append(threading.Thread(target=self._move_on, args=(Random(f"{seed}-move"),)))

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._may_work.set()
        for thread in self._threads:
            thread.join()

    @property
    def writes(self) -> tuple[Write, ...]:
        """All writes that have an answer, or none for good."""
        with self._lock:
            return tuple(self._writes)

    @property
    def moves(self) -> int:
        """How many moves were asked for."""
        return self._moves

    def go_on(self) -> None:
        """Let them work."""
        self._may_work.set()

    def hold(self) -> None:
        """Let nobody begin anything, and wait until all have their answers."""
        self._may_work.clear()
        with self._idle:
            self._idle.wait_for(lambda: not self._busy)

    def _begin(self) -> bool:
        """Wait until one may work; say whether the day is over instead."""
        while True:
            self._may_work.wait()
            if self._is_over.is_set():
                return False
            with self._lock:
                # `hold` may have come between the two.
                if self._may_work.is_set():
                    self._busy += 1
                    return True

    def _end(self) -> None:
        with self._idle:
            self._busy -= 1
            self._idle.notify_all()

    def _write_on(self, key: str, chance: Random) -> None:
        number = 0
        while self._begin():
            number += 1
            try:
                self._write(key, number, chance.choice(self._lab.spec.node_names))
            finally:
                self._end()
            self._is_over.wait(chance.uniform(*_PAUSE_S))

    def _write(self, key: str, number: int, node: str) -> None:
        asked_ms = _now_ms()
        setting = f"{KEY_PREFIX}{key}={number}"
        target = self._lab.spec.node_names[0]
        outcome, said = self._ask(node, ["pcs", "node", "attribute", target, setting])
        write = Write(
            key=key,
            number=number,
            node=node,
            asked_ms=asked_ms,
            answered_ms=_now_ms(),
            outcome=outcome,
            said=said,
        )
        with self._lock:
            self._writes.append(write)
        self._note(
            {"asked_ms": asked_ms, "answered_ms": write.answered_ms, "node": node,
             "asked": setting, "outcome": str(outcome), "said": said}
        )  # fmt: skip

    def _move_on(self, chance: Random) -> None:
        while self._begin():
            resource = chance.choice(self._resources)
            node = chance.choice(self._lab.spec.node_names)
            asked_ms = _now_ms()
            try:
                outcome, said = self._ask(node, ["pcs", "resource", "move", resource])
            finally:
                self._end()
            self._moves += 1
            self._note(
                {"asked_ms": asked_ms, "answered_ms": _now_ms(), "node": node,
                 "asked": f"move {resource}", "outcome": str(outcome), "said": said}
            )  # fmt: skip
            self._is_over.wait(chance.uniform(*_MOVE_PAUSE_S))

    def _ask(self, node: str, words: Sequence[str]) -> tuple[Outcome, str]:
        try:
            done = self._lab.node(node).run(words, timeout_s=_ASK_TIMEOUT_S)
        except LabError as error:
            return Outcome.UNKNOWN, str(error)
        return judge_answer(done), (done.out + done.err).strip()[:_SAID_CHARACTERS_MAX]

    def _note(self, line: dict[str, object]) -> None:
        with self._lock, self._book.open("a", encoding="utf-8") as book:
            book.write(json.dumps(line) + "\n")


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
