"""`pcs` and `paceline`: send the words to this node's service and show what it answers.

Where no service answers, or a file stands for the cluster, the same handlers run in place. Only
what starts fast is imported here.
"""

import json
import os
import sys
from _socket import AF_UNIX, SOCK_STREAM
from _socket import socket as RawSocket
from collections.abc import Iterator, Sequence

RUNTIME_DIR_DEFAULT = "/run/paceline"
CHUNK_BYTES = 1 << 16
PROGRAM_NAMES = ("pcs", "paceline")
ENTRY_POINTS = {
    "lab": ("paceline.lab.main", "main"),
    "demo": ("paceline.lab.demo.main", "main"),
    "install": ("paceline.cli.installing", "install"),
    "uninstall": ("paceline.cli.installing", "uninstall"),
    "sim": ("paceline.sim.cli", "main"),
    "simulate": ("paceline.cli.simulating", "main"),
}
"""First words that are programs of their own: `main(arguments) -> exit status`."""
IN_PLACE_WORDS = (
    ("cluster", "cib"),
    ("cluster", "cib-push"),
    ("cluster", "edit"),
    ("cluster", "apply"),
    ("cluster", "plan"),
    ("cluster", "export"),
    ("cluster", "verify"),
    ("cluster", "report"),
    ("config", "backup"),
    ("config", "restore"),
    ("help",),
)
"""Commands that touch files of the user's: they run as the user, not in the service."""
SENT_ENVIRONMENT = frozenset({"COLUMNS", "LANG", "LC_ALL", "OCF_ROOT", "PATH", "TZ"})
SENT_PREFIXES = ("PACELINE_",)


NOT_SERVED = (
    "  the node service serves root and the members of the group haclient only; "
    "you are neither (usermod -aG haclient USER)\n"
)


def main() -> int:
    """Run the command line; return the exit status."""
    program = os.path.basename(sys.argv[0])
    program = program if program in PROGRAM_NAMES else "pcs"
    words = sys.argv[1:]
    try:
        if words and words[0] in ENTRY_POINTS:
            return _run_program(words)
        if not _is_in_place(words):
            status = ask_service(program, words)
            if status is not None:
                return status
        from paceline.cli.local import run_locally

        status = run_locally(program, words)
        if status != 0 and not _is_in_place(words) and not _may_ask_service():
            sys.stderr.write(NOT_SERVED)
        return status
    except BrokenPipeError:
        _silence_stdout()
        return 1
    except KeyboardInterrupt:
        return 130


def _may_ask_service() -> bool:
    """Say whether the node's service, if it runs, lets this user in."""
    path = f"{os.environ.get('PACELINE_RUNTIME_DIR') or RUNTIME_DIR_DEFAULT}/api.sock"
    return not os.path.exists(path) or os.access(path, os.W_OK, effective_ids=True)


def _run_program(words: Sequence[str]) -> int:
    from importlib import import_module

    module, function = ENTRY_POINTS[words[0]]
    status: int = getattr(import_module(module), function)(list(words[1:]))
    return status


def _is_in_place(words: Sequence[str]) -> bool:
    """Say whether the words name files of the user's, so that they must run as the user."""
    if not words:
        return True
    for word in words:
        if word == "--":
            break
        if word in ("-h", "--help", "--version") or word.startswith(("-f", "--corosync_conf")):
            return True
    plain = [word for word in words if not word.startswith("-")]
    return any(tuple(plain[: len(start)]) == start for start in IN_PLACE_WORDS)


def ask_service(
    program: str, words: Sequence[str], *, sent_prefixes: tuple[str, ...] = SENT_PREFIXES
) -> int | None:
    """Let the node's service run the words; None where none answers, or it leaves them to us."""
    folder = os.environ.get("PACELINE_RUNTIME_DIR") or RUNTIME_DIR_DEFAULT
    link = RawSocket(AF_UNIX, SOCK_STREAM)
    try:
        link.connect(f"{folder}/api.sock")
    except OSError:
        link.close()
        return None
    try:
        _send(link, _request(program, words, sent_prefixes))
        return _show_answers(link)
    finally:
        link.close()


def _request(
    program: str, words: Sequence[str], sent_prefixes: tuple[str, ...]
) -> dict[str, object]:
    environment = {
        name: value
        for name, value in os.environ.items()
        if name in SENT_ENVIRONMENT or name.startswith(sent_prefixes)
    }
    return {
        "words": list(words),
        "program": program,
        "cwd": os.getcwd(),
        "environment": environment,
        "is_terminal": sys.stdin.isatty(),
    }


def _send(link: RawSocket, record: dict[str, object]) -> None:
    link.sendall(json.dumps(record).encode() + b"\n")


def _lines(link: RawSocket) -> Iterator[bytes]:
    """Yield complete lines as they come, until the service closes the connection."""
    rest = b""
    while True:
        chunk = link.recv(CHUNK_BYTES)
        if not chunk:
            return
        *lines, rest = (rest + chunk).split(b"\n")
        yield from lines


def _show_answers(link: RawSocket) -> int | None:
    """Show what the service says as it comes; return the exit status it names.

    None means that it did nothing, because the words need something of the user's own.
    """
    for line in _lines(link):
        answer = json.loads(line)
        if "out" in answer:
            sys.stdout.write(answer["out"])
            sys.stdout.flush()
        elif "err" in answer:
            sys.stderr.write(answer["err"])
            sys.stderr.flush()
        elif "ask" in answer:
            _send(link, {"answer": ask_user(answer["ask"], is_secret=bool(answer.get("secret")))})
        elif "exit" in answer:
            status: int = answer["exit"]
            return status
        elif "in_place" in answer:
            return None
    sys.stderr.write(
        "Error: the node service closed the connection before the command ended; whether it took "
        "effect is unknown\n"
    )
    return 1


def ask_user(prompt: str, *, is_secret: bool) -> str | None:
    """Ask on the terminal (or read a line where there is none); None at end of input."""
    if is_secret and sys.stdin.isatty():
        from getpass import getpass

        try:
            return getpass(prompt)
        except EOFError:
            return None
    sys.stdout.write(prompt)
    sys.stdout.flush()
    line = sys.stdin.readline()
    return line.rstrip("\n") if line else None


def _silence_stdout() -> None:
    """Keep the interpreter from complaining at exit when nobody reads our output any more."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    sys.exit(main())
