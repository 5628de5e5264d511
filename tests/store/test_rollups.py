"""Whenever a bucket says that it is clean, its cells are those of its records, whoever did what, in whatever order."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as running
from hypothesis import strategies as st

from app.datasets.summary_events.fields import SUMMARY_EVENTS
from app.datasets.summary_events.rollup import SUMMARY_EVENT_ROLLUP as ROLLUP
from app.errors import Unavailable
from app.query.instants import instant_from_date
from app.query.rollups import Bucket, Cells, Unit, buckets_of
from app.store import rollup_rebuild, rollups
from app.store.rollups import BUCKETS, STATES, bucket_key, bucket_of
from app.store.store import Store
from tests.gateways import ORG_NAME, open_test_store
from tests.ingest.making import database_of
from tests.store.databases import database_settings

Document = dict[str, Any]
START = datetime(2026, 3, 1, 22)  # noqa: DTZ001
HOURS = 4  # of two days

hours = st.integers(0, HOURS - 1)
loads = st.sampled_from(("first", "second"))
steps = st.one_of(
    st.tuples(st.just("write"), loads, st.lists(hours, min_size=1, max_size=3)),
    st.tuples(st.just("load"), loads, st.lists(hours, min_size=1, max_size=2)),
    st.tuples(st.just("load"), loads, st.lists(hours, min_size=1, max_size=2)),
    st.tuples(st.just("release"), loads),
    st.tuples(st.just("crash"), loads),
    st.tuples(st.just("look"), loads, st.sampled_from(Unit)),
    st.tuples(st.just("look"), loads, st.sampled_from(Unit)),
    st.tuples(st.just("keep"), loads),
    st.tuples(st.just("mark"), loads, hours),
    st.tuples(st.just("rebuild"), loads),
)


@pytest.fixture(scope="module")
async def house(mongodb_uri: str) -> AsyncIterator[Store]:
    """A database for the tests of this file."""
    settings = database_settings(mongodb_uri)
    async with await open_test_store(settings) as store:
        yield store
        await database_of(store).client.drop_database(settings.database)


async def clear(store: Store) -> None:
    """Remove what the example before has left."""
    for collection in (SUMMARY_EVENTS.collection, BUCKETS, STATES):
        await store.writer.delete(collection, {})


def buckets_at(hour: int) -> tuple[Bucket, Bucket]:
    """The hour and its day."""
    return buckets_of(ORG_NAME, START + timedelta(hours=hour))


@dataclass
class World:
    """Loads with what they hold, rebuilders with what they have looked at and not kept yet, and what is stored."""

    store: Store
    held: dict[str, set[Bucket]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    looked: dict[str, list[tuple[Any, Any]]] = field(default_factory=dict)
    stored: Counter[Bucket] = field(default_factory=Counter)
    dead: set[Bucket] = field(default_factory=set)
    number: int = 0

    async def do(self, step: tuple[Any, ...]) -> None:
        """Do one step."""
        kind, who, *rest = step
        await getattr(self, kind)(who, *rest)

    def name(self, load: str) -> str:
        """What the load calls itself now."""
        return self.names.setdefault(load, load)

    async def write(self, load: str, into: list[int]) -> None:
        """Hold, then insert."""
        buckets = {bucket for hour in into for bucket in buckets_at(hour)}
        new = buckets - self.held.setdefault(load, set())
        await self.store.rollups.hold(ROLLUP, new, self.name(load))
        self.held[load] |= new
        documents = []
        for hour in into:
            self.number += 1
            documents.append(
                {
                    "org_name": ORG_NAME,
                    "summary_event_id": str(self.number),
                    "datetime": START + timedelta(hours=hour),
                    "bytes_sent": 1,
                }
            )
            self.stored.update(buckets_at(hour))
        await self.store.writer.insert_new(SUMMARY_EVENTS, documents)

    async def load(self, load: str, into: list[int]) -> None:
        """Hold, insert, release."""
        await self.write(load, into)
        await self.release(load)

    async def release(self, load: str) -> None:
        """Say that all is written."""
        await self.store.rollups.release(ROLLUP, self.held.pop(load, set()), self.name(load))

    async def crash(self, load: str) -> None:
        """End without a word, and begin again under another name."""
        self.dead |= self.held.pop(load, set())
        self.names[load] = f"{self.name(load)}x"

    async def mark(self, _who: str, hour: int) -> None:
        """Tell of a change that was none."""
        await self.store.rollups.mark(ROLLUP, buckets_at(hour))
        self.stored.update(dict.fromkeys(buckets_at(hour), 0))

    async def look(self, who: str, unit: Unit) -> None:
        """Do the first half of a rebuild: versions, then records."""
        rebuilding = self.store.rebuilding
        async for versions in rebuilding._dirty(ROLLUP, unit):  # noqa: SLF001 - the halves of a rebuild
            if unit is Unit.DAY:
                built = await rebuilding._of_hours(ROLLUP, versions)  # noqa: SLF001
            else:
                built = await rebuilding._of_records(ROLLUP, unit, versions)  # noqa: SLF001
            self.looked.setdefault(who, []).append((versions, built))

    async def keep(self, who: str) -> None:
        """Do the second half, of all that this rebuilder has looked at so far; the oldest comes last."""
        for versions, built in reversed(self.looked.pop(who, [])):
            await self.store.rebuilding._keep(ROLLUP, versions, built)  # noqa: SLF001

    async def rebuild(self, _who: str) -> None:
        """Do a whole rebuild."""
        await self.store.rebuilding.rebuild(ROLLUP)

    async def rows(self) -> list[Document]:
        """Read all buckets."""
        return await database_of(self.store)[BUCKETS].find({}).to_list(None)

    async def check(self) -> None:
        """Every bucket with a record is there, and a clean one has the cells of its records."""
        rows = {bucket_of(row): row for row in await self.rows()}
        assert {bucket for bucket, many in self.stored.items() if many} <= rows.keys()
        for bucket, row in rows.items():
            if row["clean"]:
                assert told(row["cells"]) == (self.stored[bucket],) * 2, bucket


def told(cells: Cells) -> tuple[int, int]:
    """How many records the cells are of, and how many bytes were sent."""
    return (cells[0]["n"], cells[0]["numbers"]["bytesSent"]["sum"]) if cells else (0, 0)


@given(todo=st.lists(steps, min_size=4, max_size=16))
@running(max_examples=100, deadline=None)
async def test_a_clean_bucket_is_right_after_every_step(house: Store, todo: list[tuple[Any, ...]]) -> None:
    """Two loads that hold, write, release and crash, and two rebuilders whose halves lie far apart."""
    await clear(house)
    world = World(house)
    for step in todo:
        await world.do(step)
        await world.check()
    for load in ("first", "second"):
        await world.release(load)
    await world.rebuild("first")
    await world.check()
    # What no dead load holds is clean in the end.
    assert {bucket_of(row) for row in await world.rows() if not row["clean"]} == world.dead & world.stored.keys()


async def test_a_bucket_is_right_while_loads_and_rebuilders_run_at_once(house: Store) -> None:
    """Three loads and two rebuilders without any order; what is clean meanwhile is right as soon as nobody writes."""
    await clear(house)
    worlds = [World(house, names={"first": f"load-{number}"}, number=number * 1_000) for number in range(3)]

    async def load(world: World) -> None:
        for turn in range(6):
            await world.write("first", [turn % HOURS, (turn + 3) % HOURS])
            if turn % 2:
                await world.release("first")
        await world.release("first")

    async def rebuild() -> None:
        for _ in range(6):
            await house.rebuilding.rebuild(ROLLUP)

    await asyncio.gather(*map(load, worlds), rebuild(), rebuild())
    whole = World(house, stored=sum((world.stored for world in worlds), Counter()))
    await whole.check()
    await whole.rebuild("first")
    await whole.check()
    assert all(row["clean"] for row in await whole.rows())


async def test_a_rebuild_that_fails_says_why(house: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the gateway's own words, though buckets of several organizations are built at once."""
    await clear(house)
    for number in range(4):
        await house.rollups.mark(ROLLUP, buckets_of(f"org {number}", START))

    async def gone(*_: Any) -> None:
        raise Unavailable("gone")

    monkeypatch.setattr(house.rebuilding, "_keep", gone)
    with pytest.raises(Unavailable):
        await house.rebuilding.rebuild(ROLLUP)


async def test_a_dead_load_is_buried_after_an_hour(house: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its buckets are rebuilt from then on; one that was renewed is not touched."""
    await clear(house)
    world = World(house)
    await world.write("first", [0])
    assert await house.rollups.bury(ROLLUP) == 0
    await world.rebuild("first")
    assert not any(row["clean"] for row in await world.rows())
    monkeypatch.setattr(rollups, "DEAD_AFTER", timedelta(seconds=-60))
    assert await house.rollups.bury(ROLLUP) == 2
    await world.rebuild("first")
    await world.check()
    assert all(row["clean"] for row in await world.rows())


async def test_a_bucket_that_is_too_large_is_never_clean(house: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor is its day; both are tried again when they have changed, not before."""
    await clear(house)
    world = World(house)
    await world.write("first", [0, 1])
    await world.release("first")
    monkeypatch.setattr(rollup_rebuild, "MOST_BYTES", 10)
    done = await house.rebuilding.rebuild(ROLLUP)
    assert (done.built, done.unfit) == (0, 3)
    assert {row["clean"] for row in await world.rows()} == {False}
    assert (await house.rebuilding.rebuild(ROLLUP)).unfit == 0
    monkeypatch.undo()
    await world.mark("first", 0)
    await world.mark("first", 1)
    assert (await house.rebuilding.rebuild(ROLLUP)).built == 3
    await world.check()


async def test_a_record_whose_time_is_a_list_keeps_its_buckets_from_being_clean(house: Store) -> None:
    """A window finds such a record by any of its times; which bucket it counts in cannot be told."""
    await clear(house)
    times = [START, START + timedelta(hours=1)]
    await database_of(house)[SUMMARY_EVENTS.collection].insert_one(
        {"org_name": ORG_NAME, "summary_event_id": "list", "datetime": times}
    )
    world = World(house)
    await world.mark("first", 0)
    await world.rebuild("first")
    assert {(row["clean"], row["unfit"]) for row in await world.rows()} == {(False, True)}


async def test_rollups_begin_complete_where_nothing_is_stored(house: Store) -> None:
    """And only there: what was stored before lies in no bucket."""
    await clear(house)
    await house.rollups.begin(ROLLUP)
    assert (await house.rollups.state(ROLLUP)).complete
    await clear(house)
    await World(house).write("first", [0])
    await house.rollups.begin(ROLLUP)
    assert not (await house.rollups.state(ROLLUP)).complete


async def test_marking_all_finds_every_bucket(house: Store) -> None:
    """Those of records that nobody told of, and those whose records are gone."""
    await clear(house)
    world = World(house)
    await world.write("first", [0])
    await world.release("first")
    await world.rebuild("first")
    database = database_of(house)
    await database[SUMMARY_EVENTS.collection].delete_many({})
    late = {"org_name": ORG_NAME, "summary_event_id": "late", "datetime": START + timedelta(hours=3), "bytes_sent": 1}
    await database[SUMMARY_EVENTS.collection].insert_many([late, {"org_name": ORG_NAME, "summary_event_id": "none"}])
    await house.rollups.mark_all(ROLLUP)
    await world.rebuild("first")
    world.stored = Counter(buckets_at(3))
    await world.check()
    assert all(row["clean"] for row in await world.rows())


async def test_buckets_beyond_the_retention_are_removed_in_two_steps(
    house: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """First it is said from when on they tell; an hour later those before are gone."""
    await clear(house)
    old, new = (datetime(2020, 1, 1), await house.writer.server_time())  # noqa: DTZ001
    for date in (old, new):
        await house.rollups.mark(ROLLUP, buckets_of(ORG_NAME, date))
    kept = timedelta(days=30)
    await house.rollups.prune(ROLLUP, None)
    assert (await house.rollups.state(ROLLUP)).horizon is None
    await house.rollups.prune(ROLLUP, kept)
    assert (await house.rollups.state(ROLLUP)).horizon == Unit.DAY.floor(instant_from_date(new - kept))
    await house.rollups.prune(ROLLUP, kept)
    assert await database_of(house)[BUCKETS].count_documents({}) == 4
    monkeypatch.setattr(rollups, "_PRUNE_AFTER", timedelta(seconds=-60))
    await house.rollups.prune(ROLLUP, kept)
    assert {bucket_of(row) for row in await World(house).rows()} == set(buckets_of(ORG_NAME, new))


def test_a_bucket_is_stored_under_its_dataset_tenant_unit_and_start() -> None:
    """The names of the design."""
    hour, _day = buckets_at(0)
    key = {"dataset": "summary-events", "tenant": ORG_NAME, "unit": "hour", "start": START}
    assert bucket_key(ROLLUP, hour) == key
    assert bucket_of(key) == hour
