"""Time buckets that a real mongod cuts are those of the local calendar (zoneinfo)."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import LimitExceeded
from app.query.buckets import bucket_starts, first_instant
from app.query.group_pipelines import bucket_start
from app.query.grouping import Bucket, Dimension
from app.query.instants import Instant, instant_from_date, split_instant
from app.query.limits import GROUP_BUCKETS
from app.store.client import Database
from tests.group_strategies import BINS, CHANGES, moments_near
from tests.oracle import instants
from tests.oracle.buckets import UNITS, Buckets
from tests.store.databases import reader_of

_LENGTHS = dict(zip(UNITS, (1, 60, 1_440, 10_080, 43_200, 131_400, 525_600), strict=True))  # minutes
on_a_mongod = settings(max_examples=300, deadline=None)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Buckets, list[int]]:
    """Draw buckets in a zone, and instants around the changes of its clocks."""
    zone = draw(st.sampled_from(sorted(CHANGES)))
    unit = draw(st.sampled_from(UNITS))
    changes = [instants.parse(text) for text in CHANGES[zone]]
    moments = draw(st.lists(moments_near(changes), min_size=1, max_size=20))
    return Buckets(unit, draw(st.sampled_from(BINS[unit])), zone), moments


def dimension(buckets: Buckets) -> Dimension:
    """The same buckets as the application writes them."""
    return Dimension("time", Bucket(buckets.every.lower(), buckets.bin, buckets.timezone))


def ticks_of(date: datetime) -> int:
    """Ticks of a BSON date."""
    return (date.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1) * 10_000


@given(case=cases())
@on_a_mongod
async def test_a_bucket_begins_where_the_local_calendar_says(
    database: Database, case: tuple[Buckets, list[int]]
) -> None:
    """Any unit, bin and zone, also on days on which clocks change."""
    buckets, moments = case
    expressions = [
        bucket_start({"$literal": split_instant(Instant(ticks))[0]}, dimension(buckets)) for ticks in moments
    ]
    found = await reader_of(database).evaluate(expressions)
    begins = [ticks_of(first_instant(date, dimension(buckets))) for date in found]
    assert begins == [buckets.first_instant(ticks) for ticks in moments]


@given(case=cases(), most=st.integers(1, 40), step=st.sampled_from((0, 1, -1)))
@on_a_mongod
async def test_a_window_has_every_bucket_that_it_touches_once(
    database: Database, case: tuple[Buckets, list[int]], most: int, step: int
) -> None:
    """From the one that its start lies in to that of its last instant; what is listed beyond the end is ignored."""
    buckets, (start, *_more) = case
    minutes = min(_LENGTHS[buckets.every] * buckets.bin * most, 800 * 1_440)
    end = start + minutes * instants.TICKS_PER_MINUTE + step
    expression = bucket_starts(dimension(buckets), Instant(start), Instant(end))
    found = await reader_of(database).evaluate(expression)
    dates = [first_instant(date, dimension(buckets)) for date in found]
    assert len(dates) == len(set(dates))
    begins = sorted(ticks for ticks in map(ticks_of, dates) if ticks < end)
    assert begins == buckets.between(start, end)
    assert [instant_from_date(date) for date in sorted(dates)] == sorted(map(ticks_of, dates))


@pytest.mark.parametrize("unit", UNITS)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Warsaw"])
def test_more_buckets_than_the_limit_are_refused_before_anything_is_asked(unit: str, zone: str) -> None:
    """Twice as many of any unit, and a bin of two takes as many away."""
    start = instants.parse("2001-01-01T00:00:00Z")
    length = _LENGTHS[unit] * instants.TICKS_PER_MINUTE
    end = start + length * GROUP_BUCKETS.value * 2
    with pytest.raises(LimitExceeded, match=r"^fill: .*groupBuckets"):
        bucket_starts(dimension(Buckets(unit, 1, zone)), Instant(start), Instant(end))
    assert bucket_starts(dimension(Buckets(unit, 3, zone)), Instant(start), Instant(end))
