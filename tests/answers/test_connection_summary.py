"""connectionSummary agrees with the brute-force oracle: every measure, window, filter and order."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.answers.asking import NOW, fill, keys_of, on_a_database, order_input
from tests.gateways import Gateway
from tests.oracle import connections, summary
from tests.oracle.datasets import CONNECTION_EVENTS, Record, deduplicated
from tests.oracle.pages import Order
from tests.oracle.specimens import ORGANIZATIONS
from tests.strategies import connection_summary_cases

FIELDS = (
    "organizationId",
    "serviceName",
    "protocolName",
    "dataCenter",
    "totalConnections",
    "newConnectionsInPeriod",
    "activeConnections",
    "uniqueApiKeys",
    "averageConnectionDurationSeconds",
    "totalConnectionTimeSeconds",
    "connectionTimeInPeriodSeconds",
    "firstConnection",
    "lastConnection",
    "lastActivity",
)
_QUERY = (
    "query($filter: ConnectionSummaryFilter, $orderBy: [ConnectionSummaryOrder!], $limit: Int) "
    "{ rows: connectionSummary(filter: $filter, orderBy: $orderBy, limit: $limit) { %s } }"
)

orders = st.lists(
    st.tuples(st.sampled_from(FIELDS[1:]), st.sampled_from(["ASC", "DESC"])),
    max_size=3,
    unique_by=lambda order: order[0],
)


@given(
    case=connection_summary_cases(),
    order=orders,
    limit=st.none() | st.integers(1, 6),
    wanted=st.lists(st.sampled_from(FIELDS), min_size=1, unique=True),
)
@on_a_database
async def test_the_summary_agrees_with_the_oracle(
    gateway: Gateway,
    case: tuple[list[Record], dict[str, Any]],
    order: list[Order],
    limit: int | None,
    wanted: list[str],
) -> None:
    """All fields at once and any selection of them, for either organization."""
    events, given_filter = case
    await fill(gateway, CONNECTION_EVENTS, events)
    statuses = connections.statuses(deduplicated(events, CONNECTION_EVENTS))
    variables = {"filter": given_filter, "orderBy": order_input(order) or None}
    for organization, key in zip(ORGANIZATIONS, await keys_of(gateway), strict=True):
        expected = summary.rows(statuses, organization, given_filter, NOW, order or None)
        answer = await gateway.data(key, _QUERY % " ".join(FIELDS), variables)
        assert answer["rows"] == expected
        part = await gateway.data(key, _QUERY % " ".join(wanted), {**variables, "limit": limit})
        assert part["rows"] == [{name: row[name] for name in wanted} for row in expected[:limit]]
