"""Where the time buckets of a question cut the buckets of rollups, which follow the UTC clock.

What is said here decides what is read, not what it is counted to: that MongoDB tells, and is asked whether a bucket of
a rollup lies in one bucket of the question.
"""

from dataclasses import dataclass
from datetime import MAXYEAR, UTC, datetime, timedelta
from functools import lru_cache

from app.query.grouping import Bucket
from app.query.instants import Instant, instant_from_date, split_instant
from app.query.rollups import Unit
from app.query.zones import time_zone

_MOST_YEARS = 50
_NONE, _HOUR, _DAY = timedelta(), timedelta(hours=1), timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Cuts:
    """Whether days may be taken whole at all, and those (by their starts) that may not."""

    whole_days: bool = True
    days: frozenset[Instant] = frozenset()


def cuts_of(bucket: Bucket, start: Instant, end: Instant) -> Cuts | None:
    """Tell how the buckets of [start, end) cut days; None where they do not begin on whole hours in UTC."""
    try:
        first, last = split_instant(start)[0] - _DAY, split_instant(end)[0] + 2 * _DAY
        if bucket.unit == "minute" or last.year - first.year > _MOST_YEARS or last.year == MAXYEAR:
            return None
        if bucket.unit == "hour":
            # $dateTrunc counts hours from here, whatever the clocks do since.
            origin = datetime(2000, 1, 1, tzinfo=time_zone(bucket.timezone))
            return None if (origin.utcoffset() or _NONE) % _HOUR else Cuts(whole_days=False)
        offsets = _offsets_between(bucket.timezone, first, last)
    except (KeyError, OverflowError):  # a zone that is not known here; at either end of time
        return None
    if any(offset % _HOUR for offset in offsets):
        return None
    if offsets == {_NONE}:
        return Cuts()
    return Cuts(whole_days=False) if bucket.unit == "day" else Cuts(days=_cut_days(bucket, first, last))


def _offsets_between(timezone: str, first: datetime, last: datetime) -> set[timedelta]:
    """The offsets from UTC that a zone has from a day to another."""
    found: set[timedelta] = set()
    for year in range(first.year, last.year + 1):
        begin = first.timetuple().tm_yday - 1 if year == first.year else 0
        end = last.timetuple().tm_yday if year == last.year else None
        found.update(_offsets(timezone, year)[begin:end])
    return found


@lru_cache(maxsize=1_000)
def _offsets(timezone: str, year: int) -> tuple[timedelta, ...]:
    """The offset from UTC that a zone has on each day of a year, at noon."""
    zone = time_zone(timezone)
    days = (datetime(year, 1, 1, 12, tzinfo=UTC) + number * _DAY for number in range(366))
    return tuple(day.astimezone(zone).utcoffset() or _NONE for day in days)


def _cut_days(bucket: Bucket, first: datetime, last: datetime) -> frozenset[Instant]:
    """The days in which a week or a month begins in the zone, and so perhaps a bucket."""
    zone = time_zone(bucket.timezone)
    found: set[Instant] = set()
    day = first.replace(hour=0, minute=0, second=0, microsecond=0)
    while day <= last:
        if day.weekday() == 0 if bucket.unit == "week" else day.day == 1:
            found.add(Unit.DAY.floor(instant_from_date(day.replace(tzinfo=zone).astimezone(UTC))))
        day += _DAY
    return frozenset(found)
