"""Completion scripts, tried in the shell itself."""

import shlex
import shutil
import subprocess

import pytest
from tests.commands.command_line import CommandLine

from paceline.commands.completion import following_words, options_of
from paceline.commands.table import all_commands

needs_bash = pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")


def _offered(*typed: str) -> list[str]:
    """Return what bash offers for the last of these words."""
    script = CommandLine().ok("completion bash")
    words = " ".join(shlex.quote(word) for word in typed)
    asked = (
        f"{script}\nCOMP_WORDS=({words}); COMP_CWORD={len(typed) - 1}\n"
        '_paceline_complete; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
    assert not done.stderr
    return done.stdout.split()


@needs_bash
def test_bash_offers_commands_and_options() -> None:
    assert _offered("pcs", "resource", "--force", "rest") == ["restart"]
    assert _offered("pcs", "cluster", "link", "") == ["add", "remove", "update"]
    assert "--before" in _offered("pcs", "resource", "group", "add", "G", "--")


@needs_bash
def test_bash_offers_nothing_after_unknown_words() -> None:
    assert _offered("pcs", "nonsense", "") == []
    assert _offered("pcs", "resource", "enable", "") == []


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_scripts_of_other_shells_know_every_command(shell: str) -> None:
    script = CommandLine().ok(f"completion {shell}")
    for prefix, words in following_words(all_commands()).items():
        assert prefix.replace(" ", "." if shell == "zsh" else " ") in script
        assert all(word in script for word in words)


def test_every_option_offered_is_one_that_is_taken() -> None:
    pcs = CommandLine()
    for command in all_commands():
        assert all(option.startswith("-") for option in options_of(command))
    assert pcs("completion tcsh")[0] == 1
