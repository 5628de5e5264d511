"""Connections that owe a request: closed after a bounded wait, whatever drips in meanwhile; all others are let be."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from starlette.types import Receive, Scope, Send

from app.server import connection
from tests.server.served import served

HEAD_SECONDS, HANG_SECONDS = 0.4, 10.0
HEAD = b"POST / HTTP/1.1\r\nHost: gateway\r\nContent-Length: 4\r\n\r\n"
HALF = b"GET / HTTP/1.1\r\nHost: gate"
Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """Answer `/` when the whole body is there, and any other path at once."""
    assert scope["type"] == "http"
    while scope["path"] == "/" and (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


@pytest.fixture
async def port(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """A server with a short wait, and room for three connections."""
    monkeypatch.setattr(connection, "HEAD_SECONDS", HEAD_SECONDS)
    async with served(application, most_connections=3) as port:
        yield port


async def opened(port: int) -> Streams:
    """Connect."""
    return await asyncio.open_connection("127.0.0.1", port)


async def begun(port: int) -> Streams:
    """Connect, and send the head of a request: such a connection owes nothing, and stays."""
    streams = await opened(port)
    streams[1].write(HEAD)
    return streams


async def drip_until_closed(streams: Streams, piece: bytes = b"") -> float:
    """Send a piece now and then until the other side closes; the seconds until then."""
    reader, writer = streams
    begun = time.monotonic()
    closed = asyncio.create_task(reader.read())
    async with asyncio.timeout(HANG_SECONDS):
        while not closed.done():
            if piece:
                writer.write(piece)
            await asyncio.sleep(0.05)
    writer.close()
    return time.monotonic() - begun


async def answered(streams: Streams, request: bytes) -> bytes:
    """Send a request and read its answer."""
    reader, writer = streams
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    return head + await reader.readexactly(2)


OWING = {"silent": (b"", b""), "half a head": (HALF, b""), "half a head, dripping": (HALF, b"X")}


@pytest.mark.parametrize("case", OWING)
async def test_a_connection_without_a_whole_head_is_closed(port: int, case: str) -> None:
    """After the wait, not before it."""
    first, piece = OWING[case]
    streams = await opened(port)
    streams[1].write(first)
    assert await drip_until_closed(streams, piece) >= HEAD_SECONDS - 0.1


@pytest.mark.parametrize("case", OWING)
async def test_so_is_one_that_owes_a_further_request(port: int, case: str) -> None:
    """The wait begins anew with each answer."""
    first, piece = OWING[case]
    streams = await opened(port)
    for _ in range(3):
        await asyncio.sleep(HEAD_SECONDS / 2)
        assert (await answered(streams, HEAD + b"body")).startswith(b"HTTP/1.1 200 ")
    streams[1].write(first)
    assert await drip_until_closed(streams, piece) >= HEAD_SECONDS - 0.1


async def test_so_is_one_that_goes_on_with_a_body_that_nobody_reads(port: int) -> None:
    """As after a refusal that came before the body."""
    streams = await opened(port)
    await answered(streams, b"POST /early HTTP/1.1\r\nHost: gateway\r\nContent-Length: 1000000\r\n\r\n")
    await drip_until_closed(streams, b"x")


async def test_a_request_whose_head_came_has_its_own_time(port: int) -> None:
    """A body that takes longer than the wait is the application's to judge."""
    streams = await opened(port)
    streams[1].write(HEAD)
    await asyncio.sleep(3 * HEAD_SECONDS)
    assert (await answered(streams, b"body")).endswith(b"ok")
    streams[1].close()


async def test_a_connection_too_many_is_told_so(port: int) -> None:
    """503 with a problem, before it has sent anything; once another one leaves there is room."""
    three = [await begun(port) for _ in range(3)]
    fourth = await opened(port)
    refusal = await fourth[0].read()
    assert refusal.startswith(b"HTTP/1.1 503 ")
    assert b'"code":"UNAVAILABLE"' in refusal
    assert (await answered(three[0], b"body")).startswith(b"HTTP/1.1 200 ")
    for _, writer in (fourth, *three):
        writer.close()
        await writer.wait_closed()
    await asyncio.sleep(0.1)
    again = await opened(port)
    assert (await answered(again, HEAD + b"body")).startswith(b"HTTP/1.1 200 ")
    again[1].close()


@pytest.mark.parametrize("full", [True, False], ids=["too many", "no HTTP"])
async def test_a_refusal_reaches_a_client_that_is_still_sending(port: int, full: bool) -> None:  # noqa: FBT001 - a case
    """Each time, and it ends soon, whatever is sent."""
    taken = [await begun(port) for _ in range(3 if full else 0)]
    for _ in range(5):
        reader, writer = await opened(port)
        for piece in (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"x" * 1_000, b"y" * 1_000):
            writer.write(piece)
            await asyncio.sleep(0.01)
        refusal = await reader.read()
        assert refusal.startswith(b"HTTP/1.1 503 " if full else b"HTTP/1.1 400 ")
        assert refusal.count(b"HTTP/1.1 ") == 1
        writer.close()
        await writer.wait_closed()
        await asyncio.sleep(0.05)
    for _, writer in taken:
        writer.close()
