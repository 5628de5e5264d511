"""What the records of a bucket add up to, and the measures that can be made of it, as a pipeline would make them.

A number is kept only where all that was found of it is whole and its sums cannot pass 64 bits: then every way to add up
gives the same. Of a number that is not (another service may store fractions or text in its place), nothing is kept: who
asks for it has to read the records.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.query.grouping import Measure, Measured, Statistic
from app.query.packed_histograms import Histogram

_MOST_SUM = 2**63
_MOST_VALUE = 2**62  # two of them are added for the middle of a bin


class Fractions(Exception):
    """A number that was asked for is not kept here."""


@dataclass(slots=True)
class NumberCell:
    """A number of some records: their sum, how many have it, its extremes, and its histogram."""

    total: int = 0
    of: int = 0
    least: int | None = None
    greatest: int | None = None
    histogram: Histogram = field(default_factory=Histogram)

    def add(self, other: "NumberCell") -> None:
        """Take in those of other records."""
        self.total += other.total
        self.of += other.of
        if other.least is not None and (self.least is None or other.least < self.least):
            self.least = other.least
        if other.greatest is not None and (self.greatest is None or other.greatest > self.greatest):
            self.greatest = other.greatest
        self.histogram.add(other.histogram)

    @property
    def is_exact(self) -> bool:
        """Whether any order of adding up stays within 64 bits."""
        if self.least is None or self.greatest is None:
            return True
        if self.least >= 0:
            return self.greatest < _MOST_VALUE and self.total < _MOST_SUM
        largest = max(-self.least, self.greatest)
        return largest < _MOST_VALUE and self.of * largest < _MOST_SUM


@dataclass(slots=True)
class Cell:
    """Some records: how many, how many of them each ratio counts, and their numbers; None for one that is not kept."""

    n: int = 0
    ratios: dict[str, int] = field(default_factory=dict)
    numbers: dict[str, NumberCell | None] = field(default_factory=dict)

    def add(self, other: "Cell") -> None:
        """Take in other records. What is not kept of one is not kept of both."""
        self.n += other.n
        for name, many in other.ratios.items():
            self.ratios[name] = self.ratios.get(name, 0) + many
        for name, number in other.numbers.items():
            mine = self.numbers.setdefault(name, NumberCell())
            if mine is None or number is None:
                self.numbers[name] = None
            else:
                mine.add(number)


_ALWAYS = (Statistic.SUM, Statistic.AVG, Statistic.MIN, Statistic.MAX)


def parts(numbers: Mapping[str, bool], ratios: Iterable[str]) -> list[Measure]:
    """List the measures that cells of these numbers (True: with their histograms) and ratios are accumulated from.

    A number's sum, count and extremes are needed together: they tell whether it is kept.
    """
    found = [Measure(Measured.COUNT), *(Measure(Measured.RATIO, name) for name in ratios)]
    for name, with_bins in numbers.items():
        found += [Measure(Measured.NUMBER, name, statistic) for statistic in _ALWAYS]
        if with_bins:
            found.append(Measure(Measured.NUMBER, name, Statistic.QUANTILE, 0.5))
    return found


def cell_of(row: Mapping[str, Any]) -> Cell:
    """Read a row of `app.query.group_pipelines.accumulated`, which was asked for `parts` of numbers and ratios."""
    cell = Cell(n=row["n"])
    for name, value in row.items():
        kind, _, of = name.partition("_")
        if kind == "if":
            cell.ratios[of] = value
        elif kind == "sum":
            cell.numbers[of] = _number_of(row, of)
    return cell


def _number_of(row: Mapping[str, Any], name: str) -> NumberCell | None:
    """Read a number; None where it is not whole.

    The sum of a fraction is one, whatever it is added to; what is no number shows in the extremes.
    """
    found = [row[f"{part}_{name}"] for part in ("sum", "min", "max")]
    if not all(one is None or _is_whole(one) for one in found):
        return None
    total, least, greatest = found
    bins = {one["b"]: (one["n"], one["lo"], one["hi"]) for one in row.get(f"bins_{name}") or ()}
    number = NumberCell(total or 0, row[f"of_{name}"], least, greatest, Histogram.of(bins))
    return number if number.is_exact else None


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def packed(cell: Cell) -> dict[str, Any]:
    """Make what is stored of a cell: of its numbers those that are exact."""
    numbers = {
        name: None if one is None or not one.is_exact else _packed_number(one) for name, one in cell.numbers.items()
    }
    return {"n": cell.n, "ratios": cell.ratios, "numbers": numbers}


def _packed_number(number: NumberCell) -> dict[str, Any]:
    return {
        "sum": number.total,
        "of": number.of,
        "min": number.least,
        "max": number.greatest,
        "bins": number.histogram.packed(),
    }


def unpacked(stored: Mapping[str, Any], names: Iterable[str]) -> Cell:
    """Read a stored cell with these numbers, of which all or only parts were fetched."""
    numbers = {name: stored.get("numbers", {}).get(name) for name in names}
    return Cell(
        n=stored["n"],
        ratios=dict(stored.get("ratios", {})),
        numbers={name: None if one is None else _unpacked_number(one) for name, one in numbers.items()},
    )


def _unpacked_number(stored: Mapping[str, Any]) -> NumberCell:
    histogram = Histogram.of_packed(stored.get("bins", b""))
    return NumberCell(stored.get("sum", 0), stored.get("of", 0), stored.get("min"), stored.get("max"), histogram)


def joined_cells(cells: Iterable[Cell]) -> Cell:
    """Add cells up."""
    whole = Cell()
    for cell in cells:
        whole.add(cell)
    return whole


def measured(cell: Cell, measures: Sequence[Measure]) -> list[Any]:
    """Make measures of a cell with at least one record. Raises Fractions where a number is not kept, or not exact."""
    return [_measured(cell, one) for one in measures]


def _measured(cell: Cell, one: Measure) -> Any:
    match one.kind:
        case Measured.COUNT:
            return cell.n
        case Measured.RATIO:
            return cell.ratios[one.name] / cell.n
        case _:
            number = cell.numbers[one.name]
            if number is None or not number.is_exact:
                raise Fractions
            return _statistic(number, one)


def _statistic(number: NumberCell, one: Measure) -> Any:
    match one.statistic:
        case Statistic.SUM:
            return number.total
        case Statistic.AVG:
            # MongoDB makes both a double before it divides.
            return float(number.total) / float(number.of) if number.of else None
        case Statistic.MIN:
            return number.least
        case Statistic.MAX:
            return number.greatest
        case _:
            return number.histogram.quantile(one.p or 0.0)
