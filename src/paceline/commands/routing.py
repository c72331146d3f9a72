"""Find the command that words mean; suggest one where they mean none."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from paceline.commands.contract import Alias, Command


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The command that was meant, the words that chose it, and what follows them."""

    command: Command
    words: tuple[str, ...]
    arguments: tuple[str, ...]
    alias: Alias | None = None


def find_route(words: Sequence[str], commands: Sequence[Command]) -> Route | None:
    """Return the route of the longest match; None where no command begins these words.

    Words that begin a longer command and break off are no arguments of a shorter one.
    """
    best: Route | None = None
    for command in commands:
        for spelling, alias in _spellings(command):
            size = len(spelling)
            if tuple(words[:size]) != spelling:
                continue
            if alias is not None and not alias.takes_arguments and len(words) > size:
                continue
            if best is None or size > len(best.words):
                arguments = tuple(words[size:])
                best = Route(command=command, words=spelling, arguments=arguments, alias=alias)
    if best is not None and len(known_prefix(words, commands)) > len(best.words):
        return None
    return best


def _spellings(command: Command) -> Iterable[tuple[tuple[str, ...], Alias | None]]:
    yield tuple(command.words.split()), None
    for alias in command.aliases:
        yield tuple(alias.words.split()), alias


def known_prefix(words: Sequence[str], commands: Iterable[Command]) -> tuple[str, ...]:
    """Return the longest beginning of `words` that begins some command."""
    longest = 0
    for command in commands:
        for spelling, _alias in _spellings(command):
            size = 0
            while size < min(len(words), len(spelling)) and words[size] == spelling[size]:
                size += 1
            longest = max(longest, size)
    return tuple(words[:longest])


def suggest(word: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return the known words that look like `word`, the best first."""
    return tuple(difflib.get_close_matches(word, sorted(set(known)), n=3, cutoff=0.6))


def next_words(prefix: Sequence[str], commands: Iterable[Command]) -> tuple[str, ...]:
    """Return what may follow `prefix`, sorted."""
    size = len(prefix)
    found = {
        spelling[size]
        for command in commands
        if not command.is_hidden
        for spelling, _alias in _spellings(command)
        if len(spelling) > size and spelling[:size] == tuple(prefix)
    }
    return tuple(sorted(found))
