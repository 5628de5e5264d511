"""Requests as bytes on the connection: what HTTP libraries would not send is answered with a 4xx, not with silence."""

import asyncio
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

import pytest

BODY = b'{"query": "{ __typename }"}'
ANSWER = b'{"data":{"__typename":"Query"}}'
SECONDS = 20  # a hang guard


@dataclass(frozen=True)
class Wire:
    """A gateway, and a key to put into requests."""

    host: str
    port: int
    key: bytes

    def post(self, *fields: bytes, key: bytes | None = None) -> bytes:
        """Make the head of a POST with these fields."""
        given = self.key if key is None else key
        lines = [b"POST /graphql HTTP/1.1", b"Host: gateway", b"Content-Type: application/json", b"X-API-Key: " + given]
        return b"\r\n".join([*lines, *fields, b"", b""])

    async def send(self, *pieces: bytes) -> bytes:
        """Send pieces, stop sending, and read all that comes until the gateway closes."""
        async with asyncio.timeout(SECONDS):
            reader, writer = await asyncio.open_connection(self.host, self.port)
            try:
                for piece in pieces:
                    writer.write(piece)
                    await writer.drain()
                return await reader.read()
            finally:
                writer.close()


@pytest.fixture
def wire(served: tuple[str, str]) -> Wire:
    """The gateway in a process of its own."""
    url, key = served
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    return Wire(address.hostname, address.port, key.encode())


CLOSE = b"Connection: close"


async def test_a_body_in_chunks_is_read(wire: Wire) -> None:
    """However it is cut, and with what chunks may carry beside their bytes."""
    chunks = [b"%x;note=1\r\n%s\r\n" % (1, BODY[at : at + 1]) for at in range(len(BODY))]
    answer = await wire.send(wire.post(CLOSE, b"Transfer-Encoding: chunked"), *chunks, b"0\r\nTrailer: 1\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert answer.endswith(ANSWER)


async def test_the_body_is_asked_for_only_with_a_good_key(wire: Wire) -> None:
    """`Expect: 100-continue`: the key is checked before anything of the body is wanted."""
    fields = (CLOSE, b"Expect: 100-continue", b"Content-Length: %d" % len(BODY))
    welcome = await wire.send(wire.post(*fields), BODY)
    assert welcome.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 ")
    assert welcome.endswith(ANSWER)
    turned_away = await wire.send(wire.post(*fields, key=b"gw_no"))
    assert turned_away.startswith(b"HTTP/1.1 401 ")
    assert b"100 Continue" not in turned_away


async def test_a_body_without_a_good_key_is_not_waited_for(wire: Wire) -> None:
    """The answer comes while nothing of the body has."""
    answer = await wire.send(wire.post(CLOSE, b"Content-Length: 1000000", key=b"gw_no"))
    assert answer.startswith(b"HTTP/1.1 401 ")


async def test_a_declared_length_above_the_limit_is_refused_unread(wire: Wire) -> None:
    """413 before the first byte of the body."""
    answer = await wire.send(wire.post(CLOSE, b"Content-Length: 1048577"))
    assert answer.startswith(b"HTTP/1.1 413 ")


async def test_a_body_longer_than_declared_ends_the_connection(wire: Wire) -> None:
    """What follows is no part of the request; as it is no request either, the last word is a 400."""
    answer = await wire.send(wire.post(b"Content-Length: %d" % len(BODY)), BODY + b"garbage\r\n\r\n")
    statuses = re.findall(rb"HTTP/1\.1 (\d+) ", answer)
    assert statuses in ([b"400"], [b"200", b"400"])


@pytest.mark.parametrize(
    "fields",
    [
        (b"Content-Length: -1",),
        (b"Content-Length: 1e3",),
        (b"Content-Length: 99999999999999999999999",),
        (b"Content-Length: 27", b"Content-Length: 26"),
        (b"Content-Length: 27", b"Transfer-Encoding: chunked"),
        (b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity"),
        (b"Transfer-Encoding : chunked",),
        (b"Content-Length: 27\r\n folded: 1",),
    ],
    ids=str,
)
async def test_a_head_that_can_be_read_in_two_ways_is_refused(wire: Wire, fields: tuple[bytes, ...]) -> None:
    """One answer, a 400: nothing can be smuggled past a proxy that reads it the other way."""
    answer = await wire.send(wire.post(*fields), BODY)
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1 ") == 1


@pytest.mark.parametrize("length", [70_000, 1_000_000])
async def test_an_address_that_is_too_long_is_refused(wire: Wire, length: int) -> None:
    """With a 4xx, not with a connection that breaks off."""
    head = b"GET /graphql?query=%s HTTP/1.1\r\nHost: gateway\r\nX-API-Key: %s\r\n\r\n" % (b"x" * length, wire.key)
    answer = await wire.send(head)
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 414 "))


async def test_a_long_address_below_that_is_answered(wire: Wire) -> None:
    """A document of 30,000 characters still fits into a GET."""
    query = b"%7B__typename%7D" + b"%20" * 10_000
    head = b"GET /graphql?query=%s HTTP/1.1\r\nHost: gateway\r\nX-API-Key: %s\r\n%s\r\n\r\n" % (query, wire.key, CLOSE)
    assert (await wire.send(head)).endswith(ANSWER)


async def test_head_has_the_headers_of_get_and_no_body(wire: Wire) -> None:
    """With its length."""
    head = b"HEAD /graphql?query=%%7B__typename%%7D HTTP/1.1\r\nHost: gateway\r\nX-API-Key: %s\r\n%s\r\n\r\n"
    answer = await wire.send(head % (wire.key, CLOSE))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"content-length: %d\r\n" % len(ANSWER) in answer
    assert answer.endswith(b"\r\n\r\n")
