"""Points in time to 100 ns, as one integer.

An `Instant` counts 100 ns ticks since 1970-01-01T00:00:00Z (negative before it). A BSON date keeps
milliseconds; the 0..9999 ticks below the millisecond stand beside it in a field of their own.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import NewType

import orjson

Instant = NewType("Instant", int)

TICKS_PER_MILLISECOND = 10_000
TICKS_PER_SECOND = 10_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_NAIVE = datetime(1970, 1, 1)  # noqa: DTZ001 - BSON dates are UTC and come without a zone
_MILLISECOND = timedelta(milliseconds=1)
_SECOND = timedelta(seconds=1)
EARLIEST = Instant((datetime.min.replace(tzinfo=UTC) - _EPOCH) // _MILLISECOND * TICKS_PER_MILLISECOND)
LATEST = Instant((datetime.max.replace(tzinfo=UTC) - _EPOCH) // _SECOND * TICKS_PER_SECOND + TICKS_PER_SECOND - 1)
_TICK_ENDS = tuple(f"{tick:04d}Z" for tick in range(TICKS_PER_MILLISECOND))

_RFC_3339 = re.compile(
    r"(\d{4})-(\d{2})-(\d{2})[Tt](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:([Zz])|([+-])(\d{2}):(\d{2}))?",
    re.ASCII,
)


def parse_instant(text: str) -> Instant:
    """Read an RFC 3339 time with any offset and up to 7 fractional digits.

    Raises ValueError with a message for the caller: no zone, more digits, no such day, outside the years 1..9999.
    """
    match = _RFC_3339.fullmatch(text)
    if match is None:
        raise ValueError("is not an RFC 3339 time such as 2026-04-20T19:30:38.5509677Z")
    year, month, day, hour, minute, second, fraction, zulu, sign, zone_hours, zone_minutes = match.groups()
    if zulu is None and sign is None:
        raise ValueError("has no time zone: end it with Z or an offset such as +02:00")
    fraction = fraction or ""
    if len(fraction) > 7:
        raise ValueError("has more than 7 fractional digits (100 ns is the finest step)")
    try:
        whole = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError:
        raise ValueError("names a day or time of day that does not exist") from None
    ticks = (whole - _EPOCH) // _SECOND * TICKS_PER_SECOND + int(fraction.ljust(7, "0"))
    if sign is not None:
        if int(zone_hours) > 23 or int(zone_minutes) > 59:
            raise ValueError("has an offset that does not exist")
        offset = (int(zone_hours) * 60 + int(zone_minutes)) * 60 * TICKS_PER_SECOND
        ticks += -offset if sign == "+" else offset
    if not EARLIEST <= ticks <= LATEST:
        raise ValueError("is outside the years 1 to 9999 in UTC")
    return Instant(ticks)


def format_instant(instant: Instant, digits: int = 7) -> str:
    """Write an instant in UTC with `Z` and 3 or 7 fractional digits (finer digits are cut off)."""
    seconds, ticks = divmod(instant, TICKS_PER_SECOND)
    whole = _EPOCH_NAIVE + timedelta(seconds=seconds)
    return f"{whole.isoformat()}.{f'{ticks:07d}'[:digits]}Z"


def format_dates(dates: Sequence[datetime], ticks: Sequence[int] | None, digits: int = 7) -> list[str]:
    """Write BSON dates (naive UTC, whole milliseconds) as `format_instant` does, many at once.

    `ticks`, 0..9999 each, are the 100 ns below the millisecond; None: there are none.
    """
    if not dates:
        return []
    # orjson writes 2026-04-20T19:30:38.551000Z, and no fraction where it is 0.
    written = orjson.dumps(dates, option=orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z).decode()[2:-2].split('","')
    if digits == 3 or ticks is None:
        end = "Z" if digits == 3 else "0000Z"
        return [one[:23] + end if len(one) == 27 else f"{one[:19]}.000{end}" for one in written]
    ends = _TICK_ENDS
    return [
        one[:23] + ends[tick] if len(one) == 27 else f"{one[:19]}.000{ends[tick]}"
        for one, tick in zip(written, ticks, strict=True)
    ]


def instant_from_milliseconds(milliseconds: int) -> Instant:
    """Make an instant from epoch milliseconds; ValueError outside the years 1 to 9999."""
    ticks = milliseconds * TICKS_PER_MILLISECOND
    if not EARLIEST <= ticks <= LATEST:
        raise ValueError("is outside the years 1 to 9999 (epoch milliseconds)")
    return Instant(ticks)


def instant_from_date(date: datetime, ticks: int = 0) -> Instant:
    """Join a BSON date (naive UTC, or aware) and its 100 ns ticks below the millisecond."""
    since = date - (_EPOCH_NAIVE if date.tzinfo is None else _EPOCH)
    return Instant(since // _MILLISECOND * TICKS_PER_MILLISECOND + ticks)


def split_instant(instant: Instant) -> tuple[datetime, int]:
    """Part an instant into a BSON date (naive UTC, whole milliseconds) and the ticks below it."""
    milliseconds, ticks = divmod(instant, TICKS_PER_MILLISECOND)
    return _EPOCH_NAIVE + timedelta(milliseconds=milliseconds), ticks


def now() -> Instant:
    """Read the clock, to the millisecond."""
    return instant_from_date(datetime.now(UTC))
