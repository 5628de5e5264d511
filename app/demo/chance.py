"""Chance that falls alike on every machine and Python.

Only `Random.random()` is promised to keep its sequence across Python versions, so nothing else is drawn from. Sums are
of integers (`sum` of floats changed in 3.12), and exponentials are rounded (their last digit depends on the C library).
"""

import math
import random
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from itertools import accumulate
from statistics import NormalDist
from typing import Generic, TypeVar

T = TypeVar("T")

_CELLS = 256
_EDGE = 0.0005  # the quantile that stands for the open ends


def digest(*names: str | int) -> bytes:
    """Give 16 bytes that depend on the names alone."""
    return blake2b("/".join(map(str, names)).encode(), digest_size=16).digest()


def generator(*names: str | int) -> random.Random:
    """Make a generator whose sequence depends on the names alone. Draw from `random()` only."""
    return random.Random(int.from_bytes(digest(*names), "big"))  # noqa: S311 - demo data must be repeatable, not secret


class Weighted(Generic[T]):
    """A choice between options with whole-number weights."""

    def __init__(self, options: Sequence[tuple[T, int]]) -> None:
        self._values = tuple(value for value, _ in options)
        self._bounds = tuple(accumulate(weight for _, weight in options))

    def pick(self, draw: float) -> T:
        """Pick an option by a draw from [0, 1)."""
        return self._values[bisect_right(self._bounds, draw * self._bounds[-1])]


@dataclass(frozen=True, slots=True)
class LogNormal:
    """A log-normal quantity: its median, and the standard deviation of its logarithm. Tails end at 3.3 deviations."""

    median: float
    spread: float

    def at(self, draw: float) -> float:
        """Give the quantile of a draw from [0, 1)."""
        factors = _factors(self.spread)
        cell, within = divmod(draw * _CELLS, 1.0)
        low, high = factors[int(cell)], factors[int(cell) + 1]
        return self.median * (low + (high - low) * within)


@lru_cache
def _factors(spread: float) -> tuple[float, ...]:
    """Tabulate quantile / median at 257 even steps of probability, to 9 digits."""
    normal = NormalDist()
    steps = (min(max(step / _CELLS, _EDGE), 1 - _EDGE) for step in range(_CELLS + 1))
    return tuple(round(math.exp(spread * normal.inv_cdf(step)), 9) for step in steps)
