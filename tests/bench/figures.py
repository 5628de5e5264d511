"""The bench's statistics: medians, quantiles and ratios within a round."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median


@dataclass(frozen=True, slots=True)
class Spread:
    """The median of a figure over rounds, with the least and the greatest."""

    middle: float
    least: float
    greatest: float


def spread(values: Sequence[float]) -> Spread:
    """Sum up a figure's values, one of each round."""
    return Spread(median(values), min(values), max(values))


def ratios(values: Sequence[float], base: Sequence[float]) -> Spread:
    """Sum up the ratios to the base of the same round: noise that hits a whole round cancels out."""
    return spread([value / own for value, own in zip(values, base, strict=True)])


def quantile(values: Sequence[float], p: float) -> float:
    """Tell the value at rank ceil(p n), at least the first."""
    ranked = sorted(values)
    return ranked[max(ceil(p * len(ranked)), 1) - 1]
