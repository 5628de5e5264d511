"""GraphQL over HTTP: methods, media types, bodies and operations, as the GraphQL-over-HTTP draft has them."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from fastapi import FastAPI
from graphql import build_client_schema, get_introspection_query

from tests.gateways import ORG_NAME, Gateway
from tests.server.test_bad_graphql_input import INTERNALS

GRAPHQL, JSON = "application/graphql-response+json", "application/json"
BAD, LIMIT = "BAD_USER_INPUT", "LIMIT_EXCEEDED"
NAME = b'{"query": "{ __typename }"}'


@pytest.fixture(scope="module")
async def client(served: tuple[str, str]) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the gateway in a process of its own."""
    url, key = served
    async with httpx2.AsyncClient(base_url=url, headers={"X-API-Key": key}, timeout=30) as client:
        yield client


async def post(client: httpx2.AsyncClient, content: bytes, accept: str = GRAPHQL, of: str = JSON) -> httpx2.Response:
    """Post a body that is declared to be `of` a type."""
    return await client.post("/graphql", content=content, headers={"Accept": accept, "Content-Type": of})


def refused(answer: httpx2.Response, code: str) -> str:
    """See that the answer has errors of this code only and no data; tell the first message."""
    body = answer.json()
    assert body.get("data") is None
    assert {error["extensions"]["code"] for error in body["errors"]} == {code}, body
    assert not any(INTERNALS.search(error["message"]) for error in body["errors"]), body
    message: str = body["errors"][0]["message"]
    return message


BODIES = [
    (b"", "not valid JSON"),
    (b"query { viewer { keyId } }", "not valid JSON"),
    (b'{"query": NaN}', "not valid JSON"),
    (b'{"query": "{ __typename }", "variables": {"n": Infinity}}', "not valid JSON"),
    (b'{"query": "{ __typename }", "variables": {"n": 1e999}}', "not valid JSON"),
    (b'{"query": "{ __typename }", "variables": {"n": %s}}' % (b"9" * 5000), "not valid JSON"),
    (b'{"query": "{ __typename }", "variables": {"n": "\\ud800"}}', "surrogate"),
    (b'{"query": "\xff"}', "UTF-8"),
    (b'{"query": "\xed\xa0\x80"}', "UTF-8"),
    ('{"query": "{ __typename }"}'.encode("utf-16"), "UTF-8"),
    (b"[" * 100_000, "not valid JSON"),
    *((text, "JSON object") for text in (b"null", b"1", b'"{ __typename }"')),
    (b"[]", "JSON object"),
    (b"[%s]" % NAME, "JSON object"),
    (b"{}", "query: "),
    (b'{"query": null}', "query: "),
    (b'{"query": " "}', "query: "),
    (b'{"query": 5}', "query: "),
    (b'{"query": "{ __typename }", "variables": []}', "variables: "),
    (b'{"query": "{ __typename }", "operationName": 1}', "operationName: "),
    (b'{"query": "{ __typename }", "extensions": 1}', "extensions: "),
]


@pytest.mark.parametrize(("content", "fragment"), BODIES, ids=[str(content[:50]) for content, _ in BODIES])
@pytest.mark.parametrize("accept", [GRAPHQL, JSON])
async def test_a_body_that_is_no_request_is_refused(
    client: httpx2.AsyncClient, accept: str, content: bytes, fragment: str
) -> None:
    """With the same 400 for both media types, as it is HTTP that is wrong; in the type that was asked for."""
    answer = await post(client, content, accept)
    assert (answer.status_code, answer.headers["content-type"]) == (400, f"{accept}; charset=utf-8")
    assert fragment in refused(answer, BAD)


async def test_a_body_above_the_limit_is_refused(client: httpx2.AsyncClient) -> None:
    """413 from the first byte above 1 MiB on, whether or not the length is declared."""
    filled = b" " * (1_048_576 - len(NAME)) + NAME
    assert (await post(client, filled)).json() == {"data": {"__typename": "Query"}}

    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b" " * 65_536

    for content in (filled + b" ", b" " * 3_000_000, chunks()):
        answer = await client.post("/graphql", content=content, headers={"Content-Type": JSON})
        assert answer.status_code == 413
        assert "1048576 bytes" in refused(answer, LIMIT)


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "PURGE"])
async def test_other_methods_are_refused(client: httpx2.AsyncClient, method: str) -> None:
    """405, with the two that are right."""
    answer = await client.request(method, "/graphql", content=NAME, headers={"Content-Type": JSON})
    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["allow"].split(", "))


async def test_each_method_that_is_allowed_is_answered(client: httpx2.AsyncClient) -> None:
    """HEAD as GET without the body, where `Allow` names it (RFC 9110, section 9.3.2)."""
    address = "/graphql?query=%7B__typename%7D"
    assert (await client.get(address)).status_code == 200
    if "HEAD" in (await client.put("/graphql")).headers["allow"]:
        assert (await client.head(address)).status_code == 200


@pytest.mark.parametrize(
    ("content_type", "status"),
    [
        ("application/json", 200),
        ("Application/JSON ; charset=UTF-8", 200),
        ('application/json; charset="utf-8"', 200),
        ("application/json; charset=latin-1", 415),
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("", 415),
    ],
)
async def test_only_json_is_read(client: httpx2.AsyncClient, content_type: str, status: int) -> None:
    """What a page of another site can post without asking (forms, plain text) is never read."""
    answer = await post(client, NAME, of=content_type)
    assert answer.status_code == status
    if status == 415:
        assert "Content-Type: application/json" in refused(answer, BAD)


@pytest.mark.parametrize(
    ("accept", "status", "media"),
    [
        (JSON, 200, JSON),
        (GRAPHQL, 200, GRAPHQL),
        ("*/*", 200, JSON),
        ("application/*", 200, JSON),
        (f"{GRAPHQL}, {JSON};q=0.9", 200, GRAPHQL),
        (f"{GRAPHQL};q=0.1, {JSON}", 200, JSON),
        ("text/plain", 406, JSON),
        ("*/*;q=0", 406, JSON),
        (f"{JSON};charset=utf-16", 406, JSON),
        (";;q=,,=;q=x", 406, JSON),
    ],
)
async def test_the_answer_has_the_type_that_was_asked_for(
    client: httpx2.AsyncClient, accept: str, status: int, media: str
) -> None:
    """Or it is 406, in JSON."""
    answer = await post(client, NAME, accept)
    assert (answer.status_code, answer.headers["content-type"]) == (status, f"{media}; charset=utf-8")
    assert "accept" in answer.headers["vary"].lower()


async def test_a_browser_gets_the_page(client: httpx2.AsyncClient) -> None:
    """HTML for who prefers it, without a key; never for a POST."""
    browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
    page = await client.get("/graphql", headers={"Accept": browser, "X-API-Key": ""})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert (await post(client, NAME, browser)).json() == {"data": {"__typename": "Query"}}


TWO = "query A { a: __typename } query B { b: __typename }"
OPERATIONS = [
    (TWO, "A", {"a": "Query"}),
    (TWO, None, None),
    (TWO, "", None),
    (TWO, "C", None),
    ("query A { a: __typename }", "B", None),
    ("{ a: __typename }", "A", None),
]


@pytest.mark.parametrize(("query", "name", "data"), OPERATIONS)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_the_named_operation_runs(
    client: httpx2.AsyncClient, method: str, query: str, name: str | None, data: Any
) -> None:
    """One of several runs only by its name; no name is never the first one."""
    asked = {"query": query} if name is None else {"query": query, "operationName": name}
    where: dict[str, Any] = {"params": asked} if method == "GET" else {"json": asked}
    answer = await client.request(method, "/graphql", headers={"Accept": GRAPHQL}, **where)
    assert answer.status_code == (200 if data else 400)
    assert answer.json()["data"] == data if data else "operationName: " in refused(answer, BAD)


GETS = [
    ({"variables": '{"n": 0}'}, 200, "", ""),
    ({"variables": "null"}, 200, "", ""),
    ({"variables": '{"n": "ten"}'}, 400, BAD, "$n"),
    ({"variables": "{n: 0}"}, 400, BAD, "variables: "),
    ({"variables": "[" * 9000}, 400, BAD, "variables: "),
    ({"query": "{"}, 400, "GRAPHQL_PARSE_FAILED", "Syntax Error"),
    ({"query": "subscription { nope }"}, 400, "GRAPHQL_VALIDATION_FAILED", "subscription"),
    ({"query": "mutation { nope }"}, 405, BAD, "by POST"),
    ({"query": "query A { a: __typename } mutation B { nope }", "operationName": "B"}, 405, BAD, "by POST"),
    ({"extensions": "{}"}, 200, "", ""),
    ({"extensions": "1"}, 400, BAD, "extensions: "),
    ({"extensions": '{"cost": 1}'}, 400, BAD, "extensions.cost: "),
    ({f"x{place}": "1" for place in range(50)}, 400, BAD, "parameters"),
]


@pytest.mark.parametrize(("asked", "status", "code", "fragment"), GETS)
async def test_get_is_read_as_strictly(
    client: httpx2.AsyncClient, asked: dict[str, str], status: int, code: str, fragment: str
) -> None:
    """Variables and extensions are JSON in the query string."""
    query = "query($n: Int = 1) { connectionEvents(first: $n) { nodes { eventId } } }"
    answer = await client.get("/graphql", params={"query": query, **asked}, headers={"Accept": GRAPHQL})
    assert answer.status_code == status
    assert not code or fragment in refused(answer, code)


def doubled(kind: str, inner: str, last: str, depth: int = 25) -> str:
    """Make fragments that each spread the next one twice: 2 ** depth times the last."""
    links = [f"fragment F{at} on {kind} {{ {inner.replace('NEXT', f'...F{at + 1}')} }}" for at in range(depth)]
    return " ".join([*links, f"fragment F{depth} on {kind} {{ {last} }}"])


@pytest.mark.parametrize(
    "query",
    [
        "{ viewer { ...F0 } } " + doubled("Viewer", "NEXT NEXT", "keyId"),
        "{ ...F0 } " + doubled("Query", "NEXT NEXT", "connectionEvents { nodes { eventId } }"),
        '{ __type(name: "Query") { ...F0 } } ' + doubled("__Type", "ofType { NEXT } ofType { NEXT }", "name"),
        "{ viewer { " + "keyId " * 9_900 + "} }",
        "{ viewer { " + " ".join(f"a{place}: keyId" for place in range(3_000)) + " } }",
        "{" * 5_000,
        "{ a" * 4_000 + " }" * 4_000,
        "query(" + "$v: [" * 3_000 + ") { a }",
        "{ __typename " + "@include(if: true) " * 1_400 + "}",
        "# " + "x" * 900_000 + "\n{ __typename }",
        "{ __schema { types { " + "fields { type { " * 8 + "name" + " } }" * 8 + " } } }",
        "fragment A on Query { ...B } fragment B on Query { ...A } { ...A }",
    ],
    ids=lambda query: str(query)[:60],
)
async def test_a_costly_document_is_answered_in_bounded_time(client: httpx2.AsyncClient, query: str) -> None:
    """With data, or with errors that say why not; never with a hang or a fault of ours."""
    async with asyncio.timeout(10):
        answer = await post(client, json.dumps({"query": query}).encode())
    assert answer.status_code in {200, 400}
    for error in answer.json().get("errors", ()):
        assert error["extensions"]["code"] in {"GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", LIMIT}
        assert not INTERNALS.search(error["message"])
        assert "aborted" not in error["message"] or "too" in error["message"], "it does not say what would be right"


async def test_introspection_is_for_who_has_a_key(client: httpx2.AsyncClient) -> None:
    """The whole schema for clients' tools; nothing of it without a key."""
    asked = {"query": get_introspection_query()}
    schema = build_client_schema((await client.post("/graphql", json=asked)).json()["data"])
    assert schema.query_type is not None
    assert schema.mutation_type is schema.subscription_type is None
    assert (await client.post("/graphql", json=asked, headers={"X-API-Key": ""})).status_code == 401


async def test_below_a_path_of_another_application_it_answers_too(gateway: Gateway) -> None:
    """There, no shortcut leads past the routes."""
    outer = FastAPI()
    outer.mount("/below", gateway.app)
    asked: dict[str, Any] = {"json": {"query": "{ viewer { orgName } }"}, "headers": {"X-API-Key": await gateway.key()}}
    transport = httpx2.ASGITransport(app=outer)
    async with httpx2.AsyncClient(transport=transport, base_url="http://gateway.test") as client:
        below = await client.post("/below/graphql", **asked)
    assert (below.status_code, below.json()) == (200, {"data": {"viewer": {"orgName": ORG_NAME}}})
