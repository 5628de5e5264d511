"""Automatic persisted queries as Apollo's clients send them, by GET and POST."""

from hashlib import sha256
from typing import Any
from uuid import uuid4

import httpx2
import orjson
import pytest

from tests.gateways import Gateway

GRAPHQL, JSON = "application/graphql-response+json", "application/json"
QUERY = "query Whose($n: Int = 1) { viewer { orgName } connectionEvents(first: $n) { nodes { eventId } } }"


def hashed(query: str) -> dict[str, Any]:
    """Make the extensions that name a document."""
    return {"persistedQuery": {"version": 1, "sha256Hash": sha256(query.encode()).hexdigest()}}


async def ask(gateway: Gateway, key: str, method: str, accept: str = JSON, **asked: Any) -> httpx2.Response:
    """Send a request's members by GET or POST."""
    headers = {"X-API-Key": key, "Accept": accept}
    if method == "POST":
        return await gateway.client.post("/graphql", json=asked, headers=headers)
    parameters = {
        name: value if isinstance(value, str) else orjson.dumps(value).decode() for name, value in asked.items()
    }
    return await gateway.client.get("/graphql", params=parameters, headers=headers)


def codes(answer: httpx2.Response) -> list[str]:
    """List the codes of an answer's errors."""
    return [error["extensions"]["code"] for error in answer.json()["errors"]]


@pytest.mark.parametrize("again", ["GET", "POST"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("accept", [JSON, GRAPHQL])
async def test_a_client_sends_the_hash_then_the_document_then_hashes(
    gateway: Gateway, accept: str, method: str, again: str
) -> None:
    """Unknown is told with 200 and by the message that the clients look for; from the second request on it is known."""
    key = await gateway.key()
    unknown = await ask(gateway, key, method, accept, extensions=hashed(QUERY))
    assert (unknown.status_code, unknown.headers["cache-control"]) == (200, "no-store")
    assert unknown.json() == {
        "errors": [{"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}]
    }
    data = {"viewer": {"orgName": "ibm"}, "connectionEvents": {"nodes": []}}
    for query in ({"query": QUERY}, {}):
        answer = await ask(gateway, key, again, accept, **query, extensions=hashed(QUERY), variables={"n": 5})
        assert (answer.status_code, answer.json()) == (200, {"data": data})


async def test_each_organization_has_its_own(gateway: Gateway) -> None:
    """What one sent, another does not find: not even that it is there."""
    one, other = await gateway.key(), await gateway.key(str(uuid4()), "other")
    assert "data" in (await ask(gateway, one, "POST", query=QUERY, extensions=hashed(QUERY))).json()
    assert "data" in (await ask(gateway, await gateway.key(), "POST", extensions=hashed(QUERY))).json()
    assert codes(await ask(gateway, other, "POST", extensions=hashed(QUERY))) == ["PERSISTED_QUERY_NOT_FOUND"]


@pytest.mark.parametrize(
    "query", ["{", "{ nope }", "query($n: Int!) { __typename }", "{ a: __typename " + "@skip(if: false) " * 101 + "}"]
)
async def test_only_a_document_that_runs_is_kept(gateway: Gateway, query: str) -> None:
    """What cannot be parsed, is not valid, lacks a variable or passes a limit takes no room."""
    key = await gateway.key()
    assert codes(await ask(gateway, key, "POST", query=query, extensions=hashed(query)))
    assert codes(await ask(gateway, key, "POST", extensions=hashed(query))) == ["PERSISTED_QUERY_NOT_FOUND"]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_hash_of_another_document_is_refused(gateway: Gateway, method: str) -> None:
    """So no document can be put in the place of another."""
    key = await gateway.key()
    answer = await ask(gateway, key, method, query="{ __typename }", extensions=hashed(QUERY))
    assert (answer.status_code, codes(answer)) == (400, ["BAD_USER_INPUT"])
    assert answer.json()["errors"][0]["message"].startswith("extensions.persistedQuery.sha256Hash: ")
    assert codes(await ask(gateway, key, method, extensions=hashed(QUERY))) == ["PERSISTED_QUERY_NOT_FOUND"]


async def test_the_bounds_are_shown(gateway: Gateway) -> None:
    """Beside the other limits."""
    data = await gateway.data(await gateway.key(), "{ viewer { limits { name value } } }")
    limits = {limit["name"]: limit["value"] for limit in data["viewer"]["limits"]}
    assert (limits["persistedQueries"], limits["persistedQueryBytes"]) == (1_000, 8_388_608)
