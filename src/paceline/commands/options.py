"""All options of all commands, and how they are read from the words.

Options may stand anywhere; each command then refuses those it does not support. Words that look
like negative numbers (`-5`, `-INFINITY`) are arguments, and `--` ends the options.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from paceline.commands.contract import UsageError


class Takes(Enum):
    """Whether an option takes a value."""

    NOTHING = 0
    VALUE = 1
    MAYBE = 2
    """`--wait` or `--wait=30`; never the next word."""


_FLAGS = """
    agent-validation all auto-tie-breaker autodelete brief booth classic config corosync debug
    defaults disabled dry-run enable expired force full future help hide-inactive internals
    ipv6 local master clone monitor no-cluster-uuid no-default-ops no-expire-check no-hardened
    no-keys-sync no-stop no-strict no-watchdog-validation nodesc nobootstrap off overwrite
    pacemaker promoted safe scores show-secrets simulate skip-offline start strict verbose version
    groups quiet yes
"""
_VALUES = """
    f u p after before name corosync_conf booth-conf booth-key device from group lifetime
    node output-format request-timeout to token watchdog
    transport rrpmode addr0 addr1 mcast0 mcast1 mcastport0 mcastport1 ttl0 ttl1 broadcast0
    broadcast1 wait_for_all auto_tie_breaker last_man_standing last_man_standing_window
    token_coefficient join consensus miss_count_const fail_recv_const netmtu encryption
    depth level nodes interval
"""
TAKES: dict[str, Takes] = {
    **dict.fromkeys(_FLAGS.split(), Takes.NOTHING),
    **dict.fromkeys(_VALUES.split(), Takes.VALUE),
    "wait": Takes.MAYBE,
}
_SHORT = {"f": "f", "u": "u", "p": "p", "h": "help", "V": "verbose"}
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
"""What XML cannot hold; surrogates stand for bytes that are not UTF-8."""
_NEGATIVE = re.compile(r"-(\d|INFINITY|infinity)")
OLD_KEYWORDS = ("--clone", "--master")
"""pcs 0.9 took these of `resource create` for the keywords they became: their place counts."""
EVERYWHERE = frozenset({"classic", "debug", "help", "version", "future"})
"""Options that every command takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedWords:
    """The words without options, the options, and negative numbers that stood without `--`."""

    words: tuple[str, ...]
    options: dict[str, str]
    bare_negatives: tuple[str, ...]


def parse_words(argv: Sequence[str]) -> ParsedWords:
    """Tell words and options apart. Raises UsageError for an unknown option or a missing value."""
    _refuse_unprintable(argv)
    words: list[str] = []
    options: dict[str, str] = {}
    negatives: list[str] = []
    position = 0
    while position < len(argv):
        word = argv[position]
        position += 1
        if word == "--":
            words.extend(argv[position:])
            break
        if not word.startswith("-") or word == "-":
            words.append(word)
        elif word in OLD_KEYWORDS and words[:2] == ["resource", "create"]:
            words.append(word.removeprefix("--"))
        elif _NEGATIVE.match(word):
            words.append(word)
            negatives.append(word)
        else:
            position += _read_option(word, argv[position : position + 1], options)
    return ParsedWords(words=tuple(words), options=options, bare_negatives=tuple(negatives))


def _refuse_unprintable(argv: Sequence[str]) -> None:
    """Raise UsageError for characters that no configuration can hold."""
    for word in argv:
        if _UNPRINTABLE.search(word):
            shown = ascii(word)
            raise UsageError(f"{shown} has a control character, or is not UTF-8 text")


def _read_option(word: str, following: Sequence[str], options: dict[str, str]) -> int:
    """Put one option into `options`; return how many following words it took."""
    if word.startswith("--"):
        given, has_value, value = word[2:].partition("=")
        name = _full_name(given)
        shown = f"--{name}"
    else:
        given, value = word[1], word[2:]
        has_value = value
        if given not in _SHORT:
            raise UsageError(f"option -{given} not recognized", shows_usage=True)
        name, shown = _SHORT[given], f"-{given}"
    takes = TAKES[name]
    if takes is Takes.NOTHING:
        if has_value:
            raise UsageError(f"option {shown} must not have an argument", shows_usage=True)
        options[name] = ""
        return 0
    if has_value or takes is Takes.MAYBE:
        options[name] = value
        return 0
    if not following:
        raise UsageError(f"option {shown} requires argument", shows_usage=True)
    options[name] = following[0]
    return 1


def _full_name(given: str) -> str:
    """Return the option that `given` names or begins uniquely. Raises UsageError."""
    if given in TAKES and len(given) > 1:
        return given
    matches = [name for name in TAKES if len(name) > 1 and name.startswith(given)]
    if len(matches) == 1 and given:
        return matches[0]
    if matches and given:
        raise UsageError(f"option --{given} not a unique prefix", shows_usage=True)
    raise UsageError(f"option --{given} not recognized", shows_usage=True)
