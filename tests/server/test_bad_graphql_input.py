"""GraphQL input that cannot be meant: a 4xx, a code, and a message that names the argument in the caller's words."""

import asyncio
import base64
import json
import re
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from tests.gateways import Gateway
from tests.seed_records import seed_connection_events

BAD, LIMIT = "BAD_USER_INPUT", "LIMIT_EXCEEDED"
INVALID, UNPARSED = "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED"
# What only Python, its libraries or MongoDB would say.
INTERNALS = re.compile(
    r"traceback|mongo|bson|motor|strawberry|orjson|graphql-core|site-packages|\.py\b|\bsys\.|\w+Error\b|\bException\b"
    r"|\b(?:None|True|False|UNSET|Undefined|str|dict|tuple|NoneType)\b|\{'[\w$]|<\w+[. ]\w+|0x[0-9a-f]{6}"
    r"|\$(?:match|expr|regex|nin|gte|lte|eq)\b"
)
EVENTS_BY_VARIABLES = (
    "query($f: ConnectionEventFilter, $n: Int, $o: [ConnectionEventOrder!], $a: String) "
    "{ connectionEvents(filter: $f, first: $n, orderBy: $o, after: $a) { nodes { eventId } pageInfo { endCursor } } }"
)


@pytest.fixture(scope="module")
async def client(served: tuple[str, str]) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the gateway in a process of its own, which holds the seeds' records."""
    url, key = served
    async with httpx2.AsyncClient(base_url=url, headers={"X-API-Key": key}, timeout=30) as client:
        yield client


# Queries with these arguments, this window, this condition on the service.
events = "{{ connectionEvents({}) {{ nodes {{ eventId }} }} }}".format
window = "{{ connectionEvents(filter: {{time: {{{}}}}}) {{ nodes {{ eventId }} }} }}".format
service = "{{ connectionEvents(filter: {{serviceName: {{{}}}}}) {{ nodes {{ eventId }} }} }}".format
summary_events = "{{ summaryEvents({}) {{ nodes {{ summaryEventId }} }} }}".format


async def refusal(client: httpx2.AsyncClient, query: str, variables: Any = None) -> tuple[str, str]:
    """Ask for each media type, see what holds for every refusal, and tell the first error's code and message."""
    content = json.dumps({"query": query, "variables": variables}).encode()
    bodies = []
    for accept, status in (("application/graphql-response+json", 400), ("application/json", 200), ("*/*", 200)):
        headers = {"Content-Type": "application/json", "Accept": accept}
        answer = await client.post("/graphql", content=content, headers=headers)
        assert answer.status_code == status, answer.text
        bodies.append(answer.json())
    assert bodies[0] == bodies[1] == bodies[2]
    assert bodies[0].get("data") is None
    messages = [error["message"] for error in bodies[0]["errors"]]
    assert [message for message in messages if INTERNALS.search(message) or len(message) > 600] == []
    return bodies[0]["errors"][0]["extensions"]["code"], messages[0]


LITERALS = [
    ("{ connectionEvents { nodes { nope } } }", INVALID, "'nope'"),
    ("{ nope }", INVALID, "'nope'"),
    ("{ viewer { keyId { x } } }", INVALID, "'keyId'"),
    ("mutation { nope }", INVALID, "mutation"),
    ("{ summaryEvent { orgName } }", INVALID, "id"),
    ("{ viewer { keyId }", UNPARSED, "Syntax Error"),
    ("{ viewer { keyId \0 } }", UNPARSED, "Syntax Error"),
    (events("nope: 1"), INVALID, "'nope'"),
    (service("regex: 1"), INVALID, "'regex'"),
    (events("orderBy: [{by: NOPE}]"), INVALID, "NOPE"),
    (events("orderBy: [{by: HOST}, {by: HOST}]"), BAD, "orderBy: host"),
    (events(f"orderBy: [{', '.join(['{by: HOST}'] * 9)}]"), LIMIT, "orderBy: 9"),
    (events("first: -1"), BAD, "first: must be 0 or more"),
    (events("first: 10001"), LIMIT, "first: 10001 passes the limit of 10000"),
    ("{ connectionSummary(limit: 0) { uniqueApiKeys } }", BAD, "limit: must be 1 or more"),
    ("{ connectionSummary(filter: {not: {time: {minutes: 5}}}) { uniqueApiKeys } }", BAD, "filter.not.time: "),
    (window('start: "2026-04-20T19:30:38"'), BAD, "filter.time.start: '2026-04-20T19:30:38' has no time zone"),
    (window('start: "2026-02-30T00:00:00Z"'), BAD, "filter.time.start: "),
    (window('start: "2026-04-20T00:00:00.12345678Z"'), BAD, "7 fractional digits"),
    (window('end: "0001-01-01T00:00:00+01:00"'), BAD, "filter.time.end: "),
    (window("start: 99999999999999999"), BAD, "filter.time.start: 99999999999999999"),
    (window('start: "2026-04-20T00:00:00Z", end: "2026-04-20T00:00:00Z"'), BAD, "filter.time.start: must be before"),
    (window('start: "2026-04-20T02:00:00+02:00", end: "2026-04-19T00:00:00Z"'), BAD, "filter.time.start: must be"),
    (window('minutes: 5, start: "2026-04-20T00:00:00Z"'), BAD, "filter.time.minutes: give either"),
    (window('last: "P7D", end: "2026-04-20T00:00:00Z"'), BAD, "filter.time.last: give either"),
    (window("minutes: 0"), BAD, "filter.time.minutes: 0"),
    (window("minutes: -5"), BAD, "filter.time.minutes: -5"),
    (window("minutes: 2147483647"), BAD, "filter.time.minutes: 2147483647 is longer than 36525 days"),
    (window('last: "7 days"'), BAD, "filter.time.last: '7 days'"),
    (window(f'last: "P{"9" * 5000}D"'), BAD, "filter.time.last: "),
    (service("eq: null"), BAD, "filter.serviceName.eq: null is not a value to compare with; use isNull"),
    (service('eq: "a\\u0000b"'), BAD, "filter.serviceName.eq: text cannot hold the character NUL"),
    (service('in: ["a", "\\u0000"]'), BAD, "filter.serviceName.in[1]: "),
    (service('eq: "\\uD800"'), UNPARSED, "\\uD800"),
    (service(f'contains: "{"x" * 4097}"'), LIMIT, "filter.serviceName.contains: 4097 passes the limit of 4096"),
    (f"{{ {'x' * 101}: viewer {{ keyId }} }}", LIMIT, "101 passes the limit of 100 (aliasLength)"),
    (events('filter: {ipAddress: {cidr: "10.0.0.1/8"}}'), BAD, "filter.ipAddress.cidr: '10.0.0.1/8'"),
    (events('filter: {ipAddress: {cidr: "fe80::%eth0/64"}}'), BAD, "filter.ipAddress.cidr: "),
    (events(f"filter: {'{not: ' * 11}{{}}{'}' * 11}"), LIMIT, "filter.not.not"),
    (summary_events("filter: {statusCode: {class: null}}"), BAD, "filter.statusCode.class: "),
    (summary_events("filter: {statusCode: {class: _9XX}}"), INVALID, "_9XX"),
]


@pytest.mark.parametrize(("query", "code", "fragment"), LITERALS, ids=[query[-70:] for query, _, _ in LITERALS])
async def test_what_cannot_be_meant_is_refused_by_name(
    client: httpx2.AsyncClient, query: str, code: str, fragment: str
) -> None:
    """Written into the document."""
    found, message = await refusal(client, query)
    assert found == code, message
    assert fragment in message


WRONG_TYPES = [
    (events('first: "ten"'), "first"),
    (events("first: 2147483648"), "first"),
    (events(f"first: {'9' * 5000}"), "first"),
    (events("orderBy: [null]"), "orderBy"),
    (events("after: 5"), "after"),
    ("{ summaryEvent(id: true) { orgName } }", "id"),
    (service("eq: 5"), "serviceName"),
    (service('isNull: "yes"'), "isNull"),
    (window("start: true"), "start"),
    (window("last: 5"), "last"),
    (summary_events('filter: {bytesSent: {gt: "many"}}'), "bytesSent"),
    (summary_events("filter: {bytesSent: {gt: 9223372036854775808}}"), "bytesSent"),
]


@pytest.mark.parametrize(("query", "argument"), WRONG_TYPES, ids=[query[2:75] for query, _ in WRONG_TYPES])
async def test_a_literal_of_a_wrong_type_names_its_argument(
    client: httpx2.AsyncClient, query: str, argument: str
) -> None:
    """The contract: a message names the argument, here too; GraphQL's own place (line, column) is no name."""
    code, message = await refusal(client, query)
    assert code == INVALID, message
    assert argument in message


VALUES: list[tuple[dict[str, Any], str, str]] = [
    ({"n": True}, BAD, "$n"),
    ({"n": -1}, BAD, "first: "),
    ({"f": {"$where": "1"}}, BAD, "$where"),
    ({"f": {"serviceName": {"eq": {"$gt": ""}}}}, BAD, "$f"),
    ({"f": {"serviceName": {"eq": None}}}, BAD, "filter.serviceName.eq: "),
    ({"f": {"serviceName": {"in": [None]}}}, BAD, ".serviceName.in[0]"),
    ({"f": {"serviceName": {"in": ["x"] * 1001}}}, LIMIT, "filter.serviceName.in: 1001 passes the limit of 1000"),
    ({"f": {"serviceName": {"notIn": ["x"] * 200_000}}}, LIMIT, "filter.serviceName.notIn: 200000"),
    ({"f": {"or": [{}] * 1001}}, LIMIT, "filter.or: 1001"),
    ({"f": {"or": [{"or": [{}] * 1000}] * 50}}, LIMIT, "filter"),
    ({"f": {"or": [{"host": {"eq": "x"}}] * 201}}, LIMIT, "201 passes the limit of 200"),
    ({"f": json.loads('{"not":' * 400 + "{}" + "}" * 400)}, BAD, "nested too deep"),
    ({"o": [None]}, BAD, "$o"),
    ({"a": "A" * 300_001}, LIMIT, "after: "),
]


@pytest.mark.parametrize(("variables", "code", "fragment"), VALUES, ids=[str(values)[:60] for values, _, _ in VALUES])
async def test_variables_are_read_as_strictly(
    client: httpx2.AsyncClient, variables: dict[str, Any], code: str, fragment: str
) -> None:
    """The same through variables: the variable or the argument is named, and its place inside."""
    async with asyncio.timeout(20):
        found, message = await refusal(client, EVENTS_BY_VARIABLES, variables)
    assert found == code, message
    assert fragment in message


@pytest.mark.parametrize(
    ("query", "variable"),
    [
        ('query($id: ID = "x") { viewer { keyId } summaryEvent(id: $id) { orgName } }', "id"),
        ("query($on: Boolean = true) { viewer @include(if: $on) { keyId } }", "on"),
        ("query($id: ID!) { summaryEvent(id: $id) { orgName } }", "id"),
    ],
)
async def test_null_for_what_may_not_be_null_is_the_callers_fault(
    client: httpx2.AsyncClient, query: str, variable: str
) -> None:
    """Null wins over a variable's default, so execution is first to see it: no INTERNAL, and the variable is named."""
    body = (await client.post("/graphql", json={"query": query, "variables": {variable: None}})).json()
    assert {error["extensions"]["code"] for error in body["errors"]} == {BAD}
    assert all(f"${variable}" in error["message"] for error in body["errors"])
    assert not any(INTERNALS.search(error["message"]) for error in body["errors"])


VARIABLE_EVERYWHERE = "query($l: [String!]) { connectionEvents(filter: {or: [%s]}) { totalCount } }"


@pytest.mark.parametrize(
    ("items", "uses", "limit"),
    [
        ([str(number) for number in range(1000)], 11, "filterItems"),
        (["x" * 1000 + str(number) for number in range(400)], 3, "filterCharacters"),
    ],
    ids=["many items", "long items"],
)
async def test_a_variable_that_stands_everywhere_counts_everywhere(
    client: httpx2.AsyncClient, items: list[str], uses: int, limit: str
) -> None:
    """A small body cannot make a command of any size."""
    branches = "{host: {in: $l}} "
    code, message = await refusal(client, VARIABLE_EVERYWHERE % (branches * uses), {"l": items})
    assert (code, f"({limit})" in message) == (LIMIT, True), message
    fits = {"query": VARIABLE_EVERYWHERE % (branches * (uses - 1)), "variables": {"l": items}}
    assert (await client.post("/graphql", json=fits)).json() == {"data": {"connectionEvents": {"totalCount": 0}}}


def cursor(order: str, values: str, name: str = "connection-events", version: int = 1) -> str:
    """Forge a cursor; `order` and `values` are JSON."""
    return base64.urlsafe_b64encode(f'[{version}, "{name}", {order}, {values}]'.encode()).rstrip(b"=").decode()


ORDER = '"-eventTimestamp,-eventTimestampTicks,-eventId"'
OTHER_LIST, OTHER_ORDER = "after: this is not a cursor", "after: this cursor belongs to another orderBy"
DAMAGED = "after: this cursor is damaged"
DAMAGES = (
    '{"$gt": 0}, 0, "x" | "2026", 0, "x" | null, 0, "x" | 1e15, 0, "x" | 1000000000000000, 0, "x" | 0.5, 0, "x" | '
    '0, 10000, "x" | 0, -1, "x" | 0, null, "x" | 0, true, "x" | 0, 0, 5 | 0, 0, null | 0, 0, ["x"] | 0, 0, "a\\u0000"'
)
FORGED = [
    *((text, OTHER_LIST) for text in ("", "x", "====", "e30", "bnVsbA", "\u017e", "$where", "A" * 60_000)),
    (cursor(ORDER, '[0, 0, "x"]', name="summary-events"), OTHER_LIST),
    (cursor(ORDER, '[0, 0, "x"]', version=2), OTHER_LIST),
    (cursor(ORDER, '{"$gt": ""}'), OTHER_LIST),
    (cursor('"eventId"', '["x"]'), OTHER_ORDER),
    (cursor(ORDER, "[0, 0]"), OTHER_ORDER),
    (cursor('{"$gt": ""}', '[0, 0, "x"]'), OTHER_ORDER),
    *((cursor(ORDER, f"[{values}]"), DAMAGED) for values in DAMAGES.split(" | ")),
]


@pytest.mark.parametrize(("after", "fragment"), FORGED, ids=[text[:24] + str(len(text)) for text, _ in FORGED])
async def test_a_forged_cursor_is_refused(client: httpx2.AsyncClient, after: str, fragment: str) -> None:
    """Whatever it holds; the message says which cursor would be right."""
    code, message = await refusal(client, EVENTS_BY_VARIABLES, {"a": after})
    assert (code, message[: len(fragment)]) == (BAD, fragment)


async def test_every_cursor_that_was_given_is_taken_back(gateway: Gateway) -> None:
    """However long the texts that it holds: they are bounded as a cursor, not as one text value."""
    base, key = seed_connection_events()[0], await gateway.key()
    records = [{**base, "eventId": f"e{place}", "host": "h" * 4000} for place in range(2)]
    assert await gateway.load_connection_events(records) == []
    asked: dict[str, Any] = {"n": 1, "o": [{"by": "HOST"}]}
    page = (await gateway.data(key, EVENTS_BY_VARIABLES, asked))["connectionEvents"]
    asked["a"] = page["pageInfo"]["endCursor"]
    following = (await gateway.data(key, EVENTS_BY_VARIABLES, asked))["connectionEvents"]
    assert [*page["nodes"], *following["nodes"]] == [{"eventId": "e0"}, {"eventId": "e1"}]


NOTHING = [{"orgName": {"in": []}}, {"bytesSent": {"in": []}}, {"statusCode": {"in": []}}, {"and": []}, {"or": []}]
NULLS = {"orgName": None, "time": None, "and": None, "or": None, "not": None}
EVERYTHING = [
    {"orgName": {"notIn": []}},
    {"not": {"or": []}},
    {"or": [{"and": []}, {}]},
    {"orgName": {}},
    NULLS,
    {},
    None,
]


@pytest.mark.parametrize(("filtered", "found"), [*((f, 0) for f in NOTHING), *((f, 1) for f in EVERYTHING)])
async def test_empty_is_not_absent(client: httpx2.AsyncClient, filtered: Any, found: int) -> None:
    """An empty list matches nothing, `notIn` of it excludes nothing; absent and null filter nothing."""
    query = "query($f: SummaryEventFilter) { summaryEvents(filter: $f) { totalCount nodes { orgName } } }"
    answer = await client.post("/graphql", json={"query": query, "variables": {"f": filtered}})
    page = answer.json()["data"]["summaryEvents"]
    assert page["totalCount"] == len(page["nodes"]) == found
