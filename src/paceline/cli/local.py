"""Run commands in place, in this process: with `-f FILE`, or where no node service answers."""

import os
import pwd
import sys
from collections.abc import Sequence
from dataclasses import replace

from paceline.api.wiring import make_editor, make_ports
from paceline.cli.main import ask_user
from paceline.commands.contract import Ports, UsageError
from paceline.commands.run import Places, Session, run_words


class LocalTerminal:
    """The terminal of this process."""

    def out(self, text: str) -> None:
        """Write to standard output at once."""
        sys.stdout.write(text)
        sys.stdout.flush()

    def err(self, text: str) -> None:
        """Write to standard error at once."""
        sys.stderr.write(text)
        sys.stderr.flush()

    def ask(self, prompt: str, *, is_secret: bool) -> str:
        """Ask the user. Raises UsageError at end of input."""
        answer = ask_user(prompt, is_secret=is_secret)
        if answer is None:
            raise UsageError("there is nobody to answer the question; give the answer as an option")
        return answer


def run_locally(program: str, words: Sequence[str]) -> int:
    """Run the words here and return the exit status."""
    session = Session(
        program=program,
        user=_user_name(),
        cwd=os.getcwd(),
        environment=dict(os.environ),
        is_terminal=sys.stdin.isatty(),
    )
    return run_words(words, session=session, terminal=LocalTerminal(), make_ports=_ports_here)


def _ports_here(places: Places) -> Ports:
    """Return the ports of a command that runs on the user's own terminal."""
    ports = make_ports(places)
    return replace(ports, open_editor=lambda: make_editor(places.session.environment))


def _user_name() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
