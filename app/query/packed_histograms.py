"""Histograms as rollups store them: kept packed, and read only as far as a question needs.

Of each bin of `app.query.histograms` that holds a value, a histogram tells how many it holds, the least and the
greatest. It is packed as columns of 64-bit integers, little-endian: the bins (ascending), counts, least, greatest.
"""

from bisect import bisect_left
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, Context, Decimal
from itertools import accumulate
from struct import pack, unpack_from
from typing import Self

_DECIMAL_128 = Context(prec=34)
_WIDTH = 8  # bytes of an integer
_COLUMNS = 4

Bin = tuple[int, int, int]  # how many, the least, the greatest


@dataclass(slots=True)
class Histogram:
    """A histogram in packed parts, none of them empty; they are added up once that is needed."""

    parts: list[bytes] = field(default_factory=list)

    @classmethod
    def of(cls, bins: Mapping[int, Bin]) -> Self:
        """Pack a histogram, given by its bins."""
        places = sorted(bins)
        flat = [*places, *(bins[place][part] for part in range(_COLUMNS - 1) for place in places)]
        return cls.of_packed(pack(f"<{len(flat)}q", *flat))

    @classmethod
    def of_packed(cls, data: bytes) -> Self:
        """Take a histogram as it is stored."""
        return cls([data] if data else [])

    def add(self, other: "Histogram") -> None:
        """Take in the values of other records."""
        self.parts += other.parts

    def packed(self) -> bytes:
        """Make what is stored."""
        if len(self.parts) > 1:
            self.parts = self.of(_added_up(self.parts)).parts
        return self.parts[0] if self.parts else b""

    def quantile(self, p: float) -> float | None:
        """Tell the value at rank ceil(p * n), as `app.query.histograms.quantile_of` finds it; None where n is 0."""
        data = self.packed()
        if not data:
            return None
        many = _bins_in(data)
        reached = list(accumulate(_column(data, 1)))
        total = reached[-1]
        rank = max(1, int(_DECIMAL_128.multiply(Decimal(repr(p)), total).to_integral_value(ROUND_CEILING)))
        found = bisect_left(reached, rank)
        low: int
        high: int
        low, high = (unpack_from("<q", data, _WIDTH * (column * many + found))[0] for column in (2, 3))
        if rank <= 1:
            return low
        return high if rank >= total else (low + high) / 2


def _bins_in(data: bytes) -> int:
    return len(data) // (_COLUMNS * _WIDTH)


def _column(data: bytes, number: int) -> tuple[int, ...]:
    many = _bins_in(data)
    return unpack_from(f"<{many}q", data, _WIDTH * number * many)


def _added_up(parts: list[bytes]) -> Mapping[int, Bin]:
    bins: dict[int, Bin] = {}
    for data in parts:
        for place, many, low, high in zip(*(_column(data, number) for number in range(_COLUMNS)), strict=True):
            mine = bins.get(place)
            if mine is None:
                bins[place] = (many, low, high)
            else:
                bins[place] = (mine[0] + many, min(mine[1], low), max(mine[2], high))
    return bins
