"""Bursts of hostile and good requests: all are answered, the good ones rightly, in memory that does not grow."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Iterable
from dataclasses import dataclass
from socket import SO_RCVBUF, SOL_SOCKET, socket
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest

from tests.abuse.bounded_gateway import CALLS, MEMORY_MB, SECONDS, BoundedGateway, Organization
from tests.abuse.documents import DOCUMENTS
from tests.abuse.verdicts import BUSY, faults_of

ROUNDS, GOOD_EACH, WRONG_KEYS, LEAVERS, IDLE = 3, 30, 40, 20, 40
GROWTH_MB = 48  # what the allocator may keep of a burst, beyond what the first one left
POOL = 40  # connections to MongoDB that a burst opens and the driver keeps
UNREAD = 12  # clients that ask for a large answer and do not read it
HOSTILE = [
    "fragments doubled 30 times",
    "9,000 fields alike",
    "900 fields that conflict",
    "selection nested 200,000 deep",
    "eight dimensions and fifty measures",
    "cost of several pages",
    "all rows of everything",
    "long aliases in every row",
    "introspection of every field 19 times",
    "filled by the year for ten thousand years",
    "name of 500,000 letters",
    "number of 100,000 digits",
]
LARGE = "{ connectionEvents(first: 3000) { nodes { " + " ".join(f"{'a' * 97}{n}: host" for n in range(80)) + " } } }"
COUNT = "{ summaryEvents { totalCount } viewer { orgName } }"


@dataclass(frozen=True)
class Crowd:
    """Many clients of one gateway."""

    gateway: BoundedGateway
    client: httpx2.AsyncClient

    async def ask(self, key: str, query: str) -> httpx2.Response:
        """Ask GraphQL."""
        headers = {"X-API-Key": key, "Accept": "application/graphql-response+json"}
        return await self.client.post("/graphql", json={"query": query}, headers=headers)

    async def good(self, one: Organization) -> int:
        """Ask what is easy to check; the status, and an AssertionError for a wrong answer."""
        answer = await self.ask(one.key, COUNT)
        if answer.status_code == 200:
            assert answer.json() == {
                "data": {"summaryEvents": {"totalCount": CALLS}, "viewer": {"orgName": one.org_name}}
            }
        assert faults_of(answer, COUNT, BUSY) == []
        return answer.status_code

    async def hostile(self, name: str) -> int:
        """Ask what is costly or broken; the status."""
        answer = await self.ask(self.gateway.mine.key, DOCUMENTS[name])
        assert faults_of(answer, DOCUMENTS[name], BUSY) == []
        return answer.status_code

    async def unknown(self, number: int) -> int:
        """Ask with a key that never was; the status."""
        answer = await self.client.get("/summary/count", headers={"X-API-Key": f"gw_{number:012d}_{'A' * 43}"})
        assert answer.status_code in {401, 503}
        return answer.status_code

    async def leave_export(self, path: str) -> int:
        """Ask for an export, take a little of it, and leave."""
        async with self.client.stream("GET", path, headers={"X-API-Key": self.gateway.mine.key}) as answer:
            assert answer.status_code in {200, *BUSY}
            async for _ in answer.aiter_raw():
                break
        return 200

    async def idle(self, sent: bytes) -> int:
        """Connect, send a part of a request, wait a little, and leave."""
        address = urlsplit(self.gateway.url)
        _, writer = await asyncio.open_connection(address.hostname, address.port)
        writer.write(sent)
        await asyncio.sleep(0.5)
        writer.close()
        return 0

    def burst(self) -> Iterable[Awaitable[int]]:
        """Some hundreds of clients at once, the good ones among the others."""
        for number in range(max(GOOD_EACH, WRONG_KEYS, LEAVERS, IDLE)):
            if number < IDLE:
                yield self.idle(
                    (b"", b"GET /summ", b"POST /graphql HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n{")[number % 3]
                )
            if number < len(HOSTILE):
                yield from (self.hostile(name) for name in (HOSTILE[number], HOSTILE[-number - 1]))
            if number < WRONG_KEYS:
                yield self.unknown(number)
            if number < LEAVERS:
                yield self.leave_export(("/export/summary-events.ndjson", "/export/connection-events.csv")[number % 2])
            if number < GOOD_EACH:
                yield self.good(self.gateway.mine)
                yield self.good(self.gateway.theirs)


@pytest.fixture
async def crowd(abused: BoundedGateway) -> Any:
    """A client that opens as many connections as there are requests."""
    limits = httpx2.Limits(max_connections=None, max_keepalive_connections=0)
    async with httpx2.AsyncClient(base_url=abused.url, timeout=SECONDS, limits=limits) as client:
        yield Crowd(abused, client)


async def settled(abused: BoundedGateway, files: int) -> None:
    """Wait until the gateway has closed what clients have left."""
    async with asyncio.timeout(SECONDS):
        while abused.open_files() > files:  # noqa: ASYNC110 - only asking the system tells
            await asyncio.sleep(0.1)


async def test_bursts_are_answered_in_memory_that_does_not_grow(crowd: Crowd, abused: BoundedGateway) -> None:
    """200 or 4xx, 429, 503, 504; the other organization is answered rightly; nothing is left open, and all is ready."""
    files = abused.open_files() + POOL
    memory: list[int] = []
    statuses: Counter[int] = Counter()
    for _ in range(ROUNDS):
        async with asyncio.timeout(2 * SECONDS):
            statuses.update(await asyncio.gather(*crowd.burst()))
        await settled(abused, files)
        memory.append(abused.memory("VmRSS"))
        assert await crowd.good(abused.theirs) == 200
    assert statuses[200] > ROUNDS * GOOD_EACH, statuses
    assert max(memory[1:]) - memory[0] <= GROWTH_MB, str(memory)
    assert abused.memory("VmHWM") < MEMORY_MB
    assert (await crowd.client.get("/health/ready")).json() == {"status": "ready"}


async def test_answers_that_nobody_reads_are_bounded(crowd: Crowd, abused: BoundedGateway) -> None:
    """Beyond the bound 429; another organization is answered meanwhile; memory is free again once they have left."""
    loop, address = asyncio.get_running_loop(), urlsplit(abused.url)
    body = f'{{"query": "{LARGE}"}}'.encode()
    fields = f"Content-Type: application/json\r\nX-API-Key: {abused.mine.key}\r\nContent-Length: {len(body)}"
    clients = []
    before = abused.memory("VmRSS")
    for _ in range(UNREAD):
        client = socket()
        client.setsockopt(SOL_SOCKET, SO_RCVBUF, 4_096)
        client.setblocking(False)  # noqa: FBT003 - the library's own
        await loop.sock_connect(client, (address.hostname, address.port))
        await loop.sock_sendall(client, f"POST /graphql HTTP/1.1\r\nHost: a\r\n{fields}\r\n\r\n".encode() + body)
        clients.append(client)
    heads = [await loop.sock_recv(client, 12) for client in clients]
    assert set(heads) == {b"HTTP/1.1 200", b"HTTP/1.1 429"}
    assert await crowd.good(abused.theirs) == 200
    assert (await crowd.ask(abused.mine.key, LARGE)).status_code == 429
    for client in clients:
        client.close()
    async with asyncio.timeout(SECONDS):
        while abused.memory("VmRSS") - before > GROWTH_MB:  # noqa: ASYNC110 - only asking the system tells
            await asyncio.sleep(0.1)
    assert (await crowd.ask(abused.mine.key, LARGE)).status_code == 200
