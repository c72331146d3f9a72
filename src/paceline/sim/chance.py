"""Chance: one generator per concern, all from one seed, so that they do not disturb each other."""

from random import Random
from typing import TypeVar

T = TypeVar("T")


class Chance:
    """Draws for one concern. Integers only, so that a run is the same on every machine."""

    def __init__(self, seed: int, concern: str) -> None:
        """Seed this concern's own generator."""
        self._random = Random(f"{seed}/{concern}")

    def between(self, low: int, high: int) -> int:
        """Return an integer of low..high, both included."""
        return low if high <= low else low + self._random.getrandbits(30) % (high - low + 1)

    def percent(self, percent: int) -> bool:
        """Return True in this many of a hundred draws."""
        return self.between(0, 99) < percent

    def pick(self, choices: list[T]) -> T:
        """Return one of the choices; there must be one."""
        return choices[self.between(0, len(choices) - 1)]

    def weighted(self, choices: list[tuple[T, int]]) -> T:
        """Return one of the choices, each as likely as its weight says."""
        draw = self.between(1, sum(weight for _, weight in choices))
        for choice, weight in choices:
            draw -= weight
            if draw <= 0:
                return choice
        return choices[-1][0]

    def shuffled(self, choices: list[T]) -> list[T]:
        """Return the choices in a random order."""
        mixed = list(choices)
        for place in range(len(mixed) - 1, 0, -1):
            other = self.between(0, place)
            mixed[place], mixed[other] = mixed[other], mixed[place]
        return mixed
