"""What a summary event holds."""

from app.query.dataset import Dataset, Index
from app.query.fields import Field, Kind
from app.scope import Permission

_PAGE = (("datetime", -1), ("summary_event_id", -1))

SUMMARY_EVENTS = Dataset(
    name="summary-events",
    collection="summaryEvents",
    tenant_field="org_name",
    tenant_attribute="org_name",
    permission=Permission.SUMMARY_READ,
    time_field="datetime",
    id_field="summary_event_id",
    digits=3,
    settled=True,
    expires_by="datetime",
    retention_setting="retention_summary_events_days",
    fields=(
        Field("api_ref", Kind.TEXT, "The API reference, name:version."),
        Field("app_name", Kind.TEXT, "The registered application; `undefined` where no valid client id was sent."),
        Field("bytes_received", Kind.LONG, "Bytes received from the consumer in the request."),
        Field("bytes_sent", Kind.LONG, "Bytes sent to the consumer in the response."),
        Field("catalog_name", Kind.TEXT, "The catalog."),
        Field("datetime", Kind.TIME, "When the API was invoked, to the millisecond.", required=True),
        Field("developer_org_name", Kind.TEXT, "The consumer organization that owns the application."),
        Field("gateway_service_name", Kind.TEXT, "The API gateway service that handled the call."),
        Field("org_name", Kind.TEXT, "The provider organization that owns the API.", required=True),
        Field("plan_id", Kind.TEXT, "The plan."),
        Field("product_ref", Kind.TEXT, "The product reference, name:version."),
        Field("space_name", Kind.TEXT, "The space, for products that are published to one."),
        Field("status_code", Kind.STATUS, "The status of the response, such as 201 Created."),
        Field("summary_event_id", Kind.TEXT, "Id of the event, unique in the organization.", required=True),
        Field("time_to_serve_request", Kind.LONG, "Milliseconds from receiving the request to sending a response."),
    ),
    indexes=(
        Index("unique_event", (("org_name", 1), ("summary_event_id", 1)), unique=True),
        Index("page", (("org_name", 1), *_PAGE)),
        Index("api_page", (("org_name", 1), ("api_ref", 1), *_PAGE)),
        Index("app_page", (("org_name", 1), ("app_name", 1), *_PAGE)),
        Index("status_page", (("org_name", 1), ("status_code", 1), *_PAGE)),
    ),
)
