"""One organization never learns anything of another: not by filter, cursor, id or path, through either door."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from hypothesis import given
from hypothesis import strategies as st

from app.registry import DATASETS
from app.server.graphql.schema import build_schema
from tests.answers.asking import keys_of, on_a_database, page_query
from tests.gateways import Gateway
from tests.oracle import datasets
from tests.oracle.datasets import Record
from tests.oracle.specimens import ORG_NAMES, ORGANIZATIONS
from tests.strategies import connection_events, filters, summary_events

Json = dict[str, Any]
_FOREIGN = "only the other organization has this"
_SUMMARY_QUERY = (
    "query($filter: ConnectionSummaryFilter) { connectionSummary(filter: $filter) { organizationId serviceName "
    "protocolName dataCenter totalConnections newConnectionsInPeriod activeConnections uniqueApiKeys "
    "totalConnectionTimeSeconds connectionTimeInPeriodSeconds firstConnection lastConnection lastActivity } }"
)
_EVENT_QUERY = "query($id: ID!) { summaryEvent(id: $id) { summaryEventId orgName apiRef appName } }"
_GROUPS_QUERY = (
    "query($filter: {kind}Filter) {{ {root}(filter: $filter, limit: 1000) {{ truncated nodes {{ "
    "dimensions {{ {dimension} at: time(every: DAY) }} count uniq {{ {dimension} }} }} }} }}"
)
_STATUS_QUERY = (
    "query($filter: ConnectionFilter, $first: Int, $after: String) { page: connections(filter: $filter, first: $first, "
    "after: $after) { totalCount pageInfo { endCursor } nodes { connectionId organizationId host serviceName isActive "
    "connectionDurationSeconds lastActivity } } }"
)
_VIEWER_QUERY = "{ viewer { organizationId orgName } }"


def _theirs(records: list[Record], field: str) -> list[Record]:
    """The other organization's records: the same ids, names and times, and a mark in one field of each."""
    return [
        {
            **record,
            **({"organizationId": ORGANIZATIONS[1]} if "organizationId" in record else {"org_name": ORG_NAMES[1]}),
            field: _FOREIGN,
        }
        for record in records
    ]


def _mine(records: list[Record]) -> list[Record]:
    return [
        one for one in records if one.get("organizationId", one.get("org_name")) in (ORGANIZATIONS[0], ORG_NAMES[0])
    ]


@st.composite
def graphql_requests(draw: st.DrawFn, events: list[Record], calls: list[Record]) -> dict[str, tuple[str, Json]]:
    """Draw a request to every root field, by name; filters name the other organization too."""
    event_filter = draw(filters(datasets.CONNECTION_EVENTS, events, tenant=True))
    call_filter = draw(filters(datasets.SUMMARY_EVENTS, calls, tenant=True))
    status_filter = draw(filters(datasets.CONNECTIONS, events, time=False, tenant=True))
    identifier = draw(st.sampled_from(sorted({call["summary_event_id"] for call in calls} | {"x"})))
    first = draw(st.integers(0, 40))
    return {
        "viewer": (_VIEWER_QUERY, {}),
        "connectionSummary": (_SUMMARY_QUERY, {"filter": status_filter}),
        "connectionEvents": (
            page_query("connectionEvents", datasets.CONNECTION_EVENTS),
            {"filter": event_filter, "first": first},
        ),
        "summaryEvents": (
            page_query("summaryEvents", datasets.SUMMARY_EVENTS),
            {"filter": call_filter, "first": first},
        ),
        "summaryEvent": (_EVENT_QUERY, {"id": identifier}),
        "connections": (_STATUS_QUERY, {"filter": status_filter, "first": first}),
        "connectionGroups": (
            _GROUPS_QUERY.format(kind="Connection", root="connectionGroups", dimension="host"),
            {"filter": status_filter},
        ),
        "connectionEventGroups": (
            _GROUPS_QUERY.format(kind="ConnectionEvent", root="connectionEventGroups", dimension="eventDescription"),
            {"filter": event_filter},
        ),
        "summaryEventGroups": (
            _GROUPS_QUERY.format(kind="SummaryEvent", root="summaryEventGroups", dimension="appName"),
            {"filter": call_filter},
        ),
    }


@st.composite
def rest_requests(draw: st.DrawFn, calls: list[Record]) -> dict[str, tuple[str, Json]]:
    """Draw a request to every REST route, by its path."""
    identifier = draw(st.sampled_from(sorted({call["summary_event_id"] for call in calls} | {"x"})))
    owner = draw(
        st.sampled_from([{}, *({"provider_org_name": f"{no}{name}"} for name in ORG_NAMES for no in ("", "not:"))])
    )
    org, service = draw(st.sampled_from(ORG_NAMES)), "analytics"
    catalogs = sorted({str(call["catalog_name"]) for call in calls if call.get("catalog_name")}) or ["c"]
    catalog = quote(draw(st.sampled_from(catalogs)), safe="")
    prefixes = {
        "/analytics/{service}/orgs/{org}": f"/analytics/{service}/orgs/{org}",
        "/analytics/{service}/catalogs/{org}/{catalog}": f"/analytics/{service}/catalogs/{org}/{catalog}",
        "/analytics/{service}/spaces/{org}/{catalog}/{space}": f"/analytics/{service}/spaces/{org}/{catalog}/s",
    }
    scoped: dict[str, tuple[str, Json]] = {
        f"{template}/summary{rest}": (f"{prefix}/summary{rest.format(id=identifier)}", {})
        for template, prefix in prefixes.items()
        for rest in ("", "/count", "/{id}")
    }
    return scoped | {
        "/api/connection-analytics/query": ("/api/connection-analytics/query", {}),
        "/api/connection-analytics/summary": ("/api/connection-analytics/summary", {}),
        "/api/connection-analytics/events/query": ("/api/connection-analytics/events/query", {"limit": "40"}),
        "/summary": ("/summary", owner),
        "/summary/count": ("/summary/count", owner),
        "/summary/{id}": (f"/summary/{identifier}", {}),
    }


def _same_keys(requests: Json, known: Callable[[], set[str]]) -> None:
    assert set(requests) == known(), "an operation was added or removed: ask it here too"


def _root_fields() -> set[str]:
    query = build_schema()._schema.query_type  # noqa: SLF001 - the graphql-core schema under Strawberry's
    assert query is not None
    return set(query.fields)


def _paths() -> set[str]:
    return {route.path for one in DATASETS for route in one.routes}


async def _answers(
    gateway: Gateway, key: str, asked: dict[str, tuple[str, Json]], rest: dict[str, tuple[str, Json]]
) -> list[Any]:
    """Ask everything; for pages, also what follows the first one."""
    answers: list[Any] = []
    for query, variables in asked.values():
        body = await gateway.post(key, query, variables)
        answers.append(body)
        cursor = ((body.get("data") or {}).get("page") or {}).get("pageInfo", {}).get("endCursor")
        if cursor is not None:
            answers.append(await gateway.post(key, query, {**variables, "after": cursor}))
    for path, parameters in rest.values():
        response = await gateway.get(key, path, **parameters)
        body = response.json()
        if isinstance(body, dict):
            body.pop("search_time", None)
        answers.append((response.status_code, body))
    return answers


@given(data=st.data())
@on_a_database
async def test_answers_are_the_same_whether_or_not_another_organization_has_data(
    gateway: Gateway, data: st.DataObject
) -> None:
    """Every operation answers alike before and after the other's records, of equal ids, are loaded; none shows."""
    events, calls = data.draw(connection_events()), data.draw(summary_events())
    mine = (_mine(events), _mine(calls))
    asked = data.draw(graphql_requests(events, calls))
    rest = data.draw(rest_requests(calls))
    _same_keys(asked, _root_fields)
    _same_keys(rest, _paths)
    key, their_key = await keys_of(gateway)
    await gateway.clear()
    await gateway.load_connection_events(mine[0])
    await gateway.load_summary_events(mine[1])
    alone = await _answers(gateway, key, asked, rest)
    await gateway.load_connection_events(_theirs(mine[0], "eventDescription"))
    await gateway.load_summary_events(_theirs(mine[1], "app_name"))
    beside = await _answers(gateway, key, asked, rest)
    assert beside == alone
    assert _FOREIGN not in str(beside)
    # Their cursors are positions like any other: with my key they still lead through my records only.
    for root, dataset in (("connectionEvents", datasets.CONNECTION_EVENTS), ("summaryEvents", datasets.SUMMARY_EVENTS)):
        query = page_query(root, dataset)
        page = (await gateway.data(their_key, query, {"first": 1}))["page"]
        if page["nodes"]:
            assert _FOREIGN in str(page)
            after = await gateway.post(key, query, {"first": 40, "after": page["pageInfo"]["endCursor"]})
            assert "errors" not in after
            assert _FOREIGN not in str(after)
