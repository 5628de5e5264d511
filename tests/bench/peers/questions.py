"""What the peers ask of MongoDB: the same questions as the gateway's, written as anyone would."""

from datetime import datetime
from typing import Any

Document = dict[str, Any]

EVENT_FIELDS = (
    "eventId",
    "connectionId",
    "organizationId",
    "apikeyId",
    "host",
    "ipAddress",
    "protocolName",
    "serviceName",
    "dataCenter",
    "eventType",
    "eventDescription",
    "eventTimestamp",
)
CALL_FIELDS = (
    "api_ref",
    "app_name",
    "bytes_received",
    "bytes_sent",
    "catalog_name",
    "datetime",
    "developer_org_name",
    "gateway_service_name",
    "org_name",
    "plan_id",
    "product_ref",
    "space_name",
    "status_code",
    "summary_event_id",
    "time_to_serve_request",
)
SUMMARY_FIELDS = (
    "organizationId",
    "serviceName",
    "protocolName",
    "dataCenter",
    "totalConnections",
    "newConnectionsInPeriod",
    "uniqueApiKeys",
    "averageConnectionDurationSeconds",
    "totalConnectionTimeSeconds",
    "firstConnection",
    "lastConnection",
    "lastActivity",
)
EVENT_PROJECTION = {"_id": 0, **dict.fromkeys(EVENT_FIELDS, 1), "eventTimestampTicks": 1}
CALL_PROJECTION = {"_id": 0, **dict.fromkeys(CALL_FIELDS, 1)}
EVENT_SORT = {"eventTimestamp": -1, "eventTimestampTicks": -1, "eventId": -1}
CALL_SORT = {"datetime": -1, "summary_event_id": -1}
_GROUP_KEYS = ("serviceName", "protocolName", "dataCenter")


def time_text(date: datetime, ticks: int | None = None) -> str:
    """Write a time (naive UTC) as the sources do: three digits, or seven with the 100 ns below the millisecond."""
    text = date.isoformat(timespec="milliseconds")
    return f"{text}Z" if ticks is None else f"{text}{ticks:04d}Z"


def event_record(row: Document) -> Document:
    """Make the record of a connection event that goes out, in the order of `EVENT_FIELDS`."""
    row["eventTimestamp"] = time_text(row["eventTimestamp"], row.pop("eventTimestampTicks", 0))
    return {name: row.get(name) for name in EVENT_FIELDS}


def call_record(row: Document) -> Document:
    """Make the record of a summary event that goes out, in the order of `CALL_FIELDS`."""
    row["datetime"] = time_text(row["datetime"])
    return {name: row.get(name) for name in CALL_FIELDS}


def in_window(start: datetime | None, end: datetime | None) -> Document:
    """Compare with start <= t < end; an edge that is None is open."""
    return ({} if start is None else {"$gte": start}) | ({} if end is None else {"$lt": end})


def calls_match(org_name: str, start: datetime | None, end: datetime | None) -> Document:
    """Match an organization's summary events of a window."""
    window = in_window(start, end)
    return {"org_name": org_name, **({"datetime": window} if window else {})}


def summary_pipeline(organization_id: str, start: datetime | None, end: datetime | None) -> list[Document]:
    """Group an organization's connections of a window by service, protocol and data center, most first."""
    match: Document = {"organizationId": organization_id}
    if end is not None:
        match["connectionStartTime"] = {"$lt": end}
    if start is not None:
        match["lastActivity"] = {"$gte": start}
    is_new: Any = 1 if start is None else {"$cond": [{"$gte": ["$connectionStartTime", start]}, 1, 0]}
    return [
        {"$match": match},
        {
            "$group": {
                "_id": {key: f"${key}" for key in _GROUP_KEYS},
                "totalConnections": {"$sum": 1},
                "newConnectionsInPeriod": {"$sum": is_new},
                "keys": {"$addToSet": "$apikeyId"},
                "milliseconds": {"$sum": {"$subtract": ["$lastActivity", "$connectionStartTime"]}},
                "firstConnection": {"$min": "$connectionStartTime"},
                "lastConnection": {"$max": "$connectionStartTime"},
                "lastActivity": {"$max": "$lastActivity"},
            }
        },
        {"$set": {"uniqueApiKeys": {"$size": "$keys"}}},
        {"$unset": "keys"},
        {"$sort": {"totalConnections": -1, **{f"_id.{key}": 1 for key in _GROUP_KEYS}}},
    ]


def summary_record(organization_id: str, row: Document) -> Document:
    """Make the record of a group that goes out, in the order of `SUMMARY_FIELDS`."""
    milliseconds = int(row["milliseconds"])
    made = {
        **row,
        **row["_id"],
        "organizationId": organization_id,
        "totalConnectionTimeSeconds": milliseconds // 1000,
        "averageConnectionDurationSeconds": milliseconds // (1000 * row["totalConnections"]),
        **{name: time_text(row[name], 0) for name in ("firstConnection", "lastConnection", "lastActivity")},
    }
    return {name: made[name] for name in SUMMARY_FIELDS}
