"""What connections can be grouped by, and what is measured."""

from app.datasets.connections.activity import active_expression
from app.datasets.connections.fields import CONNECTIONS
from app.query.group_tables import text_dimensions
from app.query.grouping import CountIf, GroupTable, Number

CONNECTION_GROUPS = GroupTable(
    dataset=CONNECTIONS,
    dimensions=text_dimensions(CONNECTIONS),
    numbers={
        "connectionDurationSeconds": Number(
            {"$subtract": ["$lastActivity", "$connectionStartTime"]},
            "Seconds from the start to the last activity, to the millisecond.",
            divisor=1000,
        ),
    },
    counts={
        "activeCount": CountIf(
            active_expression,
            "Connections that are open, with a heartbeat in the 2 minutes before the window's end or now.",
        ),
    },
)
