"""One connection event as the source writes it, and as it is stored."""

from typing import Annotated, Any

from pydantic import StringConstraints

from app.ingest.record_parts import UUID_PATTERN, Identifier, InstantText, Record, Text, record_instant
from app.query.instants import split_instant


class ConnectionEventRecord(Record):
    """The fields of the source; those with a default may be absent or null."""

    eventId: Identifier
    connectionId: Identifier
    organizationId: Annotated[str, StringConstraints(pattern=UUID_PATTERN)]
    apikeyId: Text | None = None
    host: Text | None = None
    ipAddress: Text | None = None
    protocolName: Text | None = None
    serviceName: Text | None = None
    dataCenter: Text | None = None
    eventType: Identifier
    eventDescription: Text | None = None
    eventTimestamp: InstantText


def connection_event_document(record: dict[str, Any]) -> dict[str, Any]:
    """Make the document to store from a checked record: time and ticks apart, the organization in lower case."""
    date, ticks = split_instant(record_instant(record["eventTimestamp"]))
    document = {**record, "organizationId": record["organizationId"].lower(), "eventTimestamp": date}
    if ticks:
        document["eventTimestampTicks"] = ticks
    return document
