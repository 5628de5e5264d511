"""Cells of many records at once: MongoDB tells each record's values and bins, adding up is quicker here.

(Where MongoDB groups them, each record is taken once for each number; that takes four times as long.)
"""

from collections.abc import Mapping, Sequence
from typing import Any

from app.query.cells import Cell, NumberCell, packed
from app.query.grouping import GroupTable
from app.query.histograms import bin_of
from app.query.packed_histograms import Bin, Histogram
from app.query.rollups import Cells, Stage


def record_stage(table: GroupTable, start: Any) -> Stage:
    """Make the stage that gives of each record its bucket's `start`, the ratios `r` that count it, and `v`.

    `v` lists the value and the bin of each number, by the order of the table.
    """
    ratios = [one.expression for one in table.ratios.values()]
    values = [part for one in table.numbers.values() for part in (one.expression, bin_of(one.expression))]
    return {"$project": {"_id": 0, "start": start, "r": ratios, "v": values}}


class CellCollector:
    """Collects one cell; no record, no cell."""

    def __init__(self, table: GroupTable) -> None:
        self._ratios = dict.fromkeys(table.ratios, 0)
        self._numbers: dict[str, NumberCell | None] = {name: NumberCell() for name in table.numbers}
        self._bins: dict[str, dict[int, Bin]] = {name: {} for name in table.numbers}
        self._n = 0

    def add(self, row: Mapping[str, Any]) -> None:
        """Take in a record as `record_stage` gives it."""
        self._n += 1
        for name, counts in zip(self._ratios, row["r"], strict=True):
            if counts:
                self._ratios[name] += 1
        values: Sequence[Any] = row["v"]
        place = 0
        for name, number in self._numbers.items():
            value = values[place]
            if value is not None and number is not None:
                if isinstance(value, int) and value is not True and value is not False:
                    _take(number, value)
                    _take_into(self._bins[name], values[place + 1], value)
                else:
                    self._numbers[name] = None
            place += 2

    def cells(self) -> Cells:
        """Tell the cell as it is stored."""
        if not self._n:
            return []
        for name, number in self._numbers.items():
            if number is not None and number.is_exact:
                number.histogram = Histogram.of(self._bins[name])
        return [packed(Cell(self._n, self._ratios, self._numbers))]


def _take(number: NumberCell, value: int) -> None:
    number.total += value
    number.of += 1
    if number.least is None or value < number.least:
        number.least = value
    if number.greatest is None or value > number.greatest:
        number.greatest = value


def _take_into(bins: dict[int, Bin], place: int, value: int) -> None:
    known = bins.get(place)
    if known is None:
        bins[place] = (1, value, value)
    else:
        many, low, high = known
        bins[place] = (many + 1, min(value, low), max(value, high))
