"""One summary event as the source writes it, and as it is stored."""

from typing import Any

from app.ingest.record_parts import Count, Identifier, MillisecondText, Record, Text, record_instant
from app.query.instants import split_instant


class SummaryEventRecord(Record):
    """The fields of the source; those with a default may be absent or null."""

    api_ref: Text | None = None
    app_name: Text | None = None
    bytes_received: Count | None = None
    bytes_sent: Count | None = None
    catalog_name: Text | None = None
    datetime: MillisecondText
    developer_org_name: Text | None = None
    gateway_service_name: Text | None = None
    org_name: Identifier
    plan_id: Text | None = None
    product_ref: Text | None = None
    space_name: Text | None = None
    status_code: Text | None = None
    summary_event_id: Identifier
    time_to_serve_request: Count | None = None


def summary_event_document(record: dict[str, Any]) -> dict[str, Any]:
    """Make the document to store from a checked record."""
    return {**record, "datetime": split_instant(record_instant(record["datetime"]))[0]}
