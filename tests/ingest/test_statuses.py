"""Rollups of connections follow the loads: whatever comes in, in whatever order, the answers stay the same."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.datasets.connections.fields import CONNECTIONS
from app.datasets.connections.operations import summarize
from app.datasets.connections.rollup import CONNECTION_ROLLUP
from app.datasets.connections.summary import GROUP_KEYS, SUMMARY_FIELDS, SummaryQuery
from app.ingest.holds import Holds
from app.ingest.loader import Loader
from app.ingest.rollups import bring_up
from app.ingest.sources import CONNECTION_EVENT_SOURCE
from app.ingest.statuses import Statuses
from app.query.dataset import Dataset
from app.query.instants import Instant, format_instant, now, parse_instant, split_instant
from app.query.rollups import HOUR_TICKS, Unit
from app.query.windows import ALL_TIME, Window
from app.store.client import Document
from app.store.key_numbers import KEYS
from app.store.rollups import BUCKETS, STATES
from app.store.store import Store
from app.store.writer import Writer
from tests.gateways import ORGANIZATION_ID, load_records
from tests.ingest.making import as_lines, database_of, made_event, right_statuses, seen_statuses
from tests.oracle.datasets import Record
from tests.store.databases import reader_of, scope_of
from tests.strategies import connection_events

ALL = frozenset(field.name for field in SUMMARY_FIELDS)
on_a_database = settings(
    max_examples=8,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


async def clear(store: Store) -> None:
    """Remove all records, and what rollups know of them."""
    for collection in ("connectionEvents", "connections", STATES, BUCKETS):
        await store.writer.delete(collection, {})


async def assert_same_answer(store: Store, window: Window = ALL_TIME, *, used: bool = True) -> None:
    """Ask with rollups, which must be used or not, and without."""
    query = SummaryQuery(now(), ALL, window)
    rolled = await summarize(store.reader(scope_of()), query)
    assert (rolled.used is not None) is used
    assert rolled.rows == (await summarize(reader_of(database_of(store)), query)).rows


@given(events=connection_events(), data=st.data())
@on_a_database
async def test_answers_from_rollups_are_right_after_each_load(
    store: Store, events: list[Record], data: st.DataObject
) -> None:
    """Events in any order, late and repeated, in loads of any size: each leaves rollups that tell what is stored."""
    await clear(store)
    arriving: list[Record] = data.draw(st.permutations(events))
    while arriving:
        size = data.draw(st.integers(1, len(arriving)))
        assert await load_records(store, CONNECTION_EVENT_SOURCE, arriving[:size]) == []
        arriving = arriving[size:] + data.draw(st.sampled_from(([], [], arriving[:1] if size < len(arriving) else [])))
        mine = any(status["organizationId"] == ORGANIZATION_ID for status in await seen_statuses(store))
        await assert_same_answer(store, used=mine)
        for edge in ("2026-01-01T00:00:00.0000001Z", "2026-01-31T23:59:59.999Z"):
            start = parse_instant(edge)
            query = SummaryQuery(now(), ALL, Window(start, Instant(start + 100 * HOUR_TICKS + 1)))
            rolled, raw = [
                (await summarize(reader, query)).rows
                for reader in (store.reader(scope_of()), reader_of(database_of(store)))
            ]
            assert rolled == raw
    await assert_right_buckets(store)


class Overtaken(Writer):
    """A writer to which something happens between the reading and the writing of statuses."""

    between: Any = None

    async def stored(self, dataset: Dataset, documents: Sequence[Document]) -> dict[tuple[str, str], Document]:
        """Read, and let it happen once."""
        found = await super().stored(dataset, documents)
        if dataset is CONNECTIONS and self.between is not None:
            between, self.between = self.between, None
            await between()
        return found


@given(events=connection_events(), data=st.data())
@on_a_database
async def test_loads_that_overtake_each_other_lose_nothing(
    store: Store, events: list[Record], data: st.DataObject
) -> None:
    """Each load reads statuses, another one changes some of them or makes them, and then the first one writes."""
    await clear(store)
    arriving: list[Record] = data.draw(st.permutations([*events, *events[:3]]))
    while arriving:
        mine, other = (data.draw(st.integers(1, 4)) for _ in range(2))
        writer = Overtaken(database_of(store))
        overtaking = arriving[mine : mine + other]
        writer.between = lambda others=overtaking: load_records(store, CONNECTION_EVENT_SOURCE, others)
        holds = Holds(store.rollups, store.rebuilding)
        loader = Loader(writer, holds, CONNECTION_EVENT_SOURCE, lambda *_: None)
        await loader.load(as_lines(arriving[:mine]), lambda _tally: None)
        assert writer.between is None
        arriving = arriving[mine + other :]
    assert await seen_statuses(store) == right_statuses(events)
    await assert_right_buckets(store)


async def test_a_load_that_another_overtakes_leaves_no_bucket_wrong(store: Store) -> None:
    """The other moves the connection to a bucket, and builds it, after this one has read where it was.

    This one then moves it out of a bucket that it did not know of.
    """
    times = {"first": "2026-05-01T00:10:00Z", "other": "2026-05-01T05:10:00Z", "last": "2026-05-01T09:10:00Z"}
    first, other, last = (made_event(1, eventId=name, eventTimestamp=time) for name, time in times.items())
    await load_records(store, CONNECTION_EVENT_SOURCE, [first])
    writer = Overtaken(database_of(store))
    writer.between = lambda: load_records(store, CONNECTION_EVENT_SOURCE, [other])
    holds = Holds(store.rollups, store.rebuilding)
    events = [{**event, "eventTimestamp": _date(event["eventTimestamp"])} for event in (first, last)]
    await Statuses(writer, holds).keep(events)
    await holds.release()
    assert writer.between is None
    assert await seen_statuses(store) == right_statuses([first, other, last])
    await assert_same_answer(store)
    await assert_right_buckets(store)


async def test_many_hours_are_built_at_once(store: Store) -> None:
    """More than one pipeline builds, with keys that come again and again: each has a number, and none is left out."""
    start = parse_instant("2026-05-01T00:10:00Z")
    events = [
        made_event(
            hour,
            connectionId=f"c{hour}",
            apikeyId=f"key-{hour % 40}",
            eventTimestamp=format_instant(Instant(start + hour * HOUR_TICKS)),
        )
        for hour in range(400)
    ]
    await load_records(store, CONNECTION_EVENT_SOURCE, events)
    assert {row["clean"] for row in await _buckets(store)} == {True}
    numbers = await database_of(store)[KEYS].distinct("number", {"key": {"$ne": None}})
    assert sorted(numbers) == list(range(40))
    await assert_same_answer(store)
    await assert_right_buckets(store)


async def test_two_loads_that_make_the_same_connection_leave_no_bucket_wrong(store: Store) -> None:
    """Neither has seen it when it reads."""
    times = ("2026-05-01T00:10:00Z", "2026-05-01T05:10:00Z")
    one, other = (made_event(1, eventId=time, eventTimestamp=time) for time in times)
    writer = Overtaken(database_of(store))
    writer.between = lambda: load_records(store, CONNECTION_EVENT_SOURCE, [one])
    holds = Holds(store.rollups, store.rebuilding)
    await Statuses(writer, holds).keep([{**other, "eventTimestamp": _date(times[1])}])
    await holds.release()
    assert await seen_statuses(store) == right_statuses([one, other])
    await assert_same_answer(store)
    await assert_right_buckets(store)


async def test_what_goes_on_now_makes_no_bucket_dirty(store: Store) -> None:
    """Heartbeats of the current hour are not rolled up; they are read, and the answer has them."""
    moment = now()
    if moment - Unit.HOUR.floor(moment) < 60 * 10_000_000:
        moment = Unit.HOUR.floor(moment)  # the test may not reach into the hour before
    old = made_event(1, eventTimestamp="2026-05-01T00:10:00Z", eventType="connect")
    beats = [
        made_event(number, connectionId="live", eventTimestamp=format_instant(moment), eventType="heartbeat")
        for number in (2, 3)
    ]
    await load_records(store, CONNECTION_EVENT_SOURCE, [old])
    known = await _buckets(store)
    for beat in beats:
        await load_records(store, CONNECTION_EVENT_SOURCE, [beat])
    assert await _buckets(store) == known
    await assert_same_answer(store)


async def test_a_connection_that_comes_back_to_life_moves_out_of_its_bucket(store: Store) -> None:
    """A heartbeat after weeks: it is counted once, where it is now."""
    old = made_event(1, eventId="old", eventTimestamp="2026-05-01T00:10:00Z", eventType="connect")
    kept = made_event(7, eventTimestamp="2026-05-01T00:20:00Z", eventType="connect")
    await load_records(store, CONNECTION_EVENT_SOURCE, [old, kept])
    beat = {**old, "eventId": "new", "eventTimestamp": format_instant(now()), "eventType": "heartbeat"}
    await load_records(store, CONNECTION_EVENT_SOURCE, [beat])
    await assert_same_answer(store)


async def test_what_has_settled_meanwhile_is_rolled_up(store: Store) -> None:
    """Connections written when their hour was the current one, as nobody held it: once it has settled, it is built."""
    settled = Unit.HOUR.floor(Instant(now() - 10 * HOUR_TICKS))
    event = made_event(1, eventTimestamp=format_instant(Instant(settled + HOUR_TICKS)), eventType="connect")
    old = made_event(9, eventTimestamp="2026-05-01T00:10:00Z", eventType="connect")
    await load_records(store, CONNECTION_EVENT_SOURCE, [event, old])
    database = database_of(store)
    # As it was while the hour went on.
    start = {"start": {"$gte": split_instant(settled)[0]}}
    await database[BUCKETS].delete_many(start)
    await database[STATES].update_one({"_id": "connections"}, {"$set": {"settled": split_instant(settled)[0]}})
    await assert_same_answer(store)
    await bring_up(store, CONNECTION_ROLLUP)
    assert await database[BUCKETS].count_documents({**start, "clean": True, "unit": "hour"}) == 1
    state = await store.rollups.state(CONNECTION_ROLLUP)
    assert state.settled is not None
    assert state.settled > settled
    await assert_same_answer(store)


async def assert_right_buckets(store: Store) -> None:
    """Build all anew: each bucket that was clean has the cells that it had."""
    before = {row["_id"]: _sorted(row["cells"]) for row in await _buckets(store) if row["clean"]}
    await bring_up(store, CONNECTION_ROLLUP, everything=True)
    after = {row["_id"]: _sorted(row["cells"]) for row in await _buckets(store)}
    assert before == {bucket: after[bucket] for bucket in before}


def _sorted(cells: list[Document]) -> list[Document]:
    for cell in cells:
        cell["parts"].sort(key=lambda part: part["hour"])
    return sorted(cells, key=lambda cell: repr([cell[name] for name in GROUP_KEYS]))


async def _buckets(store: Store) -> list[Document]:
    rows: list[Document] = await database_of(store)[BUCKETS].find({}).sort("_id", 1).to_list(None)
    return rows


def _date(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=None)
