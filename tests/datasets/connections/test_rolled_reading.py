"""How the summary is read from rollups: as of one moment, by indexes, and not at all where it cannot be."""

from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from app.datasets.connections.fields import CONNECTIONS
from app.datasets.connections.operations import summarize
from app.datasets.connections.rollup import CONNECTION_ROLLUP
from app.datasets.connections.summary import SUMMARY_FIELDS, SummaryQuery
from app.ingest.sources import CONNECTION_EVENT_SOURCE
from app.query.conditions import EVERYTHING, Comparison, Condition, Operator
from app.query.instants import Instant, instant_from_date, now, parse_instant
from app.query.rollups import DAY_TICKS, HOUR_TICKS, Used, buckets_of
from app.query.windows import ALL_TIME, Window
from app.registry import DATASETS
from app.store.indexes import Upkeep, ensure_indexes, wanted_indexes
from app.store.reader import Reader
from app.store.retentions import Retentions
from app.store.rollup_rebuild import Rebuilding
from app.store.rollups import Rollups
from app.store.store import Store
from app.store.writer import Writer
from tests.gateways import ORGANIZATION_ID, Gateway, load_records
from tests.ingest.making import database_of, made_event
from tests.store.databases import database_settings, reader_of, recorded_database, scope_of
from tests.store.plans import SCANS, Recorded, plans_of

ALL = frozenset(field.name for field in SUMMARY_FIELDS)
MAY = "2026-05-01T00:10:00Z"


def question(window: Window = ALL_TIME, condition: Condition = EVERYTHING) -> SummaryQuery:
    """Ask for all fields."""
    return SummaryQuery(now(), ALL, window, condition)


async def filled(store: Store) -> None:
    """Load ten connections of one day of May."""
    events = [made_event(number, eventTimestamp=f"2026-05-01T{number:02}:10:00Z") for number in range(0, 20, 2)]
    await load_records(store, CONNECTION_EVENT_SOURCE, events)


async def asked(store: Store, query: SummaryQuery) -> tuple[list[Any], Used | None]:
    """Ask with rollups; the answer must be the one without."""
    summary = await summarize(store.reader(scope_of()), query)
    assert summary.rows == (await summarize(reader_of(database_of(store)), query)).rows
    return summary.rows, summary.used


async def test_a_connection_that_moves_meanwhile_is_counted_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """From its bucket to what is read from records, between the two: both are read as of the moment before."""
    await filled(store)
    rows, used = await asked(store, question())
    assert used is not None
    beat = made_event(0, eventId="late", eventType="heartbeat", eventTimestamp="2026-11-01T00:00:00Z")
    asking = Reader.aggregate_by
    moved = 0

    async def read(reader: Reader, *arguments: Any) -> Any:
        nonlocal moved
        if not moved:
            moved += 1
            database = database_of(store)
            await database["connections"].update_one(
                {"connectionId": beat["connectionId"]},
                {"$set": {"lastActivity": datetime(2100, 1, 1)}},  # noqa: DTZ001
            )
        return await asking(reader, *arguments)

    monkeypatch.setattr(Reader, "aggregate_by", read)
    summary = await summarize(store.reader(scope_of()), question())
    assert moved
    assert summary.used is not None
    assert summary.rows == rows


async def test_a_bucket_that_a_load_begins_to_write_into_is_not_used(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Held between the look at what is dirty and the reading: all records are read then."""
    await filled(store)
    looking = Reader.moment
    buckets = buckets_of(ORGANIZATION_ID, datetime(2026, 5, 1, 4, 10))  # noqa: DTZ001
    assert (await asked(store, question()))[1] is not None
    reading = Reader.read_rollups
    looks = 0

    async def read(reader: Reader, *arguments: Any) -> Any:
        nonlocal looks
        looks += 1
        rows = await reading(reader, *arguments)
        if looks == 1:
            await store.rollups.hold(CONNECTION_ROLLUP, buckets, "a load")
            reader.snapshot = {"level": "snapshot", "atClusterTime": await looking(reader)}
        return rows

    monkeypatch.setattr(Reader, "read_rollups", read)
    assert (await asked(store, question()))[1] is None
    assert looks == 2
    assert (await asked(store, question()))[1] is not None


async def test_where_the_database_keeps_no_moments_the_records_are_read(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server without replicas: parts read one after another could count a connection twice."""
    await filled(store)
    assert (await asked(store, question()))[1] is not None

    async def none(_reader: Reader) -> None:
        return None

    monkeypatch.setattr(Reader, "moment", none)
    assert (await asked(store, question()))[1] is None


async def test_without_the_index_the_records_are_read(store: Store) -> None:
    """A collection of another service may lack it: the answer is the same."""
    await filled(store)
    await database_of(store)["connections"].drop_index("activity")
    assert (await asked(store, question()))[1] is None


async def test_what_cells_do_not_tell_is_read_from_records(store: Store) -> None:
    """A filter on anything but the group; a window that has not settled; rollups that are switched off."""
    await filled(store)
    fields = CONNECTIONS.by_name
    for condition, uses in (
        (Comparison(fields["serviceName"], Operator.EQ, "coinapi-ws"), True),
        (Comparison(fields["host"], Operator.NE, "x"), False),
    ):
        assert ((await asked(store, question(condition=condition)))[1] is not None) is uses
    assert (await asked(store, question(Window(Instant(now() - HOUR_TICKS)))))[1] is None
    assert (await summarize(reader_of(database_of(store)), question())).used is None
    await store.rollups.set_complete(CONNECTION_ROLLUP, complete=False)
    assert (await asked(store, question()))[1] is None


async def test_an_end_that_is_no_date_counts_where_the_window_is_open(store: Store) -> None:
    """Such a record lies in no bucket: all records are read, but where a window has a start and so leaves it out."""
    await filled(store)
    odd = {"organizationId": ORGANIZATION_ID, "connectionId": "odd", "lastActivity": None}
    await database_of(store)["connections"].insert_one({**odd, "connectionStartTime": datetime(2026, 5, 1)})  # noqa: DTZ001
    assert (await asked(store, question()))[1] is None
    assert (await asked(store, question(Window(parse_instant("2026-04-01T00:00:00Z")))))[1] is not None


async def test_what_the_retention_removes_is_read_from_records(store: Store) -> None:
    """MongoDB removes records minute by minute, and tells no bucket of it."""
    retention = timedelta(days=30)
    cut = instant_from_date(await store.writer.server_time() - retention)
    ages = (-60 * DAY_TICKS, -40 * HOUR_TICKS, 4 * HOUR_TICKS, 3 * DAY_TICKS)
    documents = [
        {
            "organizationId": ORGANIZATION_ID,
            "connectionId": f"c{age}",
            "connectionStartTime": _date(Instant(cut + age)),
            "lastActivity": _date(Instant(cut + age)),
        }
        for age in ages
    ]
    database = database_of(store)
    await database["connections"].insert_many(documents)
    await store.rollups.mark_all(CONNECTION_ROLLUP)
    await store.rebuilding.rebuild(CONNECTION_ROLLUP)
    await store.rollups.set_complete(CONNECTION_ROLLUP, complete=True)
    index = {"name": "retention", "expireAfterSeconds": int(retention.total_seconds())}
    await database.command({"collMod": "connections", "index": index})
    # As MongoDB does in its own time.
    await database["connections"].delete_one({"connectionId": f"c{ages[0]}"})
    rows, used = await asked(store, question())
    assert used is not None
    assert rows[0]["totalConnections"] == 3


def _date(instant: Instant) -> datetime:
    return datetime(1970, 1, 1) + timedelta(microseconds=instant // 10)  # noqa: DTZ001


async def test_the_extension_tells_what_an_answer_was_made_of(gateway: Gateway) -> None:
    """By the response key; null where rollups did not help."""
    await filled(gateway.store)
    key = await gateway.key()
    fields = "{ serviceName totalConnections }"
    document = (
        f'{{ all: connectionSummary {fields} late: connectionSummary(filter: {{time: {{last: "PT30M"}}}}) {fields} }}'
    )
    body = {"query": document, "extensions": {"rollups": True}}
    answer = await gateway.client.post("/graphql", json=body, headers={"X-API-Key": key})
    told = answer.json()["extensions"]["rollups"]
    assert told["late"] is None
    assert told["all"].keys() == {"days", "hours", "raw"}
    assert told["all"]["raw"] == 1


@pytest.fixture(scope="module")
async def recorded(mongodb_uri: str) -> AsyncIterator[Recorded]:
    """A database with thousands of connections over weeks and their rollups, whose commands are recorded."""
    settings = database_settings(mongodb_uri)
    async with recorded_database(settings) as (database, recorder):
        await ensure_indexes(database, wanted_indexes((one.dataset for one in DATASETS), settings), Upkeep.FULL)
        await database["connections"].insert_many(_connections())
        writer = Writer(database)
        rollups = Rollups(database, writer)
        await rollups.mark_all(CONNECTION_ROLLUP)
        await Rebuilding(database, writer).rebuild(CONNECTION_ROLLUP)
        await rollups.set_complete(CONNECTION_ROLLUP, complete=True)
        yield database, recorder


def _connections() -> Sequence[dict[str, Any]]:
    start = datetime(2026, 5, 1)  # noqa: DTZ001
    return [
        {
            "organizationId": ORGANIZATION_ID,
            "connectionId": f"c{number:05}",
            "serviceName": f"service {number % 3}",
            "apikeyId": f"key {number % 7}",
            "connectionStartTime": start + timedelta(minutes=17 * number),
            "lastActivity": start + timedelta(minutes=17 * number + number % 300),
            "lastHeartbeat": start + timedelta(minutes=17 * number + number % 300),
        }
        for number in range(3_000)
    ]


@pytest.mark.parametrize(
    "window",
    [
        ALL_TIME,
        Window(parse_instant("2026-05-03T10:20:30.1234567Z")),
        Window(end=parse_instant("2026-05-20T10:20:30Z")),
        Window(parse_instant("2026-05-03T10:20:30Z"), parse_instant("2026-05-20T10:20:30Z")),
    ],
    ids=["all", "from", "until", "between"],
)
async def test_every_part_is_read_by_an_index(recorded: Recorded, window: Window) -> None:
    """And of the records, those of the parts alone are looked at, however many there are."""
    database, _ = recorded
    used: list[Used | None] = []

    async def ask(_reader: Reader) -> None:
        reader = Reader(database, scope_of(), 10_000, retentions=Retentions(database, 10_000))
        used.append((await summarize(reader, question(window))).used)

    plans = await plans_of(recorded, ask)
    assert used[0] is not None
    for command, stages in plans:
        assert {stage["stage"] for stage in stages} & SCANS, command
        assert "COLLSCAN" not in {stage["stage"] for stage in stages}, command
    bounds = [
        stage["indexBounds"]["lastActivity"]
        for command, stages in plans
        for stage in stages
        if command.get("aggregate") == "connections" and "lastActivity" in stage.get("keyPattern", {})
    ]
    assert bounds
    assert ["[MaxKey, MinKey]"] not in bounds
