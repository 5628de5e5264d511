"""Lengths of time that count back from now: ISO 8601 durations, minutes, and `last7days`."""

import calendar
import re
from dataclasses import dataclass
from datetime import UTC, timedelta

from app.query.instants import (
    EARLIEST,
    LATEST,
    TICKS_PER_SECOND,
    Instant,
    instant_from_date,
    split_instant,
)
from app.query.limits import WINDOW_DAYS
from app.query.zones import time_zone

LONGEST_DAYS = WINDOW_DAYS.value  # a century; longer than any retention
_DAY_TICKS = 86_400 * TICKS_PER_SECOND
_MONTH_TICKS = LONGEST_DAYS * _DAY_TICKS // 1200  # the mean month; exact
_MINUTE_TICKS = 60 * TICKS_PER_SECOND
_ISO_8601 = re.compile(
    r"P(?:(\d+)W|(?:(\d+)Y)?(?:(\d+)M)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d{1,7}))?S)?)?)",
    re.ASCII,
)
_TIMEFRAME = re.compile(r"last(\d+)(minute|hour|day|week|month|quarter|year)s?", re.ASCII)
_UNITS: dict[str, tuple[int, int]] = {  # unit -> (months, ticks)
    "minute": (0, _MINUTE_TICKS),
    "hour": (0, 60 * _MINUTE_TICKS),
    "day": (0, _DAY_TICKS),
    "week": (0, 7 * _DAY_TICKS),
    "month": (1, 0),
    "quarter": (3, 0),
    "year": (12, 0),
}


@dataclass(frozen=True, slots=True)
class Duration:
    """A calendar part in months and an exact part in 100 ns ticks; positive, at most a century."""

    months: int
    ticks: int

    def __post_init__(self) -> None:
        if self.months <= 0 and self.ticks <= 0:
            raise ValueError("must be longer than zero")
        if self.months * _MONTH_TICKS + self.ticks > LONGEST_DAYS * _DAY_TICKS:
            raise ValueError(f"is longer than {LONGEST_DAYS} days")

    def before(self, instant: Instant, zone: str = "UTC") -> Instant:
        """Count back, months first, by the zone's calendar: a day that the earlier month lacks becomes its last day."""
        return _shifted(instant, -self.months, -self.ticks, zone)

    def after(self, instant: Instant, zone: str = "UTC") -> Instant:
        """Count on, months first, by the zone's calendar: a day that the later month lacks becomes its last day."""
        return _shifted(instant, self.months, self.ticks, zone)


def _shifted(instant: Instant, months: int, ticks: int, zone: str) -> Instant:
    if not months:
        return _bounded(instant + ticks)
    date, below = split_instant(instant)
    try:
        local = date.replace(tzinfo=UTC).astimezone(time_zone(zone))
        year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
        day = min(local.day, calendar.monthrange(year, month + 1)[1])
        moved = local.replace(year=year, month=month + 1, day=day, fold=0).astimezone(UTC)
    except (ValueError, OverflowError):  # outside of the years 1 to 9999
        return EARLIEST if months < 0 else LATEST
    return _bounded(instant_from_date(moved) + below + ticks)


def _bounded(ticks: int) -> Instant:
    return Instant(min(max(ticks, EARLIEST), LATEST))


def parse_duration(text: str) -> Duration:
    """Read an ISO 8601 duration: `PT30M`, `P7D`, `P1Y2M3DT4H5M6.5S`, `P2W`. ValueError says what is wrong."""
    match = _ISO_8601.fullmatch(text)
    if match is None or text.endswith(("P", "T")):
        raise ValueError("is not an ISO 8601 duration such as PT30M or P7D")
    if len(text) > 64:
        raise ValueError(f"is longer than {LONGEST_DAYS} days")
    weeks, years, months, days, hours, minutes, seconds = (int(part or 0) for part in match.groups()[:7])
    exact = timedelta(0)
    fraction = int((match[8] or "").ljust(7, "0"))
    try:
        exact = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    except OverflowError:
        raise ValueError(f"is longer than {LONGEST_DAYS} days") from None
    return Duration(years * 12 + months, exact // timedelta(seconds=1) * TICKS_PER_SECOND + fraction)


def minutes_duration(minutes: int) -> Duration:
    """Make a duration of whole minutes; ValueError for zero, less, or more than a century."""
    return Duration(0, minutes * _MINUTE_TICKS)


def parse_timeframe(text: str) -> Duration:
    """Read `last<N><minute/hour/day/week/month/quarter/year>[s]`, such as `last30minutes`."""
    match = _TIMEFRAME.fullmatch(text)
    if match is None or len(text) > 32:
        raise ValueError("is not of the form last<N><minute|hour|day|week|month|quarter|year>[s], such as last7days")
    months, ticks = _UNITS[match[2]]
    return Duration(int(match[1]) * months, int(match[1]) * ticks)
