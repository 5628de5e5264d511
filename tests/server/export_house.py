"""A `gateway serve` over many records on a mongod of its own, and what the system and mongod tell of it."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from socket import SO_RCVBUF, SOL_SOCKET
from typing import Any
from uuid import UUID

import httpx2
from pymongo import MongoClient

from app.access.administration import NewKey, create_key
from tests.faults.mongods import Mongod
from tests.gateways import (
    ORG_NAME,
    ORGANIZATION_ID,
    free_port,
    gateway_command,
    make_settings,
    open_test_store,
    serve_environment,
    wait_until_ready,
)

ROWS = 200_000
_DATABASE = "exports"
_PADDING = "a description of some length, so that all records are far more than the sockets can hold " * 3
_SHUTDOWN_SECONDS = 2
_SOCKET_BYTES = 65_536  # or the system would take tens of MB in place of a reader that rests


@dataclass
class House:
    """A running gateway with `ROWS` connection events; their ids count down in the order of the export."""

    mongod: Mongod
    process: subprocess.Popen[bytes]
    client: httpx2.AsyncClient
    log: Path

    def memory_peak(self) -> int:
        """The greatest memory that the server's process has had so far, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (peak,) = (int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
        return peak // 1024

    def finds(self) -> int:
        """How many reads of the events there were since mongod was started: each uses the index for pages."""
        with MongoClient[dict[str, Any]](self.mongod.uri) as client:
            statistics = client[_DATABASE]["connectionEvents"].aggregate([{"$indexStats": {}}])
            return int(next(index["accesses"]["ops"] for index in statistics if index["name"] == "page"))

    def open_cursors(self) -> int:
        """How many cursors on the events mongod holds open."""
        with MongoClient[dict[str, Any]](self.mongod.uri) as client:
            cursors = client.admin.aggregate(
                [{"$currentOp": {"idleCursors": True}}, {"$match": {"type": "idleCursor"}}]
            )
            return sum(one["ns"] == f"{_DATABASE}.connectionEvents" for one in cursors)

    async def still_finds(self) -> int:
        """Wait until no more reads are begun for a second; how many there were."""
        async with asyncio.timeout(30):
            before = -1
            while (now := self.finds()) != before:
                before = now
                await asyncio.sleep(1)
        return now


@asynccontextmanager
async def opened_house(folder: Path) -> AsyncIterator[House]:
    """Start the mongod, fill it, start the gateway; end both."""
    data, log = folder / "data", folder / "log"
    data.mkdir()
    mongod = Mongod(data)
    try:
        mongod.start()
        settings = make_settings(mongodb_uri=mongod.uri, database=_DATABASE)
        async with await open_test_store(settings) as store:
            key = str(await create_key(store.keys, NewKey(UUID(ORGANIZATION_ID), ORG_NAME)))
        _fill(mongod)
        bounds = {"GATEWAY_CONNECT_TIMEOUT_MS": "1000", "GATEWAY_SHUTDOWN_SECONDS": str(_SHUTDOWN_SECONDS)}
        environment = {**serve_environment(settings, port := free_port()), **bounds, "GATEWAY_MANAGE_INDEXES": "false"}
        process = _started(environment, log)
        try:
            await wait_until_ready(url := f"http://127.0.0.1:{port}")
            transport = httpx2.AsyncHTTPTransport(socket_options=[(SOL_SOCKET, SO_RCVBUF, _SOCKET_BYTES)])
            headers = {"X-API-Key": key, "Accept-Encoding": "identity"}
            async with httpx2.AsyncClient(transport=transport, base_url=url, timeout=60, headers=headers) as client:
                yield House(mongod, process, client, log)
        finally:
            process.kill()
            process.wait()
    finally:
        mongod.kill()


def _started(environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(gateway_command("serve"), env=environment, stdout=output, stderr=output)


def _fill(mongod: Mongod) -> None:
    """Let mongod make the events itself: three in each millisecond."""
    event = {
        "_id": 0,
        "eventId": {"$toString": {"$add": [1_000_000, "$at"]}},
        "organizationId": ORGANIZATION_ID,
        "eventDescription": _PADDING,
        "eventTimestampTicks": {"$add": [1, {"$mod": ["$at", 3]}]},
        "eventTimestamp": {"$add": [datetime(2026, 4, 1), {"$floor": {"$divide": ["$at", 3]}}]},  # noqa: DTZ001 - BSON
    }
    numbers: list[dict[str, Any]] = [{"$documents": [{"at": {"$range": [0, ROWS]}}]}, {"$unwind": "$at"}]
    with MongoClient[dict[str, Any]](mongod.uri) as client:
        into = {"$merge": {"into": "connectionEvents"}}
        client[_DATABASE].aggregate([*numbers, {"$project": event}, into])
