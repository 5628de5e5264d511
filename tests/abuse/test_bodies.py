"""Hostile bodies and query strings of `/graphql`."""

import gzip
import json
import zlib
from urllib.parse import quote

import httpx2

from tests.abuse.attacks import Attack, faults
from tests.abuse.bounded_gateway import BoundedGateway
from tests.abuse.values import JSON, TEXTS

GOOD = b'{"query": "{ __typename }"}'
MIB = 1024 * 1024
BODIES: dict[str, bytes] = {
    "nothing": b"",
    "white space": b" \r\n\t" * 1_000,
    "null": b"null",
    "number": b"1",
    "text": b'"{ __typename }"',
    "list": b"[]",
    "batch": b"[" + b",".join([GOOD] * 1_000) + b"]",
    "empty object": b"{}",
    "not JSON": b"{ __typename }",
    "form": b"query=%7B__typename%7D",
    "multipart": b'--a\r\nContent-Disposition: form-data; name="operations"\r\n\r\n{}\r\n--a--\r\n',
    "cut off": GOOD[:-1],
    "more after it": GOOD + b"{}",
    "twice": GOOD + GOOD,
    "key twice": b'{"query": "{ nope }", "query": "{ __typename }"}',
    "100,000 keys": b'{"query": "{ __typename }", ' + b", ".join(b'"a%d": 0' % n for n in range(60_000)) + b"}",
    "100,000 keys alike": b'{"query": "{ __typename }", ' + b", ".join([b'"a": 0'] * 100_000) + b"}",
    "lists 100,000 deep": b"[" * 100_000,
    "lists 100,000 deep, closed": b'{"query": "{ __typename }", "variables": {"a": '
    + b"[" * 10**5
    + b"]" * 10**5
    + b"}}",
    "objects 100,000 deep": b'{"a":' * 100_000,
    "objects 500 deep": b'{"query": "{ __typename }", "variables": ' + b'{"a":' * 500 + b"1" + b"}" * 501,
    "number of 100,000 digits": b'{"query": "{ __typename }", "variables": {"a": ' + b"9" * 100_000 + b"}}",
    "exponent": b'{"query": "{ __typename }", "variables": {"a": 1e999999}}',
    "nan": b'{"query": "{ __typename }", "variables": {"a": NaN}}',
    "infinity": b'{"query": "{ __typename }", "variables": {"a": -Infinity}}',
    "comment": b'{"query": "{ __typename }" /* a */}',
    "comma": b'{"query": "{ __typename }",}',
    "single quotes": b"{'query': '{ __typename }'}",
    "byte order mark": b"\xef\xbb\xbf" + GOOD,
    "not UTF-8": b'{"query": "\xff\xfe"}',
    "overlong": b'{"query": "\xc0\x80"}',
    "surrogate bytes": b'{"query": "\xed\xa0\x80"}',
    "surrogate escape": b'{"query": "\\ud800"}',
    "surrogate escape in a variable": (
        b'{"query": "query($a: ID!) { summaryEvent(id: $a) { orgName } }", "variables": {"a": "\\udfff"}}'
    ),
    "nul escape": b'{"query": "{ __typename \\u0000 }"}',
    "UTF-16": GOOD.decode().encode("utf-16"),
    "UTF-32": GOOD.decode().encode("utf-32"),
    "UTF-7": b"+AHsAIgBxAHUAZQByAHkAIgA6ACIAfQAi-",
    "just within the limit": GOOD + b" " * (MIB - len(GOOD)),
    "just beyond the limit": GOOD + b" " * (MIB - len(GOOD) + 1),
    "16 MiB": b"[" + b" " * (16 * MIB),
    "gzip": gzip.compress(GOOD),
    "deflate": zlib.compress(GOOD),
    "bomb": gzip.compress(b" " * (64 * MIB)),
}
TYPES = ("application/json", "application/json; charset=utf-16", "application/graphql", "text/plain", "")
FORMS = (
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=a",
    "text/plain",
    "text/plain; application/json",
    "application/json/../text/plain",
    "application/jsonp",
    "application/json, text/plain",
)


async def test_no_body_does_harm(client: httpx2.AsyncClient, abused: BoundedGateway) -> None:
    """Sizes, encodings, nesting, what is JSON and what only looks so; under each declared type."""
    attacks = [
        Attack(f"{name} as {kind!r}", "/graphql", "POST", body, {"Content-Type": kind} if kind else {})
        for name, body in BODIES.items()
        for kind in TYPES
    ]
    attacks += [
        Attack(f"{name} as {coding}", "/graphql", "POST", body, {"Content-Type": TYPES[0], "Content-Encoding": coding})
        for name, body in BODIES.items()
        for coding in ("gzip", "deflate", "br", "identity", "gzip, gzip", "x")
    ]
    assert await faults(client, abused.mine.key, attacks) == []


async def test_no_member_of_a_body_does_harm(client: httpx2.AsyncClient, abused: BoundedGateway) -> None:
    """Each member that is known, with each value."""
    hashes = {"version": 1, "sha256Hash": "0" * 64}
    members = ("query", "variables", "operationName", "extensions")
    bodies = {
        f"{member} {name}": {"query": "{ __typename }", member: value}
        for member in members
        for name, value in JSON.items()
    }
    for name, value in JSON.items():
        bodies |= {
            f"cost {name}": {"query": "{ __typename }", "extensions": {"cost": value}},
            f"persisted {name}": {"query": "{ __typename }", "extensions": {"persistedQuery": value}},
            f"hash {name}": {"extensions": {"persistedQuery": hashes | {"sha256Hash": value}}},
            f"version {name}": {"extensions": {"persistedQuery": hashes | {"version": value}}},
        }
    attacks = [
        Attack(name, "/graphql", "POST", json.dumps(body).encode(), {"Content-Type": "application/json"})
        for name, body in bodies.items()
    ]
    assert await faults(client, abused.mine.key, attacks) == []


async def test_no_query_string_does_harm(client: httpx2.AsyncClient, abused: BoundedGateway) -> None:
    """Each parameter with each value, twice, without a value; what is no percent-encoding; thousands of them."""
    names = ("query", "variables", "operationName", "extensions")
    strings = {f"{name} {kind}": f"{name}={quote(text, safe='')}" for name in names for kind, text in TEXTS.items()}
    strings |= {
        f"{name} in a query {kind}": f"query=%7B__typename%7D&{name}={quote(json.dumps(value))}"
        for name in names[1:]
        for kind, value in JSON.items()
        if len(json.dumps(value)) < 20_000
    }
    strings |= {
        "nothing": "",
        "ampersands": "&" * 10_000,
        "equals": "=" * 10_000,
        "percent": "%",
        "percents": "query=%7B%7&%",
        "not UTF-8": "query=%ff%fe",
        "surrogate": "query=%ed%a0%80",
        "nul": "query=%00",
        "plus": "query=+{+__typename+}+",
        "semicolons": "query={__typename};query={nope}",
        "brackets": "query[]={__typename}&query[0]=a&query[$gt]=",
        "names in other letters": "QUERY={__typename}&Query={__typename}",
        "twenty": "&".join(f"a{n}=1" for n in range(20)),
        "thousands": "&".join(f"a{n}=1" for n in range(5_000)),
        "mutation": "query=mutation{a}",
        "line ends": "query=%7B__typename%7D%0d%0aX-Injected:%20zzmarkzz",
        "long": "query=" + "x" * 50_000,
    }
    attacks = [Attack(name, f"/graphql?{string}") for name, string in strings.items()]
    assert await faults(client, abused.mine.key, attacks) == []


async def test_what_a_page_can_send_unasked_is_refused(client: httpx2.AsyncClient, abused: BoundedGateway) -> None:
    """Forms and plain text from another origin: 4xx even with a key, and no leave to read the answer."""
    headers = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site", "Cookie": f"key={abused.mine.key}"}
    for kind in FORMS:
        simple = {**headers, "Content-Type": kind}
        assert await faults(client, abused.mine.key, [Attack(kind, "/graphql", "POST", GOOD, simple)]) == []
        assert (await client.post("/graphql", content=GOOD, headers=simple)).status_code == 401
        with_key = {**simple, "X-API-Key": abused.mine.key}
        assert (await client.post("/graphql", content=GOOD, headers=with_key)).status_code == 415
    preflight = {**headers, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}
    answer = await client.options("/graphql", headers=preflight)
    assert answer.status_code == 405
    assert not [name for name in answer.headers if name.startswith("access-control")]
