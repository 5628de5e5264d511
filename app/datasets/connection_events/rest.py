"""Connection events in REST."""

from collections.abc import Mapping
from typing import Any

from app.datasets.connection_events.fields import CONNECTION_EVENTS
from app.faces.context import RequestContext
from app.faces.rest.exports import Export
from app.faces.rest.parameters import integer, read_rows, text, window_parameters
from app.faces.rest.routes import RestRoute, array_of, record_schema, records
from app.query.conditions import AllOf, Comparison, Condition, InWindow, Operator
from app.query.limits import PAGE_ROWS
from app.query.ordering import complete_order
from app.query.pages import PageQuery
from app.query.windows import CONNECTION_WINDOW, resolve_window
from app.store.pages import read_page

_DEFAULT_ROWS = 1000
_FILTERS = {  # parameter -> (field, operator)
    "apiKeyId": ("apikeyId", Operator.EQ),
    "connectionId": ("connectionId", Operator.EQ),
    "serviceName": ("serviceName", Operator.EQ),
    "protocolName": ("protocolName", Operator.EQ),
    "dataCenter": ("dataCenter", Operator.BELOW),
    "eventType": ("eventType", Operator.EQ),
}
_NAMES = tuple(field.name for field in CONNECTION_EVENTS.fields)


def _read_filters(values: Mapping[str, Any], context: RequestContext) -> Condition:
    window = resolve_window(values, CONNECTION_WINDOW, context.now)
    conditions = (
        Comparison(CONNECTION_EVENTS.by_name[field], operator, values[name])
        for name, (field, operator) in _FILTERS.items()
        if name in values
    )
    return AllOf((InWindow(CONNECTION_EVENTS.time_field, CONNECTION_EVENTS.ticks_field, window), *conditions))


async def _events(context: RequestContext, values: Mapping[str, Any], _path: Mapping[str, str]) -> Any:
    query = PageQuery(
        dataset=CONNECTION_EVENTS,
        order=complete_order(CONNECTION_EVENTS, None),
        first=read_rows(values, _DEFAULT_ROWS, PAGE_ROWS),
        condition=_read_filters(values, context),
        unread=True,
    )
    page = await read_page(context.reader, query)
    return records(CONNECTION_EVENTS, page.rows, _NAMES)


_FILTER_PARAMETERS = (
    *(
        text(
            name,
            CONNECTION_EVENTS.by_name[field].description
            + (" Everything below it matches too." if operator is Operator.BELOW else ""),
        )
        for name, (field, operator) in _FILTERS.items()
    ),
    *window_parameters(CONNECTION_WINDOW, "eventTimestamp"),
)

ROUTES = (
    RestRoute(
        path="/api/connection-analytics/events/query",
        name="connection_events",
        description="Connection events, newest first.",
        answer=_events,
        parameters=(
            *_FILTER_PARAMETERS,
            integer("limit", "How many events at most.", 1, PAGE_ROWS.value, _DEFAULT_ROWS),
        ),
        schema=array_of(record_schema(tuple(CONNECTION_EVENTS.fields), "A connection event.")),
        rows=_DEFAULT_ROWS,
        window=CONNECTION_WINDOW,
    ),
)

EXPORTS = (
    Export(
        dataset=CONNECTION_EVENTS,
        description="Connection events, newest first.",
        fields=tuple(CONNECTION_EVENTS.fields),
        filters=_FILTER_PARAMETERS,
        condition=_read_filters,
    ),
)
