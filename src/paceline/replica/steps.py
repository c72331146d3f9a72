"""Long work in steps: the driver's loop turns between them, and no other event is handled.

A step is what may pass without the loop: some milliseconds. What is done is the same however it is
cut, so that a simulation may run it through at once.
"""

from collections.abc import Generator, Iterable, Iterator
from itertools import islice
from typing import TypeAlias, TypeVar

T = TypeVar("T")

Steps: TypeAlias = Generator[None, None, T]
"""Work that pauses at each `yield`, and has a result at its end."""
STEP_ITEMS = 100
"""How many actions, rows or happenings are looked at in one step: some ten microseconds each."""


def run_through(steps: Steps[T]) -> T:
    """Do all steps at once; return the result."""
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


def in_portions(items: Iterable[T]) -> Iterator[list[T]]:
    """Yield the items in lists of one step's length."""
    rest = iter(items)
    while portion := list(islice(rest, STEP_ITEMS)):
        yield portion
