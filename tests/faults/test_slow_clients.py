"""Clients that read or send one byte at a time, or nothing at all: they hold no turn, and harm nobody."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress

import httpx2
import orjson
import pytest

from app.ingest.sources import CONNECTION_EVENT_SOURCE
from tests.faults.serving import Served, new_key, served
from tests.gateways import load_records, make_settings, open_test_store
from tests.ingest.making import made_events

REQUEST_MS, MARGIN_SECONDS = 2_000, 2.0
LIGHT = orjson.dumps({"query": "{ connectionEvents(first: 1) { nodes { eventId } } }"})
LARGE = orjson.dumps(
    {"query": "{ connectionEvents(first: 8000) { nodes { eventId connectionId host eventTimestamp } } }"}
)
MANY, MOST = 60, 80


class Place:
    """The gateway and its key; raw connections to it."""

    def __init__(self, one: Served, key: str) -> None:
        self.served = one
        self.key = key

    def connect(self, receive_buffer: int | None = None) -> socket.socket:
        """Open a connection."""
        connection = socket.socket()
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(10)
        connection.connect(("127.0.0.1", self.served.port))
        return connection

    def head(self, length: int) -> bytes:
        """The head of a POST."""
        return (
            f"POST /graphql HTTP/1.1\r\nHost: gateway\r\nX-API-Key: {self.key}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        ).encode()

    async def check_service(self) -> None:
        """Somebody else is answered at once."""
        headers = {"X-API-Key": self.key, "Content-Type": "application/json"}
        async with (
            httpx2.AsyncClient(base_url=self.served.url, headers=headers) as client,
            asyncio.timeout(MARGIN_SECONDS),
        ):
            assert (await client.post("/graphql", content=LIGHT)).status_code == 200


@pytest.fixture(scope="module")
async def gateway(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Place]:
    """A gateway with one turn, two seconds for a request, and 80 connections."""
    settings = make_settings(mongodb_uri=mongodb_uri, database="slow")
    async with await open_test_store(settings) as store:
        await load_records(store, CONNECTION_EVENT_SOURCE, made_events(8_000))
        key = await new_key(store)
    bounds = {"GATEWAY_REQUEST_TIMEOUT_MS": str(REQUEST_MS), "GATEWAY_MAX_CONNECTIONS": str(MOST)}
    with served(settings, tmp_path_factory.mktemp("slow"), GATEWAY_CONCURRENCY="1", **bounds) as one:
        yield Place(one, key)


def read_to_end(connection: socket.socket) -> bytes:
    """All that still comes."""
    return b"".join(iter(lambda: connection.recv(65_536), b""))


async def test_a_body_of_one_byte_at_a_time_is_answered_at_the_requests_time(gateway: Place) -> None:
    """408 TIMEOUT; meanwhile the one turn is free."""
    with gateway.connect() as connection:
        connection.sendall(gateway.head(10_000))
        begun = time.monotonic()

        def drip() -> None:
            with suppress(OSError):
                while time.monotonic() < begun + REQUEST_MS / 1000 + 0.5:
                    connection.sendall(b" ")
                    time.sleep(0.05)

        dripping = asyncio.create_task(asyncio.to_thread(drip))
        await gateway.check_service()
        answer = b""
        while not answer.endswith(b"}"):
            answer += await asyncio.to_thread(connection.recv, 65_536)
        took = time.monotonic() - begun
        await dripping
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"TIMEOUT"' in answer
    assert REQUEST_MS / 1000 - 0.1 < took < REQUEST_MS / 1000 + MARGIN_SECONDS


async def test_a_reader_of_one_byte_at_a_time_holds_no_turn(gateway: Place) -> None:
    """Others are answered while a large answer waits for its reader; who hurries up in the end gets all of it."""
    with ExitStack() as stack:
        slow = [stack.enter_context(gateway.connect(4_096)) for _ in range(4)]
        for connection in slow:
            connection.sendall(gateway.head(len(LARGE)) + LARGE)
        begun = [await asyncio.to_thread(connection.recv, 1) for connection in slow]
        for _ in range(10):
            await gateway.check_service()
            begun = [sofar + connection.recv(1) for sofar, connection in zip(begun, slow, strict=True)]
        whole = begun[0]
        while b"\r\n\r\n" not in whole:
            whole += await asyncio.to_thread(slow[0].recv, 65_536)
        head, _, body = whole.partition(b"\r\n\r\n")
        length = int(
            next(line.split()[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length"))
        )
        while len(body) < length:
            body += await asyncio.to_thread(slow[0].recv, 65_536)
        assert len(orjson.loads(body)["data"]["connectionEvents"]["nodes"]) == 8_000


async def test_connections_that_send_nothing_or_half_a_head_are_in_nobodys_way(gateway: Place) -> None:
    """Below the bound others are served; beyond it a connection is told so with 503, and those in use go on."""
    headers = {"X-API-Key": gateway.key, "Content-Type": "application/json"}
    async with httpx2.AsyncClient(base_url=gateway.served.url, headers=headers) as client:
        with ExitStack() as stack:
            idle = [stack.enter_context(gateway.connect()) for _ in range(MANY)]
            for connection in idle[::2]:
                connection.sendall(b"POST /graphql HTTP/1.1\r\nHost: gate")
            assert (await client.post("/graphql", content=LIGHT)).status_code == 200
            beyond = [stack.enter_context(gateway.connect()) for _ in range(MOST - MANY + 10)]
            refused = 0
            for connection in beyond:
                connection.settimeout(0.2)
                with suppress(TimeoutError):
                    answer = await asyncio.to_thread(read_to_end, connection)
                    assert answer.startswith(b"HTTP/1.1 503 ")
                    assert b'"UNAVAILABLE"' in answer
                    refused += 1
            assert 10 <= refused <= 12
            assert (await client.post("/graphql", content=LIGHT)).status_code == 200
        await gateway.check_service()
