"""Connections in GraphQL."""

from typing import Annotated, Any

import strawberry
from strawberry import UNSET
from strawberry.types import Info
from strawberry.types.field import StrawberryField

from app.datasets.connections.activity import active_expression
from app.datasets.connections.fields import CONNECTIONS
from app.datasets.connections.groups import CONNECTION_GROUPS
from app.datasets.connections.operations import summarize
from app.datasets.connections.summary import DEFAULT_ORDER, SUMMARY_FIELDS, SummaryQuery
from app.errors import InvalidInput
from app.faces.context import RequestContext
from app.faces.graphql.filters import FilterReader, Flag, filter_input
from app.faces.graphql.groups import GroupField, group_field
from app.faces.graphql.nodes import node_type
from app.faces.graphql.orders import order_input, read_order
from app.faces.graphql.pages import PageTypes, page_field
from app.faces.graphql.selection import selection_of
from app.query.conditions import Computed
from app.query.limits import ORDER_KEYS, PAGE_ROWS, check_rows

FLAGS = {
    "isActive": Flag(
        "Open, with a heartbeat in the last 2 minutes; false: not so.",
        lambda now: Computed(active_expression(now)),
    )
}
ConnectionStatus = node_type(
    "ConnectionStatus",
    (*CONNECTIONS.fields, *(derived.field for derived in CONNECTIONS.derived)),
    "One connection, as its events tell.",
    CONNECTIONS.id_field,
)
ConnectionFilter = filter_input(
    CONNECTIONS, "ConnectionFilter", __name__, "Connections whose connectionStartTime lies in this window.", FLAGS
)
ConnectionOrder = order_input("ConnectionOrder", CONNECTIONS.fields)
ConnectionSummary = node_type(
    "ConnectionSummary", SUMMARY_FIELDS, "The connections of one service, protocol and data center over a window."
)
ConnectionSummaryFilter = filter_input(
    CONNECTIONS,
    "ConnectionSummaryFilter",
    __name__,
    "The window W of the summary; at the top of the filter only. Absent: all that is kept.",
    FLAGS,
)
ConnectionSummaryOrder = order_input("ConnectionSummaryOrder", SUMMARY_FIELDS)


async def _connection_summary(
    info: Info[RequestContext, None],
    filter: Any = UNSET,  # noqa: A002 - the contract's name
    order_by: Any = UNSET,
    limit: int | None = UNSET,
) -> Any:
    info.context.reader.check_permission(CONNECTIONS)
    reader = FilterReader(CONNECTIONS, info.context.now, own_window=True, flags=FLAGS)
    condition = reader.read(filter)
    order = read_order(SUMMARY_FIELDS, order_by)
    ORDER_KEYS.check(len(order), "orderBy")
    if len({one.field for one in order}) < len(order):
        raise InvalidInput("orderBy: a field is given twice; keep one.", argument="orderBy")
    selected = selection_of(info)
    query = SummaryQuery(
        now=info.context.now,
        fields=frozenset(field.name for field in SUMMARY_FIELDS if field.public_name in selected),
        window=reader.window,
        condition=condition,
        order=tuple(order) or DEFAULT_ORDER,
        limit=check_rows(limit, "limit", PAGE_ROWS, least=1) if limit is not None and limit is not UNSET else None,
    )
    summary = await summarize(info.context.reader, query)
    info.context.tell_used(info.path.key, summary.used)
    return summary.rows


_connection_summary.__annotations__ |= {
    "filter": Annotated[
        ConnectionSummaryFilter | None, strawberry.argument(description="The window, and which connections.")
    ],
    "order_by": Annotated[
        list[ConnectionSummaryOrder] | None,  # type: ignore[valid-type]
        strawberry.argument(
            description="In which order; most connections first by default, ties by service, protocol, data center."
        ),
    ],
    "limit": Annotated[
        int | None, strawberry.argument(description=f"How many groups at most, 1 to {PAGE_ROWS.value}; absent: all.")
    ],
    "return": list[ConnectionSummary],  # type: ignore[valid-type]
}

ROOT_FIELDS: dict[str, StrawberryField] = {
    "connections": page_field(
        PageTypes(CONNECTIONS, "ConnectionStatus", ConnectionStatus, ConnectionFilter, ConnectionOrder, FLAGS),
        "Connections, the latest begun first.",
    ),
    "connection_groups": group_field(
        GroupField(CONNECTION_GROUPS, "Connection", ConnectionFilter, FLAGS),
        "Connections grouped: what is selected is what is grouped by and computed.",
    ),
    "connection_summary": strawberry.field(
        resolver=_connection_summary,
        description="Connections grouped by service, protocol and data center over a window.",
    ),
}
