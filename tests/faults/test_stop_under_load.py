"""SIGTERM under load: what runs is finished, the rest is refused, the server is gone in time, and says nothing wild."""

import asyncio
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
from pymongo import MongoClient

from app.ingest.sources import CONNECTION_EVENT_SOURCE
from app.settings import Settings
from app.store.store import Store
from tests.faults.serving import Served, new_key, served
from tests.gateways import load_records
from tests.ingest.making import made_events

SHUTDOWN_SECONDS, MARGIN_SECONDS = 5, 3.0
CLIENTS, HANG_SECONDS = 12, 60.0
QUERY = {"query": "{ connectionEvents(first: 1000) { totalCount nodes { eventId eventTimestamp } } }"}


@contextmanager
def loaded(settings: Settings, folder: Path, workers: str, shutdown: int) -> Iterator[Served]:
    """A server; nothing of Python is in its log in the end."""
    more = {"GATEWAY_WORKERS": workers, "GATEWAY_SHUTDOWN_SECONDS": str(shutdown)}
    with served(settings, folder, **more) as gateway:
        yield gateway
    log = gateway.log.read_text()
    assert "Traceback" not in log, log
    assert "Exception" not in log, log


async def ask_until_refused(url: str, key: str, whole: list[float]) -> str:
    """Ask on new connections until one is refused: how. Every answer before is a whole one; a broken one fails."""
    while True:
        async with httpx2.AsyncClient(timeout=30) as client:
            try:
                answer = await client.post(f"{url}/graphql", json=QUERY, headers={"X-API-Key": key})
            except (httpx2.ConnectError, httpx2.ReadError) as error:
                return type(error).__name__
            except httpx2.RemoteProtocolError as error:
                # The connection waited to be accepted; a part of an answer would be said otherwise.
                assert "without sending a response" in str(error)  # noqa: PT017 - one of several ways to be refused
                return type(error).__name__
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["data"]["connectionEvents"]["nodes"]) == 1_000
        whole.append(time.monotonic())


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_stop_finishes_what_runs(settings: Settings, store: Store, tmp_path: Path, workers: str) -> None:
    """Status 0, within GATEWAY_SHUTDOWN_SECONDS, no answer broken or 5xx, and nobody is let in any more."""
    await load_records(store, CONNECTION_EVENT_SOURCE, made_events(1_000))
    key = await new_key(store)
    with loaded(settings, tmp_path, workers, SHUTDOWN_SECONDS) as gateway:
        whole: list[float] = []
        asking = [asyncio.create_task(ask_until_refused(gateway.url, key, whole)) for _ in range(CLIENTS)]
        async with asyncio.timeout(HANG_SECONDS):
            while len(whole) <= CLIENTS:  # noqa: ASYNC110 - until the load is there
                await asyncio.sleep(0.05)
        gateway.process.send_signal(signal.SIGTERM)
        told = time.monotonic()
        async with asyncio.timeout(SHUTDOWN_SECONDS + MARGIN_SECONDS):
            status = await asyncio.to_thread(gateway.process.wait)
            ended = time.monotonic()
            how = await asyncio.gather(*asking)
        after = sum(at > told for at in whole)
        print(f"stop: {len(whole)} answers, {after} after SIGTERM, gone after {ended - told:.2f} s, {sorted(set(how))}")
        assert status == 0
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", gateway.port), timeout=1)


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_client_that_comes_during_a_stop_is_refused_at_once(
    settings: Settings, store: Store, tmp_path: Path, workers: str
) -> None:
    """While a request that was begun is still waited for."""
    key = await new_key(store)
    body = orjson.dumps({"query": "{ viewer { keyId } }"})
    with loaded(settings, tmp_path, workers, SHUTDOWN_SECONDS) as gateway:
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as begun:
            head = f"POST /graphql HTTP/1.1\r\nHost: gateway\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\n"
            begun.sendall(f"{head}Content-Length: {len(body)}\r\nExpect: 100-continue\r\n\r\n".encode())
            assert begun.recv(1000).startswith(b"HTTP/1.1 100 ")
            gateway.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(SHUTDOWN_SECONDS - 1):
                while await asyncio.to_thread(accepts, gateway.port):  # noqa: ASYNC110 - only asking tells
                    await asyncio.sleep(0.05)
            assert gateway.process.poll() is None
            begun.sendall(body)
            answer = b"".join(iter(lambda: begun.recv(65_536), b""))
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert gateway.process.wait(SHUTDOWN_SECONDS) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_stop_cuts_off_what_takes_too_long(
    settings: Settings, store: Store, tmp_path: Path, workers: str
) -> None:
    """An export whose client rests, and a request whose body never comes: the one broken off, the other told 503."""
    key = await new_key(store)
    fill(settings)
    with loaded(settings, tmp_path, workers, shutdown=1) as gateway:
        export = begun_export(gateway.port, key)
        head = f"POST /graphql HTTP/1.1\r\nHost: gateway\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\n"
        with export, socket.create_connection(("127.0.0.1", gateway.port), timeout=10) as waiting:
            waiting.sendall(f"{head}Content-Length: 10\r\nExpect: 100-continue\r\n\r\n".encode())
            assert waiting.recv(1000).startswith(b"HTTP/1.1 100 ")
            gateway.process.send_signal(signal.SIGTERM)
            told = time.monotonic()
            status = await asyncio.to_thread(gateway.process.wait, 1 + MARGIN_SECONDS)
            print(f"cut off: gone after {time.monotonic() - told:.2f} s")
            assert status == 0
            said = b"".join(iter(lambda: waiting.recv(65_536), b""))
            assert said.startswith(b"HTTP/1.1 503 "), said
            assert b'"UNAVAILABLE"' in said
            rest = b""
            with suppress(ConnectionResetError):
                rest = b"".join(iter(lambda: export.recv(1_048_576), b""))
            assert not rest.endswith(b"0\r\n\r\n"), "a part must not look like the whole"


def accepts(port: int) -> bool:
    """Whether a connection is let in."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def fill(settings: Settings) -> None:
    """Have mongod make more events than the sockets can hold."""
    assert settings.mongodb_uri is not None
    event = {
        "_id": "$at",
        "eventId": {"$toString": "$at"},
        "organizationId": made_events(1)[0]["organizationId"],
        "eventDescription": "x" * 500,
        "eventTimestamp": {"$toDate": {"$toLong": "$at"}},
    }
    numbers: list[dict[str, Any]] = [
        {"$documents": [{"at": {"$range": [0, 40_000]}}]},
        {"$unwind": "$at"},
        {"$project": event},
    ]
    with MongoClient[dict[str, Any]](settings.mongodb_uri.get_secret_value()) as client:
        client[settings.database].aggregate([*numbers, {"$merge": {"into": "connectionEvents"}}])


def begun_export(port: int, key: str) -> socket.socket:
    """Ask for an export, read its beginning, and rest."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
    connection.settimeout(10)
    connection.connect(("127.0.0.1", port))
    connection.sendall(f"GET /export/connection-events.ndjson HTTP/1.1\r\nHost: x\r\nX-API-Key: {key}\r\n\r\n".encode())
    assert connection.recv(1000).startswith(b"HTTP/1.1 200 ")
    return connection
