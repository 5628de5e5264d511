"""A client that goes away in the middle: MongoDB stops working for it, and its turn is free again."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import httpx2
import pytest
from pymongo import MongoClient

from app.ingest.sources import CONNECTION_EVENT_SOURCE
from tests.faults.mongods import Mongod
from tests.faults.serving import new_key, served
from tests.gateways import load_records, make_settings, open_test_store
from tests.ingest.making import made_events

SOON_SECONDS, HANG_SECONDS = 5.0, 30.0  # MongoDB looks once in a while; the command itself would have ten seconds
LIGHT = "{ summaryEvents(first: 1) { nodes { orgName } } }"
FAILPOINT = "waitInFindBeforeMakingBatch"


class Place:
    """A gateway with one turn, on a mongod that can be made to stop in the middle of a find."""

    def __init__(self, mongod: Mongod, client: httpx2.AsyncClient) -> None:
        self._mongod = mongod
        self.client = client

    @contextmanager
    def slow_finds(self, after: int = 0) -> Iterator[None]:
        """Have finds of connection events, `after` so many, wait in mongod, as heavy ones do, until they are ended."""
        data = {"nss": "gone.connectionEvents", "shouldCheckForInterrupt": True}
        with self._mongod.direct() as client:
            client.admin.command({"configureFailPoint": FAILPOINT, "mode": {"skip": after}, "data": data})
            try:
                yield
            finally:
                client.admin.command({"configureFailPoint": FAILPOINT, "mode": "off"})

    def running(self) -> int:
        """How many reads of connection events run in mongod now."""
        with self._mongod.direct() as client:
            return sum(1 for _ in self._commands(client))

    @staticmethod
    def _commands(client: MongoClient[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        match = {"$match": {"ns": "gone.connectionEvents", "active": True, "op": {"$in": ["query", "command"]}}}
        yield from client.admin.aggregate([{"$currentOp": {}}, match])

    async def until_running(self, wanted: int) -> float:
        """Wait until so many run; the seconds that took."""
        begun = time.monotonic()
        async with asyncio.timeout(HANG_SECONDS):
            while await asyncio.to_thread(self.running) != wanted:  # noqa: ASYNC110 - only asking mongod tells
                await asyncio.sleep(0.02)
        return time.monotonic() - begun


@pytest.fixture(scope="module")
async def place(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """One for this file."""
    folder = tmp_path_factory.mktemp("gone")
    (folder / "data").mkdir()
    mongod = Mongod(folder / "data", options=("--setParameter", "enableTestCommands=1"))
    try:
        mongod.start()
        settings = make_settings(mongodb_uri=mongod.uri, database="gone")
        async with await open_test_store(settings) as store:
            await load_records(store, CONNECTION_EVENT_SOURCE, made_events(3_000))
            key = await new_key(store)
        with served(settings, folder, GATEWAY_CONCURRENCY="1") as gateway:
            async with httpx2.AsyncClient(base_url=gateway.url, timeout=60, headers={"X-API-Key": key}) as client:
                yield Place(mongod, client)
    finally:
        mongod.kill()


GRAPHQL = {"method": "POST", "url": "/graphql", "json": {"query": "{ connectionEvents { nodes { eventId } } }"}}
REST = {"method": "GET", "url": "/api/connection-analytics/events/query"}
EXPORT = {"method": "GET", "url": "/export/connection-events.ndjson"}


@pytest.mark.parametrize("request_", [GRAPHQL, REST, EXPORT], ids=["graphql", "rest", "export"])
async def test_what_nobody_waits_for_is_not_worked_on(place: Place, request_: dict[str, Any]) -> None:
    """The command is gone from MongoDB soon after its client, and the one turn serves the next."""
    with place.slow_finds():
        asking = asyncio.create_task(place.client.request(**request_))
        await place.until_running(1)
        asking.cancel()
        await asyncio.wait({asking})
        took = await place.until_running(0)
        print(f"gone after {took:.2f} s")
        assert took < SOON_SECONDS
        async with asyncio.timeout(SOON_SECONDS):
            assert (await place.client.post("/graphql", json={"query": LIGHT})).status_code == 200


async def test_an_export_that_is_left_in_mid_answer_reads_no_further(place: Place) -> None:
    """Its first batch is read by then, the second one is on its way."""
    with place.slow_finds(after=1):
        async with place.client.stream("GET", EXPORT["url"]) as answer:
            assert answer.status_code == 200
            async for _ in answer.aiter_bytes():
                break
            await place.until_running(1)
        took = await place.until_running(0)
        print(f"gone after {took:.2f} s")
        assert took < SOON_SECONDS
        async with asyncio.timeout(SOON_SECONDS):
            assert (await place.client.post("/graphql", json={"query": LIGHT})).status_code == 200
