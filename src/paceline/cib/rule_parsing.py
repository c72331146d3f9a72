"""Rules as people write them: `#uname eq n1 and date gt 2030-01-01`, read into a tree of values.

expression := term (("and" | "or") term)*
term := "(" expression ")" | condition

Of `and` and `or` neither binds tighter: `a or b and c` is `(a or b) and c`, as in pcs.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import NoReturn

from paceline.model.durations import parse_duration_ms

COMPARISONS = ("eq", "ne", "lt", "gt", "lte", "gte")
VALUE_TYPES = ("string", "integer", "number", "version")
DEPTH_MAX = 50
_TOKEN = re.compile(r"[()]|\"[^\"]*\"|'[^']*'|[^\s()\"']+")


class RuleKind(Enum):
    """Where a rule stands: decides which conditions it may have."""

    LOCATION = auto()
    RESOURCE_DEFAULTS = auto()
    OPERATION_DEFAULTS = auto()


class RuleSyntaxError(ValueError):
    """The text is no rule; the message says where."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Defined:
    """`defined X` or `not_defined X`."""

    attribute: str
    is_defined: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Compare:
    """`X eq [TYPE] VALUE`."""

    attribute: str
    operation: str
    value: str
    value_type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DateCompare:
    """`date gt DATE`, `date lt DATE`."""

    operation: str
    date: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DateRange:
    """`date in_range [START] to END` or `... to duration ...`."""

    start: str = ""
    end: str = ""
    duration: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DateSpec:
    """`date-spec hours=9-16 weekdays=1-5`."""

    parts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OnResource:
    """`resource [STANDARD]:[PROVIDER]:[TYPE]`."""

    standard: str = ""
    provider: str = ""
    type: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnOperation:
    """`op NAME [interval=INTERVAL]`."""

    name: str
    interval: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """Several conditions joined by one word."""

    is_and: bool
    parts: tuple["Condition", ...]


Condition = (
    Defined | Compare | DateCompare | DateRange | DateSpec | OnResource | OnOperation | Joined
)


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    start: int

    @property
    def word(self) -> str:
        """The text without quotes."""
        return self.text[1:-1] if self.text[:1] in "\"'" else self.text


def parse_rule(text: str, kind: RuleKind) -> Condition:
    """Return what the text says. Raises RuleSyntaxError."""
    parser = _Parser(text, kind)
    condition = parser.expression(0)
    parser.expect_end()
    return condition


def _is_duration(text: str) -> bool:
    try:
        parse_duration_ms(text)
    except ValueError:
        return False
    return True


class _Parser:
    """Reads tokens from left to right; knows the text to show where it went wrong."""

    def __init__(self, text: str, kind: RuleKind) -> None:
        self._text = text
        self._kind = kind
        self._tokens = [_Token(match[0], match.start()) for match in _TOKEN.finditer(text)]
        self._next = 0

    def expression(self, depth: int) -> Condition:
        """Read conditions joined by `and` and `or`, neither before the other, from the left."""
        if depth > DEPTH_MAX:
            self._fail(self._position())
        parts = [self._term(depth)]
        joint = ""
        while self._peek() in ("and", "or"):
            word = self._take().text
            if joint not in ("", word):
                parts = [Joined(is_and=joint == "and", parts=tuple(parts))]
            joint = word
            parts.append(self._term(depth))
        return parts[0] if not joint else Joined(is_and=joint == "and", parts=tuple(parts))

    def expect_end(self) -> None:
        """Raise RuleSyntaxError if something is left."""
        if self._next < len(self._tokens):
            self._fail(self._position())

    def _term(self, depth: int) -> Condition:
        if self._peek() == "(":
            self._next += 1
            inner = self.expression(depth + 1)
            if self._peek() != ")":
                self._fail(self._position())
            self._next += 1
            return inner
        return self._condition()

    def _condition(self) -> Condition:
        first = self._take()
        match first.text:
            case "defined" | "not_defined":
                self._allow_attributes(first)
                return Defined(attribute=self._take().word, is_defined=first.text == "defined")
            case "date":
                return self._date()
            case "date-spec":
                return DateSpec(parts=self._pairs())
            case "resource" if self._kind is not RuleKind.LOCATION:
                return self._resource()
            case "op" if self._kind is not RuleKind.LOCATION and self._peek_is_word():
                if self._kind is RuleKind.RESOURCE_DEFAULTS:
                    raise RuleSyntaxError("Keyword 'op' cannot be used in a rule in this command")
                return self._operation()
            case _:
                return self._comparison(first)

    def _comparison(self, attribute: _Token) -> Condition:
        if self._next >= len(self._tokens):
            self._fail(len(self._text))
        operator = self._tokens[self._next]
        if operator.text not in COMPARISONS:
            begun = max(
                (len(name) for name in COMPARISONS if operator.text.startswith(name)), default=0
            )
            self._fail(operator.start + begun)
        self._next += 1
        self._allow_attributes(attribute)
        value_type = ""
        if self._peek() in VALUE_TYPES and self._has_word_after():
            value_type = self._take().text
        value = self._take()
        if value.text in ("(", ")"):
            self._fail(value.start)
        return Compare(
            attribute=attribute.word,
            operation=operator.text,
            value=value.word,
            value_type=value_type,
        )

    def _allow_attributes(self, token: _Token) -> None:
        if self._kind is RuleKind.RESOURCE_DEFAULTS:
            raise RuleSyntaxError(
                "Keywords 'defined', 'not_defined', 'eq', 'ne', 'gte', 'gt', 'lte' and 'lt' cannot "
                "be used in a rule in this command"
            )

    def _date(self) -> Condition:
        operation = self._take()
        if operation.text in ("gt", "lt"):
            return DateCompare(operation=operation.text, date=self._take().word)
        if operation.text != "in_range":
            self._fail(operation.start)
        start = "" if self._peek() == "to" else self._take().word
        if self._peek() != "to":
            self._fail(self._position())
        self._next += 1
        if self._peek() == "duration":
            self._next += 1
            return DateRange(start=start, duration=self._pairs())
        return DateRange(start=start, end=self._take().word)

    def _pairs(self) -> tuple[tuple[str, str], ...]:
        pairs = []
        while self._next < len(self._tokens):
            token = self._tokens[self._next]
            name, equals, value = token.text.partition("=")
            if not equals or not name or not value:
                break
            pairs.append((name, value))
            self._next += 1
        if not pairs:
            self._fail(self._position())
        return tuple(pairs)

    def _resource(self) -> Condition:
        token = self._take()
        parts = token.text.split(":")
        if len(parts) < 3:
            self._fail(token.start)
        if len(parts) > 3:
            self._fail(token.start + len(":".join(parts[:3])))
        return OnResource(standard=parts[0], provider=parts[1], type=parts[2])

    def _operation(self) -> Condition:
        name = self._take().word
        following = self._peek()
        if following.startswith("interval="):
            interval = following.partition("=")[2]
            if not _is_duration(interval):
                self._fail(self._position())
            self._next += 1
            return OnOperation(name=name, interval=interval)
        return OnOperation(name=name)

    def _peek(self) -> str:
        return self._tokens[self._next].text if self._next < len(self._tokens) else ""

    def _peek_is_word(self) -> bool:
        return self._peek() not in (*COMPARISONS, "", "(", ")")

    def _has_word_after(self) -> bool:
        following = self._tokens[self._next + 1 : self._next + 2]
        return bool(following) and following[0].text not in ("and", "or", ")", "(")

    def _take(self) -> _Token:
        if self._next >= len(self._tokens):
            self._fail(len(self._text))
        token = self._tokens[self._next]
        self._next += 1
        return token

    def _position(self) -> int:
        if self._next < len(self._tokens):
            return self._tokens[self._next].start
        return len(self._text)

    def _fail(self, position: int) -> NoReturn:
        raise RuleSyntaxError(
            f"'{self._text}' is not a valid rule expression, parse error near or after line 1 "
            f"column {position + 1}\n  {self._text}\n  {'-' * position}^"
        )
