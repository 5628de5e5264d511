"""Durations: ISO 8601, minutes and `last7days`, as months and exact ticks; and how they count back and on."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.query.durations import LONGEST_DAYS, Duration, minutes_duration, parse_duration, parse_timeframe
from app.query.instants import EARLIEST, LATEST, TICKS_PER_SECOND, Instant, format_instant, parse_instant

_SECOND = TICKS_PER_SECOND
_MINUTE, _HOUR, _DAY = 60 * _SECOND, 3_600 * _SECOND, 86_400 * _SECOND
_CENTURY = LONGEST_DAYS * _DAY

READ = {
    "PT30M": Duration(0, 30 * _MINUTE),
    "P7D": Duration(0, 7 * _DAY),
    "P2W": Duration(0, 14 * _DAY),
    "P1M": Duration(1, 0),
    "P1Y": Duration(12, 0),
    "P1Y2M3DT4H5M6.5S": Duration(14, 3 * _DAY + 4 * _HOUR + 5 * _MINUTE + 6 * _SECOND + 5_000_000),
    "PT0.0000001S": Duration(0, 1),
    "PT1.5S": Duration(0, 15_000_000),
    "P0Y1D": Duration(0, _DAY),
    "PT007H": Duration(0, 7 * _HOUR),
    "P36525D": Duration(0, _CENTURY),
    "P100Y": Duration(1200, 0),
}

_FORM = "is not an ISO 8601 duration such as PT30M or P7D"
_LONG = "is longer than 36525 days"
_ZERO = "must be longer than zero"
REFUSED = {
    "": _FORM,
    "P": _FORM,
    "PT": _FORM,
    "P1DT": _FORM,
    "30M": _FORM,
    "P30m": _FORM,
    "-P7D": _FORM,
    "P-7D": _FORM,
    "P1W2D": _FORM,
    "P7D\n": _FORM,
    "P1.5D": _FORM,
    "PT1.S": _FORM,
    "PT0.00000001S": _FORM,
    "PT1M1H": _FORM,
    "last7days": _FORM,
    "P0D": _ZERO,
    "PT0.0000000S": _ZERO,
    "P0Y0M0DT0H0M0S": _ZERO,
    "P36525DT0.0000001S": _LONG,
    f"P{'9' * 30}D": _LONG,
    f"P{'9' * 30}Y": _LONG,
    f"PT{'9' * 30}S": _LONG,
    f"P{'9' * 30}W": _LONG,
    f"P{'9' * 5000}D": _LONG,
}

# The bound is the same however a century is written.
LONGER_THAN_A_CENTURY = ["P101Y", "P1201M", "P100Y1D", "P100YT0.0000001S", "P99Y366D"]


@pytest.mark.parametrize(("text", "duration"), READ.items())
def test_an_iso_8601_duration_is_read_exactly(text: str, duration: Duration) -> None:
    """Years and months stay calendar months, the rest is ticks."""
    assert parse_duration(text) == duration


@pytest.mark.parametrize(("text", "reason"), REFUSED.items(), ids=lambda part: str(part)[:40])
def test_an_unusable_duration_is_refused_with_its_reason(text: str, reason: str) -> None:
    """No form, nothing at all, or more than a century: each says which."""
    with pytest.raises(ValueError, match=reason):
        parse_duration(text)


@pytest.mark.parametrize("text", LONGER_THAN_A_CENTURY)
def test_a_century_is_the_bound_in_years_and_months_too(text: str) -> None:
    """What is longer than a century is refused, whatever unit it is written in."""
    with pytest.raises(ValueError, match=_LONG):
        parse_duration(text)


TIMEFRAMES = {
    "last1minute": Duration(0, _MINUTE),
    "last30minutes": Duration(0, 30 * _MINUTE),
    "last1hours": Duration(0, _HOUR),
    "last24hour": Duration(0, 24 * _HOUR),
    "last7days": Duration(0, 7 * _DAY),
    "last007days": Duration(0, 7 * _DAY),
    "last2weeks": Duration(0, 14 * _DAY),
    "last3months": Duration(3, 0),
    "last2quarters": Duration(6, 0),
    "last1year": Duration(12, 0),
    "last100years": Duration(1200, 0),
    "last36525days": Duration(0, _CENTURY),
}
_TIMEFRAME_FORM = r"is not of the form last<N><minute\|hour\|day\|week\|month\|quarter\|year>\[s\]"
REFUSED_TIMEFRAMES = {
    "": _TIMEFRAME_FORM,
    "last": _TIMEFRAME_FORM,
    "lastdays": _TIMEFRAME_FORM,
    "last7": _TIMEFRAME_FORM,
    "last 7days": _TIMEFRAME_FORM,
    "Last7days": _TIMEFRAME_FORM,
    "last7Days": _TIMEFRAME_FORM,
    "last-7days": _TIMEFRAME_FORM,
    "last1.5days": _TIMEFRAME_FORM,
    "last7seconds": _TIMEFRAME_FORM,
    "last7days\n": _TIMEFRAME_FORM,
    "last\u0667days": _TIMEFRAME_FORM,
    "P7D": _TIMEFRAME_FORM,
    "last0days": _ZERO,
    "last0months": _ZERO,
    "last36526days": _LONG,
    "last999999999999years": _LONG,
    "last101years": _LONG,
    "last1201months": _LONG,
}


@pytest.mark.parametrize(("text", "duration"), TIMEFRAMES.items())
def test_a_timeframe_is_read_exactly(text: str, duration: Duration) -> None:
    """`last<N><unit>`, with or without the `s`; months, quarters and years are calendar months."""
    assert parse_timeframe(text) == duration


@pytest.mark.parametrize(("text", "reason"), REFUSED_TIMEFRAMES.items())
def test_an_unusable_timeframe_is_refused_with_its_reason(text: str, reason: str) -> None:
    """Another form, zero, or more than a century: each says which."""
    with pytest.raises(ValueError, match=reason):
        parse_timeframe(text)


@pytest.mark.parametrize("number", ["9" * 30, "9" * 5000], ids=len)
def test_a_timeframe_of_any_number_of_digits_is_an_error_of_its_own(number: str) -> None:
    """A number of 30 or 5,000 digits is refused with a message, not with an overflow."""
    with pytest.raises(ValueError, match=f"{_LONG}|{_TIMEFRAME_FORM}"):
        parse_timeframe(f"last{number}days")


@pytest.mark.parametrize(("minutes", "reason"), [(0, _ZERO), (-1, _ZERO), (-(10**30), _ZERO), (10**30, _LONG)])
def test_unusable_minutes_are_refused(minutes: int, reason: str) -> None:
    """Zero, less, and more than a century."""
    with pytest.raises(ValueError, match=reason):
        minutes_duration(minutes)


def test_minutes_are_exact_up_to_a_century() -> None:
    """One minute is 60 s; the last minute of a century is still in, the next is not."""
    assert minutes_duration(1) == Duration(0, _MINUTE)
    assert minutes_duration(LONGEST_DAYS * 1440) == Duration(0, _CENTURY)
    with pytest.raises(ValueError, match=_LONG):
        minutes_duration(LONGEST_DAYS * 1440 + 1)


@pytest.mark.parametrize(
    ("instant", "text", "before", "after"),
    [
        ("2026-03-31T12:00:00.0000001Z", "P1M", "2026-02-28T12:00:00.0000001Z", "2026-04-30T12:00:00.0000001Z"),
        ("2024-03-31T00:00:00Z", "P1M", "2024-02-29T00:00:00Z", "2024-04-30T00:00:00Z"),
        ("2024-02-29T00:00:00Z", "P1Y", "2023-02-28T00:00:00Z", "2025-02-28T00:00:00Z"),
        ("2024-02-29T00:00:00Z", "P4Y", "2020-02-29T00:00:00Z", "2028-02-29T00:00:00Z"),
        ("2026-01-15T00:00:00Z", "P1M", "2025-12-15T00:00:00Z", "2026-02-15T00:00:00Z"),
        ("2026-03-31T00:00:00Z", "P1M1D", "2026-02-27T00:00:00Z", "2026-05-01T00:00:00Z"),
        ("2026-03-01T00:00:00Z", "PT0.0000001S", "2026-02-28T23:59:59.9999999Z", "2026-03-01T00:00:00.0000001Z"),
        ("0001-01-31T00:00:00Z", "P1M", "0001-01-01T00:00:00Z", "0001-02-28T00:00:00Z"),
        ("0050-06-01T00:00:00Z", "P100Y", "0001-01-01T00:00:00Z", "0150-06-01T00:00:00Z"),
        ("9999-12-31T00:00:00Z", "P1M", "9999-11-30T00:00:00Z", "9999-12-31T23:59:59.9999999Z"),
        ("9999-12-31T00:00:00Z", "P1D", "9999-12-30T00:00:00Z", "9999-12-31T23:59:59.9999999Z"),
    ],
)
def test_months_are_counted_first_and_clamp_to_the_month(instant: str, text: str, before: str, after: str) -> None:
    """A day that a month lacks becomes its last; past the years 1 and 9999 the count stops at the edge."""
    duration = parse_duration(text)
    assert duration.before(parse_instant(instant)) == parse_instant(before)
    assert duration.after(parse_instant(instant)) == parse_instant(after)


@settings(deadline=None)
@given(st.integers(EARLIEST, LATEST).map(Instant), st.integers(0, 1200), st.integers(0, 100 * _DAY))
def test_counting_never_leaves_the_years_and_never_goes_the_wrong_way(
    instant: Instant, months: int, ticks: int
) -> None:
    """For any instant and duration: before <= instant <= after, both can be written."""
    if not 0 < months * 31 * _DAY + ticks <= _CENTURY:
        return
    duration = Duration(months, ticks)
    earlier, later = duration.before(instant), duration.after(instant)
    assert EARLIEST <= earlier <= instant <= later <= LATEST
    assert parse_instant(format_instant(earlier)) == earlier
    assert parse_instant(format_instant(later)) == later


@settings(deadline=None)
@given(st.integers(1, _CENTURY))
def test_an_exact_duration_reads_back(ticks: int) -> None:
    """Written in seconds with seven digits, every length up to a century is read to the tick."""
    seconds, below = divmod(ticks, _SECOND)
    assert parse_duration(f"PT{seconds}.{below:07d}S") == Duration(0, ticks)
