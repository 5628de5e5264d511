"""The writer: duplicates are told and nothing else is lost, by a majority, with any number of loaders at once."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.datasets.connection_events.fields import CONNECTION_EVENTS
from app.errors import Internal
from app.settings import Settings
from app.store.client import Database, Document
from app.store.indexes import Upkeep, ensure_indexes, wanted_indexes
from app.store.writer import Writer
from tests.gateways import ORGANIZATION_ID
from tests.query.specimens import millisecond
from tests.store.databases import OTHER_ORGANIZATION_ID, opened_database, recorded_database

EVENTS = CONNECTION_EVENTS.collection


def _event(number: int, tenant: str = ORGANIZATION_ID, **more: Any) -> Document:
    return {"organizationId": tenant, "eventId": f"{number}", "eventTimestamp": millisecond(0), **more}


async def _prepare(database: Database, settings: Settings) -> Writer:
    await ensure_indexes(database, wanted_indexes([CONNECTION_EVENTS], settings), Upkeep.FULL)
    return Writer(database)


async def _ids(database: Database, tenant: str = ORGANIZATION_ID) -> list[str]:
    rows = await database[EVENTS].find({"organizationId": tenant}).to_list(None)
    return sorted(row["eventId"] for row in rows)


async def test_new_documents_are_inserted_and_duplicates_told(both_drivers: Settings) -> None:
    """The positions of those that were there already, or twice in the batch; every other one is written."""
    async with opened_database(both_drivers) as database:
        writer = await _prepare(database, both_drivers)
        assert await writer.insert_new(CONNECTION_EVENTS, [_event(1), _event(2)]) == []
        batch = [_event(0), _event(2, host="new"), _event(3), _event(3), _event(1), _event(4)]
        assert await writer.insert_new(CONNECTION_EVENTS, batch) == [1, 3, 4]
        assert await _ids(database) == ["0", "1", "2", "3", "4"]
        assert await database[EVENTS].count_documents({"host": "new"}) == 0


async def test_the_same_id_of_another_organization_is_no_duplicate(both_drivers: Settings) -> None:
    """Ids are unique in the organization only."""
    async with opened_database(both_drivers) as database:
        writer = await _prepare(database, both_drivers)
        assert await writer.insert_new(CONNECTION_EVENTS, [_event(1), _event(1, OTHER_ORGANIZATION_ID)]) == []
        assert await _ids(database) == await _ids(database, OTHER_ORGANIZATION_ID) == ["1"]


async def test_nothing_to_write_is_no_command(both_drivers: Settings) -> None:
    """An empty batch is written without asking MongoDB, by every kind of write."""
    async with recorded_database(both_drivers) as (database, recorder):
        writer = Writer(database)
        assert await writer.insert_new(CONNECTION_EVENTS, []) == []
        assert await writer.stored(CONNECTION_EVENTS, []) == {}
        assert recorder.commands == []


async def test_no_changes_to_apply_is_no_error(both_drivers: Settings) -> None:
    """An upsert of nothing changes nothing."""
    async with opened_database(both_drivers) as database:
        await Writer(database).upsert("things", [])
        assert await database.list_collection_names() == []


async def test_a_refusal_that_is_no_duplicate_is_an_error(both_drivers: Settings) -> None:
    """What MongoDB refuses for another reason is never passed off as a duplicate; the good ones are written."""
    async with opened_database(both_drivers) as database:
        await database.create_collection(EVENTS, validator={"eventId": {"$ne": "2"}})
        writer = await _prepare(database, both_drivers)
        with pytest.raises(Internal):
            await writer.insert_new(CONNECTION_EVENTS, [_event(1), _event(2), _event(1), _event(3)])
        assert await _ids(database) == ["1", "3"]


async def test_writes_are_unordered_and_of_a_majority(both_drivers: Settings) -> None:
    """On the wire: every insert, update, delete and merge waits for a majority, and no document stops another."""
    async with recorded_database(both_drivers) as (database, recorder):
        writer = Writer(database)
        await writer.insert_new(CONNECTION_EVENTS, [_event(1), _event(2)])
        await writer.upsert(EVENTS, [({"eventId": "3"}, [{"$set": {"a": 1}}])])
        await writer.delete(EVENTS, {"eventId": "1"})
        await writer.run(EVENTS, [{"$match": {}}, {"$merge": {"into": "copies"}}])
        commands = recorder.named("insert", "update", "delete", "aggregate")
        assert [next(iter(command)) for command in commands] == ["insert", "update", "delete", "aggregate"]
        assert {command["writeConcern"]["w"] for command in commands} == {"majority"}
        assert [command["ordered"] for command in commands[:2]] == [False, False]
        assert await writer.count("copies") == 2


async def test_what_is_stored_is_found_by_tenant_and_id(both_drivers: Settings) -> None:
    """The stored documents under the same tenants and ids, without MongoDB's own id; others are not there."""
    async with opened_database(both_drivers) as database:
        writer = await _prepare(database, both_drivers)
        kept = [_event(1, host="kept"), _event(1, OTHER_ORGANIZATION_ID, host="theirs"), _event(2)]
        await writer.insert_new(CONNECTION_EVENTS, [dict(one) for one in kept])
        asked = [_event(1), _event(1, OTHER_ORGANIZATION_ID), _event(3), _event(2, OTHER_ORGANIZATION_ID)]
        found = await writer.stored(CONNECTION_EVENTS, asked)
        assert found == {(ORGANIZATION_ID, "1"): kept[0], (OTHER_ORGANIZATION_ID, "1"): kept[1]}


async def test_an_upsert_makes_what_is_missing_and_changes_what_is_there(both_drivers: Settings) -> None:
    """An update pipeline by an exact key sees the stored document, or none."""
    async with opened_database(both_drivers) as database:
        writer = Writer(database)
        count = [{"$set": {"n": {"$add": [{"$ifNull": ["$n", 0]}, 1]}}}]
        await writer.upsert("things", [({"id": "a"}, count), ({"id": "b"}, count)])
        await writer.upsert("things", [({"id": "a"}, count)])
        rows = await database["things"].find({}, {"_id": 0}).sort("id").to_list(None)
        assert rows == [{"id": "a", "n": 2}, {"id": "b", "n": 1}]


async def test_upserts_of_the_same_key_at_once_all_count(both_drivers: Settings) -> None:
    """Whoever loses the race to make a document updates it instead: nothing fails, nothing is lost or doubled."""
    count = [{"$set": {"n": {"$add": [{"$ifNull": ["$n", 0]}, 1]}}}]
    async with opened_database(both_drivers) as database:
        await database["things"].create_index("id", unique=True)
        writers = [Writer(database) for _ in range(8)]
        for at in range(10):
            changes = [({"id": f"{at} {number}"}, count) for number in range(3)]
            await asyncio.gather(*(writer.upsert("things", changes) for writer in writers))
        rows = await database["things"].find({}).to_list(None)
        assert [row["n"] for row in rows] == [8] * 30


async def test_an_upsert_that_is_refused_is_an_error(both_drivers: Settings) -> None:
    """A refusal that is no race is not tried again, and is the gateway's own error."""
    async with recorded_database(both_drivers) as (database, recorder):
        await database.create_collection("things", validator={"n": {"$lt": 2}})
        with pytest.raises(Internal):
            await Writer(database).upsert("things", [({"id": "a"}, [{"$set": {"n": 2}}])])
        assert len(recorder.named("update")) == 1


async def test_a_key_that_is_taken_elsewhere_ends_in_an_error(both_drivers: Settings) -> None:
    """A duplicate that no second try can mend stops after a few, instead of going on for ever."""
    async with recorded_database(both_drivers) as (database, recorder):
        await database["things"].create_index("other", unique=True)
        await database["things"].insert_one({"id": "a", "other": 1})
        with pytest.raises(Internal):
            await Writer(database).upsert("things", [({"id": "b"}, [{"$set": {"other": 1}}])])
        assert len(recorder.named("update")) == 5


async def test_deleting_and_counting_tell_how_many(both_drivers: Settings) -> None:
    """The number of documents, in all organizations."""
    async with opened_database(both_drivers) as database:
        writer = await _prepare(database, both_drivers)
        await writer.insert_new(CONNECTION_EVENTS, [_event(number) for number in range(5)])
        assert await writer.delete(EVENTS, {"eventId": {"$gte": "3"}}) == 2
        assert await writer.count(EVENTS) == 3
        assert await writer.count("nothing") == 0


async def test_the_servers_clock_is_read_as_naive_utc(both_drivers: Settings) -> None:
    """A rebuild compares it with dates that MongoDB stamped."""
    async with opened_database(both_drivers) as database:
        read = await Writer(database).server_time()
        assert read.tzinfo is None
        assert abs(read.replace(tzinfo=UTC) - datetime.now(UTC)) < timedelta(minutes=1)
