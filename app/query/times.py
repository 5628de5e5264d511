"""Comparisons with times that are stored to the millisecond."""

from collections.abc import Callable, Sequence
from datetime import datetime

from app.query.conditions import Comparison, Condition, Operator
from app.query.fields import Field
from app.query.instants import LATEST, TICKS_PER_MILLISECOND, Instant, split_instant


def whole_millisecond_from(instant: Instant) -> datetime:
    """The first whole millisecond that is not before the instant; the last one of the year 9999 has none after it."""
    return split_instant(min(Instant(instant + TICKS_PER_MILLISECOND - 1), LATEST))[0]


def whole_millisecond_until(instant: Instant) -> datetime:
    """The last whole millisecond that is not after the instant."""
    return split_instant(instant)[0]


# A stored whole millisecond t compares with an instant as it does with the whole millisecond on the right side of it.
_ROUNDED: dict[Operator, Callable[[Instant], datetime]] = {
    Operator.GT: whole_millisecond_until,
    Operator.GTE: whole_millisecond_from,
    Operator.LT: whole_millisecond_from,
    Operator.LTE: whole_millisecond_until,
}


def compare_time(field: Field, operator: Operator, value: Instant | Sequence[Instant]) -> Condition:
    """Compare a time field that has no ticks. What is finer than a millisecond equals nothing that is stored."""
    if operator in _ROUNDED and isinstance(value, int):
        return Comparison(field, operator, _ROUNDED[operator](value))
    wanted = [value] if isinstance(value, int) else value
    whole = tuple(split_instant(one)[0] for one in wanted if one % TICKS_PER_MILLISECOND == 0)
    listed = Operator.IN if operator in {Operator.EQ, Operator.IN} else Operator.NOT_IN
    return Comparison(field, listed, whole)
