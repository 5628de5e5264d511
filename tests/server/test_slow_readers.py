"""Clients that do not read what they asked for: given up after a while, so that it does not stay in memory."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from socket import SO_RCVBUF, SOL_SOCKET, socket

import pytest
from starlette.types import Receive, Scope, Send

from app.server import connection
from tests.server.served import served

READ_SECONDS, HANG_SECONDS = 0.5, 20.0
PIECE, PIECES = b"x" * 262_144, 60
GET = b"GET / HTTP/1.1\r\nHost: gateway\r\n\r\n"


@dataclass
class Giver:
    """Gives a large answer to each request, and notes how far it came."""

    port: int = 0
    sent: int = 0
    left: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, _scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        length = str(len(PIECE) * PIECES).encode()
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", length)]})
        for left in range(PIECES - 1, -1, -1):
            await send({"type": "http.response.body", "body": PIECE, "more_body": left > 0})
            self.sent += 1
        if (await receive())["type"] == "http.disconnect":
            self.left.set()


@pytest.fixture
async def giver(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Giver]:
    """A server with a short wait for readers."""
    monkeypatch.setattr(connection, "READ_SECONDS", READ_SECONDS)
    giver = Giver()
    async with served(giver) as giver.port:
        yield giver


async def asked(giver: Giver) -> socket:
    """Connect with little room for what comes, and ask."""
    client = socket()
    client.setsockopt(SOL_SOCKET, SO_RCVBUF, 65_536)
    client.setblocking(False)  # noqa: FBT003 - the library's own
    loop = asyncio.get_running_loop()
    await loop.sock_connect(client, ("127.0.0.1", giver.port))
    await loop.sock_sendall(client, GET)
    return client


async def test_a_client_that_reads_nothing_is_given_up(giver: Giver) -> None:
    """The application learns it; what had not been sent is gone."""
    client = await asked(giver)
    async with asyncio.timeout(HANG_SECONDS):
        await giver.left.wait()
    client.close()


async def test_a_client_that_reads_slowly_is_served(giver: Giver) -> None:
    """Much longer than a client that reads nothing, as long as something is taken."""
    client, loop, came = await asked(giver), asyncio.get_running_loop(), 0
    async with asyncio.timeout(HANG_SECONDS):
        for _ in range(20):
            came += len(await loop.sock_recv(client, 262_144))
            await asyncio.sleep(READ_SECONDS / 4)
        while came < len(PIECE) * PIECES and (some := await loop.sock_recv(client, 1_048_576)):
            came += len(some)
    assert came >= len(PIECE) * PIECES
    client.close()
