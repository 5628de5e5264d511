"""Connection events in GraphQL."""

from strawberry.types.field import StrawberryField

from app.datasets.connection_events.fields import CONNECTION_EVENTS
from app.datasets.connection_events.groups import CONNECTION_EVENT_GROUPS
from app.faces.graphql.filters import filter_input
from app.faces.graphql.groups import GroupField, group_field
from app.faces.graphql.nodes import node_type
from app.faces.graphql.orders import order_input
from app.faces.graphql.pages import PageTypes, page_field

ConnectionEvent = node_type(
    "ConnectionEvent",
    CONNECTION_EVENTS.fields,
    "One connect, heartbeat, disconnect or other event of a connection.",
    "eventId",
)
ConnectionEventFilter = filter_input(
    CONNECTION_EVENTS, "ConnectionEventFilter", __name__, "Events whose eventTimestamp lies in this window."
)
ConnectionEventOrder = order_input("ConnectionEventOrder", CONNECTION_EVENTS.fields)

ROOT_FIELDS: dict[str, StrawberryField] = {
    "connection_events": page_field(
        PageTypes(CONNECTION_EVENTS, "ConnectionEvent", ConnectionEvent, ConnectionEventFilter, ConnectionEventOrder),
        "Connection events, newest first.",
    ),
    "connection_event_groups": group_field(
        GroupField(CONNECTION_EVENT_GROUPS, "ConnectionEvent", ConnectionEventFilter),
        "Connection events grouped: what is selected is what is grouped by and computed.",
    ),
}
