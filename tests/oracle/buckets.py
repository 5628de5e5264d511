"""Time buckets, by the local calendar of zoneinfo (contract 4, "Groups"; bins as MongoDB's `$dateTrunc` aligns them).

https://www.mongodb.com/docs/manual/reference/operator/aggregation/dateTrunc/: bins are counted from 2000-01-01T00:00
in the time zone; weeks that begin on Monday from 2000-01-03.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

from tests.oracle import instants

UNITS = ("MINUTE", "HOUR", "DAY", "WEEK", "MONTH", "QUARTER", "YEAR")
_TICKS_OF = {"MINUTE": instants.TICKS_PER_MINUTE, "HOUR": 60 * instants.TICKS_PER_MINUTE}
_MONTHS_OF = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)


@dataclass(frozen=True)
class Buckets:
    """Buckets of `bin` units in a time zone, told by their first instants, in ticks."""

    every: str
    bin: int = 1
    timezone: str = "UTC"

    def first_instant(self, ticks: int) -> int:
        """First instant of the bucket that this instant lies in."""
        if self.every in _TICKS_OF:
            reference, length = first_instant_of_day(date(2000, 1, 1), self.timezone), self._length()
            assert reference is not None
            return reference + (ticks - reference) // length * length
        return self._first_instant_of_bucket(self._number(_local_date(ticks, self.timezone)))

    def between(self, start: int, end: int) -> list[int]:
        """First instants of all buckets with an instant in [start, end), ascending; the first may begin earlier."""
        if self.every in _TICKS_OF:
            return list(range(self.first_instant(start), end, self._length()))
        numbers: set[int] = set()
        day = _local_date(start, self.timezone)
        while day <= _local_date(end - 1, self.timezone):
            if first_instant_of_day(day, self.timezone) is not None:
                numbers.add(self._number(day))
            day += _DAY
        return sorted(self._first_instant_of_bucket(number) for number in numbers)

    def _length(self) -> int:
        return self.bin * _TICKS_OF[self.every]

    def _number(self, day: date) -> int:
        """The bucket's place among all buckets; the one that the reference lies in is number 0."""
        if self.every == "DAY":
            return (day - date(2000, 1, 1)).days // self.bin
        if self.every == "WEEK":
            return (day - date(2000, 1, 3)).days // (7 * self.bin)
        return ((day.year - 2000) * 12 + day.month - 1) // (_MONTHS_OF[self.every] * self.bin)

    def _first_instant_of_bucket(self, number: int) -> int:
        if self.every == "DAY":
            day = date(2000, 1, 1) + number * self.bin * _DAY
        elif self.every == "WEEK":
            day = date(2000, 1, 3) + number * 7 * self.bin * _DAY
        else:
            year, month_index = divmod(number * _MONTHS_OF[self.every] * self.bin, 12)
            day = date(2000 + year, month_index + 1, 1)
        first = first_instant_of_day(day, self.timezone)
        while first is None:
            day += _DAY
            first = first_instant_of_day(day, self.timezone)
        return first


@cache
def first_instant_of_day(day: date, timezone: str) -> int | None:
    """First instant, in ticks, at which clocks of the zone show that date; None for a date that they leapt over.

    All whole minutes at which it could be are tried: also midnights that do not exist, or come twice, are right.
    """
    midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
    zone = ZoneInfo(timezone)
    for minutes in range(-15 * 60, 39 * 60):
        moment = midnight + minutes * _MINUTE
        if moment.astimezone(zone).date() == day:
            return (moment - _EPOCH) // _MINUTE * instants.TICKS_PER_MINUTE
    return None


def _local_date(ticks: int, timezone: str) -> date:
    moment = _EPOCH + timedelta(microseconds=ticks // 10)
    return moment.astimezone(ZoneInfo(timezone)).date()
