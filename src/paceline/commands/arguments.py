"""Reading a command's arguments: `name=value` words and keyword sections."""

from collections.abc import Mapping, Sequence

from paceline.commands.contract import UsageError


def parse_pairs(words: Sequence[str]) -> dict[str, str]:
    """Return `name=value` words as a mapping, sorted by nothing but the order given.

    Raises UsageError for a word without `=`, without a name, or two values for one name.
    """
    pairs: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise UsageError(f"missing value of '{word}' option")
        if not name:
            raise UsageError(f"missing key in '{word}' option")
        if name in pairs and pairs[name] != value:
            raise UsageError(
                f"duplicate option '{name}' with different values '{pairs[name]}' and '{value}'"
            )
        pairs[name] = value
    return pairs


def split_sections(
    words: Sequence[str], keywords: Sequence[str]
) -> tuple[list[str], dict[str, list[str]]]:
    """Return the words before the first keyword, and those after each keyword (joined)."""
    first: list[str] = []
    sections: dict[str, list[str]] = {}
    current = first
    for word in words:
        if word in keywords:
            current = sections.setdefault(word, [])
        else:
            current.append(word)
    return first, sections


def split_repeated(words: Sequence[str], keyword: str) -> tuple[list[str], list[list[str]]]:
    """Return the words before the first `keyword`, and a list per occurrence of it."""
    first: list[str] = []
    groups: list[list[str]] = []
    current = first
    for word in words:
        if word == keyword:
            current = []
            groups.append(current)
        else:
            current.append(word)
    return first, groups


def without_empty(pairs: Mapping[str, str]) -> dict[str, str]:
    """Return the pairs that have a value."""
    return {name: value for name, value in pairs.items() if value != ""}
