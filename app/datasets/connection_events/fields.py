"""What a connection event holds."""

from app.query.dataset import Dataset, Index
from app.query.fields import Field, Kind
from app.scope import Permission

_PAGE = (("eventTimestamp", -1), ("eventTimestampTicks", -1), ("eventId", -1))

CONNECTION_EVENTS = Dataset(
    name="connection-events",
    collection="connectionEvents",
    tenant_field="organizationId",
    tenant_attribute="organization_id",
    permission=Permission.CONNECTIONS_READ,
    time_field="eventTimestamp",
    ticks_field="eventTimestampTicks",
    id_field="eventId",
    digits=7,
    settled=True,
    expires_by="eventTimestamp",
    retention_setting="retention_connection_events_days",
    fields=(
        Field("eventId", Kind.TEXT, "Id of the event, unique in the organization.", required=True),
        Field("connectionId", Kind.TEXT, "Id of the connection that the event is about."),
        Field("organizationId", Kind.TEXT, "The organization, a UUID.", required=True),
        Field("apikeyId", Kind.TEXT, "Id of the API key that the client connected with.", alias="apiKeyId"),
        Field("host", Kind.TEXT, "Host that served the connection."),
        Field("ipAddress", Kind.ADDRESS, "The client's IPv4 or IPv6 address."),
        Field("protocolName", Kind.TEXT, "Protocol, such as WebSocket or REST."),
        Field("serviceName", Kind.TEXT, "Service that was connected to."),
        Field("dataCenter", Kind.TEXT, "Data center, such as us-east-1 or us-east-1/server-01."),
        Field("eventType", Kind.TEXT, "What happened: connect, heartbeat, disconnect, or another word of the source."),
        Field("eventDescription", Kind.TEXT, "What happened, in words."),
        Field("eventTimestamp", Kind.TIME, "When it happened, to 100 ns.", required=True),
    ),
    indexes=(
        Index("unique_event", (("organizationId", 1), ("eventId", 1)), unique=True),
        Index("page", (("organizationId", 1), *_PAGE)),
        Index("connection_page", (("organizationId", 1), ("connectionId", 1), *_PAGE)),
        Index("key_page", (("organizationId", 1), ("apikeyId", 1), *_PAGE)),
        Index("service_page", (("organizationId", 1), ("serviceName", 1), *_PAGE)),
    ),
)
