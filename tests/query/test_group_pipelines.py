"""Pipelines of groups as values: what was asked for and nothing else, with stages that only read, on an index."""

import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from app.datasets.connection_events.groups import CONNECTION_EVENT_GROUPS
from app.datasets.connections.groups import CONNECTION_GROUPS
from app.datasets.summary_events.groups import SUMMARY_EVENT_GROUPS
from app.query.durations import Duration
from app.query.group_pipelines import group_pipeline, previous_pipeline
from app.query.grouping import (
    COUNT,
    Bucket,
    Comparator,
    Dimension,
    GroupOrder,
    GroupQuery,
    GroupTable,
    Having,
    Measure,
    Measured,
    Path,
    Statistic,
)
from app.query.instants import instant_from_date
from app.query.ordering import Direction
from app.query.windows import ALL_TIME, Window
from app.registry import DATASETS
from app.store.groups import read_groups
from app.store.indexes import Upkeep, ensure_indexes, wanted_indexes
from app.store.reading_commands import check_pipeline
from tests.store.databases import database_settings, recorded_database
from tests.store.plans import START, Recorded, assert_indexed, rows_of

TABLES = {"events": CONNECTION_EVENT_GROUPS, "connections": CONNECTION_GROUPS, "calls": SUMMARY_EVENT_GROUPS}
FROM, TO = START + timedelta(minutes=200), START + timedelta(minutes=400)
WINDOW = Window(instant_from_date(FROM), instant_from_date(TO))
IN_WINDOW = {"$match": {"datetime": {"$gte": FROM, "$lt": TO}}}
DAY = Dimension("time", Bucket("day", 1, "Europe/Warsaw"))
API, APP = Dimension("apiRef"), Dimension("appName")
SENT = {statistic: Measure(Measured.NUMBER, "bytesSent", statistic) for statistic in Statistic}


def question(*selected: Dimension | Measure, table: GroupTable = SUMMARY_EVENT_GROUPS, **more: Any) -> GroupQuery:
    """Ask for these, each under its place as response key."""
    dimensions: dict[Path, Dimension] = {
        ("d", str(place)): one for place, one in enumerate(selected) if isinstance(one, Dimension)
    }
    measures: dict[Path, Measure] = {
        (str(place),): one for place, one in enumerate(selected) if isinstance(one, Measure)
    }
    return GroupQuery(table, instant_from_date(TO), more.pop("window", WINDOW), dimensions, measures, **more)


def every_measure(table: GroupTable) -> list[Measure]:
    """One of each kind that the table has, for each of its fields."""
    found = [COUNT, *(Measure(Measured.COUNT_IF, name) for name in table.counts)]
    found += [Measure(Measured.RATIO, name) for name in table.ratios]
    found += [Measure(Measured.UNIQUE, name) for name in table.dimensions if name != "statusClass"]
    for name in table.numbers:
        found += [Measure(Measured.NUMBER, name, one, 0.5 if one is Statistic.QUANTILE else None) for one in Statistic]
    return found


def questions(table: GroupTable) -> Iterator[GroupQuery]:
    """Each dimension and measure by itself, some together, and all measures at once."""
    names = [Dimension(name) for name in table.dimensions]
    measures = every_measure(table)
    for window in (ALL_TIME, WINDOW):
        every: list[Dimension | Measure] = [*names, DAY, *measures]
        yield from (question(one, table=table, window=window) for one in every)
        yield question(names[0], DAY, *measures, table=table, window=window)


def test_a_count_of_everything_is_one_grouping() -> None:
    """No dimension, no window: nothing is matched, and nothing but the count is made."""
    assert group_pipeline(question(COUNT, window=ALL_TIME), limit=101, finish=True) == [
        {"$match": {}},
        {"$group": {"_id": None, "n": {"$sum": 1}}},
        {"$project": {"_id": 0, "m0": {"$toLong": "$n"}}},
        {"$sort": {"m0": -1}},
        {"$limit": 101},
    ]


def test_a_sum_per_day_and_api() -> None:
    """The window is matched first; the default order is time, count (computed for it), then the dimensions."""
    assert group_pipeline(question(API, DAY, SENT[Statistic.SUM]), limit=3, finish=True) == [
        IN_WINDOW,
        {
            "$group": {
                "_id": {
                    "d0": {"$ifNull": ["$api_ref", None]},
                    "d1": {
                        "$dateTrunc": {
                            "date": "$datetime",
                            "unit": "day",
                            "binSize": 1,
                            "timezone": "Europe/Warsaw",
                            "startOfWeek": "monday",
                        }
                    },
                },
                "n": {"$sum": 1},
                "sum_bytesSent": {"$sum": "$bytes_sent"},
            }
        },
        {"$project": {"_id": 0, "d0": "$_id.d0", "d1": "$_id.d1", "m0": "$sum_bytesSent", "m1": {"$toLong": "$n"}}},
        {"$sort": {"d1": 1, "m1": -1, "d0": 1}},
        {"$limit": 3},
    ]


def test_distinct_values_are_told_apart_by_grouping_twice() -> None:
    """One field: by keys and value, then by keys; no set is held in one document, null is no value."""
    query = question(API, Measure(Measured.UNIQUE, "appName"), order=[GroupOrder(API, Direction.DESC)])
    mine = {"$and": [{"$eq": ["$_id.i", 1]}, {"$ne": ["$_id.v", None]}]}
    assert group_pipeline(query, limit=3, finish=True) == [
        IN_WINDOW,
        {
            "$group": {
                "_id": {
                    "d0": {"$ifNull": ["$api_ref", None]},
                    "i": {"$literal": 1},
                    "v": {"$ifNull": [{"$ifNull": ["$app_name", None]}, None]},
                },
                "n": {"$sum": 1},
                "size": {"$sum": 1},
            }
        },
        {
            "$group": {
                "_id": {"d0": "$_id.d0"},
                "n": {"$sum": "$n"},
                "unique_appName": {"$sum": {"$cond": [mine, 1, 0]}},
            }
        },
        {"$project": {"_id": 0, "d0": "$_id.d0", "m0": {"$toLong": "$unique_appName"}}},
        {"$sort": {"d0": -1}},
        {"$limit": 3},
    ]


def test_having_is_matched_after_grouping_and_null_never_matches() -> None:
    """All conditions hold, on finished values, before the order and the limit; `ne` too is for numbers only."""
    average = SENT[Statistic.AVG]
    having = [Having(average, Comparator.NE, 5), Having(COUNT, Comparator.GT, 1)]
    stages = group_pipeline(question(average, COUNT, having=having), limit=3, finish=True)
    assert stages[-3:-2] == [
        {"$match": {"$and": [{"m0": {"$ne": 5, "$type": "number"}}, {"m1": {"$gt": 1, "$type": "number"}}]}}
    ]


def test_rows_that_are_to_be_filled_are_neither_filtered_nor_ordered_yet() -> None:
    """`having` comes after filling, so MongoDB must not apply it."""
    query = question(DAY, COUNT, having=[Having(COUNT, Comparator.LT, 1)], fill=True)
    assert [next(iter(stage)) for stage in group_pipeline(query, limit=3, finish=False)] == [
        *("$match", "$group", "$project", "$limit")
    ]


def test_the_window_compared_with_is_shifted_back_and_its_times_on() -> None:
    """Only its own measures are computed, near the keys that came."""
    query = question(DAY, COUNT, previous={("p",): SENT[Statistic.MAX]}, compare_to=Duration(0, 864_000_000_000))
    stages = previous_pipeline(query, [{"d0": FROM}], limit=3)
    day = timedelta(days=1)
    assert stages[0] == {"$match": {"datetime": {"$gte": FROM - day, "$lt": TO - day}}}
    assert stages[1]["$group"]["_id"]["d0"]["$dateTrunc"]["date"] == {"$add": ["$datetime", 86_400_000]}
    assert stages[1]["$group"].keys() == {"_id", "n", "max_bytesSent"}
    assert stages[2:] == [
        {"$project": {"_id": 0, "d0": "$_id.d0", "m0": {"$ifNull": ["$max_bytesSent", None]}}},
        {"$match": {"d0": {"$in": [FROM]}}},
        {"$limit": 3},
    ]


def test_months_are_shifted_by_the_calendar_of_the_first_time_dimension_and_stay_in_the_window() -> None:
    """What a longer or shorter month would put outside is counted at the window's first or last millisecond."""
    day = Dimension("time", Bucket("day", 1, "Europe/Warsaw"))
    query = question(day, COUNT, previous={("p",): COUNT}, compare_to=Duration(1, 50_000))
    date = previous_pipeline(query, [], limit=3)[1]["$group"]["_id"]["d0"]["$dateTrunc"]["date"]
    months = {"startDate": "$datetime", "unit": "month", "amount": 1, "timezone": "Europe/Warsaw"}
    moved = {"$add": [{"$dateAdd": months}, 5]}
    assert date == {"$min": [TO - timedelta(milliseconds=1), {"$max": [FROM, moved]}]}


def test_a_comparison_of_many_rows_names_each_value_once_and_none_where_there_are_too_many() -> None:
    """However many rows and however long their texts: the command stays small."""
    query = question(
        Dimension("apiRef"), Dimension("appName"), COUNT, previous={("p",): COUNT}, compare_to=Duration(1, 0)
    )
    rows: list[dict[str, str | None]] = [
        {"d0": f"api {number % 7}", "d1": f"app {number}"} for number in range(100_000)
    ]
    assert previous_pipeline(query, rows, limit=3)[-2] == {"$match": {"d0": {"$in": [f"api {n}" for n in range(7)]}}}
    rows = [{"d0": "x" * 4096 + str(number), "d1": None} for number in range(100)]
    assert previous_pipeline(query, rows, limit=3)[-2] == {"$match": {"d1": {"$in": [None]}}}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_nothing_is_read_that_was_not_selected(table: GroupTable) -> None:
    """Each dimension and measure by itself names its own fields of the record; no other field is in the pipeline."""
    fields = {f"${field.name}" for field in table.dataset.fields}

    def read(query: GroupQuery) -> set[str]:
        text = json.dumps(group_pipeline(query, limit=3, finish=True)[1:], default=str)
        return {field for field in fields if f'"{field}"' in text}

    assert read(question(COUNT, table=table)) == set()
    assert read(question(DAY, COUNT, table=table)) == {f"${table.dataset.time_field}"}
    for name in table.dimensions:
        own = {field for field in fields if f'"{field}"' in json.dumps(table.dimensions[name].expression)}
        assert len(own) == 1
        assert read(question(Dimension(name), COUNT, table=table)) == own
        assert read(question(Measure(Measured.UNIQUE, name), table=table)) == own
    for measure in every_measure(table):
        if measure.kind is Measured.NUMBER:
            own = {field for field in fields if f'"{field}"' in json.dumps(table.numbers[measure.name].expression)}
            assert read(question(measure, table=table)) == own


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_records_are_taken_once_unless_several_values_are_told_apart(table: GroupTable) -> None:
    """One grouping for what adds up, two for one `uniq` or quantile, `$unwind` for more than one of them only."""
    for measure in every_measure(table):
        names = [next(iter(stage)) for stage in group_pipeline(question(measure, table=table), limit=3, finish=True)]
        told_apart = measure.kind is Measured.UNIQUE or measure.statistic is Statistic.QUANTILE
        assert names.count("$group") == (2 if told_apart else 1)
        assert "$unwind" not in names
    for several in questions(table):
        assert json.dumps(group_pipeline(several, limit=3, finish=True), default=str).count('"$unwind"') <= 1


def test_the_same_measure_under_many_keys_is_computed_once() -> None:
    """Whatever the response keys; quantiles of one number share one histogram."""
    query = question(API, API, COUNT, COUNT, SENT[Statistic.MIN], SENT[Statistic.MIN])
    group = group_pipeline(query, limit=3, finish=True)[1]["$group"]
    assert group == {
        "_id": {"d0": {"$ifNull": ["$api_ref", None]}},
        "n": {"$sum": 1},
        "min_bytesSent": {"$min": "$bytes_sent"},
    }
    ps = [Measure(Measured.NUMBER, "bytesSent", Statistic.QUANTILE, p) for p in (0.5, 0.9, 0.99)]
    stages = group_pipeline(question(*ps), limit=3, finish=True)
    assert json.dumps(stages[2], default=str).count("$push") == 1


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_every_pipeline_only_reads_the_collection_it_is_given(table: GroupTable) -> None:
    """The reader's own check passes for all of them, with a comparison too."""
    for query in questions(table):
        check_pipeline(group_pipeline(query, limit=3, finish=True))
        check_pipeline(group_pipeline(query, limit=3, finish=False))
        if query.window is WINDOW:
            compared = replace(query, previous=query.measures, compare_to=Duration(1, 5))
            check_pipeline(previous_pipeline(compared, [{f"d{i}": None for i in range(2)}], limit=3))


@pytest.fixture(scope="module")
async def recorded(mongodb_uri: str) -> AsyncIterator[Recorded]:
    """A database with all indexes and thousands of rows in each dataset, whose commands are recorded."""
    settings = database_settings(mongodb_uri)
    async with recorded_database(settings) as (database, recorder):
        await ensure_indexes(database, wanted_indexes((one.dataset for one in DATASETS), settings), Upkeep.FULL)
        for registered in DATASETS:
            await database[registered.dataset.collection].insert_many(rows_of(registered.dataset))
        yield database, recorder


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
async def test_groups_are_read_off_an_index(recorded: Recorded, table: GroupTable) -> None:
    """Whatever is selected, no collection is scanned; with a window, no more of the index than the window."""
    for query in questions(table):
        for stages in await assert_indexed(recorded, partial(read_groups, query=query)):
            bounds = [str(stage["indexBounds"]) for stage in stages if "indexBounds" in stage]
            assert bounds
            if query.window is WINDOW:
                assert all(_shows(edge, bound) for bound in bounds for edge in (FROM, TO))


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
async def test_the_window_compared_with_is_read_off_an_index(recorded: Recorded, table: GroupTable) -> None:
    """Two commands, each on its own part of the index."""
    compared = question(DAY, COUNT, table=table, previous={("p",): COUNT}, compare_to=Duration(0, 36_000_000_000))
    found = await assert_indexed(recorded, lambda reader: read_groups(reader, compared))
    bounds = [str(stage["indexBounds"]) for stages in found for stage in stages if "indexBounds" in stage]
    hour = timedelta(hours=1)
    assert [_shows(edge, bounds[0]) for edge in (FROM, TO)] == [True, True]
    assert [_shows(edge, bounds[1]) for edge in (FROM - hour, TO - hour)] == [True, True]
    assert len(bounds) == 2


def _shows(edge: datetime, bounds: str) -> bool:
    """Whether bounds name a date, in either way that mongod explains them."""
    milliseconds = (edge - datetime(1970, 1, 1)) // timedelta(milliseconds=1)  # noqa: DTZ001 - BSON dates are naive UTC
    return repr(edge) in bounds or f"Date({milliseconds})" in bounds
