"""REST input that cannot be meant: problem details that name the parameter; and text that is taken as it stands."""

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from tests.gateways import Gateway
from tests.seed_records import seed_connection_events, seed_summary_events
from tests.server.test_bad_graphql_input import INTERNALS

EVENTS, GROUPS = "/api/connection-analytics/events/query", "/api/connection-analytics/summary"
BAD, LIMIT = "BAD_USER_INPUT", "LIMIT_EXCEEDED"
TITLES = {BAD: "Bad input", LIMIT: "Limit exceeded", "NOT_FOUND": "Not found"}


@pytest.fixture(scope="module")
async def client(served: tuple[str, str]) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the gateway in a process of its own, which holds the seeds' records."""
    url, key = served
    async with httpx2.AsyncClient(base_url=url, headers={"Authorization": key}, timeout=30) as client:
        yield client


def check_problem(answer: httpx2.Response, status: int, code: str) -> dict[str, Any]:
    """See what holds for every problem (RFC 9457), and give its body."""
    problem: dict[str, Any] = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json"), answer.text
    assert (problem["type"], problem["status"], problem["code"]) == ("about:blank", status, code), answer.text
    assert problem["title"]
    assert not INTERNALS.search(problem["detail"]), problem["detail"]
    assert len(problem["detail"]) < 600
    return problem


DAY = "2026-04-20T00:00:00Z"
PARAMETERS = [
    (f"{EVENTS}?nope=1", "nope", BAD, "no such parameter; known are apiKeyId"),
    (f"{EVENTS}?$where=1", "$where", BAD, "no such parameter"),
    (f"{EVENTS}?serviceName[$gt]=", "serviceName[$gt]", BAD, "no such parameter"),
    (f"{GROUPS}?limit=5", "limit", BAD, "no such parameter"),
    ("/summary/count?limit=5", "limit", BAD, "no such parameter"),
    (f"{EVENTS}?limit=0", "limit", BAD, "must be 1 or more, not 0"),
    (f"{EVENTS}?limit=-1", "limit", BAD, "must be 1 or more, not -1"),
    (f"{EVENTS}?limit=10001", "limit", LIMIT, "passes the limit of 10000"),
    (f"{EVENTS}?limit={'9' * 19}", "limit", LIMIT, "passes the limit of 10000"),
    (f"{EVENTS}?limit={'9' * 5000}", "limit", LIMIT, "passes the limit"),
    (f"{EVENTS}?limit=ten", "limit", BAD, "'ten' is not a whole number"),
    (f"{EVENTS}?limit=1.5", "limit", BAD, "'1.5' is not a whole number"),
    (f"{EVENTS}?limit=1e3", "limit", BAD, "'1e3' is not a whole number"),
    (f"{EVENTS}?limit=%D9%A3", "limit", BAD, "is not a whole number"),
    (f"{EVENTS}?limit=", "limit", BAD, "'' is not a whole number"),
    (f"{EVENTS}?limit=1&limit=1", "limit", BAD, "give it once"),
    (f"{EVENTS}?timeStart=2026-04-20T00:00:00", "timeStart", BAD, "has no time zone"),
    (f"{EVENTS}?timeEnd=2026-04-20T00:00:00.1234567", "timeEnd", BAD, "has no time zone"),
    (f"{EVENTS}?timeStart=yesterday", "timeStart", BAD, "'yesterday' is not an RFC 3339 time"),
    (f"{EVENTS}?timeStart=", "timeStart", BAD, "is not an RFC 3339 time"),
    (f"{EVENTS}?timeStart=2026-02-29T00:00:00Z", "timeStart", BAD, "does not exist"),
    (f"{EVENTS}?timeStart=2026-04-20T00:00:00.12345678Z", "timeStart", BAD, "7 fractional digits"),
    (f"{EVENTS}?timeStart={DAY}&timeEnd={DAY}", "timeStart", BAD, "must be before timeEnd"),
    (f"{GROUPS}?timeStart={DAY}&timeEnd=2026-04-19T23:59:59Z", "timeStart", BAD, "must be before timeEnd"),
    (f"{EVENTS}?minutes=5&timeStart={DAY}", "minutes", BAD, "either minutes or timeStart/timeEnd"),
    (f"{GROUPS}?minutes=5&timeEnd={DAY}", "minutes", BAD, "either minutes or timeStart/timeEnd"),
    (f"{EVENTS}?minutes=0", "minutes", BAD, "0 must be longer than zero"),
    (f"{EVENTS}?minutes=-5", "minutes", BAD, "-5 must be longer than zero"),
    (f"{EVENTS}?minutes={'9' * 18}", "minutes", BAD, "is longer than 36525 days"),
    (f"{EVENTS}?minutes=5.5", "minutes", BAD, "'5.5' is not a whole number"),
    (f"{EVENTS}?serviceName=a%00b", "serviceName", BAD, "cannot hold the character NUL"),
    (f"{EVENTS}?serviceName={'x' * 4097}", "serviceName", LIMIT, "4097 passes the limit of 4096"),
    ("/summary?limit=501", "limit", LIMIT, "501 passes the limit of 500"),
    ("/summary?offset=-1", "offset", BAD, "must be 0 or more, not -1"),
    ("/summary?offset=1000001", "offset", LIMIT, "1000001 passes the limit of 1000000"),
    ("/summary?sort=nope", "sort", BAD, "'nope' is no field; there are api_ref"),
    ("/summary?sort=$where", "sort", BAD, "'$where' is no field"),
    ("/summary?sort=--datetime", "sort", BAD, "'-datetime' is no field"),
    ("/summary?sort=", "sort", BAD, "'' is no field"),
    ("/summary?sort=datetime,-datetime", "sort", BAD, "datetime is given twice"),
    (f"/summary?sort={','.join(['api_ref'] * 9)}", "sort", LIMIT, "9 passes the limit of 8"),
    ("/summary?fields=", "fields", BAD, "'' is no field"),
    ("/summary?fields=org_name,_id", "fields", BAD, "'_id' is no field"),
    ("/summary/x?fields=secretHash", "fields", BAD, "'secretHash' is no field"),
    ("/summary?timeframe=7days", "timeframe", BAD, "'7days' is not of the form last<N>"),
    ("/summary?timeframe=last0days", "timeframe", BAD, "must be longer than zero"),
    ("/summary?timeframe=last999years", "timeframe", BAD, "longer than 36525 days"),
    (f"/summary?timeframe=last{'9' * 4000}days", "timeframe", BAD, "is not of the form"),
    (f"/summary/count?start={DAY}&end={DAY}", "start", BAD, "must be before end"),
    ("/summary?start=2026-04-20T00:00:00&timeframe=last7days", "start", BAD, "has no time zone"),
    ("/summary?bytes_sent=many", "bytes_sent", BAD, "whole number of at most 64 bits, not 'many'"),
    ("/summary?bytes_sent=not:", "bytes_sent", BAD, "whole number of at most 64 bits"),
    (f"/summary?time_to_serve_request={2**63}", "time_to_serve_request", BAD, "at most 64 bits"),
    ("/summary/a%00b", "id", BAD, "cannot hold the character NUL"),
    (f"/summary/{'x' * 4097}", "id", LIMIT, "4097 passes the limit of 4096"),
]


@pytest.mark.parametrize(
    ("address", "parameter", "code", "fragment"), PARAMETERS, ids=[address[-60:] for address, *_ in PARAMETERS]
)
async def test_what_cannot_be_meant_is_refused_by_name(
    client: httpx2.AsyncClient, address: str, parameter: str, code: str, fragment: str
) -> None:
    """400, the parameter in the detail and in `errors`, and what would be right."""
    problem = check_problem(await client.get(address), 400, code)
    assert problem["title"] == TITLES[code]
    assert problem["detail"].startswith(f"{parameter}: ")
    assert fragment in problem["detail"]
    assert problem["errors"] == [{"parameter": parameter, "detail": problem["detail"]}]


@pytest.mark.parametrize("query", ["serviceName=%ff", "serviceName=%ED%A0%80", "%C0%80=1", "serviceName=%F4%90%80%80"])
async def test_a_query_string_that_is_no_text_is_refused(client: httpx2.AsyncClient, query: str) -> None:
    """Invalid UTF-8, lone surrogates and overlong forms among it, whatever parameter it is in."""
    problem = check_problem(await client.get(f"{EVENTS}?{query}"), 400, BAD)
    assert problem["detail"] == "The query string is not percent-encoded UTF-8."


async def test_a_flood_of_parameters_is_refused(client: httpx2.AsyncClient) -> None:
    """With the bound."""
    problem = check_problem(await client.get(f"{EVENTS}?" + "serviceName=a&" * 500), 400, BAD)
    assert "more than 100 parameters" in problem["detail"]


@pytest.mark.parametrize(
    "address", ["/nope", "/summary/a/b", "/api/connection-analytics", "/summary/none", "/summary/%ff"]
)
async def test_what_is_not_there_is_a_problem_too(client: httpx2.AsyncClient, address: str) -> None:
    """404 in the same form, for an unknown path and for an unknown record."""
    check_problem(await client.get(address), 404, "NOT_FOUND")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize("address", [EVENTS, GROUPS, "/summary", "/summary/count", "/summary/x"])
async def test_rest_only_reads(client: httpx2.AsyncClient, method: str, address: str) -> None:
    """405 in the same form, with the methods that would be right."""
    answer = await client.request(method, address, content=b"{")
    check_problem(answer, 405, "METHOD_NOT_ALLOWED")
    assert "GET" in answer.headers["allow"]


STRANGE = ["$where", "{$gt: ''}", "$serviceName", ".*", "^", "a|b", "\\", "%", "[a-z]", "(?i)a", "//", "\U0010ffff"]


async def test_text_is_literal_in_rest(gateway: Gateway) -> None:
    """Each text finds the one record that has it; none is an operator, pattern or field."""
    event, call, key = seed_connection_events()[0], seed_summary_events()[0], await gateway.key()
    texts = ["", "a", *STRANGE]
    assert await gateway.load_connection_events([{**event, "eventId": t, "serviceName": t} for t in texts[1:]]) == []
    assert await gateway.load_summary_events([{**call, "summary_event_id": t, "api_ref": t} for t in texts[1:]]) == []
    for text in STRANGE:
        found = (await gateway.get(key, EVENTS, serviceName=text)).json()
        assert [record["eventId"] for record in found] == [text]
        listed = (await gateway.get(key, "/summary", api_ref=text)).json()
        assert [record["summary_event_id"] for record in listed["events"]] == [text]
        others = (await gateway.get(key, "/summary/count", api_ref=f"not:{text}")).json()
        assert others == {"total": len(texts) - 2}
        if "/" not in text:
            one = await gateway.get(key, f"/summary/{quote(text, safe='')}")
            assert one.json()["summary_event_id"] == text


async def test_text_is_literal_in_graphql(gateway: Gateway) -> None:
    """The same for each operator on text."""
    event, key = seed_connection_events()[0], await gateway.key()
    records = [{**event, "eventId": f"e{text}", "serviceName": text} for text in ["", "a", *STRANGE]]
    assert await gateway.load_connection_events(records) == []
    query = "query($f: ConnectionEventFilter) { connectionEvents(filter: $f) { totalCount nodes { eventId } } }"
    for text in STRANGE:
        for operators in ({"eq": text}, {"in": [text]}, {"startsWith": text}, {"contains": text}):
            data = await gateway.data(key, query, {"f": {"serviceName": operators}})
            assert data["connectionEvents"] == {"totalCount": 1, "nodes": [{"eventId": f"e{text}"}]}, operators
        for operators in ({"ne": text}, {"notIn": [text]}):
            data = await gateway.data(key, query, {"f": {"serviceName": operators}})
            assert data["connectionEvents"]["totalCount"] == len(records) - 1, operators
