"""What requests cost, and what a key may spend: told in `extensions`, in headers, and by 429, at both doors."""

import asyncio
import re
from typing import Any

import httpx2
import pytest

from app.settings import Settings
from tests.gateways import Gateway
from tests.seed_records import seed_connection_events

GRAPHQL, JSON = "application/graphql-response+json", "application/json"
BUDGET = 1000
EVENTS = "{ connectionEvents(first: 100) { totalCount nodes { a: eventId b: eventId c: eventId } } }"
COST = 301
REST = "/api/connection-analytics/events/query"


@pytest.fixture
def settings(settings: Settings, request: pytest.FixtureRequest) -> Settings:
    """A small budget, of three of the questions above and not four, where no other is asked for."""
    return settings.model_copy(update={"cost_per_minute": getattr(request, "param", BUDGET)})


async def ask(gateway: Gateway, key: str, query: str = EVENTS, accept: str = GRAPHQL, **more: Any) -> httpx2.Response:
    """Ask GraphQL; the answer with its headers."""
    headers = {"X-API-Key": key, "Accept": accept}
    return await gateway.client.post("/graphql", json={"query": query, **more}, headers=headers)


def remaining(answer: httpx2.Response) -> int:
    """Read what is left out of an answer's `RateLimit`, whose form is the draft's."""
    assert answer.headers["ratelimit-policy"] == f'"cost";q={BUDGET};w=60'
    found = re.fullmatch(r'"cost";r=(\d+);t=(\d+)', answer.headers["ratelimit"])
    assert found is not None
    assert 0 < int(found[2]) <= 60
    return int(found[1])


@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
async def test_a_budget_is_spent_and_then_refused(gateway: Gateway, accept: str) -> None:
    """429 with the time to wait in either type; what is refused costs nothing, so less can still be asked."""
    key = await gateway.key()
    assert [remaining(await ask(gateway, key, accept=accept)) for _ in range(3)] == [699, 398, 97]
    for _ in range(3):
        refused = await ask(gateway, key, accept=accept)
        assert refused.status_code == 429
        assert 1 <= int(refused.headers["retry-after"]) <= 60
        assert remaining(refused) == 97
        (error,) = refused.json()["errors"]
        assert error["extensions"] == {"code": "RATE_LIMITED"}
        assert f"costs {COST}" in error["message"]
        assert "97" in error["message"]
        assert "data" not in refused.json()
    assert remaining(await ask(gateway, key, "{ viewer { orgName } }", accept)) == 96


async def test_a_known_document_costs_what_its_variables_ask_for(gateway: Gateway) -> None:
    """An amount in a variable counts anew each time, also where a fragment holds it; a window says nothing of it."""
    key = await gateway.key()
    query = """query($n: Int, $end: DateTime) { ...Page }
    fragment Page on Query { connectionEvents(first: $n, filter: {time: {end: $end}}) { nodes { eventId host } } }"""
    left = [
        remaining(await ask(gateway, key, query, variables={"n": n, "end": end}))
        for n, end in ((10, None), (20, None), (20, "2026-04-01T00:00:00Z"))
    ]
    assert left == [BUDGET - 20, BUDGET - 60, BUDGET - 100]


async def test_both_doors_spend_one_budget_each_key_its_own(gateway: Gateway) -> None:
    """REST answers a problem with the same code and the same headers."""
    key, other = await gateway.key(), await gateway.key()
    for _ in range(3):
        await ask(gateway, key)
    refused = await gateway.get(key, REST, limit=10)
    assert (refused.status_code, refused.headers["content-type"]) == (429, "application/problem+json")
    assert refused.json()["code"] == "RATE_LIMITED"
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert remaining(refused) == 97
    answered = await gateway.get(key, REST, limit=1)
    assert answered.status_code == 200
    assert remaining(answered) < 97
    assert remaining(await ask(gateway, other)) == BUDGET - COST


async def test_a_spent_budget_refuses_none_that_ask_the_same_with_another_key(gateway: Gateway) -> None:
    """Whoever of them comes first."""
    poor, rich = await gateway.key(), await gateway.key()
    for _ in range(3):
        await ask(gateway, poor)
    for keys in ([poor, rich, poor], [rich, poor, rich]):
        answers = await asyncio.gather(*(ask(gateway, key) for key in keys))
        assert [answer.status_code for answer in answers] == [429 if key == poor else 200 for key in keys]


async def test_what_cannot_run_costs_nothing(gateway: Gateway) -> None:
    """A document that is refused, a value that is refused, a request that passes the whole budget."""
    key = await gateway.key()
    wrong = "query($n: Int!) { connectionEvents(first: $n) { nodes { eventId } } }"
    for query in ("{", "{ nope }", wrong, EVENTS.replace("100", "10000")):
        answer = await ask(gateway, key, query)
        assert answer.status_code == 400
        assert "ratelimit" not in answer.headers
    assert "costPerMinute" in answer.json()["errors"][0]["message"]
    assert answer.json()["errors"][0]["extensions"] == {"code": "LIMIT_EXCEEDED"}
    assert remaining(await ask(gateway, key)) == BUDGET - COST


async def test_the_cost_is_told_to_who_asks(gateway: Gateway) -> None:
    """With the answer, and with the refusal; `true` asks, anything else but `false` is an error."""
    key = await gateway.key()
    cost = {"requested": COST, "limit": BUDGET, "perMinute": BUDGET}
    for left in (699, 398, 97, 97):
        answer = await ask(gateway, key, extensions={"cost": True})
        told = answer.json()["extensions"]["cost"]
        assert 0 < told.pop("resetSeconds") <= 60
        assert told == cost | {"remaining": left}
    assert answer.status_code == 429
    for silent in ({}, {"cost": False}, {"other": True}):
        assert "extensions" not in (await ask(gateway, key, "{ __typename }", extensions=silent)).json()
    assert "extensions" not in (await ask(gateway, key, "{", extensions={"cost": True})).json()
    odd = await ask(gateway, key, extensions={"cost": "yes"})
    assert (odd.status_code, odd.json()["errors"][0]["extensions"]) == (400, {"code": "BAD_USER_INPUT"})


async def test_a_partial_answer_costs_all_that_was_asked(gateway: Gateway) -> None:
    """The field that failed is null, the others are there, and the budget has paid for both."""
    await gateway.load_connection_events(seed_connection_events())
    key = await gateway.key()
    query = '{ summaryEvent(id: "\\u0000") { apiRef } connectionEvents(first: 1) { nodes { eventId } } }'
    answer = await ask(gateway, key, query, extensions={"cost": True})
    assert answer.status_code == 200
    assert answer.json()["data"]["summaryEvent"] is None
    assert len(answer.json()["data"]["connectionEvents"]["nodes"]) == 1
    assert [error["path"] for error in answer.json()["errors"]] == [["summaryEvent"]]
    assert answer.json()["extensions"]["cost"]["requested"] == 2 == BUDGET - remaining(answer)


@pytest.mark.parametrize("settings", [0], indirect=True)
async def test_without_a_budget_only_the_cost_is_told(gateway: Gateway) -> None:
    """`GATEWAY_COST_PER_MINUTE=0`: no headers, and null for what there is not."""
    answer = await ask(gateway, await gateway.key(), extensions={"cost": True})
    assert "ratelimit" not in answer.headers
    assert answer.json()["extensions"]["cost"] == {
        "requested": COST,
        "limit": 10_000_000,
        "remaining": None,
        "perMinute": None,
        "resetSeconds": None,
    }
