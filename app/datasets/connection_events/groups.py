"""What connection events can be grouped by, and what is measured."""

from app.datasets.connection_events.fields import CONNECTION_EVENTS
from app.query.group_tables import text_dimensions
from app.query.grouping import GroupTable

CONNECTION_EVENT_GROUPS = GroupTable(dataset=CONNECTION_EVENTS, dimensions=text_dimensions(CONNECTION_EVENTS))
