"""The two weeks that the demo data covers."""

from dataclasses import dataclass
from datetime import datetime

from app.query.instants import (
    TICKS_PER_MILLISECOND,
    TICKS_PER_SECOND,
    Instant,
    format_instant,
    instant_from_date,
)

TICKS_PER_MINUTE = 60 * TICKS_PER_SECOND
TICKS_PER_HOUR = 60 * TICKS_PER_MINUTE
TICKS_PER_DAY = 24 * TICKS_PER_HOUR
DAYS = 14
_MONDAY_SHIFT = 3  # 1970-01-01 was a Thursday


@dataclass(frozen=True, slots=True)
class DemoWindow:
    """Every time of the demo lies in [start, end]; both are whole milliseconds, in ticks of 100 ns."""

    start: int
    end: int

    def last_weekday(self, weekday: int, hour: int, minute: int = 0) -> int:
        """Find that UTC time of day on the latest such weekday (Monday is 0) 3 to 9 days before the end's day."""
        day = self.end // TICKS_PER_DAY - 3
        day -= (day + _MONDAY_SHIFT - weekday) % 7
        return day * TICKS_PER_DAY + hour * TICKS_PER_HOUR + minute * TICKS_PER_MINUTE


def demo_window(anchor: datetime) -> DemoWindow:
    """Take the 14 days before an aware `anchor`, cut to the millisecond; ValueError for a time without zone."""
    if anchor.utcoffset() is None:
        raise ValueError("anchor needs a time zone")
    end = instant_from_date(anchor)
    # The cut moves the end back by less than a millisecond; the start must not go with it beyond the 14 days.
    return DemoWindow(start=end - DAYS * TICKS_PER_DAY + TICKS_PER_MILLISECOND, end=end)


def weekday_of(ticks: int) -> int:
    """Tell the day of the week, Monday is 0."""
    return (ticks // TICKS_PER_DAY + _MONDAY_SHIFT) % 7


def written(ticks: int, digits: int = 7) -> str:
    """Write ticks since 1970 as the sources do: UTC, `Z`, 7 or 3 fractional digits."""
    return format_instant(Instant(ticks), digits)
