"""MongoDB stopped, killed and frozen under a running gateway: bounded answers, and service again without a restart."""

import asyncio
import signal
import subprocess
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2
import pytest
from pymongo import MongoClient

from app.access.administration import NewKey, create_key
from app.main import create_app
from app.settings import Settings
from app.store.store import Store
from tests.faults.mongods import Mongod
from tests.gateways import (
    ORG_NAME,
    ORGANIZATION_ID,
    Gateway,
    free_port,
    gateway_command,
    make_settings,
    serve_environment,
    wait_until_ready,
)
from tests.server.test_bad_graphql_input import INTERNALS

CONNECT_MS, QUERY_MS, GRACE_MS = 1_000, 1_000, 3_000  # the grace is that of app/store/client.py
SLACK_SECONDS = 1.5  # for a busy machine
DOWN_SECONDS = CONNECT_MS / 1000 + SLACK_SECONDS
FROZEN_SECONDS = (QUERY_MS + GRACE_MS) / 1000 + SLACK_SECONDS
RECOVERY_SECONDS = 15.0
HEAVY_ROWS, MANY = 20_000, 40
LIGHT = "{ connectionEvents(first: 1) { nodes { eventId } } }"
# No index helps with a network: every address is computed.
HEAVY = '{ connectionEvents(filter: {ipAddress: {cidr: "2001:db8::/32"}}) { totalCount } }'


@dataclass
class House:
    """A gateway in a process of its own, on a mongod of its own."""

    mongod: Mongod
    client: httpx2.AsyncClient
    keys: list[str]

    async def ask(self, query: str = LIGHT, key: int = 0) -> tuple[int, str]:
        """Ask GraphQL; the status and the code of the first error."""
        answer = await self.client.post("/graphql", json={"query": query}, headers={"X-API-Key": self.keys[key]})
        errors = answer.json().get("errors") or [{"message": "", "extensions": {"code": ""}}]
        assert not INTERNALS.search(errors[0]["message"])
        return answer.status_code, errors[0]["extensions"]["code"]

    async def get(self, path: str, key: int = 0) -> tuple[int, str]:
        """Ask REST or health; the status and the problem's code."""
        answer = await self.client.get(path, headers={"X-API-Key": self.keys[key]})
        body = answer.json()
        return answer.status_code, body.get("code", "") if isinstance(body, dict) else ""

    async def check_up(self) -> None:
        """See service come back within the bound, in both doors."""
        await wait_until_ready(str(self.client.base_url), RECOVERY_SECONDS)
        assert await self.ask_everything() == {(200, "")}

    async def ask_everything(self) -> set[tuple[int, str]]:
        """Ask both doors at once, with each key."""
        asking = [door for key in (0, 1) for door in (self.ask(key=key), self.get("/summary/count", key))]
        return set(await asyncio.gather(*asking))


def ipv6_events() -> list[dict[str, Any]]:
    """Make events whose addresses are costly to compare, and whose keys all differ."""
    return [
        {"eventId": f"e{at}", "organizationId": ORGANIZATION_ID, "ipAddress": f"2001:db8::{at:x}", "apikeyId": f"k{at}"}
        for at in range(HEAVY_ROWS)
    ]


@pytest.fixture(scope="module")
def mongod(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mongod]:
    """A mongod of this module's own."""
    mongod = Mongod(tmp_path_factory.mktemp("down"))
    try:
        mongod.start()
        yield mongod
    finally:
        mongod.kill()


@contextmanager
def serving(settings: Settings, log: Path) -> Iterator[str]:
    """A `gateway serve` with short bounds: its URL. It is still there in the end."""
    bounds = {"GATEWAY_CONNECT_TIMEOUT_MS": str(CONNECT_MS), "GATEWAY_QUERY_TIMEOUT_MS": str(QUERY_MS)}
    # Nobody waits for a turn here: the bounds are those of the database.
    bounds |= {"GATEWAY_CONCURRENCY": "100", "GATEWAY_MANAGE_INDEXES": "false"}
    environment = {**serve_environment(settings, port := free_port()), **bounds}
    with log.open("wb") as output:
        process = subprocess.Popen(gateway_command("serve"), env=environment, stdout=output, stderr=output)
    try:
        yield f"http://127.0.0.1:{port}"
        assert process.poll() is None, log.read_text()
    finally:
        process.kill()
        process.wait()


@pytest.fixture(scope="module")
async def standing_house(mongod: Mongod, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """One gateway for the whole module, with heavy records and two keys."""
    settings = make_settings(mongodb_uri=mongod.uri, database="down")
    with MongoClient[dict[str, Any]](mongod.uri) as client:
        client["down"]["connectionEvents"].insert_many(ipv6_events())
    async with Store(settings, mongod.uri) as store:
        keys = [str(await create_key(store.keys, NewKey(UUID(ORGANIZATION_ID), ORG_NAME))) for _ in range(2)]
    with serving(settings, tmp_path_factory.mktemp("house") / "log") as url:
        async with httpx2.AsyncClient(base_url=url, timeout=60) as client:
            yield House(mongod, client, keys)


@pytest.fixture
async def house(standing_house: House) -> AsyncIterator[House]:
    """The same, in service before the test and after it."""
    await standing_house.check_up()
    yield standing_house
    if standing_house.mongod.process is None:
        standing_house.mongod.start()
    await standing_house.check_up()


async def test_a_killed_database_is_said_and_its_return_is_noticed(house: House) -> None:
    """503 UNAVAILABLE in both doors within the connect timeout, live but not ready; then service, same process."""
    house.mongod.kill()
    for _ in range(2):
        async with asyncio.timeout(2 * DOWN_SECONDS):
            assert await house.ask_everything() == {(503, "UNAVAILABLE")}
    assert (await house.get("/health/live"))[0] == 200
    assert (await house.get("/health/ready"))[0] == 503
    house.mongod.start()
    await house.check_up()


async def test_a_nullable_answer_is_not_taken_for_nothing(house: House) -> None:
    """`summaryEvent` is null both where there is none and where nobody could look: the status tells which."""
    query = '{ summaryEvent(id: "x") { orgName } }'
    assert await house.ask(query) == (200, "")
    house.mongod.kill()
    assert await house.ask(query) == (503, "UNAVAILABLE")


async def test_killed_in_mid_flight_every_request_is_answered(house: House) -> None:
    """Those that were running get data or 503, none hangs, none is a fault of ours."""
    asking = [asyncio.create_task(house.ask(HEAVY if at % 2 else LIGHT)) for at in range(60)]
    await asyncio.sleep(0.2)
    house.mongod.kill()
    async with asyncio.timeout(FROZEN_SECONDS):
        answers = Counter(await asyncio.gather(*asking))
    assert set(answers) <= {(200, ""), (503, "UNAVAILABLE")}, answers
    assert answers[503, "UNAVAILABLE"]


async def test_a_frozen_database_holds_nobody_beyond_the_bound(house: House) -> None:
    """Query budget and grace, on connections that were open and on new ones; then service again."""
    await asyncio.gather(*(house.ask() for _ in range(MANY)))
    assert house.mongod.process is not None
    house.mongod.process.send_signal(signal.SIGSTOP)
    try:
        for _ in range(2):
            began = time.monotonic()
            answers = set(await asyncio.gather(*(house.ask() for _ in range(MANY)), house.get("/summary/count")))
            assert answers == {(503, "UNAVAILABLE")}
            assert time.monotonic() - began < FROZEN_SECONDS
        assert (await house.get("/health/live"))[0] == 200
        assert (await house.get("/health/ready"))[0] == 503
    finally:
        house.mongod.process.send_signal(signal.SIGCONT)


async def test_a_query_beyond_its_budget_is_stopped(gateway: Gateway, mongodb_uri: str) -> None:
    """504 TIMEOUT in both doors, saying what to narrow; the gateway goes on."""
    database = gateway.store.writer._database  # noqa: SLF001 - more rows than are worth loading
    await database["connectionEvents"].insert_many(ipv6_events())
    times = dict.fromkeys(("connectionStartTime", "lastActivity"), datetime(2026, 4, 20, tzinfo=UTC))
    await database["connections"].insert_many(
        [{**event, **times, "connectionId": event["eventId"]} for event in ipv6_events()]
    )
    key = {"X-API-Key": await gateway.key()}
    hasty = gateway.settings.model_copy(update={"query_timeout_ms": 10, "manage_indexes": False})
    app = create_app(hasty, mongodb_uri)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://gateway.test") as client,
    ):
        graphql = await client.post("/graphql", json={"query": HEAVY}, headers=key)
        assert graphql.status_code == 504
        assert graphql.json()["errors"][0]["extensions"] == {"code": "TIMEOUT"}
        rest = await client.get("/api/connection-analytics/summary", headers=key)
        assert (rest.status_code, rest.json()["code"]) == (504, "TIMEOUT")
        for message in (graphql.json()["errors"][0]["message"], rest.json()["detail"]):
            assert "narrow the window or the filter" in message
            assert not INTERNALS.search(message)
        assert (await client.post("/graphql", json={"query": LIGHT}, headers=key)).status_code == 200
