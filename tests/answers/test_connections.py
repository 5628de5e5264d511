"""Pages of connections agree with the brute-force oracle, through both doors."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from app.query.instants import now
from tests.answers.asking import NOW, fill, keys_of, on_a_database, order_input, walk
from tests.gateways import Gateway
from tests.oracle import connections, filters, instants, pages
from tests.oracle.datasets import CONNECTION_EVENTS, CONNECTIONS, Record, deduplicated
from tests.oracle.pages import Order
from tests.oracle.specimens import ORGANIZATIONS
from tests.strategies import connection_summary_cases, orders

_STORED = " ".join(f"{stored}: {name}" for name, stored in CONNECTIONS.stored.items())
_QUERY = (
    "query($filter: ConnectionFilter, $orderBy: [ConnectionOrder!], $first: Int, $after: String) "
    "{ page: connections(filter: $filter, orderBy: $orderBy, first: $first, after: $after) { totalCount "
    f"pageInfo {{ hasNextPage endCursor }} nodes {{ {_STORED} isActive connectionDurationSeconds }} }} }}"
)
_REST_FIELDS = (
    *("connectionId", "organizationId", "apikeyId", "host", "ipAddress", "protocolName", "serviceName", "dataCenter"),
    *("lastHeartbeat", "connectionStartTime", "connectionDurationSeconds", "isActive"),
)


def shown(status: Record) -> Record:
    """A status as it goes out: long past, so never active."""
    seconds = connections.duration(status) / instants.TICKS_PER_SECOND
    fields = {stored: status.get(stored) for stored in CONNECTIONS.stored.values()}
    return {**fields, "isActive": False, "connectionDurationSeconds": seconds}


@given(case=connection_summary_cases(), order=orders(CONNECTIONS), first=st.integers(1, 12))
@on_a_database
async def test_connections_agree_with_the_oracle(
    gateway: Gateway, case: tuple[list[Record], dict[str, Any]], order: list[Order], first: int
) -> None:
    """Any filter, order and page size, for either organization; the REST list is the unfiltered default order."""
    events, given_filter = case
    await fill(gateway, CONNECTION_EVENTS, events)
    statuses = connections.statuses(deduplicated(events, CONNECTION_EVENTS))
    variables = {"filter": given_filter, "orderBy": order_input(order) or None}
    for organization, key in zip(ORGANIZATIONS, await keys_of(gateway), strict=True):
        matching = filters.select(statuses, CONNECTIONS, organization, given_filter, NOW)
        expected = [shown(status) for status in pages.ordered(matching, CONNECTIONS, order)]
        answers = await walk(gateway, key, _QUERY, variables, first)
        assert [node for answer in answers for node in answer["nodes"]] == expected
        assert {answer["totalCount"] for answer in answers} == {len(expected)}
        mine = [status for status in statuses if status["organizationId"] == organization]
        listed = (await gateway.get(key, "/api/connection-analytics/query")).json()
        in_order = [shown(status) for status in pages.ordered(mine, CONNECTIONS)]
        assert [{name: row[name] for name in _REST_FIELDS} for row in listed] == [
            {name: status[name] for name in _REST_FIELDS} for status in in_order
        ]
        assert all(list(row) == [*_REST_FIELDS[:10], "updatedAt", *_REST_FIELDS[10:]] for row in listed)


async def test_active_connections_are_those_with_a_heartbeat_in_the_last_two_minutes(gateway: Gateway) -> None:
    """`isActive` and `activeOnly`: open, and beating; a disconnect or two silent minutes end it."""
    key, moment = await gateway.key(), now()

    def event(connection: str, kind: str, seconds_ago: int) -> Record:
        at = moment - seconds_ago * instants.TICKS_PER_SECOND
        return {
            "eventId": f"{connection}-{kind}",
            "connectionId": connection,
            "organizationId": ORGANIZATIONS[0],
            "eventType": kind,
            "eventTimestamp": instants.render(at),
        }

    events = [event("beating", "connect", 600), event("beating", "heartbeat", 30), event("silent", "connect", 180)]
    events += [event("gone", "connect", 60), event("gone", "disconnect", 20)]
    assert await gateway.load_connection_events(events) == []
    for asked, expected in ((True, ["beating"]), (False, ["gone", "silent"])):
        query = f"{{ connections(filter: {{isActive: {str(asked).lower()}}}) {{ nodes {{ connectionId isActive }} }} }}"
        nodes = (await gateway.data(key, query))["connections"]["nodes"]
        assert nodes == [{"connectionId": name, "isActive": asked} for name in expected]
    listed = (await gateway.get(key, "/api/connection-analytics/query", activeOnly="true")).json()
    assert [row["connectionId"] for row in listed] == ["beating"]
    groups = (await gateway.data(key, "{ connectionGroups { nodes { count activeCount } } }"))["connectionGroups"]
    assert groups["nodes"] == [{"count": 3, "activeCount": 1}]


async def test_times_of_a_status_are_compared_to_the_tick(gateway: Gateway) -> None:
    """Status times are whole milliseconds; an instant between two of them equals none and parts them rightly."""
    key = await gateway.key()
    times = {"a": "2026-01-01T00:00:00.001Z", "b": "2026-01-01T00:00:00.002Z"}
    await gateway.load_connection_events(
        [
            {
                "eventId": name,
                "connectionId": name,
                "organizationId": ORGANIZATIONS[0],
                "eventType": "connect",
                "eventTimestamp": at,
            }
            for name, at in times.items()
        ]
    )
    between, exact = "2026-01-01T00:00:00.0015Z", times["b"]
    table = [
        ({"gt": between}, "b"), ({"gte": between}, "b"), ({"lt": between}, "a"), ({"lte": between}, "a"),
        ({"eq": between}, ""), ({"ne": between}, "ab"), ({"in": [between, exact]}, "b"), ({"notIn": [exact]}, "a"),
        ({"gt": exact}, ""), ({"gte": exact}, "b"), ({"lt": exact}, "a"), ({"lte": exact}, "ab"),
        ({"isNull": True}, ""), ({"isNull": False}, "ab"),
    ]  # fmt: skip
    query = "query($f: ConnectionFilter) { connections(filter: $f) { nodes { connectionId } } }"
    for operators, expected in table:
        nodes = (await gateway.data(key, query, {"f": {"lastActivity": operators}}))["connections"]["nodes"]
        assert sorted(node["connectionId"] for node in nodes) == list(expected), operators
