"""The reader: inside one organization, within a time budget, reading stages only, and never a part of an answer."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from app.datasets.connection_events.fields import CONNECTION_EVENTS
from app.datasets.connections.fields import CONNECTIONS
from app.datasets.connections.operations import summarize
from app.datasets.connections.rollup import CONNECTION_ROLLUP
from app.datasets.connections.summary import SUMMARY_FIELDS, SummaryQuery
from app.datasets.summary_events.fields import SUMMARY_EVENTS
from app.datasets.summary_events.operations import count_events, find_event
from app.errors import Forbidden, QueryTimeout
from app.query.conditions import EVERYTHING, AnyOf
from app.query.dataset import Dataset
from app.query.instants import now
from app.query.ordering import complete_order
from app.query.pages import PageQuery
from app.registry import DATASETS
from app.scope import Permission, Scope
from app.settings import Settings
from app.store.client import Document
from app.store.failures import NoSuchIndex
from app.store.key_numbers import KeyNumbers
from app.store.pages import read_page
from app.store.reader import Reader
from app.store.reading_commands import find_command
from app.store.store import Store
from tests.gateways import ORG_NAME, ORGANIZATION_ID
from tests.ingest.making import database_of
from tests.query.specimens import millisecond
from tests.store.databases import (
    OTHER_ORG_NAME,
    OTHER_ORGANIZATION_ID,
    opened_database,
    reader_of,
    recorded_database,
    scope_of,
)

OTHER = scope_of(OTHER_ORGANIZATION_ID, OTHER_ORG_NAME)
ORDER = complete_order(CONNECTION_EVENTS, None)
_ANY: list[Document] = [{"$match": {}}]
_BEFORE_ALL = {2: (millisecond(99), "~"), 3: (millisecond(99), 0, "~")}  # newest first, by how many keys there are


def _row(dataset: Dataset, scope: Scope, number: int, **more: Any) -> Document:
    return {
        dataset.tenant_field: getattr(scope, dataset.tenant_attribute),
        dataset.id_field: f"{number}",
        dataset.time_field: millisecond(number),
        "lastActivity": millisecond(number),
        "owner": scope.org_name,
        **more,
    }


async def _ask_everything(reader: Reader, dataset: Dataset) -> list[Document]:
    """Ask every read that there is, in the widest way; give all rows that came."""
    query = PageQuery(dataset, complete_order(dataset, None), first=100, condition=AnyOf((EVERYTHING,)), total=True)
    page = await read_page(reader, query)
    after = await read_page(reader, PageQuery(dataset, query.order, 100, after=_BEFORE_ALL[len(query.order)]))
    assert page.total == len(page.rows)
    assert await reader.count(dataset, {}) == len(page.rows)
    unread = await read_page(reader, replace(query, total=False, unread=True))
    # Alternatives, of which one takes everything: each has the organization beside it.
    found = await reader.aggregate_by(dataset, dataset.indexes[0].name, [{"owner": "nobody"}, {}], _ANY)
    return [*page.rows, *after.rows, *unread.rows, *found, *await reader.aggregate(dataset, _ANY)]


@pytest.mark.parametrize("dataset", [one.dataset for one in DATASETS], ids=lambda one: one.name)
async def test_two_organizations_with_the_same_ids_never_meet(both_drivers: Settings, dataset: Dataset) -> None:
    """Whatever is asked, the rows are those of the scope's organization, though ids and times are the same."""
    async with opened_database(both_drivers) as database:
        for scope in (scope_of(), OTHER):
            await database[dataset.collection].insert_many([_row(dataset, scope, number) for number in range(5)])
        await database[dataset.collection].create_index(list(dataset.indexes[0].keys))
        for scope in (scope_of(), OTHER):
            rows = await _ask_everything(reader_of(database, scope), dataset)
            assert len(rows) == 25
            assert {row["owner"] for row in rows} == {scope.org_name}


async def test_each_command_begins_with_the_organization_and_has_a_budget(both_drivers: Settings) -> None:
    """On the wire: every find and aggregate has the tenant as its first match, and maxTimeMS."""
    connections = {"organizationId": {"$eq": ORGANIZATION_ID}}
    tenants = {
        "connectionEvents": connections,
        "connections": connections,
        "summaryEvents": {"org_name": {"$eq": ORG_NAME}},
    }
    async with recorded_database(both_drivers) as (database, recorder):
        reader = reader_of(database, budget_ms=4321)
        for registered in DATASETS:
            await database[registered.dataset.collection].create_index(list(registered.dataset.indexes[0].keys))
            await _ask_everything(reader, registered.dataset)
        await summarize(reader, SummaryQuery(now(), frozenset(field.name for field in SUMMARY_FIELDS)))
        await find_event(reader, "1")
        await count_events(reader, EVERYTHING)
        asked = recorder.named("find", "aggregate")
        assert len(asked) == 3 * 7 + 3
        for command in asked:
            tenant = tenants[command.get("find") or command["aggregate"]]
            first = command["filter"]["$and"][0] if "find" in command else command["pipeline"][0]["$match"]
            alternatives = first.get("$or", [{"$and": [first]}])
            assert all(one["$and"][0] == tenant for one in alternatives)
            assert command["maxTimeMS"] == 4321


async def test_a_reader_at_a_moment_sees_nothing_later(both_drivers: Settings) -> None:
    """Whatever is written meanwhile; the reader itself goes on seeing it."""
    async with opened_database(both_drivers) as database:
        reader = reader_of(database)
        await database["connections"].insert_one(_row(CONNECTIONS, scope_of(), 1))
        moment = await reader.moment()
        assert moment is not None
        await database["connections"].insert_one(_row(CONNECTIONS, scope_of(), 2))
        assert await reader.at(moment).count(CONNECTIONS, {}) == 1
        assert await reader.count(CONNECTIONS, {}) == await reader.at(None).count(CONNECTIONS, {}) == 2


async def test_an_index_that_is_not_there_is_told(both_drivers: Settings) -> None:
    """It is no failure of the database: the caller may ask in another way."""
    async with opened_database(both_drivers) as database:
        await database["connections"].insert_one(_row(CONNECTIONS, scope_of(), 1))
        with pytest.raises(NoSuchIndex):
            await reader_of(database).aggregate_by(CONNECTIONS, "activity", [{}], _ANY)


async def test_numbers_of_keys_are_those_of_the_organization(store: Store) -> None:
    """Another may have the same keys; a key without a number is left out."""
    numbers = KeyNumbers(database_of(store))
    await numbers.number("connections", OTHER_ORGANIZATION_ID, ["other", "mine"])
    known = await numbers.number("connections", ORGANIZATION_ID, ["mine"])
    reader = store.reader(scope_of())
    assert await reader.key_numbers(CONNECTION_ROLLUP, ["other", "mine", "none"]) == known == {"mine": 0}


async def test_a_query_ends_at_its_budget(both_drivers: Settings) -> None:
    """MongoDB stops it, and the error is the gateway's own."""
    async with opened_database(both_drivers) as database:
        await database["connections"].insert_many([_row(CONNECTIONS, scope_of(), number) for number in range(50)])
        endless: list[Document] = [{"$set": {"a": {"$range": [0, 1_000_000]}}}, {"$unwind": "$a"}, {"$sort": {"a": 1}}]
        async with asyncio.timeout(8):
            with pytest.raises(QueryTimeout, match="time budget"):
                await reader_of(database, budget_ms=50).aggregate(CONNECTIONS, endless)


@pytest.mark.parametrize("permission", Permission)
async def test_without_the_permission_nothing_is_asked(both_drivers: Settings, permission: Permission) -> None:
    """A dataset whose permission the key lacks is Forbidden, and no command goes out."""
    scope = scope_of(permissions=frozenset(Permission) - {permission})
    async with recorded_database(both_drivers) as (database, recorder):
        reader = reader_of(database, scope)
        for dataset in (one.dataset for one in DATASETS if one.dataset.permission is permission):
            with pytest.raises(Forbidden, match=permission):
                await reader.find(dataset, {}, sort=complete_order(dataset, None), limit=1)
            with pytest.raises(Forbidden, match=permission):
                await reader.aggregate(dataset, _ANY)
            with pytest.raises(Forbidden, match=permission):
                await reader.count(dataset, {})
        assert recorder.named("find", "aggregate") == []


async def test_an_answer_of_many_batches_is_complete(both_drivers: Settings) -> None:
    """More than 16 MB of documents, and more groups than one batch holds, come back whole and in order."""
    async with recorded_database(both_drivers) as (database, recorder):
        reader, wide = reader_of(database), "x" * 1_000_000
        for number in range(20):
            await database["connectionEvents"].insert_one(_row(CONNECTION_EVENTS, scope_of(), number, wide=wide))
        rows = await reader.find(CONNECTION_EVENTS, {}, sort=ORDER, limit=20)
        assert [row["eventId"] for row in rows] == [f"{number}" for number in reversed(range(20))]
        assert {len(row["wide"]) for row in rows} == {1_000_000}
        assert len(await reader.aggregate(CONNECTION_EVENTS, [{"$sort": {"eventId": 1}}])) == 20
        assert len(recorder.named("getMore")) >= 2
        groups: list[Document] = [
            {"$limit": 1},
            {"$project": {"a": {"$range": [0, 25_000]}}},
            {"$unwind": "$a"},
            {"$sort": {"a": 1}},
        ]
        assert [row["a"] for row in await reader.aggregate(CONNECTION_EVENTS, groups)] == list(range(25_000))


def test_a_find_is_one_command_of_one_batch() -> None:
    """Exactly what is asked: fields by inclusion with the sort keys, no `skip` where there is none."""
    sort = {"datetime": -1, "summary_event_id": -1}
    command = find_command(SUMMARY_EVENTS, {"a": 1}, sort=complete_order(SUMMARY_EVENTS, None), limit=7)
    assert command == {"find": "summaryEvents", "filter": {"a": 1}, "sort": sort, "limit": 7, "batchSize": 8}
    more = find_command(
        SUMMARY_EVENTS, {}, sort=complete_order(SUMMARY_EVENTS, None), limit=7, skip=3, fields=["api_ref"]
    )
    projection = {"_id": 0, "api_ref": 1, "datetime": 1, "summary_event_id": 1}
    assert (more["skip"], more["projection"]) == (3, projection)
