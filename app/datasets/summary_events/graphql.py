"""Summary events in GraphQL."""

from typing import Annotated, Any

import strawberry
from strawberry.types import Info
from strawberry.types.field import StrawberryField

from app.datasets.summary_events.fields import SUMMARY_EVENTS
from app.datasets.summary_events.groups import SUMMARY_EVENT_GROUPS
from app.datasets.summary_events.operations import find_event
from app.datasets.summary_events.rollup import SUMMARY_EVENT_ROLLUP
from app.faces.context import RequestContext
from app.faces.graphql.filters import filter_input
from app.faces.graphql.groups import GroupField, group_field
from app.faces.graphql.nodes import node_type
from app.faces.graphql.orders import order_input
from app.faces.graphql.pages import PageTypes, page_field
from app.faces.graphql.selection import is_planned
from app.faces.rendering import only_row, rendered
from app.query.texts import check_text

SummaryEvent = node_type(
    "SummaryEvent",
    SUMMARY_EVENTS.fields,
    "One API call, as the gateway that served it recorded it.",
    "summary_event_id",
)
SummaryEventFilter = filter_input(
    SUMMARY_EVENTS, "SummaryEventFilter", __name__, "Events whose datetime lies in this window."
)
SummaryEventOrder = order_input("SummaryEventOrder", SUMMARY_EVENTS.fields)


async def _summary_event(info: Info[RequestContext, None], id: str) -> Any:  # noqa: A002 - the contract's name
    info.context.reader.check_permission(SUMMARY_EVENTS)
    check_text(id, "id")
    rows = await find_event(info.context.reader, id, unread=is_planned(info))
    return only_row(rendered(SUMMARY_EVENTS, rows, SUMMARY_EVENTS.fields))


_summary_event.__annotations__ |= {
    "id": Annotated[strawberry.ID, strawberry.argument(description="The summaryEventId.")],
    "return": SummaryEvent | None,
}

ROOT_FIELDS: dict[str, StrawberryField] = {
    "summary_events": page_field(
        PageTypes(
            SUMMARY_EVENTS,
            "SummaryEvent",
            SummaryEvent,
            SummaryEventFilter,
            SummaryEventOrder,
            rollup=SUMMARY_EVENT_ROLLUP,
        ),
        "Summary events, newest first.",
    ),
    "summary_event_groups": group_field(
        GroupField(SUMMARY_EVENT_GROUPS, "SummaryEvent", SummaryEventFilter, rollup=SUMMARY_EVENT_ROLLUP),
        "Summary events grouped: what is selected is what is grouped by and computed.",
    ),
    "summary_event": strawberry.field(
        resolver=_summary_event, description="One summary event by its id; null where the organization has none."
    ),
}
