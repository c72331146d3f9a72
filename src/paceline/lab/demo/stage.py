"""The stage of the demo: runs the very commands in the nodes, shows them, and checks the answers.

What a reader sees of each step is what is done, what the cluster answers, and what that means:

    [root@worker1 ~]# pcs status corosync
    Membership information
    ...
      => Both machines see each other.
"""

import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol, TextIO

POLL_SECONDS = 0.1
COMMAND_SECONDS_MAX = 90
WIDTH = 100
SERVED_AGAIN_SECONDS = 0.3
"""The status may say Started a moment before the client's next answer is in."""


class StepFailedError(Exception):
    """A step of the story did not hold; says what was expected and what came."""

    def __init__(self, what: str, expected: str, came: str) -> None:
        """Keep the three parts for the report at the end."""
        super().__init__(what)
        self.what, self.expected, self.came = what, expected, came


class Answer(Protocol):
    """What a command in a node answered."""

    @property
    def code(self) -> int:
        """Its exit status."""
        ...

    @property
    def out(self) -> str:
        """What it printed."""
        ...

    @property
    def err(self) -> str:
        """What it complained about."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What is typed at a question; a secret is not shown, as on a terminal."""

    prompt: str
    text: str
    is_secret: bool = False


RunInNode = Callable[[str, str, str, float], Answer]
"""(node, shell command, standard input, limit in seconds) -> its answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FailOver:
    """One fail-over that the demo caused, and the longest time without service around it."""

    what: str
    downtime_ms: int
    remark: str


class Watch(Protocol):
    """The client's watch over the service, from the start of a `with` until `stop`."""

    def stop(self) -> Sequence["Unserved"]:
        """End the watch; return the times in which the client was not served."""
        ...


class Unserved(Protocol):
    """A time in which the client was not served."""

    @property
    def duration_ms(self) -> float:
        """How long it lasted."""
        ...


@dataclass(slots=True, kw_only=True)
class Stage:
    """Tells the story on `out`, runs commands through `run`, remembers the fail-overs."""

    run_in_node: RunInNode
    out: TextIO = field(default_factory=lambda: sys.stdout)
    fail_overs: list[FailOver] = field(default_factory=list)
    steps_done: int = 0

    def chapter(self, number: str, title: str) -> None:
        """Open a chapter; `number` names the rows of the notes that it plays."""
        self._line()
        self._line("━" * WIDTH)
        self._line(f" {number}  {title}")
        self._line("━" * WIDTH)

    def say(self, text: str) -> None:
        """Say something between the steps."""
        self._line()
        for line in text.strip().splitlines():
            self._line(f"  {line.strip()}" if line.strip() else "")

    def means(self, text: str) -> None:
        """Say what an answer means."""
        self._line(f"  => {text}")

    def outside(self, command: str) -> None:
        """Show a command that is given outside of the nodes, on the machine that the lab is on."""
        self._line(f"\n[your machine]$ {command}")

    def shell(
        self,
        node: str,
        command: str,
        *,
        expect: tuple[str, ...] = (),
        unexpected: tuple[str, ...] = (),
        status: int | None = 0,
        typed: tuple[Typed, ...] = (),
        means: str = "",
        shown_lines_max: int = 60,
    ) -> str:
        """Run a command in a node as a person would, show it, and check the answer.

        `expect` and `unexpected` are regular expressions over standard output and error together,
        `status` the exit status that must come (None: any), `typed` what is typed at its questions,
        in order.
        Returns the output. Raises StepFailedError.
        """
        self._line()
        self._line(f"[root@{node} ~]# {command}")
        keys = "".join(f"{one.text}\n" for one in typed)
        answer = self.run_in_node(node, command, keys, COMMAND_SECONDS_MAX)
        output = with_typing(join_output(answer), typed)
        self._show(output, shown_lines_max)
        self._check(node, command, output, answer.code, expect, unexpected, status)
        if means:
            self.means(means)
        self.steps_done += 1
        return output

    def until(
        self,
        node: str,
        command: str,
        *,
        expect: tuple[str, ...],
        unexpected: tuple[str, ...] = (),
        seconds: float = 30,
        means: str = "",
        is_shown: bool = True,
    ) -> str:
        """Run a command again and again until its answer is as expected; show the last one.

        Raises StepFailedError when `seconds` are over.
        """
        deadline = time.monotonic() + seconds
        while True:
            answer = self.run_in_node(node, command, "", COMMAND_SECONDS_MAX)
            output = join_output(answer)
            if not unmatched(output, expect, unexpected):
                break
            if time.monotonic() > deadline:
                self._line(f"\n[root@{node} ~]# {command}")
                self._show(output, 60)
                missing = unmatched(output, expect, unexpected)
                raise StepFailedError(
                    f"{command} on {node}", f"within {seconds:g} s: {missing}", output
                )
            time.sleep(POLL_SECONDS)
        if is_shown:
            self._line(f"\n[root@{node} ~]# {command}")
            self._show(output, 60)
            if means:
                self.means(means)
        self.steps_done += 1
        return output

    def hold(self, what: str, is_so: bool, *, expected: str, came: str) -> None:
        """Check something that no single command shows. Raises StepFailedError."""
        if not is_so:
            raise StepFailedError(what, expected, came)
        self.steps_done += 1

    @contextmanager
    def fail_over(
        self, what: str, begin_watch: Callable[[], Watch], remark: str = ""
    ) -> Iterator[None]:
        """Cause a fail-over inside, and note the downtime that the client saw."""
        watch = begin_watch()
        try:
            yield
            time.sleep(SERVED_AGAIN_SECONDS)
        finally:
            unserved = watch.stop()
        longest_ms = round(max((one.duration_ms for one in unserved), default=0))
        self.fail_overs.append(FailOver(what=what, downtime_ms=longest_ms, remark=remark))
        self.means(f"The client was without service for {longest_ms / 1000:.2f} s.")

    def table(self) -> None:
        """Print the fail-overs that were caused, with the downtime that the client saw."""
        self._line()
        self._line(f"  {'fail-over':58} {'client without service':>22}")
        self._line(f"  {'-' * 58} {'-' * 22}")
        for one in self.fail_overs:
            self._line(f"  {one.what:58} {one.downtime_ms / 1000:20.2f} s")
            if one.remark:
                self._line(f"      {one.remark}")

    def _check(
        self,
        node: str,
        command: str,
        output: str,
        status_came: int,
        expect: tuple[str, ...],
        unexpected: tuple[str, ...],
        status: int | None,
    ) -> None:
        if status is not None and status_came != status:
            raise StepFailedError(
                f"{command} on {node}", f"exit status {status}", f"exit status {status_came}"
            )
        missing = unmatched(output, expect, unexpected)
        if missing:
            raise StepFailedError(f"{command} on {node}", missing, output)

    def _show(self, output: str, lines_max: int) -> None:
        lines = output.splitlines()
        for line in lines[:lines_max]:
            self._line(line)
        if len(lines) > lines_max:
            self._line(f"... ({len(lines) - lines_max} lines more)")

    def _line(self, text: str = "") -> None:
        print(text, file=self.out, flush=True)


def join_output(answer: Answer) -> str:
    """Return what a terminal would show of an answer."""
    return (answer.out + answer.err).rstrip("\n")


def with_typing(output: str, typed: tuple[Typed, ...]) -> str:
    """Return the output as a terminal shows it: with what was typed, and its line ends."""
    shown, rest = "", output
    for one in typed:
        before, prompt, rest = rest.partition(one.prompt)
        if not prompt:
            return shown + before
        shown += before + prompt + ("" if one.is_secret else one.text) + "\n"
    return shown + rest


def unmatched(output: str, expect: tuple[str, ...], unexpected: tuple[str, ...]) -> str:
    """Return what is not as expected in `output`, in words; empty where all holds."""
    missing = [f"a match of /{p}/" for p in expect if not re.search(p, output, re.MULTILINE)]
    there = [f"no match of /{p}/" for p in unexpected if re.search(p, output, re.MULTILINE)]
    return ", ".join(missing + there)
