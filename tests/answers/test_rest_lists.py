"""REST lists and counts agree with the brute-force oracle, body for body."""

from collections.abc import Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.answers.asking import NOW, fill, keys_of, on_a_database
from tests.gateways import Gateway
from tests.oracle import connections, instants, rest, specimens
from tests.oracle.datasets import CONNECTION_EVENTS, SUMMARY_EVENTS, Dataset, Record, deduplicated
from tests.oracle.specimens import ORG_NAMES, ORGANIZATIONS
from tests.strategies import connection_events, summary_events, windows

_CONNECTION_PARAMETERS = ("apiKeyId", "connectionId", "serviceName", "protocolName", "dataCenter", "eventType")
_STORED = {"apiKeyId": "apikeyId", "consumer_org_name": "developer_org_name", "provider_org_name": "org_name"}
_SUMMARY_PARAMETERS = (
    "api_ref",
    "app_name",
    "catalog_name",
    "consumer_org_name",
    "gateway_service_name",
    "plan_id",
    "product_ref",
    "provider_org_name",
    "space_name",
    "summary_event_id",
    "bytes_received",
    "bytes_sent",
    "time_to_serve_request",
)


@st.composite
def parameters(
    draw: st.DrawFn, records: Sequence[Record], dataset: Dataset, names: tuple[str, ...], edges: tuple[str, str]
) -> dict[str, str]:
    """Draw a window's edges and up to two filters with values that are there, or near."""
    window = draw(windows(records, dataset))
    # Both edges are included: the last included instant is one tick before the end that is excluded.
    ends = (window.start, None if window.end is None else window.end - 1)
    given_edges = {name: instants.render(tick) for name, tick in zip(edges, ends, strict=True) if tick is not None}
    if len(given_edges) == 2 and given_edges[edges[0]] >= given_edges[edges[1]]:
        del given_edges[edges[1]]
    given_filters: dict[str, str] = {}
    for name in draw(st.lists(st.sampled_from(names), max_size=2, unique=True)):
        known = [record.get(_STORED.get(name, name)) for record in records]
        values = [str(value) for value in known if value is not None]
        near = st.sampled_from(specimens.DATA_CENTERS if name == "dataCenter" else specimens.TEXTS)
        number = name.startswith(("bytes_", "time_"))
        given_filters[name] = draw(st.sampled_from(values) if values else st.just("7") if number else near)
    return {**given_edges, **given_filters}


async def _same(gateway: Gateway, key: str, path: str, asked: dict[str, str], expected: Any) -> None:
    answer = await gateway.get(key, path, **asked)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    if isinstance(body, dict):
        body.pop("search_time", None)
    assert body == expected


@given(data=st.data())
@on_a_database
async def test_connection_lists_agree_with_the_oracle(gateway: Gateway, data: st.DataObject) -> None:
    """Events and summary: any filters and window, both ends included, for either organization."""
    events = data.draw(connection_events())
    await fill(gateway, CONNECTION_EVENTS, events)
    asked = data.draw(parameters(events, CONNECTION_EVENTS, _CONNECTION_PARAMETERS, ("timeStart", "timeEnd")))
    statuses = connections.statuses(deduplicated(events, CONNECTION_EVENTS))
    narrowed: dict[str, str] = {
        name: asked[name]
        for name in ("serviceName", "protocolName", "dataCenter", "timeStart", "timeEnd")
        if name in asked
    }
    for organization, key in zip(ORGANIZATIONS, await keys_of(gateway), strict=True):
        expected = rest.connection_events(events, organization, asked, NOW)
        await _same(gateway, key, "/api/connection-analytics/events/query", asked, expected)
        summary = rest.connection_summary(statuses, organization, narrowed, NOW)
        await _same(gateway, key, "/api/connection-analytics/summary", narrowed, summary)


@given(data=st.data())
@on_a_database
async def test_summary_lists_agree_with_the_oracle(gateway: Gateway, data: st.DataObject) -> None:
    """List, count and single record: any filters with or without `not:`, window, sort, slice and fields."""
    events = data.draw(summary_events())
    await fill(gateway, SUMMARY_EVENTS, events)
    asked = data.draw(parameters(events, SUMMARY_EVENTS, _SUMMARY_PARAMETERS, ("start", "end")))
    if data.draw(st.booleans()):
        words = ("success", "error", "20x", "4xx", "404", "200 OK", "5xx", "599")
        asked["status_code"] = data.draw(st.sampled_from(words))
    for name in [name for name in asked if name not in {"start", "end"} and not asked[name].startswith("not:")]:
        if data.draw(st.booleans()):
            asked[name] = "not:" + asked[name]
    names = list(SUMMARY_EVENTS.stored.values())
    listed = {
        **asked,
        "limit": str(data.draw(st.integers(1, 45))),
        "offset": str(data.draw(st.integers(0, 12))),
        "sort": data.draw(st.sampled_from(["", "-"])) + data.draw(st.sampled_from(names)),
        "fields": ",".join(data.draw(st.lists(st.sampled_from(names), min_size=1, unique=True))),
    }
    identifiers = sorted({event["summary_event_id"] for event in events} | {"nobody"})
    for org_name, key in zip(ORG_NAMES, await keys_of(gateway), strict=True):
        await _same(gateway, key, "/summary", asked, rest.summary_page(events, org_name, asked, NOW))
        await _same(gateway, key, "/summary", listed, rest.summary_page(events, org_name, listed, NOW))
        await _same(gateway, key, "/summary/count", asked, rest.summary_count(events, org_name, asked, NOW))
        identifier = data.draw(st.sampled_from(identifiers))
        expected = rest.summary_event(events, org_name, identifier)
        answer = await gateway.get(key, f"/summary/{identifier}")
        assert (answer.status_code, answer.json() if answer.status_code == 200 else None) == (
            (200, expected) if expected else (404, None)
        )
