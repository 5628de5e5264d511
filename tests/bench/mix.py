"""The mixed requests of an organization that asks for much, and of one that asks for little."""

from collections.abc import Sequence

from tests.bench.asks import Get, Post, values

_PAGE = (
    "{ connectionEvents(first: 100) "
    "{ totalCount nodes { eventId eventType eventTimestamp serviceName dataCenter host ipAddress } } }"
)
_SUMMARY = (
    "{ connectionSummary { serviceName dataCenter totalConnections uniqueApiKeys averageConnectionDurationSeconds } }"
)
_ROWS = "{ summaryEvents(first: 1000) { nodes { datetime apiRef statusCode timeToServeRequest bytesSent appName } } }"
_GROUPS = (
    '{ summaryEventGroups(filter: {time: {last: "P7D"}}) '
    "{ nodes { dimensions { apiRef } count timeToServeRequest { avg p99: quantile(p: 0.99) } } } }"
)
_ERRORS = (
    "{ summaryEvents(first: 20, filter: {statusCode: {outcome: ERROR}}) { nodes { datetime apiRef statusCode } } }"
)
GREEDY_MIX = (_PAGE, _SUMMARY, _ROWS, _GROUPS, _ERRORS)
MODEST_MIX = (_PAGE, _ERRORS)
_ROUTES = ("/summary?limit=100", "/api/connection-analytics/query?limit=100", "/api/connection-analytics/events/query")


def graphql_requests(queries: Sequence[str], key: str, client: int = 0) -> tuple[bytes, ...]:
    """Write requests of GraphQL; clients of different numbers ask in different words."""
    return tuple(Post(query, values).written(key, client) for query in queries)


def rest_requests(key: str) -> tuple[bytes, ...]:
    """Write requests of REST."""
    return tuple(Get(route, values).written(key) for route in _ROUTES)
