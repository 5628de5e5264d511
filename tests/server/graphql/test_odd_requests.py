"""Requests to `/graphql` that are odd in their bytes: refused with a reason, or taken as they are; always private."""

import gzip
import json
from typing import Any

import httpx2
import pytest

from app.scope import Permission
from tests.gateways import Gateway
from tests.server.test_bad_graphql_input import INTERNALS
from tests.server.test_graphql_over_http import BAD, GRAPHQL, JSON, LIMIT, NAME, client, post, refused

__all__ = ["client"]  # a fixture


@pytest.mark.parametrize(
    ("query_string", "fragment"),
    [
        ("query={__typename}&query={a:__typename}", "query: is given more than once"),
        ("query={__typename}&variables={}&variables={}", "variables: is given more than once"),
        ("query=%ff", "UTF-8"),
        ("query=%ed%a0%80", "UTF-8"),
        ("query=%00", "Syntax Error"),
        ("", "query: "),
    ],
)
async def test_a_query_string_that_is_no_request_is_refused(
    client: httpx2.AsyncClient, query_string: str, fragment: str
) -> None:
    """Nothing is guessed: neither which of two was meant, nor an encoding."""
    answer = await client.get(f"/graphql?{query_string}", headers={"Accept": GRAPHQL})
    assert answer.status_code == 400
    assert fragment in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "gzip, identity", "x"])
async def test_a_compressed_body_is_refused(client: httpx2.AsyncClient, encoding: str) -> None:
    """415 with what is taken: it could unpack to any size."""
    headers = {"Content-Type": JSON, "Content-Encoding": encoding}
    answer = await client.post("/graphql", content=gzip.compress(NAME), headers=headers)
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "identity")
    assert "Content-Encoding" in refused(answer, BAD)
    plain = await client.post("/graphql", content=NAME, headers=headers | {"Content-Encoding": "Identity"})
    assert plain.status_code == 200


@pytest.mark.parametrize(
    ("content", "data"),
    [
        (b'{"query": "{ a: __typename }", "query": "{ b: __typename }"}', {"b": "Query"}),
        (b'{"query": "{ __typename }", "variables": null, "operationName": null}', {"__typename": "Query"}),
        (b' \r\n\t{"query": "{ __typename }", "other": [1e2, true]} ', {"__typename": "Query"}),
        (b'{"query": "{ \\u0061: __typename }"}', {"a": "Query"}),
    ],
)
async def test_json_is_read_as_browsers_read_it(client: httpx2.AsyncClient, content: bytes, data: Any) -> None:
    """Of a name that comes twice the last counts, null is absent, and what is not known is not looked at."""
    assert (await post(client, content)).json() == {"data": data}


@pytest.mark.parametrize("text", ["\\ufeff", "\\uffff", "\\ud83d\\ude00", "\\u202e"])
async def test_odd_characters_are_only_text(client: httpx2.AsyncClient, text: str) -> None:
    """Byte order marks and emoji in a value are compared as they are; nothing matches, nothing breaks."""
    query = "query($s: String) { connectionEvents(filter: {serviceName: {eq: $s}}) { totalCount } }"
    content = json.dumps({"query": query}).encode()[:-1] + b', "variables": {"s": "%s"}}' % text.encode()
    assert (await post(client, content)).json() == {"data": {"connectionEvents": {"totalCount": 0}}}


@pytest.mark.parametrize("query", ['{ a(x: "\\uD800") }', '{ a(x: "\\u{110000}") }', "{ \x00 }", "{ a\ufeff\ufffe }"])
async def test_a_document_with_what_is_no_character_is_refused(client: httpx2.AsyncClient, query: str) -> None:
    """As a syntax error with its place."""
    answer = await post(client, json.dumps({"query": query}).encode())
    assert answer.status_code == 400
    assert answer.json()["errors"][0].keys() == {"message", "locations", "extensions"}
    assert "Syntax Error" in refused(answer, "GRAPHQL_PARSE_FAILED")


@pytest.mark.parametrize("depth", [60, 120, 500, 900])
async def test_variables_that_nest_deeply_are_refused(client: httpx2.AsyncClient, depth: int) -> None:
    """With a limit or with a message; the depth of JSON is never ours to fall over."""
    filters = '{"and": [' * depth + "{}" + "]}" * depth
    query = "query($f: ConnectionEventFilter) { connectionEvents(filter: $f) { nodes { eventId } } }"
    answer = await post(client, b'{"query": "%s", "variables": {"f": %s}}' % (query.encode(), filters.encode()))
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] in {BAD, LIMIT}
    assert not INTERNALS.search(answer.json()["errors"][0]["message"])


async def test_several_accept_fields_are_one_list(client: httpx2.AsyncClient) -> None:
    """As RFC 9110, section 5.3, has it."""
    headers = [("Accept", "text/plain, */*;q=0"), ("Accept", GRAPHQL), ("Content-Type", JSON)]
    answer = await client.post("/graphql", content=NAME, headers=headers)
    assert (answer.status_code, answer.headers["content-type"]) == (200, f"{GRAPHQL}; charset=utf-8")


async def test_a_get_with_a_body_is_answered_by_its_address(client: httpx2.AsyncClient) -> None:
    """The body of a GET means nothing, and does not get in the way of the next request."""
    for _ in range(2):
        answer = await client.request("GET", "/graphql?query={a:__typename}", content=NAME * 5000)
        assert answer.json() == {"data": {"a": "Query"}}


ANSWERS: list[tuple[str, dict[str, Any], int]] = [
    ("POST", {"content": NAME, "headers": {"Content-Type": JSON}}, 200),
    ("GET", {"params": {"query": "{__typename}"}}, 200),
    ("POST", {"content": b"{", "headers": {"Content-Type": JSON}}, 400),
    ("POST", {"content": b'{"query": "{"}', "headers": {"Content-Type": JSON, "Accept": GRAPHQL}}, 400),
    ("POST", {"content": NAME, "headers": {"Content-Type": JSON, "X-API-Key": "no"}}, 401),
    ("PUT", {}, 405),
    ("OPTIONS", {}, 405),
    ("GET", {"params": {"query": "{__typename}"}, "headers": {"Accept": "image/png"}}, 406),
    ("POST", {"content": b" " * 1_048_577, "headers": {"Content-Type": JSON}}, 413),
    ("POST", {"content": NAME}, 415),
]


@pytest.mark.parametrize(("method", "how", "status"), ANSWERS, ids=[f"{one[0]}-{one[2]}" for one in ANSWERS])
async def test_every_answer_has_the_headers_that_keep_it_private(
    client: httpx2.AsyncClient, method: str, how: dict[str, Any], status: int
) -> None:
    """Not stored, not guessed at, told apart by `Accept`; JSON of GraphQL's form in any case."""
    answer = await client.request(method, "/graphql", **how)
    assert answer.status_code == status
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "accept" in answer.headers["vary"].lower().split(", ")
    assert answer.json().keys() & {"data", "errors"}


async def test_errors_are_few_and_short(client: httpx2.AsyncClient) -> None:
    """At most five of at most 500 characters, however much is wrong."""
    for fields in (" ".join(f"{'x' * 2000}{at}" for at in range(20)), "viewer { " + "nope " * 50 + "}"):
        errors = (await post(client, json.dumps({"query": f"{{ {fields} }}"}).encode())).json()["errors"]
        assert len(errors) == 5
        assert all(len(error["message"]) <= 500 for error in errors)


async def test_data_and_status_agree(gateway: Gateway) -> None:
    """An answer with data is 200, also when some fields failed; with none of the fields answered, it has no data."""
    key = await gateway.key(permissions=(Permission.CONNECTIONS_READ,))
    part = 'viewer { orgName } summaryEvent(id: "x") { catalogName }'
    whole = 'a: summaryEvent(id: "x") { catalogName } b: summaryEvent(id: "y") { catalogName }'
    for media, statuses in ((GRAPHQL, (200, 403)), (JSON, (200, 200))):
        headers = {"X-API-Key": key, "Accept": media}
        asked = [{"query": f"{{ {fields} }}"} for fields in (part, whole)]
        partial, failed = [await gateway.client.post("/graphql", json=one, headers=headers) for one in asked]
        assert (partial.status_code, failed.status_code) == statuses
        assert partial.json()["data"] == {"viewer": {"orgName": "ibm"}, "summaryEvent": None}
        assert [error["path"] for error in partial.json()["errors"]] == [["summaryEvent"]]
        assert failed.json().keys() == {"errors"}
        refused(failed, "FORBIDDEN")


async def test_a_text_with_nul_is_refused(client: httpx2.AsyncClient) -> None:
    """As no stored text has one; the message names the argument."""
    query = r'{ connectionEvents(filter: {serviceName: {eq: "a\u0000b"}}) { totalCount } }'
    answer = await post(client, json.dumps({"query": query}).encode())
    assert "serviceName" in refused(answer, BAD)
