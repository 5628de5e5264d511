"""What the status of a connection holds."""

from app.datasets.connections.activity import DERIVED
from app.query.dataset import Dataset, Index
from app.query.fields import Field, Kind
from app.scope import Permission

_PAGE = (("connectionStartTime", -1), ("connectionId", -1))

CONNECTIONS = Dataset(
    name="connections",
    collection="connections",
    tenant_field="organizationId",
    tenant_attribute="organization_id",
    permission=Permission.CONNECTIONS_READ,
    time_field="connectionStartTime",
    id_field="connectionId",
    digits=7,
    expires_by="lastActivity",
    retention_setting="retention_connections_days",
    fields=(
        Field("connectionId", Kind.TEXT, "Id of the connection, unique in the organization.", required=True),
        Field("organizationId", Kind.TEXT, "The organization, a UUID.", required=True),
        Field("apikeyId", Kind.TEXT, "Id of the API key that the client connected with.", alias="apiKeyId"),
        Field("host", Kind.TEXT, "Host that served the connection."),
        Field("ipAddress", Kind.ADDRESS, "The client's IPv4 or IPv6 address."),
        Field("protocolName", Kind.TEXT, "Protocol, such as WebSocket or REST."),
        Field("serviceName", Kind.TEXT, "Service that was connected to."),
        Field("dataCenter", Kind.TEXT, "Data center, such as us-east-1 or us-east-1/server-01."),
        Field("lastHeartbeat", Kind.TIME, "The latest connect or heartbeat, to the millisecond."),
        Field("lastActivity", Kind.TIME, "The latest event of any type, to the millisecond.", required=True),
        Field("disconnectedAt", Kind.TIME, "The latest disconnect, to the millisecond; null where none was seen."),
        Field(
            "connectionStartTime",
            Kind.TIME,
            "The earliest connect, or the earliest event where no connect was seen; to the millisecond.",
            required=True,
        ),
        Field("updatedAt", Kind.TIME, "When this status last changed."),
    ),
    derived=DERIVED,
    indexes=(
        Index("unique_connection", (("organizationId", 1), ("connectionId", 1)), unique=True),
        Index("page", (("organizationId", 1), *_PAGE)),
        Index("service_page", (("organizationId", 1), ("serviceName", 1), *_PAGE)),
        Index("activity", (("organizationId", 1), ("lastActivity", -1), ("connectionStartTime", -1))),
        Index("heartbeat", (("organizationId", 1), ("lastHeartbeat", -1))),
    ),
)
