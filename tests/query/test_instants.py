"""Instants: what is read, what is refused and why, and that nothing of 100 ns gets lost on the way."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.query.instants import (
    EARLIEST,
    LATEST,
    TICKS_PER_MILLISECOND,
    TICKS_PER_SECOND,
    Instant,
    format_instant,
    instant_from_date,
    instant_from_milliseconds,
    now,
    parse_instant,
    split_instant,
)

_SECOND = TICKS_PER_SECOND
_DAY = 86_400 * _SECOND
instants = st.integers(EARLIEST, LATEST).map(Instant)

READ = {
    "1970-01-01T00:00:00Z": 0,
    "1970-01-01T00:00:00.0000001Z": 1,
    "1970-01-01T00:00:00.1Z": 1_000_000,
    "1970-01-01T00:00:00.0000000Z": 0,
    "1969-12-31T23:59:59.9999999Z": -1,
    "1970-01-01t00:00:01z": _SECOND,
    "1970-01-01T02:00:00+02:00": 0,
    "1969-12-31T18:30:00-05:30": 0,
    "1970-01-01T00:00:00-00:00": 0,
    "1970-01-01T23:59:00+23:59": 0,
    "2026-04-20T19:30:38.5509677Z": 17_767_134_385_509_677,
    "2026-04-20T21:30:38.5509677+02:00": 17_767_134_385_509_677,
    "2024-02-29T00:00:00Z": 19_782 * _DAY,
    "2000-02-29T00:00:00Z": 11_016 * _DAY,
    "0001-01-01T00:00:00Z": EARLIEST,
    "0001-01-01T01:00:00+01:00": EARLIEST,
    "9999-12-31T23:59:59.9999999Z": LATEST,
}

_FORM = "is not an RFC 3339 time"
_DIGITS = "more than 7 fractional digits"
_NO_SUCH = "names a day or time of day that does not exist"
_OFFSET = "has an offset that does not exist"
_YEARS = "is outside the years 1 to 9999"
REFUSED = {
    "": _FORM,
    "yesterday": _FORM,
    "2026-04-20": _FORM,
    "2026-04-20 19:30:38Z": _FORM,
    "2026-04-20T19:30Z": _FORM,
    "2026-04-20T19:30:38.Z": _FORM,
    "2026-04-20T19:30:38,5Z": _FORM,
    "2026-04-20T19:30:38Z\n": _FORM,
    " 2026-04-20T19:30:38Z": _FORM,
    "2026-04-20T19:30:38+0200": _FORM,
    "2026-4-20T19:30:38Z": _FORM,
    "12026-04-20T19:30:38Z": _FORM,
    "-001-04-20T19:30:38Z": _FORM,
    "\u0662026-04-20T19:30:38Z": _FORM,
    "1776713438550": _FORM,
    "2026-04-20T19:30:38": "has no time zone",
    "2026-04-20T19:30:38.5509677": "has no time zone",
    "2026-04-20T19:30:38.55096770Z": _DIGITS,
    f"2026-04-20T19:30:38.{'1' * 5000}Z": _DIGITS,
    "2026-02-29T00:00:00Z": _NO_SUCH,
    "1900-02-29T00:00:00Z": _NO_SUCH,
    "2026-04-31T00:00:00Z": _NO_SUCH,
    "2026-13-01T00:00:00Z": _NO_SUCH,
    "2026-00-01T00:00:00Z": _NO_SUCH,
    "2026-04-20T24:00:00Z": _NO_SUCH,
    "2026-04-20T23:60:00Z": _NO_SUCH,
    "2026-04-20T23:59:60Z": _NO_SUCH,
    "0000-01-01T00:00:00Z": _NO_SUCH,
    "2026-04-20T19:30:38+24:00": _OFFSET,
    "2026-04-20T19:30:38-02:60": _OFFSET,
    "0001-01-01T00:00:00+00:01": _YEARS,
    "9999-12-31T23:59:59-00:01": _YEARS,
}


@pytest.mark.parametrize(("text", "ticks"), READ.items())
def test_a_time_is_read_to_the_tick(text: str, ticks: int) -> None:
    """RFC 3339 with any offset and up to 7 digits becomes exactly that many ticks since 1970."""
    assert parse_instant(text) == ticks


@pytest.mark.parametrize(("text", "reason"), REFUSED.items(), ids=lambda part: str(part)[:40])
def test_an_unusable_time_is_refused_with_its_reason(text: str, reason: str) -> None:
    """What is no instant is an error that says why, never another instant."""
    with pytest.raises(ValueError, match=reason):
        parse_instant(text)


@pytest.mark.parametrize(
    ("ticks", "digits", "text"),
    [
        (0, 7, "1970-01-01T00:00:00.0000000Z"),
        (-1, 7, "1969-12-31T23:59:59.9999999Z"),
        (-1, 3, "1969-12-31T23:59:59.999Z"),
        (9_999, 3, "1970-01-01T00:00:00.000Z"),
        (17_767_134_385_509_677, 7, "2026-04-20T19:30:38.5509677Z"),
        (EARLIEST, 7, "0001-01-01T00:00:00.0000000Z"),
        (LATEST, 7, "9999-12-31T23:59:59.9999999Z"),
        (LATEST, 3, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_an_instant_is_written_in_utc_with_its_digits(ticks: int, digits: int, text: str) -> None:
    """7 or 3 fractional digits, cut off and not rounded, the year in four digits."""
    assert format_instant(Instant(ticks), digits) == text


@settings(deadline=None)
@given(instants)
def test_what_came_in_with_seven_digits_goes_out_as_exactly_that(instant: Instant) -> None:
    """Reading what was written gives the same instant, over all years."""
    assert parse_instant(format_instant(instant)) == instant


@settings(deadline=None)
@given(instants)
def test_a_date_and_its_ticks_are_the_whole_instant(instant: Instant) -> None:
    """Parting an instant gives whole milliseconds and 0..9999 ticks; joining them gives it back."""
    date, ticks = split_instant(instant)
    assert date.tzinfo is None
    assert date.microsecond % 1000 == 0
    assert 0 <= ticks < TICKS_PER_MILLISECOND
    assert instant_from_date(date, ticks) == instant
    assert instant_from_date(date.replace(tzinfo=UTC), ticks) == instant


@settings(deadline=None)
@given(instants, st.integers(-1439, 1439))
def test_an_offset_changes_the_writing_not_the_instant(instant: Instant, minutes: int) -> None:
    """The same instant in any zone is read as the same instant."""
    shifted = instant + minutes * 60 * _SECOND
    if not EARLIEST <= shifted <= LATEST:
        return
    sign, (hours, rest) = "-" if minutes < 0 else "+", divmod(abs(minutes), 60)
    local = format_instant(Instant(shifted)).removesuffix("Z")
    assert parse_instant(f"{local}{sign}{hours:02d}:{rest:02d}") == instant


@pytest.mark.parametrize(
    ("milliseconds", "ticks"),
    [(0, 0), (-1, -10_000), (1_776_713_438_550, 17_767_134_385_500_000), (EARLIEST // 10_000, EARLIEST)],
)
def test_epoch_milliseconds_are_an_instant(milliseconds: int, ticks: int) -> None:
    """A number counts milliseconds since 1970."""
    assert instant_from_milliseconds(milliseconds) == ticks


@pytest.mark.parametrize("milliseconds", [EARLIEST // 10_000 - 1, LATEST // 10_000 + 1, 10**30, -(10**30)])
def test_epoch_milliseconds_outside_the_years_are_refused(milliseconds: int) -> None:
    """A number that no date can hold is an error, however large."""
    with pytest.raises(ValueError, match="years 1 to 9999"):
        instant_from_milliseconds(milliseconds)


def test_an_aware_date_is_taken_at_its_own_zone() -> None:
    """A date with a zone is the instant it names, not its wall clock."""
    at_two = datetime(1970, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))
    assert instant_from_date(at_two) == 0


def test_now_is_a_whole_millisecond_close_to_the_clock() -> None:
    """The clock is read in UTC and to the millisecond."""
    before = instant_from_date(datetime.now(UTC))
    read = now()
    assert read % TICKS_PER_MILLISECOND == 0
    assert before <= read <= before + 60 * _SECOND
