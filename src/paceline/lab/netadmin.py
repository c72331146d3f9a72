"""`ip` and `nft` in the namespace we are in: the keeper's, which is the lab's switch."""

import subprocess

_TIMEOUT_S = 20.0


class NetAdminError(Exception):
    """`ip` or `nft` refused; the text holds its words."""


def ip_batch(commands: str, *, is_forced: bool = False) -> None:
    """Run `ip -batch`; with `is_forced`, lines that fail are passed over."""
    words = ["ip", *(["-force"] if is_forced else []), "-batch", "-"]
    done = _run(words, commands)
    if done.returncode and not is_forced:
        raise NetAdminError(f"ip: {done.stderr.strip()}")


def nft(rules: str) -> None:
    """Load a rule set in one transaction."""
    done = _run(["nft", "-f", "-"], rules)
    if done.returncode:
        raise NetAdminError(f"nft: {done.stderr.strip()}")


def run_checked(words: list[str]) -> str:
    """Run a program of the system; return its output. Raises NetAdminError with its words."""
    done = _run(words, "")
    if done.returncode:
        raise NetAdminError(f"{words[0]}: {done.stderr.strip()}")
    return done.stdout.strip()


def _run(words: list[str], text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, input=text, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False
    )
