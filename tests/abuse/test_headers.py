"""Hostile headers: by a library, and as bytes on the connection."""

import asyncio
import re
from collections.abc import Iterator
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.abuse.attacks import Attack, faults
from tests.abuse.bounded_gateway import SECONDS, BoundedGateway
from tests.abuse.values import TEXTS
from tests.abuse.verdicts import MARK

GOOD = b'{"query": "{ __typename }"}'
NAMES = (
    "Accept", "Accept-Encoding", "Accept-Language", "Accept-Charset", "Content-Type", "Content-Encoding",
    "Content-Language", "Cookie", "Origin", "Referer", "Range", "If-None-Match", "If-Modified-Since",
    "Cache-Control", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Prefix",
    "X-Original-URL", "X-Rewrite-URL", "X-HTTP-Method-Override", "X-Request-ID", "traceparent", "tracestate",
    "baggage", "Upgrade", "Expect", "TE", "Via", "User-Agent", "Host", "Sec-Fetch-Site",
    "Access-Control-Request-Method", "Apollo-Require-Preflight", "zzmarkzz",
)  # fmt: skip
TARGETS = (
    ("POST", "/graphql", GOOD),
    ("GET", "/graphql?query=%7B__typename%7D", None),
    ("GET", "/summary?limit=1", None),
    ("GET", "/export/connections.csv?fields=host", None),
    ("GET", "/nope", None),
)


def values() -> Iterator[tuple[str, bytes]]:
    """Values that a header may carry on the wire."""
    for name, text in TEXTS.items():
        value = bytes(byte for byte in text.encode() if byte >= 32 and byte != 127).strip()
        if len(value) <= 5_000:
            yield name, value
    yield "latin-1", bytes(range(128, 256))
    yield "commas", b"a," * 10_000
    yield "qualities", b"application/json;q=1;q=0;q=x;q=" + b"9" * 5_000
    yield "thousands of media types", b"a/b;q=0.1," * 5_000
    yield "quotes", b'"' + b"\\" * 5_000


async def test_no_header_does_harm(client: httpx2.AsyncClient, abused: BoundedGateway) -> None:
    """Each header with each value, on each face."""
    attacks = []
    found = list(values())
    for at, name in enumerate(NAMES):
        for number, (kind, value) in enumerate(found):
            if at % 3 != number % 3 and name not in {"Accept", "Accept-Encoding", "Content-Type", "Origin"}:
                continue  # a third of the values is enough for headers that nothing reads
            method, path, content = TARGETS[(at + number) % len(TARGETS)]
            kept = (b"Content-Type", b"application/json") if name != "Content-Type" else (b"X-Other", b"a")
            headers = (kept, (name.encode(), value))
            attacks.append(Attack(f"{name} {kind} {path}", path, method, content, headers))
    assert await faults(client, abused.mine.key, attacks) == []


async def test_no_crowd_of_headers_does_harm(client: httpx2.AsyncClient, abused: BoundedGateway) -> None:
    """Thousands of them, of one name or of many."""
    crowds = {
        "of many names": [(f"X-{number}".encode(), b"a") for number in range(2_000)],
        "of one name": [(b"Accept", b"application/json")] * 2_000,
        "of forwards": [(b"X-Forwarded-For", f"10.0.0.{number % 256}".encode()) for number in range(1_000)],
        "of cookies": [(b"Cookie", b"a=" + b"b" * 1_000)] * 30,
        "of ids": [(b"X-Request-ID", b"a"), (b"X-Request-ID", b"zzmarkzz\xff")],
    }
    attacks = [
        Attack(f"{name} {path}", path, method, content, [(b"Content-Type", b"application/json"), *headers])
        for name, headers in crowds.items()
        for method, path, content in TARGETS
    ]
    assert await faults(client, abused.mine.key, attacks) == []


async def test_forged_forwards_open_nothing(client: httpx2.AsyncClient, abused: BoundedGateway) -> None:
    """What a proxy would tell of a client is no key, changes no path and no method, and comes back in no header."""
    forged = {
        "X-Forwarded-Host": MARK, "X-Forwarded-Proto": "javascript", "X-Original-URL": "/health/live",
        "X-Rewrite-URL": "/health/live", "X-HTTP-Method-Override": "DELETE", "Host": f"{MARK}.example",
        "X-Organization-ID": abused.theirs.organization_id,
    }  # fmt: skip
    assert (await client.get("/summary", headers=forged)).status_code == 401
    answer = await client.get(
        "/api/connection-analytics/query?limit=1", headers={**forged, "X-API-Key": abused.mine.key}
    )
    assert [record["organizationId"] for record in answer.json()] == [abused.mine.organization_id]
    for path in ("/", "/graphql/", "/summary/", "/docs"):
        assert MARK not in str((await client.get(path, headers=forged)).headers.raw)


LINES: dict[str, bytes] = {
    "line end in an id": b"X-Request-ID: a\r\nX-Injected: zzmarkzz",
    "bare line feed in an id": b"X-Request-ID: a\nX-Injected: zzmarkzz",
    "bare return in an id": b"X-Request-ID: a\rX-Injected: zzmarkzz",
    "encoded line end in an id": b"X-Request-ID: a%0d%0aX-Injected: zzmarkzz",
    "nul in an id": b"X-Request-ID: a\x00zzmarkzz",
    "unicode line end in an id": "X-Request-ID: a\u560d\u560aX-Injected: zzmarkzz".encode(),
    "folded": b"X-Request-ID: a\r\n zzmarkzz",
    "no colon": b"zzmarkzz",
    "no name": b": zzmarkzz",
    "space in a name": b"X zz: a",
    "name of bytes": b"\xff\xfe: a",
    "one of 1 MB": b"X-A: " + b"a" * 1_000_000,
    "50,000 of them": b"\r\n".join(b"X-%d: a" % number for number in range(50_000)),
    "two hosts": b"Host: zzmarkzz.example",
    "range of everything": b"Range: bytes=" + b"0-," * 5_000,
    "upgrade": b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAA",
    "upgrade to HTTP/2": b"Upgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nConnection: Upgrade, HTTP2-Settings",
    "chunks without end": b"Transfer-Encoding: chunked",
    "expectation": b"Expect: 200-maybe",
}
STARTS = (
    b"GET /summary?limit=1 HTTP/1.1",
    b"GET /summary?limit=1 HTTP/1.0",
    b"POST /graphql HTTP/1.1",
    b"GET  /summary HTTP/1.1",
    b"GET /summary HTTP/9.9",
    b"GET summary HTTP/1.1",
    b"GET http://evil.example/summary?limit=1 HTTP/1.1",
    b"CONNECT evil:80 HTTP/1.1",
    b"get /summary HTTP/1.1",
    b"GET /\xff\xfe HTTP/1.1",
    b"GET /summary\r\nX: a HTTP/1.1",
    b"PRI * HTTP/2.0",
    b"\x16\x03\x01\x02\x00\x01",
    b"GET /" + b"a" * 200_000 + b" HTTP/1.1",
    b"OPTIONS * HTTP/1.1",
    b"",
    b"\r\n" * 1_000,
)
_FIRST = re.compile(rb"HTTP/1\.1 ([0-9]{3}) ")


async def exchange(gateway: BoundedGateway, sent: bytes) -> bytes:
    """Send bytes, close that way, and read what comes."""
    address = urlsplit(gateway.url)
    async with asyncio.timeout(SECONDS):
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        try:
            writer.write(sent)
            writer.write_eof()
            return await reader.read()
        except ConnectionError:
            return b""  # refused in mid-sending
        finally:
            writer.close()


@pytest.mark.parametrize("start", STARTS, ids=[str(number) for number in range(len(STARTS))])
async def test_no_bytes_do_harm(abused: BoundedGateway, start: bytes) -> None:
    """Heads that are none, or can be read in two ways: a 4xx, an answer, or a closed connection; nothing comes back."""
    key = f"X-API-Key: {abused.mine.key}".encode()
    for name, line in LINES.items():
        answer = await exchange(
            abused, b"\r\n".join([start, b"Host: gateway", b"Connection: close", key, line, b"", b""])
        )
        head = answer.partition(b"\r\n\r\n")[0]
        statuses = [int(status) for status in _FIRST.findall(answer)]
        assert all(status < 500 for status in statuses), (name, answer[:300])
        assert MARK.encode() not in head.lower(), (name, head)
        assert b"Traceback" not in answer, (name, answer[:300])
