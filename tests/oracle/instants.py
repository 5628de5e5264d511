"""Instants as the oracle counts them: whole 100 ns ticks since 1970-01-01T00:00:00Z (contract 1, "100 ns")."""

import calendar
import re
from datetime import UTC, datetime, timedelta

TICKS_PER_MILLISECOND = 10_000
TICKS_PER_SECOND = 10_000_000
TICKS_PER_MINUTE = 60 * TICKS_PER_SECOND

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RFC3339 = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,7}))?(?:([Zz])|([+-])(\d{2}):(\d{2}))",
    re.ASCII,
)


def parse(text: str) -> int:
    """RFC 3339 text, any offset, up to seven fractional digits, to ticks (contract 4, DateTime).

    ValueError for anything else: no zone, eight digits, no such day.
    """
    found = _RFC3339.fullmatch(text)
    if found is None:
        raise ValueError(f"not an RFC 3339 instant with a zone and at most 7 fractional digits: {text!r}")
    day, clock, fraction, _zulu, sign, hours, minutes = found.groups()
    local = datetime.fromisoformat(f"{day}T{clock}+00:00")
    seconds = (local - _EPOCH) // timedelta(seconds=1)
    if sign is not None:
        if int(hours) > 23 or int(minutes) > 59:
            raise ValueError(f"no such offset: {text!r}")
        offset = int(hours) * 3600 + int(minutes) * 60
        # 21:30 at +02:00 is 19:30 in UTC: the offset is taken away.
        seconds = seconds - offset if sign == "+" else seconds + offset
    return seconds * TICKS_PER_SECOND + int((fraction or "").ljust(7, "0"))


def render(ticks: int, digits: int = 7) -> str:
    """Write ticks as RFC 3339 in UTC with `Z` and 7 or 3 fractional digits (contract 5); cut, not rounded."""
    if digits not in (3, 7):
        raise ValueError("the sources write 7 digits (connections) or 3 (summary events)")
    seconds, fraction = divmod(ticks, TICKS_PER_SECOND)
    whole = (_EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{whole}.{fraction:07d}"[: len(whole) + 1 + digits] + "Z"


def to_millisecond(ticks: int) -> int:
    """Truncate to the millisecond, still in ticks (contract 1, "Status times are kept to the millisecond")."""
    return ticks - ticks % TICKS_PER_MILLISECOND


def months_before(ticks: int, months: int) -> int:
    """Go back so many calendar months in UTC, to the same day and time; a day that month lacks becomes its last day."""
    seconds, fraction = divmod(ticks, TICKS_PER_SECOND)
    then = _EPOCH + timedelta(seconds=seconds)
    year, month_index = divmod(then.year * 12 + then.month - 1 - months, 12)
    last_day = calendar.monthrange(year, month_index + 1)[1]
    earlier = then.replace(year=year, month=month_index + 1, day=min(then.day, last_day))
    return (earlier - _EPOCH) // timedelta(seconds=1) * TICKS_PER_SECOND + fraction
