"""Rows of groups outside of MongoDB: empty ones, and the same filter and order for those that were filled in."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import product
from operator import eq, ge, gt, itemgetter, le, lt, ne
from typing import Any

from app.query.grouping import Comparator, Dimension, GroupQuery, Measure, Measured, Statistic

Row = dict[str, Any]
PREVIOUS = "previous"
_COMPARE = {
    Comparator.EQ: eq,
    Comparator.NE: ne,
    Comparator.GT: gt,
    Comparator.GTE: ge,
    Comparator.LT: lt,
    Comparator.LTE: le,
}


def of_nothing(measure: Measure) -> int | None:
    """What a measure is where there are no records: counts and sums are 0, everything else is null."""
    counted = measure.kind in {Measured.COUNT, Measured.COUNT_IF, Measured.UNIQUE}
    return 0 if counted or measure.statistic is Statistic.SUM else None


def empty_row(query: GroupQuery) -> Row:
    """The measures of a row without records."""
    return {f"m{index}": of_nothing(measure) for index, measure in enumerate(query.computed)}


def filled(query: GroupQuery, rows: Sequence[Row], starts: Iterable[datetime]) -> list[Row]:
    """Add a row without records for each bucket that a combination of the other keys lacks.

    Without other keys there is one combination, which occurs even where no record does.
    """
    names = [f"d{index}" for index in range(len(query.keys))]
    time = next(name for name, key in zip(names, query.keys, strict=True) if key.bucket is not None)
    others = [name for name in names if name != time]
    there = {tuple(row[name] for name in names) for row in rows}
    combinations = dict.fromkeys(tuple(row[name] for name in others) for row in rows) if others else {(): None}
    added = []
    for combination, start in product(combinations, starts):
        keys = {**dict(zip(others, combination, strict=True)), time: start}
        if tuple(keys[name] for name in names) not in there:
            added.append({**keys, **empty_row(query)})
    return [*rows, *added]


def kept(query: GroupQuery, rows: Iterable[Row]) -> list[Row]:
    """Apply `having`: null equals nothing and is neither greater nor less."""
    tests = [(_value_of(query, one.measure), _COMPARE[one.comparator], one.value) for one in query.having]

    def holds(row: Row) -> bool:
        found = ((value_of(row), test, value) for value_of, test, value in tests)
        return all(one is not None and test(one, value) for one, test, value in found)

    return [row for row in rows if holds(row)]


def ordered(query: GroupQuery, rows: list[Row]) -> list[Row]:
    """Sort as MongoDB does, null before everything ascending."""
    for one in reversed(query.complete_order):
        value_of = _value_of(query, one.by)
        known = [(value_of(row), row) for row in rows]
        present = sorted((pair for pair in known if pair[0] is not None), key=itemgetter(0), reverse=one.direction < 0)
        there = [row for _, row in present]
        absent = [row for value, row in known if value is None]
        rows = [*absent, *there] if one.direction > 0 else [*there, *absent]
    return rows


def _value_of(query: GroupQuery, by: Dimension | Measure) -> Callable[[Row], Any]:
    """Make the function that takes a dimension's or measure's value out of a row; null where there is no previous."""
    if isinstance(by, Dimension):
        return itemgetter(f"d{query.keys.index(by)}")
    if not by.of_previous:
        return itemgetter(f"m{query.computed.index(by)}")
    name = f"m{query.computed_previous.index(replace(by, of_previous=False))}"
    return lambda row: (row.get(PREVIOUS) or {}).get(name)
