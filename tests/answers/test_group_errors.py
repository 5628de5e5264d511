"""Questions about groups that cannot be meant, or ask too much: a code, and a message that names the argument."""

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.oracle.datasets import CONNECTION_EVENTS, CONNECTIONS, SUMMARY_EVENTS
from tests.oracle.groups import text_fields
from tests.server.test_bad_graphql_input import INTERNALS

BAD, LIMIT, INVALID = "BAD_USER_INPUT", "LIMIT_EXCEEDED", "GRAPHQL_VALIDATION_FAILED"
BOUNDED = 'filter: {time: {start: "2026-01-01T00:00:00Z", end: "2026-01-03T00:00:00Z"}}'
LONG = 'filter: {time: {start: "1990-01-01T00:00:00Z", end: "2026-01-03T00:00:00Z"}}'
AT = "dimensions { time(every: DAY) }"


@pytest.fixture(scope="module")
async def client(served: tuple[str, str]) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the gateway in a process of its own, which holds the seeds' records."""
    url, key = served
    async with httpx2.AsyncClient(base_url=url, headers={"X-API-Key": key}, timeout=30) as client:
        yield client


async def refusal(client: httpx2.AsyncClient, query: str, variables: Any = None) -> tuple[str, str]:
    """Ask; the code and message of the only error, which shows nothing of Python or MongoDB."""
    answer = await client.post("/graphql", json={"query": query, "variables": variables})
    body = answer.json()
    assert body.get("data") is None, body
    (error,) = body["errors"]
    assert INTERNALS.search(error["message"]) is None, error["message"]
    assert len(error["message"]) <= 600
    return error["extensions"]["code"], error["message"]


def groups(arguments: str = "", selected: str = "count") -> str:
    """Write a question about groups of summary events."""
    return f"{{ summaryEventGroups{f'({arguments})' if arguments else ''} {{ nodes {{ {selected} }} }} }}"


def bucket(arguments: str) -> str:
    """Write a question for time buckets."""
    return groups(selected=f"dimensions {{ time({arguments}) }}")


def quantile(p: str) -> str:
    """Write a question for a quantile."""
    return groups(selected=f"bytesSent {{ quantile(p: {p}) }}")


def compared(duration: str, window: str = BOUNDED) -> str:
    """Write a question with a comparison."""
    return groups(f"{window} compareTo: {duration}", "count previous { count }")


QUESTIONS = [
    (quantile("2"), BAD, "quantile.p: give 0 to 1"),
    (quantile("-0.1"), BAD, "quantile.p: give 0 to 1"),
    (quantile("1.0000001"), BAD, "quantile.p: give 0 to 1"),
    (quantile("1e400"), BAD, "quantile.p: give 0 to 1"),
    (quantile('"0.5"'), INVALID, "p"),
    (groups(selected="bytesSent { quantile }"), INVALID, "quantile(p:)"),
    (bucket('every: DAY, timezone: "Mars/Base"'), BAD, "timezone: 'Mars/Base'"),
    (bucket('every: DAY, timezone: "europe/warsaw"'), BAD, "timezone: "),
    (bucket('every: DAY, timezone: ""'), BAD, "timezone: "),
    (bucket('every: DAY, timezone: "+05:30"'), BAD, "timezone: "),
    (bucket('every: DAY, timezone: "../UTC"'), BAD, "timezone: "),
    (bucket('every: DAY, timezone: "$$NOW"'), BAD, "timezone: "),
    (bucket(f'every: DAY, timezone: "{"x" * 5000}"'), BAD, "timezone: "),
    (bucket("every: DAY, bin: 0"), BAD, "time.bin: "),
    (bucket("every: DAY, bin: -1"), BAD, "time.bin: "),
    (bucket("every: DAY, bin: 2147483647"), LIMIT, "time.bin: 2147483647 passes"),
    (bucket("every: DAY, bin: 1.5"), INVALID, "bin: "),
    (bucket("every: FORTNIGHT"), INVALID, "FORTNIGHT"),
    (bucket("bin: 2"), INVALID, "every"),
    (groups(f"{LONG} fill: true", "dimensions { time(every: HOUR) }"), LIMIT, "fill: "),
    (groups(f"{LONG} fill: true", "dimensions { time(every: DAY) apiRef }"), LIMIT, "fill: "),
    (groups("fill: true", AT), BAD, "fill: needs a bounded window"),
    (groups('fill: true filter: {time: {start: "2026-01-01T00:00:00Z"}}', AT), BAD, "fill: needs a bounded"),
    (groups('fill: true filter: {time: {end: "2026-01-01T00:00:00Z"}}', AT), BAD, "fill: needs a bounded"),
    (groups(f"fill: true filter: {{not: {{{BOUNDED[9:-1]}}}}}", AT), BAD, "fill: needs a bounded window"),
    (groups(f"{BOUNDED} fill: true"), BAD, "fill: needs exactly one time dimension"),
    (groups(f"{BOUNDED} fill: true", "dimensions { apiRef }"), BAD, "fill: needs exactly one time dimension"),
    (
        groups(f"{BOUNDED} fill: true", "dimensions { a: time(every: DAY) b: time(every: HOUR) }"),
        BAD,
        "fill: needs exactly one time dimension",
    ),
    (groups('orderBy: [{by: "bytesSent.sum"}]'), BAD, "orderBy[0].by: 'bytesSent.sum' was not selected"),
    (groups('orderBy: [{by: "count"}, {by: "apiRef"}]'), BAD, "orderBy[1].by: 'apiRef' was not selected"),
    # The path is that of response keys: an aliased field is not known by its own name.
    (groups('orderBy: [{by: "apiRef"}]', "dimensions { a: apiRef }"), BAD, "orderBy[0].by: 'apiRef' was not"),
    (groups('orderBy: [{by: "bytesSent"}]', "bytesSent { sum }"), BAD, "orderBy[0].by: 'bytesSent' was not"),
    (groups('orderBy: [{by: "$count"}]'), BAD, "orderBy[0].by: "),
    (groups('orderBy: [{by: ""}]'), BAD, "orderBy[0].by: "),
    (groups('orderBy: [{by: "count"}, {by: "count"}]'), BAD, "orderBy: "),
    (groups("orderBy: [" + '{by: "count"}' * 9 + "]"), LIMIT, "orderBy: 9"),
    (groups("orderBy: [{}]"), INVALID, "by"),
    (groups('having: [{by: "apiRef", eq: 1}]', "dimensions { apiRef }"), BAD, "having[0].by: 'apiRef'"),
    (groups('having: [{by: "count", gt: 1}, {by: "nope", eq: 1}]'), BAD, "having[1].by: 'nope' was not selected"),
    (groups('having: [{by: "count", eq: null}]'), BAD, "having[0].eq: null"),
    (groups('having: [{by: "count", gt: 1}, {by: "count", ne: null, gt: 1}]'), BAD, "having[1].ne: null"),
    (groups('having: [{by: "count", eq: "1"}]'), INVALID, "eq"),
    (groups("limit: 0"), BAD, "limit: must be 1 or more"),
    (groups("limit: -1"), BAD, "limit: must be 1 or more"),
    (groups("limit: 10001"), LIMIT, "limit: 10001 passes the limit of 10000"),
    (compared('"P1D"', 'filter: {time: {start: "2026-01-01T00:00:00Z"}}'), BAD, "compareTo: needs a bounded window"),
    (compared('"P1D"', ""), BAD, "compareTo: needs a bounded window"),
    (compared('"a week"'), BAD, "compareTo: 'a week'"),
    (compared('""'), BAD, "compareTo: "),
    (compared('"-P1D"'), BAD, "compareTo: '-P1D'"),
    (compared('"P0D"'), BAD, "compareTo: 'P0D' must be longer than zero"),
    (compared('"P99999999D"'), BAD, "compareTo: "),
    (compared("86400"), INVALID, "compareTo: "),
    (compared('"PT1.0000001S"'), BAD, "compareTo: give whole milliseconds"),
]


@pytest.mark.parametrize(("query", "code", "fragment"), QUESTIONS, ids=[query[-70:] for query, _, _ in QUESTIONS])
async def test_what_cannot_be_meant_is_refused_by_name(
    client: httpx2.AsyncClient, query: str, code: str, fragment: str
) -> None:
    """One error, no data; the message says what would be right."""
    found, message = await refusal(client, query)
    assert found == code, message
    assert fragment in message


@pytest.mark.parametrize(
    ("variable", "selected", "fragment"),
    [
        ("$v: Float = 0.5", "bytesSent { quantile(p: $v) }", "bytesSent.quantile.p: null"),
        ("$v: TimeUnit = DAY", "dimensions { time(every: $v) }", "time.every: null"),
    ],
)
async def test_a_null_that_a_default_let_through_is_refused_by_name(
    client: httpx2.AsyncClient, variable: str, selected: str, fragment: str
) -> None:
    """Validation lets a nullable variable with a default stand for what must not be null; it is null all the same."""
    query = f"query({variable}) {{ summaryEventGroups {{ nodes {{ {selected} }} }} }}"
    assert "errors" not in (await client.post("/graphql", json={"query": query})).json()
    code, message = await refusal(client, query, {"v": None})
    assert code == BAD
    assert fragment in message


@pytest.mark.parametrize(
    ("root", "names"),
    [
        ("connectionGroups", [*text_fields(CONNECTIONS), "time(every: DAY)"]),
        ("connectionEventGroups", text_fields(CONNECTION_EVENTS)),
        ("summaryEventGroups", text_fields(SUMMARY_EVENTS)),
        ("summaryEventGroups", [f"t{place}: time(every: DAY, bin: {place + 1})" for place in range(20)]),
    ],
)
async def test_too_many_dimensions_are_refused(client: httpx2.AsyncClient, root: str, names: list[str]) -> None:
    """The message says how many were asked for and how many may be."""
    code, message = await refusal(client, f"{{ {root} {{ nodes {{ dimensions {{ {' '.join(names)} }} }} }} }}")
    assert code == LIMIT
    assert message.startswith(f"dimensions: {len(names)} passes the limit of ")


async def test_too_many_measures_and_conditions_are_refused(client: httpx2.AsyncClient) -> None:
    """Each bounded, and named."""
    quantiles = " ".join(f"q{place}: quantile(p: 0.{place + 100})" for place in range(200))
    code, message = await refusal(client, groups(selected=f"bytesSent {{ {quantiles} }}"))
    assert (code, message[:18]) == (LIMIT, "nodes: 200 passes ")
    query = "query($h: [GroupHaving!]) { summaryEventGroups(having: $h) { nodes { count } } }"
    code, message = await refusal(client, query, {"h": [{"by": "count", "gt": 0}] * 5000})
    assert (code, message[:20]) == (LIMIT, "having: 5000 passes ")


async def test_every_limit_of_groups_is_listed(client: httpx2.AsyncClient) -> None:
    """What a refusal of too much names in brackets is found under that name, with the same number."""
    answer = await client.post("/graphql", json={"query": "{ viewer { limits { name value description } } }"})
    limits = {limit["name"]: limit["value"] for limit in answer.json()["data"]["viewer"]["limits"]}
    assert limits.keys() >= {"groupRows", "groupDimensions", "groupMeasures", "groupBuckets", "groupsInMemory"}
    for query, code, _fragment in QUESTIONS:
        if code == LIMIT:
            _code, message = await refusal(client, query)
            name = message.rpartition("(")[2].partition(")")[0]
            assert f"the limit of {limits[name]} " in message


async def test_the_greatest_bin_is_listed_as_a_limit(client: httpx2.AsyncClient) -> None:
    """`viewer` shows every limit that applies (contract 4), and a bin of more than 10000 is refused."""
    answer = await client.post("/graphql", json={"query": "{ viewer { limits { name value description } } }"})
    listed = [
        limit
        for limit in answer.json()["data"]["viewer"]["limits"]
        if re.search(r"\bbins?\b", limit["description"], re.IGNORECASE)
    ]
    _code, message = await refusal(client, bucket("every: DAY, bin: 2147483647"))
    assert [str(limit["value"]) in message for limit in listed] == [True]


@pytest.mark.parametrize(
    "arguments",
    [
        "having: [], orderBy: []",
        "having: null, orderBy: null, limit: null, fill: null, compareTo: null, filter: null",
        "limit: 10000",
        "limit: 1",
        'having: [{by: "count"}]',
        'having: [{by: "count", gte: 1, lte: 1, ne: 0.5}]',
    ],
)
async def test_what_is_left_open_is_no_error(client: httpx2.AsyncClient, arguments: str) -> None:
    """Empty, null and the bounds themselves."""
    answer = await client.post("/graphql", json={"query": groups(arguments)})
    assert answer.json() == {"data": {"summaryEventGroups": {"nodes": [{"count": 1}]}}}


async def test_a_comparison_has_one_window(client: httpx2.AsyncClient) -> None:
    """A time inside and, or, not would not be shifted: refused by its place; without compareTo it is taken."""
    window = '{start: "2026-01-01T00:00:00Z", end: "2026-01-02T00:00:00Z"}'
    asked = f"filter: {{time: {window}, or: [{{time: {window}}}]}}"
    query = "{ summaryEventGroups(%s) { nodes { count previous { count } } } }"
    code, message = await refusal(client, query % f'{asked}, compareTo: "P1D"')
    assert (code, message.partition(":")[0]) == (BAD, "filter.or[0].time")
    answer = await client.post("/graphql", json={"query": query % asked})
    assert "errors" not in answer.json()
