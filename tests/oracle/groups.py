"""Rows of connectionGroups, connectionEventGroups and summaryEventGroups (contract 4, "Groups")."""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeVar

from tests.oracle import connections, datasets, filters, instants, summary, windows
from tests.oracle.buckets import Buckets
from tests.oracle.datasets import CONNECTIONS, SUMMARY_EVENTS, Dataset, Record
from tests.oracle.pages import ASC, DESC, Order, null_first
from tests.oracle.windows import Window

Value = Any
Key = tuple[Value, ...]
Number = TypeVar("Number", int, float)

STATUS_CLASS = "statusClass"
STATISTICS = ("sum", "avg", "min", "max", "quantile")
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gt": operator.gt,
    "gte": operator.ge,
    "lt": operator.lt,
    "lte": operator.le,
}


@dataclass(frozen=True)
class Dimension:
    """A dimension under its response key: a text field or statusClass by its GraphQL name, or time buckets."""

    key: str
    of: str | Buckets


@dataclass(frozen=True)
class Measure:
    """A measure under its path of response keys, such as `t.high` for `t: bytesSent { high: quantile(p: 0.99) }`.

    `of` is count, activeCount, uniq, ratio or a number; `part` what is selected inside: a text field, error, success
    or a statistic; `p` belongs to quantile.
    """

    path: str
    of: str
    part: str = ""
    p: float = 0.0


@dataclass(frozen=True)
class Row:
    """One row: dimensions by response key, measures by path; `previous` too, None where there was nothing."""

    dimensions: dict[str, Value]
    measures: dict[str, Value]
    previous: dict[str, Value] | None = None

    def value(self, path: str) -> Value:
        """What an order or condition by that path sees; null where `previous` is null."""
        if path in self.dimensions:
            return self.dimensions[path]
        if path in self.measures:
            return self.measures[path]
        return None if self.previous is None else self.previous[path]


@dataclass(frozen=True)
class Question:
    """What is selected, for which records; `time` at the top of the filter is the window, other times only filter."""

    dataset: Dataset
    dimensions: Sequence[Dimension]
    measures: Sequence[Measure]
    filter: Mapping[str, Any] = field(default_factory=dict)
    fill: bool = False
    compare_to: str | None = None
    previous: Sequence[Measure] = ()

    def window(self, now: int) -> Window:
        """The window as resolved."""
        return windows.from_graphql(self.filter.get("time"), now)


def text_fields(dataset: Dataset) -> tuple[str, ...]:
    """GraphQL names of every text field, status code and addresses included."""
    return tuple(name for name, kind in dataset.operators.items() if kind != datasets.LONG)


def number_fields(dataset: Dataset) -> tuple[str, ...]:
    """GraphQL names of what has statistics."""
    if dataset is CONNECTIONS:
        return ("connectionDurationSeconds",)
    return tuple(name for name, kind in dataset.operators.items() if kind == datasets.LONG)


def rows(records: Sequence[Record], tenant: str, question: Question, now: int) -> list[Row]:
    """Answer everything of one organization but having, orderBy and limit; in no promised order.

    Records are unique by tenant and id; of connections, statuses. `now` in ticks.
    """
    window = question.window(now)
    by_key = _grouped(_records_in(records, tenant, question, window, now), question, 0)
    if not question.dimensions:
        by_key.setdefault((), [])
    if question.fill:
        _add_empty_buckets(by_key, question, window)
    before: dict[Key, list[Record]] = {}
    earlier = window
    if question.compare_to is not None:
        assert window.start is not None
        assert window.end is not None
        shift = windows.duration(question.compare_to)
        earlier = Window(window.start - shift, window.end - shift)
        before = _grouped(_records_in(records, tenant, question, earlier, now), question, shift)
    keys = [dimension.key for dimension in question.dimensions]
    return [
        Row(
            dict(zip(keys, key, strict=True)),
            {one.path: measured(one, group, question.dataset, window, now) for one in question.measures},
            {one.path: measured(one, before[key], question.dataset, earlier, now) for one in question.previous}
            if key in before
            else None,
        )
        for key, group in by_key.items()
    ]


def having(found: Sequence[Row], conditions: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Keep the rows for which all operators of all conditions hold; null never matches, also not `ne`."""
    return [row for row in found if all(_holds(row.value(one["by"]), one) for one in conditions)]


def ordered(found: Sequence[Row], question: Question, orders: Sequence[Order] = ()) -> list[Row]:
    """Sort by (path, ASC or DESC) in turn, ties by the dimensions ascending in the order of selection.

    Null comes first ascending, last descending. No order: the first time dimension ascending, then count descending
    (also where it was not selected: give it as a measure with the path `count` then).
    """
    given = list(orders)
    if not given:
        times = [dimension.key for dimension in question.dimensions if isinstance(dimension.of, Buckets)]
        given = [*((key, ASC) for key in times[:1]), (count_path(question), DESC)]
    result = list(found)
    # Sorting is stable, also when reversed: the least important key goes first. Times are UTC text of one length.
    for path, direction in reversed([*given, *((dimension.key, ASC) for dimension in question.dimensions)]):
        keyed = [(null_first(row.value(path)), row) for row in result]
        keyed.sort(key=lambda pair: pair[0], reverse={ASC: False, DESC: True}[direction])
        result = [row for _key, row in keyed]
    return result


def count_path(question: Question) -> str:
    """Path of the selected count."""
    return next(measure.path for measure in question.measures if measure.of == "count")


def measured(measure: Measure, group: Sequence[Record], dataset: Dataset, window: Window, now: int) -> Value:
    """One measure of a group of records; the window's end says which moment activeCount looks back from."""
    if measure.of == "count":
        return len(group)
    if measure.of == "activeCount":
        return len([status for status in group if summary.is_active(status, window, now)])
    if measure.of == "uniq":
        values = [record.get(dataset.stored[measure.part]) for record in group]
        return len({value for value in values if value is not None})
    if measure.of == "ratio":
        hits = [one for one in group if filters.has_outcome(one.get("status_code"), measure.part.upper())]
        return len(hits) / len(group) if group else None
    if measure.of == "connectionDurationSeconds":
        milliseconds = [connections.duration(status) // instants.TICKS_PER_MILLISECOND for status in group]
        found = statistic(milliseconds, measure.part, measure.p)
        return None if found is None else found / 1000
    numbers = [record[dataset.stored[measure.of]] for record in group]
    return statistic([number for number in numbers if number is not None], measure.part, measure.p)


def statistic(numbers: Sequence[int], part: str, p: float) -> float | int | None:
    """Sum, avg, min, max or the value at rank ceil(p n); of nothing 0 for the sum, None for the others."""
    if part == "sum":
        return sum(numbers)
    if not numbers:
        return None
    if part == "avg":
        return sum(numbers) / len(numbers)
    if part == "quantile":
        return at_rank(numbers, p)
    return {"min": min(numbers), "max": max(numbers)}[part]


def at_rank(numbers: Sequence[Number], p: float) -> Number:
    """The value at rank ceil(p n) of n >= 1 values in ascending order; at rank 1 for p = 0.

    p is taken as the decimal number that the client wrote: rank 7 of 100 for 0.07, though 0.07 * 100 > 7 in floats.
    """
    return sorted(numbers)[max(1, math.ceil(Fraction(repr(p)) * len(numbers))) - 1]


def _records_in(records: Sequence[Record], tenant: str, question: Question, window: Window, now: int) -> list[Record]:
    fields = {name: entry for name, entry in question.filter.items() if name != "time"}
    matching = filters.select(records, question.dataset, tenant, fields, now)
    return [record for record in matching if window.contains(_ticks(record, question.dataset))]


def _grouped(records: Sequence[Record], question: Question, shift: int) -> dict[Key, list[Record]]:
    """Group by the dimensions; times count as later by so many ticks."""
    by_key: dict[Key, list[Record]] = {}
    for record in records:
        key = tuple(_dimension_value(dimension, record, question.dataset, shift) for dimension in question.dimensions)
        by_key.setdefault(key, []).append(record)
    return by_key


def _dimension_value(dimension: Dimension, record: Record, dataset: Dataset, shift: int) -> Value:
    if isinstance(dimension.of, Buckets):
        return instants.render(dimension.of.first_instant(_ticks(record, dataset) + shift), dataset.digits)
    if dimension.of == STATUS_CLASS:
        assert dataset is SUMMARY_EVENTS
        classes = [f"_{digit}XX" for digit in "12345"]
        return next((name for name in classes if filters.in_class(record.get("status_code"), name)), None)
    return record.get(dataset.stored[dimension.of])


def _add_empty_buckets(by_key: dict[Key, list[Record]], question: Question, window: Window) -> None:
    """Add what is missing of each combination of the other keys that occurs x each bucket of the window."""
    ((place, buckets),) = [
        (place, one.of) for place, one in enumerate(question.dimensions) if isinstance(one.of, Buckets)
    ]
    assert window.start is not None
    assert window.end is not None
    others = {key[:place] + key[place + 1 :] for key in by_key}
    if len(question.dimensions) == 1:
        others = {()}
    for ticks in buckets.between(window.start, window.end):
        bucket = instants.render(ticks, question.dataset.digits)
        for other in others:
            by_key.setdefault((*other[:place], bucket, *other[place:]), [])


def _holds(value: Value, condition: Mapping[str, Any]) -> bool:
    if value is None:
        return False
    return all(COMPARISONS[name](value, operand) for name, operand in condition.items() if name != "by")


def _ticks(record: Record, dataset: Dataset) -> int:
    return instants.parse(record[dataset.time_field])
