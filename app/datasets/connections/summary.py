"""The connection summary as a question: its fields, and the query object."""

from dataclasses import dataclass

from app.query.conditions import EVERYTHING, Condition
from app.query.fields import Field, Kind
from app.query.instants import Instant
from app.query.ordering import Direction, OrderBy
from app.query.windows import ALL_TIME, Window

GROUP_KEYS = ("serviceName", "protocolName", "dataCenter")

SUMMARY_FIELDS = (
    Field("organizationId", Kind.TEXT, "The organization, a UUID.", required=True),
    Field("serviceName", Kind.TEXT, "Service of the group."),
    Field("protocolName", Kind.TEXT, "Protocol of the group."),
    Field("dataCenter", Kind.TEXT, "Data center of the group."),
    Field(
        "totalConnections",
        Kind.LONG,
        "Connections in the window: begun before its end, with their last activity not before its start.",
        required=True,
    ),
    Field("newConnectionsInPeriod", Kind.LONG, "Connections that began in the window.", required=True),
    Field(
        "activeConnections",
        Kind.LONG,
        "Connections in the window that are open, with a heartbeat in the 2 minutes before the window's end or now.",
        required=True,
    ),
    Field("uniqueApiKeys", Kind.LONG, "Distinct API keys of the connections in the window.", required=True),
    Field(
        "averageConnectionDurationSeconds",
        Kind.LONG,
        "totalConnectionTimeSeconds / totalConnections, in whole seconds (cut off).",
        required=True,
    ),
    Field(
        "totalConnectionTimeSeconds",
        Kind.LONG,
        "Sum of lastActivity - connectionStartTime over the connections in the window, in whole seconds (cut off).",
        required=True,
    ),
    Field(
        "connectionTimeInPeriodSeconds",
        Kind.LONG,
        "The same sum, each connection clipped to the window, in whole seconds (cut off).",
        required=True,
    ),
    Field("firstConnection", Kind.TIME, "Start of the earliest connection in the window.", required=True),
    Field("lastConnection", Kind.TIME, "Start of the latest connection in the window.", required=True),
    Field("lastActivity", Kind.TIME, "Latest activity of the connections in the window.", required=True),
)

_BY_NAME = {field.name: field for field in SUMMARY_FIELDS}
DEFAULT_ORDER = (OrderBy(_BY_NAME["totalConnections"], Direction.DESC),)


@dataclass(frozen=True, slots=True)
class SummaryQuery:
    """Ask for the groups of connections in a window; `fields` are the stored names that are wanted.

    `limit` None asks for all groups (an error above a stated bound, never a cut).
    """

    now: Instant
    fields: frozenset[str]
    window: Window = ALL_TIME
    condition: Condition = EVERYTHING
    order: tuple[OrderBy, ...] = DEFAULT_ORDER
    limit: int | None = None

    @property
    def wanted(self) -> frozenset[str]:
        """The fields that are asked for or ordered by."""
        return self.fields | {order.field.name for order in self.order}
