"""Answers over windows that have closed may be kept for a moment, and compared later; all others may not."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from app.query.instants import Instant, instant_from_date
from app.server.validators import CLOSED_SECONDS, is_closed
from tests.gateways import Gateway

END = "2026-04-02T00:00:00Z"
WINDOW = f'filter: {{time: {{start: "2026-04-01T00:00:00Z", end: "{END}"}}}}'
CLOSED = {
    "count": ("/summary/count", {"end": END}),
    "list": ("/summary", {"end": END, "timeframe": "last1day"}),
    "scoped": ("/analytics/any/orgs/ibm/summary", {"end": END, "status_code": "not:error"}),
    "events": ("/api/connection-analytics/events/query", {"timeEnd": END, "limit": "5"}),
    "page": ("/graphql", {"query": f"{{ __typename summaryEvents({WINDOW}) {{ totalCount nodes {{ apiRef }} }} }}"}),
    "groups": ("/graphql", {"query": f"{{ summaryEventGroups({WINDOW}) {{ nodes {{ count }} }} }}"}),
    "alias": ("/graphql", {"query": f"{{ summaryEvents({WINDOW}) {{ search_time: totalCount }} }}"}),
    "variable": (
        "/graphql",
        {
            "query": "query($end: DateTime) { connectionEvents(filter: {time: {end: $end}}) { totalCount } }",
            "variables": '{"end": 1700000000000}',
        },
    ),
}
OPEN = {
    "no window": ("/summary/count", {}),
    "no end": ("/summary/count", {"start": END}),
    "relative": ("/summary", {"timeframe": "last1day"}),
    "one": ("/summary/call-1", {}),
    "status": ("/api/connection-analytics/query", {"timeEnd": END}),
    "summary": ("/api/connection-analytics/summary", {"timeEnd": END}),
    "later": ("/summary/count", {"end": "2100-01-01T00:00:00Z"}),
    "connections": ("/graphql", {"query": f"{{ connections({WINDOW}) {{ totalCount }} }}"}),
    "two": ("/graphql", {"query": f"{{ a: summaryEvents({WINDOW}) {{ totalCount }} summaryEvents {{ totalCount }} }}"}),
    "viewer": ("/graphql", {"query": "{ viewer { orgName } }"}),
    "typename": ("/graphql", {"query": "{ __typename }"}),
    "introspection": ("/graphql", {"query": "{ __schema { queryType { name } } }"}),
    "event": ("/graphql", {"query": '{ summaryEvent(id: "call-1") { apiRef } }'}),
    "error": ("/graphql", {"query": f"{{ summaryEvents({WINDOW}, first: -1) {{ totalCount }} }}"}),
}


async def ask(gateway: Gateway, key: str, asked: tuple[str, dict[str, str]], **headers: str) -> httpx2.Response:
    """Ask by GET."""
    path, parameters = asked
    return await gateway.client.get(path, params=parameters, headers={"X-API-Key": key, **headers})


def call(number: int) -> dict[str, Any]:
    """A summary event of the window."""
    return {"summary_event_id": f"call-{number}", "org_name": "ibm", "datetime": "2026-04-01T12:00:00.000Z"}


@pytest.mark.parametrize("name", CLOSED)
async def test_an_answer_over_a_closed_window_may_be_kept(gateway: Gateway, name: str) -> None:
    """By the client alone, for a minute; then it is compared, and sent again only where it has changed."""
    key = await gateway.key()
    await gateway.load_summary_events([call(1)])
    first = await ask(gateway, key, CLOSED[name])
    assert first.status_code == 200, first.text
    assert first.headers["Cache-Control"] == "private, max-age=60"
    assert {"Authorization", "X-API-Key"} <= set(first.headers["Vary"].split(", "))
    tag = first.headers["ETag"]
    for held in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        same = await ask(gateway, key, CLOSED[name], **{"If-None-Match": held})
        assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)
    other = await ask(gateway, key, CLOSED[name], **{"If-None-Match": 'W/"other"'})
    assert (other.status_code, other.headers["ETag"]) == (200, tag)


@pytest.mark.parametrize("name", ["count", "list", "page", "groups", "alias"])
async def test_a_late_record_makes_another_answer(gateway: Gateway, name: str) -> None:
    """The tag is of what the answer says."""
    key = await gateway.key()
    await gateway.load_summary_events([call(1)])
    tag = (await ask(gateway, key, CLOSED[name])).headers["ETag"]
    await gateway.load_summary_events([call(2)])
    changed = await ask(gateway, key, CLOSED[name], **{"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != tag


@pytest.mark.parametrize("name", OPEN)
async def test_every_other_answer_is_kept_by_nobody(gateway: Gateway, name: str) -> None:
    """Where the window has not closed, where records change, where there is an error."""
    key = await gateway.key()
    await gateway.load_summary_events([call(1)])
    answer = await ask(gateway, key, OPEN[name], **{"If-None-Match": "*"})
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert "ETag" not in answer.headers


async def test_an_answer_to_a_post_is_kept_by_nobody(gateway: Gateway) -> None:
    """Caches do not keep those."""
    key = await gateway.key()
    answer = await gateway.client.post("/graphql", json=CLOSED["page"][1], headers={"X-API-Key": key})
    assert "ETag" not in answer.headers


@pytest.mark.parametrize("seconds", [-5, CLOSED_SECONDS - 5, CLOSED_SECONDS + 5])
def test_a_window_closes_an_hour_after_its_end(seconds: int) -> None:
    """Records may come late."""
    end = instant_from_date(datetime.now(UTC) - timedelta(seconds=seconds))
    assert is_closed(end) is (seconds > CLOSED_SECONDS)
    assert not is_closed(None)
    assert is_closed(Instant(0))
