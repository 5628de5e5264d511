"""Every query shape that is shipped runs on an index: the plan of the very command that the code sends is looked at."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from app.datasets.connections.operations import summarize
from app.datasets.connections.summary import SUMMARY_FIELDS, SummaryQuery
from app.datasets.summary_events.fields import SUMMARY_EVENTS
from app.datasets.summary_events.operations import count_events, find_event
from app.datasets.summary_events.rollup import SUMMARY_EVENT_ROLLUP
from app.query.conditions import AllOf, AnyOf, Comparison, Condition, InWindow, Not, Operator, Outcome, Value
from app.query.cursors import position_of
from app.query.dataset import Dataset
from app.query.fields import Field, Kind
from app.query.instants import instant_from_date
from app.query.ordering import Direction, OrderBy, complete_order
from app.query.pages import PageQuery
from app.query.rollups import buckets_of
from app.query.windows import ALL_TIME, Window
from app.registry import DATASETS
from app.store.indexes import Upkeep, ensure_indexes, wanted_indexes
from app.store.pages import read_page
from app.store.reader import Reader
from app.store.retentions import Retentions
from app.store.rolled_answers import roll_count
from app.store.rollup_rebuild import Rebuilding
from app.store.rollups import Rollups
from app.store.writer import Writer
from tests.store.databases import database_settings, recorded_database, scope_of
from tests.store.plans import ROWS, START, Ask, Recorded, assert_indexed, plans_of, rows_of

WINDOW, LONG_WINDOW = (
    Window(*(instant_from_date(START + timedelta(minutes=minutes)) for minutes in edges))
    for edges in ((200, 400), (30, 400))
)
_EQUALITY: dict[Operator, Value] = {
    Operator.EQ: "v3",
    Operator.NE: "v3",
    Operator.IN: ("v1", "v2"),
    Operator.NOT_IN: ("v1",),
}
_NULL: dict[Operator, Value] = {Operator.IS_NULL: True}
_RANGES = (Operator.EQ, Operator.NE, Operator.GT, Operator.GTE, Operator.LT, Operator.LTE)
OPERATORS: dict[Kind, dict[Operator, Value]] = {
    Kind.TEXT: _EQUALITY | _NULL | {Operator.STARTS_WITH: "v", Operator.CONTAINS: "3", Operator.BELOW: "v3"},
    Kind.STATUS: _EQUALITY | _NULL | {Operator.CLASS: 4, Operator.OUTCOME: Outcome.ERROR},
    Kind.ADDRESS: _EQUALITY | _NULL | {Operator.CIDR: "10.0.0.0/8"},
    Kind.LONG: _NULL | dict.fromkeys(_RANGES, 5) | {Operator.IN: (5, 6), Operator.NOT_IN: (5,)},
    Kind.TIME: _NULL | dict.fromkeys(_RANGES, START) | {Operator.IN: (START,), Operator.NOT_IN: (START,)},
}
datasets = pytest.mark.parametrize("dataset", [one.dataset for one in DATASETS], ids=lambda one: one.name)


@pytest.fixture(scope="module")
async def recorded(mongodb_uri: str) -> AsyncIterator[Recorded]:
    """A database with all indexes and thousands of rows in each dataset, whose commands are recorded."""
    settings = database_settings(mongodb_uri)
    async with recorded_database(settings) as (database, recorder):
        await ensure_indexes(database, wanted_indexes((one.dataset for one in DATASETS), settings), Upkeep.FULL)
        for registered in DATASETS:
            await database[registered.dataset.collection].insert_many(rows_of(registered.dataset))
        yield database, recorder


def _page(dataset: Dataset, condition: Condition | None = None, asked: list[OrderBy] | None = None, **more: Any) -> Ask:
    query = PageQuery(dataset, complete_order(dataset, asked), first=10, condition=condition or AllOf(), **more)
    return lambda reader: read_page(reader, query)


def _conditions(field: Field) -> list[Condition]:
    return [Comparison(field, operator, value) for operator, value in OPERATORS[field.kind].items()]


def _window(dataset: Dataset, window: Window = WINDOW) -> InWindow:
    return InWindow(dataset.time_field, dataset.ticks_field, window)


def _position(dataset: Dataset, asked: list[OrderBy] | None = None) -> tuple[Any, ...]:
    row = next(row for number, row in enumerate(rows_of(dataset)) if number == ROWS // 2)
    return position_of(complete_order(dataset, asked), row)


@datasets
@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("fields", [None, frozenset[str]()], ids=["whole", "keys"])
async def test_pages_in_time_order_are_read_off_an_index(
    recorded: Recorded, dataset: Dataset, direction: Direction, fields: frozenset[str] | None
) -> None:
    """First page, page in a window, page after a cursor, both: an index scan in order, nothing is sorted."""
    asked = [OrderBy(dataset.time, direction)]
    after = _position(dataset, asked)
    for window in (ALL_TIME, WINDOW, Window(start=WINDOW.start), Window(end=WINDOW.end)):
        for position in (None, after):
            asking = _page(dataset, _window(dataset, window), asked, after=position, fields=fields)
            await assert_indexed(recorded, asking, streams=True)


@datasets
async def test_every_operator_of_every_field_runs_on_an_index(recorded: Recorded, dataset: Dataset) -> None:
    """Each filter by itself, rows and total; negated; and in a window."""
    for field in dataset.fields:
        for condition in _conditions(field):
            await assert_indexed(recorded, _page(dataset, condition, total=True))
            await assert_indexed(recorded, _page(dataset, AllOf((_window(dataset), Not(condition)))))


@datasets
async def test_alternatives_run_on_an_index(recorded: Recorded, dataset: Dataset) -> None:
    """`or` over every field at once, and `or` of nothing, on a first page and after a cursor."""
    every = AnyOf(tuple(condition for field in dataset.fields for condition in _conditions(field)[:1]))
    for condition in (every, AnyOf(), Not(every), AllOf((every, _window(dataset)))):
        for position in (None, _position(dataset)):
            await assert_indexed(recorded, _page(dataset, condition, after=position))


@datasets
async def test_a_filter_with_an_index_of_its_own_needs_no_sort(recorded: Recorded, dataset: Dataset) -> None:
    """Where an index is organization, field, then the default order: its pages stream, at any depth."""
    order = tuple((key.path, int(key.direction)) for key in complete_order(dataset, None))
    indexed = [index.keys[1][0] for index in dataset.indexes if index.keys[2:] == order]
    assert indexed
    for name in indexed:
        row = next(rows_of(dataset))
        equal = Comparison(dataset.by_name[name], Operator.EQ, row[name])
        for condition in (equal, AllOf((equal, _window(dataset)))):
            for position in (None, _position(dataset)):
                await assert_indexed(recorded, _page(dataset, condition, after=position), streams=True)


@datasets
@pytest.mark.parametrize("direction", Direction)
async def test_every_order_runs_on_an_index(recorded: Recorded, dataset: Dataset, direction: Direction) -> None:
    """Ordered by any field, from the start and after a cursor: the organization's rows only are looked at."""
    for field in dataset.fields:
        asked = [OrderBy(field, direction)]
        for position in (None, _position(dataset, asked)):
            await assert_indexed(recorded, _page(dataset, asked=asked, after=position))


@pytest.mark.parametrize("window", [ALL_TIME, WINDOW, Window(start=WINDOW.start), Window(end=WINDOW.end)])
@pytest.mark.parametrize("fields", [[field.name for field in SUMMARY_FIELDS], ["totalConnections"], ["serviceName"]])
async def test_the_connection_summary_runs_on_an_index(recorded: Recorded, window: Window, fields: list[str]) -> None:
    """With and without a window, whatever is selected."""
    query = SummaryQuery(instant_from_date(START), frozenset(fields), window)
    await assert_indexed(recorded, lambda reader: summarize(reader, query))


async def test_a_summary_up_to_now_reads_its_window_only(recorded: Recorded) -> None:
    """Found by the last activity: by the start, where the latest come first as well, all would be gone through."""
    late = Window(start=instant_from_date(START + timedelta(minutes=ROWS // 3 - 10)))
    query = SummaryQuery(instant_from_date(START + timedelta(days=9)), frozenset({"totalConnections"}), late)
    (stages,) = await assert_indexed(recorded, lambda reader: summarize(reader, query))
    assert [stage["indexName"] for stage in stages if stage["stage"] == "IXSCAN"] == ["activity"]


async def test_one_summary_event_is_found_by_its_id(recorded: Recorded) -> None:
    """On the unique index of organization and id: one key is looked at, however many events there are."""
    (stages,) = await assert_indexed(recorded, lambda reader: find_event(reader, "01234"))
    assert [stage["indexName"] for stage in stages if stage["stage"] == "IXSCAN"] == ["unique_event"]


async def test_counting_runs_on_an_index(recorded: Recorded) -> None:
    """All events of an organization, and those of a window."""
    for condition in (AllOf(), _window(SUMMARY_EVENTS)):

        async def count(reader: Reader, condition: Condition = condition) -> int:
            return await count_events(reader, condition)

        await assert_indexed(recorded, count)


@pytest.mark.parametrize("window", [ALL_TIME, LONG_WINDOW], ids=["all", "window"])
async def test_answers_from_rollups_run_on_indexes(recorded: Recorded, window: Window) -> None:
    """Where rollups stand, which are dirty, where records begin and end, and the buckets themselves."""
    database, recorder = recorded
    writer = Writer(database)
    rollups, rebuilding = Rollups(database, writer), Rebuilding(database, writer)
    await rollups.mark_all(SUMMARY_EVENT_ROLLUP)
    await rebuilding.rebuild(SUMMARY_EVENT_ROLLUP)
    await rollups.set_complete(SUMMARY_EVENT_ROLLUP, complete=True)
    await rollups.mark(SUMMARY_EVENT_ROLLUP, buckets_of(scope_of().org_name, START + timedelta(hours=4)))

    async def count(reader: Reader) -> None:
        reader.retentions = Retentions(database, 10_000)
        await reader.retentions.kept(SUMMARY_EVENTS)
        recorder.commands.clear()
        counted = await roll_count(reader, SUMMARY_EVENT_ROLLUP, window)
        assert counted is not None
        assert counted[1].raw

    found = await assert_indexed(recorded, count)
    used = {stage["indexName"] for stages in found for stage in stages if stage["stage"] == "IXSCAN"}
    assert used == {"dirty", "unique_bucket", "page"}


async def test_a_scan_of_the_whole_collection_would_be_seen(recorded: Recorded) -> None:
    """The tests above can fail: a match that no index supports is a COLLSCAN in both kinds of commands."""
    database, _ = recorded

    async def ask(_reader: Reader) -> None:
        await database["summaryEvents"].find({"plan_id": "v1"}).to_list(None)
        await database["summaryEvents"].aggregate([{"$match": {"plan_id": "v1"}}, {"$count": "count"}])

    for _, stages in await plans_of(recorded, ask):
        assert "COLLSCAN" in {stage["stage"] for stage in stages}
