"""Reads over the wire: the answers that the driver gives, whatever happens to the connection."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import timedelta
from itertools import count
from pathlib import Path
from struct import pack
from typing import Any

import pytest
from bson import encode
from pymongo import AsyncMongoClient
from pymongo.monitoring import PoolClearedEvent

from app.datasets.summary_events.fields import SUMMARY_EVENTS
from app.errors import GatewayError, InvalidInput, QueryTimeout, Unavailable
from app.query.ordering import complete_order
from app.settings import MongoDriver, Settings
from app.store.client import Document
from app.store.reader import Reader
from app.store.store import Store
from tests.faults.mongods import Mongod, three_members
from tests.gateways import ORG_NAME, make_settings
from tests.ingest.making import database_of
from tests.query.specimens import millisecond
from tests.store.databases import scope_of
from tests.store.relay import Relay

HANG_SECONDS = 30.0
ORDER = complete_order(SUMMARY_EVENTS, None)


def _call(number: int, **more: Any) -> Document:
    return {
        "org_name": ORG_NAME,
        "summary_event_id": f"{number:05}",
        "datetime": millisecond(0) + timedelta(seconds=number),
        **more,
    }


async def _fill(store: Store, calls: list[Document]) -> None:
    await database_of(store)["summaryEvents"].insert_many(calls)


async def _ids(reader: Reader, limit: int = 10) -> list[str]:
    rows = await reader.find(SUMMARY_EVENTS, {}, sort=ORDER, limit=limit, unread=True)
    return [row["summary_event_id"] for row in rows]


async def _warm(store: Store) -> None:
    """Read until a connection is kept for it."""
    async with asyncio.timeout(HANG_SECONDS):
        while store.wire is None or not store.wire.free:
            with suppress(GatewayError):
                await _ids(store.reader(scope_of()), 1)


@asynccontextmanager
async def _relayed(settings: Settings, calls: int = 3) -> AsyncIterator[tuple[Relay, Store]]:
    """A store that reaches MongoDB through a relay, and has made a connection of its own there."""
    assert settings.mongodb_uri is not None
    async with Relay(settings.mongodb_uri.get_secret_value()).listening() as relay, Store(settings, relay.uri) as store:
        await _fill(store, [_call(number) for number in range(calls)])
        await _warm(store)
        relay.commands.clear()
        yield relay, store
        relay.spoil = lambda reply: reply
        await database_of(store).client.drop_database(settings.database)


async def test_reads_go_over_the_wire(settings: Settings) -> None:
    """All but what is read at a moment; each within the organization and its budget, and without a session."""
    async with _relayed(settings) as (relay, store):
        reader = store.reader(scope_of())
        assert await _ids(reader) == ["00002", "00001", "00000"]
        assert await reader.count(SUMMARY_EVENTS, {}) == 3
        assert [next(iter(command)) for command in relay.short] == ["find", "aggregate"]
        assert not relay.ordinary
        assert all(0 < command["maxTimeMS"] <= settings.query_timeout_ms for command in relay.short)
        moment = await reader.moment()
        assert await _ids(reader.at(moment)) == ["00002", "00001", "00000"]
        assert len(relay.short) == 2


async def test_it_can_be_switched_off(settings: Settings) -> None:
    """By its setting; Motor's clients have none."""
    assert settings.mongodb_uri is not None
    for change in ({"wire_reads": False}, {"mongo_driver": MongoDriver.MOTOR}):
        async with Store(settings.model_copy(update=change), settings.mongodb_uri.get_secret_value()) as store:
            assert store.wire is None
            assert await _ids(store.reader(scope_of())) == []


async def test_many_at_once_get_each_its_own_answer(settings: Settings) -> None:
    """More than there are connections: the driver does the rest."""
    async with _relayed(settings, calls=50) as (relay, store):
        reader = store.reader(scope_of())

        async def one(number: int) -> list[str]:
            match = {"summary_event_id": {"$gte": f"{number:05}"}}
            rows = await reader.find(SUMMARY_EVENTS, match, sort=ORDER, limit=50 - number, unread=True)
            return [row["summary_event_id"] for row in rows]

        for _ in range(4):
            answers = await asyncio.gather(*(one(number) for number in range(50)))
            assert answers == [[f"{one:05}" for one in range(49, number - 1, -1)] for number in range(50)]
        assert relay.short
        assert relay.ordinary
        assert store.wire is not None
        assert 1 <= store.wire.free == store.pool.in_use <= 2 * settings.concurrency
        assert store.connections_in_use == 0


@pytest.mark.parametrize("rows", [1, 40, 1000, 1200])
async def test_replies_of_any_size(settings: Settings, rows: int) -> None:
    """Within what is received at once, beyond it, and more than one reply can hold: then more is asked for there."""
    async with _relayed(settings, calls=1) as (relay, store):
        await database_of(store)["summaryEvents"].delete_many({})
        await _fill(store, [_call(number, appName="x" * 16_000) for number in range(rows)])
        reader = store.reader(scope_of())
        rows_read = await reader.aggregate(SUMMARY_EVENTS, [{"$sort": {"datetime": 1}}])
        assert [row["summary_event_id"] for row in rows_read] == [f"{number:05}" for number in range(rows)]
        assert await _ids(reader, rows) == [f"{number:05}" for number in reversed(range(rows))]
        more = ["getMore"] if rows > 1000 else []
        assert [next(iter(one)) for one in relay.short] == ["aggregate", *more, "find", *more]
        assert not relay.ordinary
        match = {"$match": {"type": "idleCursor", "ns": f"{settings.database}.summaryEvents"}}
        open_cursors = await database_of(store).client.admin.aggregate([{"$currentOp": {"idleCursors": True}}, match])
        assert await open_cursors.to_list() == []


def _with(reply: bytes, at: int, value: int) -> bytes:
    return reply[:at] + pack("<i", value) + reply[at + 4 :]


SPOILED = {
    "cut off": lambda _reply: None,
    "cut in the middle": lambda reply: reply[: len(reply) // 2],
    "to another request": lambda reply: _with(reply, 8, 77),
    "of another kind": lambda reply: _with(reply, 12, 2012),
    "with flags": lambda reply: _with(reply, 16, 2),
    "with more behind it": lambda reply: reply + reply,
    "too long": lambda reply: _with(reply, 0, 2**31 - 1),
    "of no length": lambda reply: _with(reply, 0, 0),
    "of a negative length": lambda reply: _with(reply, 0, -1),
    "not the right server": lambda reply: _refusal(reply, 13435),
    "to be retried": lambda reply: _refusal(reply, 8, errorLabels=["RetryableError"]),
    "to be authenticated anew": lambda reply: _refusal(reply, 391),
}


def _refusal(reply: bytes, code: int, **more: Any) -> bytes:
    body = encode({"ok": 0.0, "errmsg": "refused", "code": code, **more})
    return _with(reply[:21] + body, 0, 21 + len(body))


@pytest.mark.parametrize("how", SPOILED)
async def test_what_goes_wrong_is_asked_of_the_driver(settings: Settings, how: str) -> None:
    """The answer is the same, and the next one is read over a connection again."""
    async with _relayed(settings) as (relay, store):
        reader = store.reader(scope_of())
        relay.spoil = SPOILED[how]
        if how == "cut in the middle":
            reader.budget_ms = 100
            with pytest.raises(Unavailable):  # that more comes is to be expected, until the time is over
                await _ids(reader)
            reader = store.reader(scope_of())
        else:
            assert await _ids(reader) == ["00002", "00001", "00000"]
            assert len(relay.short) == 1
            if how != "with more behind it":  # which may come when the answer has been taken
                assert len(relay.ordinary) == 1
        relay.spoil = lambda reply: reply
        await _warm(store)
        relay.commands.clear()
        assert await _ids(reader) == ["00002", "00001", "00000"]
        assert (len(relay.short), len(relay.ordinary)) == (1, 0)


async def test_refusals_are_told_as_the_driver_tells_them(settings: Settings) -> None:
    """A time zone that MongoDB does not know, and a budget that is used up."""
    async with _relayed(settings, calls=50) as (relay, store):
        reader = store.reader(scope_of())
        with pytest.raises(InvalidInput, match="timezone"):
            await reader.evaluate({"$dateToString": {"date": millisecond(1), "timezone": "Nowhere/At_All"}})
        endless: list[Document] = [{"$set": {"a": {"$range": [0, 1_000_000]}}}, {"$unwind": "$a"}, {"$sort": {"a": 1}}]
        reader.budget_ms = 50
        with pytest.raises(QueryTimeout):
            await reader.aggregate(SUMMARY_EVENTS, endless)
        assert len(relay.short) == 2
        assert not relay.ordinary


async def test_who_stops_waiting_ends_the_command(settings: Settings) -> None:
    """MongoDB ends it, as it does for the driver's, long before its time is over."""
    assert settings.mongodb_uri is not None
    patiently = settings.model_copy(update={"query_timeout_ms": 600_000})
    async with Store(patiently, settings.mongodb_uri.get_secret_value()) as store:
        await _fill(store, [_call(number) for number in range(5_000)])
        await _warm(store)
        reader, client = store.reader(scope_of()), database_of(store).client
        counting = {"$reduce": {"input": {"$range": [0, 100_000]}, "initialValue": 0, "in": {"$add": ["$$value", 1]}}}
        endless: list[Document] = [{"$set": {"a": counting}}, {"$sort": {"a": 1}}]  # a minute or more

        async def running() -> int:
            match = {"$match": {"active": True, "ns": f"{settings.database}.summaryEvents", "op": "command"}}
            found = await client.admin.aggregate([{"$currentOp": {}}, match])
            return len(await found.to_list())

        async def until(wanted: int) -> None:
            async with asyncio.timeout(HANG_SECONDS):
                while await running() != wanted:  # noqa: ASYNC110 - only asking mongod tells
                    await asyncio.sleep(0.02)

        assert store.wire is not None
        kept = store.wire.free
        asking = asyncio.create_task(reader.aggregate(SUMMARY_EVENTS, endless))
        await until(1)
        assert store.wire.free == kept - 1
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        await until(0)
        assert await _ids(reader, 1) == ["04999"]
        await client.drop_database(settings.database)


async def test_a_pool_of_one_is_the_drivers(settings: Settings) -> None:
    """Half of the pool is kept for reads, which is none here."""
    assert settings.mongodb_uri is not None
    uri = settings.mongodb_uri.get_secret_value()
    async with Store(settings, f"{uri}{'&' if '?' in uri else '?'}maxPoolSize=1") as store:
        for _ in range(5):
            assert await _ids(store.reader(scope_of())) == []
        assert store.pool.opened == 1


async def test_a_connection_that_was_idle_for_too_long_is_not_used(settings: Settings) -> None:
    """Something between here and MongoDB may have forgotten it: the address says for how long one is good."""
    assert settings.mongodb_uri is not None
    async with (
        Relay(settings.mongodb_uri.get_secret_value()).listening() as relay,
        Store(settings, f"{relay.uri}&maxIdleTimeMS=200") as store,
    ):
        await _warm(store)
        relay.commands.clear()
        await asyncio.sleep(0.3)
        assert await _ids(store.reader(scope_of())) == []
        assert (len(relay.short), len(relay.ordinary)) == (0, 1)


async def test_connections_are_not_used_that_the_driver_would_have_closed(settings: Settings) -> None:
    """Where it lost sight of a server for a moment it trusts none that there were; what waits on one is asked anew."""
    async with _relayed(settings) as (relay, store):
        reader, client = store.reader(scope_of()), database_of(store).client
        (address,) = client.topology_description.server_descriptions()
        relay.held.clear()
        relay.came.clear()
        asking = asyncio.create_task(_ids(reader))
        await relay.came.wait()
        store.pool.pool_cleared(PoolClearedEvent(address))
        async with asyncio.timeout(HANG_SECONDS):
            assert await asking == ["00002", "00001", "00000"]
        relay.held.set()
        await _warm(store)
        relay.commands.clear()
        store.pool.pool_cleared(PoolClearedEvent(address))
        assert await _ids(reader) == ["00002", "00001", "00000"]
        assert (len(relay.short), len(relay.ordinary)) == (0, 1)


async def test_an_address_with_a_timeout_is_the_drivers(settings: Settings) -> None:
    """It makes budgets of its own."""
    assert settings.mongodb_uri is not None
    async with Relay(settings.mongodb_uri.get_secret_value()).listening() as relay:
        async with Store(settings, f"{relay.uri}&timeoutMS=5000") as store:
            for _ in range(5):
                assert await _ids(store.reader(scope_of())) == []
        assert not relay.short


async def test_numbers_of_requests_begin_anew(settings: Settings) -> None:
    """After two thousand million."""
    async with _relayed(settings) as (relay, store):
        assert store.wire is not None
        store.wire._numbers = count(2**31 - 2)  # noqa: SLF001 - nobody can wait for it
        for _ in range(4):
            assert await _ids(store.reader(scope_of())) == ["00002", "00001", "00000"]
        assert (len(relay.short), len(relay.ordinary)) == (4, 0)


async def test_another_pymongo_may_lack_what_is_used(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then all is asked of the driver."""
    assert settings.mongodb_uri is not None
    async with Store(settings, settings.mongodb_uri.get_secret_value()) as store:
        monkeypatch.delattr(AsyncMongoClient, "_conn_for_reads")
        for _ in range(5):
            assert await _ids(store.reader(scope_of())) == []
        monkeypatch.undo()
        for _ in range(5):
            assert await _ids(store.reader(scope_of())) == []
        assert store.wire is not None
        assert store.wire.free == 0


async def test_a_server_that_is_frozen_holds_nobody(tmp_path: Path) -> None:
    """Once the driver sees that it does not answer, who waits is told so, long before the time of the command is up."""
    mongod = Mongod(tmp_path)
    try:
        mongod.start()
        settings = make_settings(
            mongodb_uri=mongod.uri, database="wire", connect_timeout_ms=500, query_timeout_ms=60_000
        )
        async with Store(settings, mongod.uri) as store:
            await _fill(store, [_call(1)])
            await _warm(store)
            mongod.freeze()
            assert mongod.process is not None
            async with asyncio.timeout(HANG_SECONDS):
                with pytest.raises(Unavailable):
                    await _ids(store.reader(scope_of()))
            mongod.process.send_signal(signal.SIGCONT)
            await _warm(store)
            assert await _ids(store.reader(scope_of())) == ["00001"]
            mongod.kill()
            with pytest.raises(Unavailable):
                await _ids(store.reader(scope_of()))
    finally:
        mongod.kill()


def _finds(mongod: Mongod) -> int:
    """How many finds the member has run."""
    with mongod.direct() as client:
        total: int = client.admin.command("serverStatus")["metrics"]["commands"]["find"]["total"]
        return total


async def test_reads_go_where_the_address_says(tmp_path: Path) -> None:
    """To members of that kind; to others after an election."""
    with three_members(tmp_path) as members:
        primary = members.await_primary()
        async with AsyncExitStack() as stack:
            stores = {}
            for preference in ("primary", "secondary", "primaryPreferred"):
                uri = f"{members.uri}&readPreference={preference}&w=3"
                stores[preference] = await stack.enter_async_context(
                    Store(make_settings(mongodb_uri=uri, database="wire"), uri)
                )
            await _fill(stores["primary"], [_call(number) for number in range(3)])
            for preference, store in stores.items():
                await _warm(store)
                before = _finds(primary)
                for _ in range(20):
                    assert await _ids(store.reader(scope_of())) == ["00002", "00001", "00000"]
                assert (_finds(primary) - before >= 20) == (preference != "secondary")
            primary.kill()
            await asyncio.to_thread(members.await_primary)
            for store in stores.values():
                await _warm(store)
                assert await _ids(store.reader(scope_of())) == ["00002", "00001", "00000"]
