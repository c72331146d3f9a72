"""The table of commands: leaving out slow modules never changes what words mean."""

import pytest

from paceline.commands.routing import find_route
from paceline.commands.table import MODULES, all_commands, commands_of


@pytest.mark.parametrize("first_word", sorted(MODULES))
def test_leaving_out_slow_modules_changes_no_route(first_word: str) -> None:
    everything = commands_of(first_word)
    for command in all_commands():
        for spelling in (command.words, *(alias.words for alias in command.aliases)):
            words = spelling.split()
            if words[0] != first_word:
                continue
            few = commands_of(first_word, "".join(words[1:2]))
            short, full = find_route(words, few), find_route(words, everything)
            assert short is not None
            assert full is not None
            assert (short.command.words, short.words) == (full.command.words, full.words)
