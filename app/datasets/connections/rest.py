"""Connections in REST."""

from collections.abc import Mapping
from typing import Any

from app.datasets.connections.activity import active_expression
from app.datasets.connections.fields import CONNECTIONS
from app.datasets.connections.operations import summarize
from app.datasets.connections.summary import SUMMARY_FIELDS, SummaryQuery
from app.faces.context import RequestContext
from app.faces.rendering import derive, render_rows
from app.faces.rest.exports import Export
from app.faces.rest.parameters import boolean, integer, read_rows, text, window_parameters
from app.faces.rest.routes import RestRoute, array_of, record, record_schema
from app.query.conditions import AllOf, Comparison, Computed, Condition, InWindow, Operator
from app.query.limits import PAGE_ROWS
from app.query.ordering import complete_order
from app.query.pages import PageQuery
from app.query.windows import CONNECTION_WINDOW, resolve_window
from app.store.pages import read_page

_FILTERS = {"serviceName": Operator.EQ, "protocolName": Operator.EQ, "dataCenter": Operator.BELOW}
# The source's fields: it has neither of the two that GraphQL adds.
_FIELDS = tuple(
    field for field in SUMMARY_FIELDS if field.name not in {"activeConnections", "connectionTimeInPeriodSeconds"}
)
_NAMES = tuple(field.name for field in _FIELDS)


async def _summary(context: RequestContext, values: Mapping[str, Any], _path: Mapping[str, str]) -> Any:
    conditions = (
        Comparison(CONNECTIONS.by_name[name], operator, values[name])
        for name, operator in _FILTERS.items()
        if name in values
    )
    query = SummaryQuery(
        now=context.now,
        fields=frozenset(_NAMES),
        window=resolve_window(values, CONNECTION_WINDOW, context.now),
        condition=AllOf(tuple(conditions)),
    )
    return [record(row, _NAMES) for row in (await summarize(context.reader, query)).rows]


_STATUS_NAMES = (
    "connectionId",
    "organizationId",
    "apikeyId",
    "host",
    "ipAddress",
    "protocolName",
    "serviceName",
    "dataCenter",
    "lastHeartbeat",
    "connectionStartTime",
    "updatedAt",
    "connectionDurationSeconds",
    "isActive",
)
_STATUS_FIELDS = {
    field.name: field for field in (*CONNECTIONS.fields, *(derived.field for derived in CONNECTIONS.derived))
}
_STATUS_RECORD = tuple(_STATUS_FIELDS[name] for name in _STATUS_NAMES)
_STATUS_FILTERS = {"apiKeyId": "apikeyId", "connectionId": "connectionId"} | {name: name for name in _FILTERS}
_DEFAULT_ROWS = 1000


def _read_status_filters(values: Mapping[str, Any], context: RequestContext) -> AllOf:
    window = resolve_window(values, CONNECTION_WINDOW, context.now)
    conditions: list[Condition] = [InWindow(CONNECTIONS.time_field, None, window)]
    for name, field in _STATUS_FILTERS.items():
        if name in values:
            operator = _FILTERS.get(name, Operator.EQ)
            conditions.append(Comparison(CONNECTIONS.by_name[field], operator, values[name]))
    if values.get("activeOnly"):
        conditions.append(Computed(active_expression(context.now)))
    return AllOf(tuple(conditions))


async def _statuses(context: RequestContext, values: Mapping[str, Any], _path: Mapping[str, str]) -> Any:
    query = PageQuery(
        dataset=CONNECTIONS,
        order=complete_order(CONNECTIONS, None),
        first=read_rows(values, _DEFAULT_ROWS, PAGE_ROWS),
        condition=_read_status_filters(values, context),
    )
    page = await read_page(context.reader, query)
    derive(CONNECTIONS, page.rows, _STATUS_NAMES, context.now)
    render_rows(CONNECTIONS, page.rows, CONNECTIONS.fields)
    return [record(row, _STATUS_NAMES) for row in page.rows]


_STATUS_PARAMETERS = (
    *(text(name, CONNECTIONS.by_name[field].description) for name, field in _STATUS_FILTERS.items()),
    boolean("activeOnly", "Only connections that are open, with a heartbeat in the last 2 minutes."),
    *window_parameters(CONNECTION_WINDOW, "connectionStartTime"),
)

ROUTES = (
    RestRoute(
        path="/api/connection-analytics/query",
        name="connections",
        description="The status of connections, the latest begun first.",
        answer=_statuses,
        parameters=(
            *_STATUS_PARAMETERS,
            integer("limit", "How many connections at most.", 1, PAGE_ROWS.value, _DEFAULT_ROWS),
        ),
        schema=array_of(record_schema(_STATUS_RECORD, "A connection.")),
        rows=_DEFAULT_ROWS,
    ),
    RestRoute(
        path="/api/connection-analytics/summary",
        name="connection_summary",
        description="Connections grouped by service, protocol and data center; most connections first.",
        answer=_summary,
        parameters=(
            text("serviceName", "Service of the connections."),
            text("protocolName", "Protocol of the connections."),
            text("dataCenter", "Data center; everything below it matches too."),
            *window_parameters(CONNECTION_WINDOW, "the analysis period"),
        ),
        schema=array_of(record_schema(_FIELDS, "One group.")),
        rows=100,
    ),
)

EXPORTS = (
    Export(
        dataset=CONNECTIONS,
        description="The status of connections, the latest begun first.",
        fields=_STATUS_RECORD,
        filters=_STATUS_PARAMETERS,
        condition=_read_status_filters,
    ),
)
