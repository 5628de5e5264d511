"""Answers from rollups are those from the records themselves, whatever is stored, asked, and going on."""

from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from bson import Decimal128
from hypothesis import event, given
from hypothesis import settings as running
from hypothesis import strategies as st

from app.datasets.summary_events.fields import SUMMARY_EVENTS
from app.datasets.summary_events.groups import SUMMARY_EVENT_GROUPS
from app.datasets.summary_events.operations import count_events
from app.datasets.summary_events.rollup import SUMMARY_EVENT_ROLLUP
from app.errors import GatewayError
from app.query.conditions import EVERYTHING, AllOf, InWindow
from app.query.durations import parse_duration
from app.query.grouping import (
    COUNT,
    Bucket,
    Comparator,
    Dimension,
    GroupOrder,
    GroupQuery,
    Having,
    Measure,
    Measured,
    Path,
    Statistic,
)
from app.query.instants import Instant, instant_from_date, now, parse_instant
from app.query.ordering import Direction
from app.query.rollups import DAY_TICKS, HOUR_TICKS, Used
from app.query.windows import ALL_TIME, Window
from app.store.groups import read_groups
from app.store.rollups import BUCKETS, STATES
from app.store.store import Store
from tests.gateways import ORG_NAME, open_test_store
from tests.group_strategies import CHANGES
from tests.store.databases import database_settings, scope_of

Document = dict[str, Any]

NUMBERS = tuple(SUMMARY_EVENT_GROUPS.numbers)
ZONES = ("UTC", "Europe/Warsaw", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "America/Havana")
WHOLE = st.integers(0, 300) | st.sampled_from((-5, 0, 1, 2**40, 2**61))
ODD = st.sampled_from((2**62, 2**63 - 1, -(2**63), 1.5, 3.0, True, "12", [7], Decimal128("0.1"), None))
STATUSES = st.sampled_from(("200 OK", "404 Not Found", "500", "", None, 200))
MEASURES = st.one_of(
    st.just(COUNT),
    st.sampled_from([Measure(Measured.RATIO, name) for name in ("error", "success")]),
    st.builds(
        Measure,
        st.just(Measured.NUMBER),
        st.sampled_from(NUMBERS),
        st.sampled_from((Statistic.SUM, Statistic.AVG, Statistic.MIN, Statistic.MAX)),
    ),
    st.builds(
        lambda name, p: Measure(Measured.NUMBER, name, Statistic.QUANTILE, p),
        st.sampled_from(NUMBERS),
        st.sampled_from((0.0, 0.07, 0.5, 0.99, 1.0)) | st.floats(0, 1),
    ),
)


@pytest.fixture(scope="module")
async def stores(mongodb_uri: str) -> AsyncIterator[tuple[Store, Store]]:
    """The same database twice: rollups used, and switched off."""
    settings = database_settings(mongodb_uri)
    async with (
        await open_test_store(settings) as using,
        await open_test_store(settings.model_copy(update={"rollups": False})) as plain,
    ):
        yield using, plain
        await using.writer._database.client.drop_database(settings.database)  # noqa: SLF001 - a test cleans up


@st.composite
def documents(draw: st.DrawFn, around: Instant, *, odd: bool) -> list[Document]:
    """Draw what is stored: times near an instant, numbers that are missing, null, negative, huge, or odd ones too."""
    step = st.integers(-60, 60).map(lambda hours: hours * 3_600_000) | st.integers(-3 * 86_400_000, 3 * 86_400_000)
    numbers = WHOLE | ODD if odd else WHOLE
    moments = draw(st.lists(st.tuples(step, st.sampled_from((0, 0, 1, -1))), max_size=25))
    found: list[Document] = []
    for at, nudge in moments:
        document: Document = {
            "org_name": draw(st.sampled_from((ORG_NAME, ORG_NAME, ORG_NAME, "acme"))),
            "datetime": datetime(1970, 1, 1) + timedelta(milliseconds=around // 10_000 + at + nudge),  # noqa: DTZ001
            "status_code": draw(STATUSES),
        }
        for number in ("bytes_received", "bytes_sent", "time_to_serve_request"):
            if draw(st.integers(0, 5)):
                document[number] = draw(numbers)
        found.append(document)
    return found


@st.composite
def windows(draw: st.DrawFn, around: Instant) -> Window:
    """Draw a window: none, or edges at, beside or between hours; open at one end, too."""
    edges = st.builds(
        lambda hours, step: Instant(around + hours * HOUR_TICKS + step),
        st.integers(-96, 96),
        st.sampled_from((0, 0, 0, 1, -1, 9_999, 10_000)) | st.integers(0, HOUR_TICKS),
    )
    start, end = sorted((draw(edges), draw(edges)))
    if draw(st.booleans()):
        return Window(start, Instant(end + 1))
    return draw(st.sampled_from((ALL_TIME, ALL_TIME, Window(start), Window(None, end))))


@st.composite
def questions(draw: st.DrawFn, zone: str, window: Window) -> GroupQuery:
    """Draw a question for groups with all that goes with it."""
    units = st.sampled_from(("hour", "hour", "day", "day", "week", "month", "year", "minute", "hour"))
    bucket = st.builds(Bucket, units, st.sampled_from((1, 1, 2, 5)), st.sampled_from((zone, zone, *ZONES)))
    bounded = window.start is not None and window.end is not None
    chosen = draw(st.lists(bucket, max_size=2, unique=True))
    dimensions: dict[Path, Dimension] = {(f"d{place}",): Dimension("time", one) for place, one in enumerate(chosen)}
    measures = draw(st.lists(MEASURES, min_size=1, max_size=5, unique=True))
    compare = st.sampled_from((None, None, "PT1H", "P1D", "P1M"))
    shift = draw(compare) if bounded and all(one.unit != "minute" for one in chosen) else None
    previous = draw(st.lists(MEASURES, min_size=1, max_size=2, unique=True)) if shift else []
    by = st.sampled_from([*dimensions.values(), *measures])
    order = draw(st.lists(st.builds(GroupOrder, by, st.sampled_from(Direction)), max_size=2, unique_by=lambda o: o.by))
    having = st.builds(Having, st.sampled_from(measures), st.sampled_from(Comparator), st.integers(0, 3).map(float))
    return GroupQuery(
        table=SUMMARY_EVENT_GROUPS,
        now=now(),
        window=window,
        dimensions=dimensions,
        measures={(f"m{place}",): one for place, one in enumerate(measures)},
        previous={(f"m{place}",): one for place, one in enumerate(previous)},
        having=draw(st.lists(having, max_size=1)),
        order=order,
        limit=draw(st.sampled_from((1, 3, 10_000, 10_000))),
        fill=bounded and len(chosen) == 1 and chosen[0].unit != "minute" and draw(st.booleans()),
        compare_to=None if shift is None else parse_duration(shift),
        rollup=SUMMARY_EVENT_ROLLUP,
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[list[Document], list[Document], GroupQuery]:
    """Draw what was rolled up, what was stored later (into buckets that are marked), and a question."""
    zone = draw(st.sampled_from(ZONES))
    around = Instant(parse_instant(draw(st.sampled_from(CHANGES[zone]))))
    odd = draw(st.sampled_from((False, False, True)))
    first, later = draw(documents(around, odd=odd)), draw(documents(around, odd=False))
    query = draw(questions(zone, draw(windows(around))))
    if odd and draw(st.booleans()):
        # A time that is neither a date nor null has no bucket: with a time dimension, that is an error.
        time = draw(st.sampled_from((None,) if query.keys else (None, "2026", 7)))
        first.append({"org_name": ORG_NAME, "datetime": time})
    return first, later[: draw(st.integers(0, 4))], query


async def fill(store: Store, first: list[Document], later: list[Document] = []) -> None:  # noqa: B006 - never changed
    """Store and roll up the first; store the later ones under a hold, which is released or not, but not rebuilt."""
    database = store.writer._database  # noqa: SLF001 - as another service would
    for collection in (SUMMARY_EVENTS.collection, BUCKETS, STATES):
        await store.writer.delete(collection, {})
    stored = [{**one, "summary_event_id": f"{number:06d}"} for number, one in enumerate([*first, *later])]
    if first:
        await database[SUMMARY_EVENTS.collection].insert_many(stored[: len(first)])
    await store.rollups.mark_all(SUMMARY_EVENT_ROLLUP)
    await store.rebuilding.rebuild(SUMMARY_EVENT_ROLLUP)
    await store.rollups.set_complete(SUMMARY_EVENT_ROLLUP, complete=True)
    if later:
        buckets = SUMMARY_EVENT_ROLLUP.buckets(later)
        await store.rollups.hold(SUMMARY_EVENT_ROLLUP, buckets, "load")
        await database[SUMMARY_EVENTS.collection].insert_many(stored[len(first) :])
        if len(later) % 2:
            await store.rollups.release(SUMMARY_EVENT_ROLLUP, buckets, "load")


async def outcome(asking: Awaitable[Any]) -> Any:
    """What comes: the answer, with the type of each value, or which error."""
    try:
        found = await asking
    except GatewayError as error:
        return type(error)
    rows = [[(name, repr(value)) for name, value in sorted(row.items())] for row in found.rows]
    return rows, found.truncated


@given(case=cases())
@running(max_examples=70, deadline=None)
async def test_groups_are_the_same_with_and_without_rollups(
    stores: tuple[Store, Store], case: tuple[list[Document], list[Document], GroupQuery]
) -> None:
    """Every row, value and type, the order and what is cut off; with dirty buckets whose cells are out of date."""
    first, later, query = case
    using, plain = stores
    await fill(using, first, later)
    scope = scope_of()
    found = await outcome(read_groups(using.reader(scope), query))
    assert found == await outcome(read_groups(plain.reader(scope), query))
    used = (await read_groups(using.reader(scope), query)).used if isinstance(found, tuple) else None
    event(f"used: {used is not None}")


@given(data=st.data())
@running(max_examples=30, deadline=None)
async def test_totals_are_the_same_with_and_without_rollups(stores: tuple[Store, Store], data: st.DataObject) -> None:
    """With any window or none, records without a time included."""
    around = Instant(parse_instant("2026-03-29T01:00:00Z"))
    first, later = data.draw(documents(around, odd=True)), data.draw(documents(around, odd=False))
    first += [
        {"org_name": ORG_NAME, "datetime": time} for time in data.draw(st.sampled_from(((), (), (None,), ("x",))))
    ]
    await fill(stores[0], first, later[:3])
    for window in (ALL_TIME, data.draw(windows(around))):
        condition = EVERYTHING if window == ALL_TIME else AllOf((InWindow("datetime", None, window),))
        counts = [await count_events(store.reader(scope_of()), condition) for store in stores]
        assert counts[0] == counts[1]


START = instant_from_date(datetime(2026, 3, 1))  # noqa: DTZ001


def _calls(hours: int) -> list[Document]:
    """One call at the beginning of each hour, which took as many milliseconds as its number."""
    return [
        {"org_name": ORG_NAME, "datetime": datetime(2026, 3, 1) + timedelta(hours=hour), "time_to_serve_request": hour}  # noqa: DTZ001
        for hour in range(hours)
    ]


def _question(window: Window = ALL_TIME, bucket: Bucket | None = None, **more: Any) -> GroupQuery:
    dimensions: dict[Path, Dimension] = {} if bucket is None else {("at",): Dimension("time", bucket)}
    return GroupQuery(
        SUMMARY_EVENT_GROUPS,
        now(),
        window,
        dimensions,
        more.pop("measures", {("count",): COUNT}),
        limit=10_000,
        rollup=SUMMARY_EVENT_ROLLUP,
        **more,
    )


@pytest.mark.parametrize(
    ("bucket", "used"),
    [
        pytest.param(None, Used(days=5, hours=0, raw=0), id="total"),
        pytest.param(Bucket("hour", 1, "Europe/Warsaw"), Used(days=0, hours=120, raw=0), id="hours"),
        pytest.param(Bucket("hour", 6, "Australia/Lord_Howe"), Used(days=0, hours=120, raw=0), id="six-hours"),
        pytest.param(Bucket("day", 1, "UTC"), Used(days=5, hours=0, raw=0), id="days"),
        pytest.param(Bucket("day", 1, "America/New_York"), Used(days=0, hours=120, raw=0), id="days-elsewhere"),
        pytest.param(Bucket("week", 1, "Europe/Warsaw"), Used(days=4, hours=24, raw=0), id="weeks"),
        pytest.param(Bucket("month", 1, "Europe/Warsaw"), Used(days=5, hours=0, raw=0), id="months"),
        pytest.param(Bucket("hour", 1, "Asia/Kolkata"), None, id="half-hours"),
        pytest.param(Bucket("day", 1, "Australia/Lord_Howe"), Used(days=0, hours=120, raw=0), id="whole-half-year"),
        pytest.param(Bucket("minute", 60, "UTC"), None, id="minutes"),
    ],
)
async def test_what_is_used_of_rollups(stores: tuple[Store, Store], bucket: Bucket | None, used: Used | None) -> None:
    """Days where they can be, hours where the zone cuts days, records where it cuts hours; five days of calls."""
    using, _ = stores
    await fill(using, _calls(120))
    found = await read_groups(using.reader(scope_of()), _question(bucket=bucket))
    assert found.used == used
    assert sum(row["m0"] for row in found.rows) == 120


async def test_a_window_between_hours_reads_the_rest_of_records(stores: tuple[Store, Store]) -> None:
    """Two days, hours around them, and two raw stretches."""
    using, _ = stores
    await fill(using, _calls(120))
    window = Window(Instant(START + 22 * HOUR_TICKS + 1), Instant(START + 3 * DAY_TICKS + 2 * HOUR_TICKS + 1))
    found = await read_groups(using.reader(scope_of()), _question(window))
    assert (found.rows[0]["m0"], found.used) == (52, Used(days=2, hours=3, raw=2))


async def test_a_dirty_hour_is_read_of_records(stores: tuple[Store, Store]) -> None:
    """Its day comes from the other hours."""
    using, _ = stores
    await fill(using, _calls(48), _calls(1))
    found = await read_groups(using.reader(scope_of()), _question())
    assert (found.rows[0]["m0"], found.used) == (49, Used(days=1, hours=23, raw=1))


async def test_a_fraction_is_counted_from_rollups_and_added_from_records(stores: tuple[Store, Store]) -> None:
    """Only the questions about the number itself have to do without."""
    using, _ = stores
    await fill(using, [*_calls(24), {**_calls(1)[0], "time_to_serve_request": 0.25, "bytes_sent": 4}])
    reader = using.reader(scope_of())
    sums = [Measure(Measured.NUMBER, name, Statistic.SUM) for name in ("timeToServeRequest", "bytesSent")]
    whole = await read_groups(reader, _question(measures={("sum",): sums[1], ("count",): COUNT}))
    assert (whole.rows, whole.used) == ([{"m0": 4, "m1": 25}], Used(days=1, hours=0, raw=0))
    fraction = await read_groups(reader, _question(measures={("sum",): sums[0]}))
    assert (fraction.rows[0]["m0"], fraction.used) == (276.25, None)


async def test_a_day_whose_sum_passes_64_bits_is_added_from_records(stores: tuple[Store, Store]) -> None:
    """Each of its hours is exact, the day is not; MongoDB then answers with a double, and counts come from rollups."""
    using, _ = stores
    await fill(using, [{**call, "bytes_sent": 2**61} for call in _calls(24)])
    reader = using.reader(scope_of())
    found = await read_groups(
        reader, _question(measures={("sum",): Measure(Measured.NUMBER, "bytesSent", Statistic.SUM)})
    )
    assert (found.rows[0]["m0"], found.used) == (24 * 2.0**61, None)
    found = await read_groups(reader, _question())
    assert (found.rows[0]["m0"], found.used) == (24, Used(days=1, hours=0, raw=0))


async def test_a_record_without_a_time_counts_where_no_window_is_asked_for(stores: tuple[Store, Store]) -> None:
    """It lies in no bucket, so such a question is answered from records; one with a window is not."""
    using, _ = stores
    for time in (None, "2026-03-01", Decimal128("1")):
        await fill(using, [*_calls(24), {"org_name": ORG_NAME, "datetime": time}])
        reader = using.reader(scope_of())
        found = await read_groups(reader, _question())
        assert (found.rows[0]["m0"], found.used) == (25, None)
        bounded = await read_groups(reader, _question(Window(START, Instant(START + DAY_TICKS))))
        assert (bounded.rows[0]["m0"], bounded.used) == (24, Used(days=1, hours=0, raw=0))


async def test_what_the_retention_removes_is_not_counted(mongodb_uri: str) -> None:
    """MongoDB removes records without a word to rollups: from the retention's end on, and a day more, they are read."""
    settings = database_settings(mongodb_uri, retention_summary_events_days=365)
    async with await open_test_store(settings) as store:
        today = datetime.now(UTC).replace(tzinfo=None, minute=30)
        days = (400, 367, 363, 200, 1)
        calls = [{**_calls(1)[0], "datetime": today - timedelta(days=ago)} for ago in days]
        await fill(store, calls)
        database = store.writer._database  # noqa: SLF001 - as MongoDB itself does
        await database[SUMMARY_EVENTS.collection].delete_many({"datetime": {"$lt": today - timedelta(days=365)}})
        found = await read_groups(store.reader(scope_of()), _question())
        assert (found.rows[0]["m0"], found.used) == (3, Used(days=3, hours=0, raw=1))
        await database.client.drop_database(settings.database)


async def test_rollups_that_are_not_complete_are_not_used(stores: tuple[Store, Store]) -> None:
    """A database that another program has filled has none."""
    using, _ = stores
    await fill(using, _calls(24))
    await using.rollups.set_complete(SUMMARY_EVENT_ROLLUP, complete=False)
    found = await read_groups(using.reader(scope_of()), _question())
    assert (found.rows[0]["m0"], found.used) == (24, None)


async def test_another_organization_sees_its_own(stores: tuple[Store, Store]) -> None:
    """Buckets of one organization never reach another's answer."""
    using, _ = stores
    await fill(using, [*_calls(24), {**_calls(1)[0], "org_name": "acme"}])
    found = await read_groups(using.reader(scope_of(org_name="acme")), _question())
    assert (found.rows[0]["m0"], found.used) == (1, Used(days=1, hours=0, raw=0))
