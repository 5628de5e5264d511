"""Records as the gateway's own loader keeps them, and documents as only a foreign service could have left them.

What the schema promises never to be null (ids, the organization, the times of the order) is as it should be in all.
"""

from datetime import datetime, timedelta
from typing import Any

from bson import Binary, DatetimeMS, Decimal128, Int64, MaxKey, MinKey, ObjectId, Regex, Timestamp

Document = dict[str, Any]

_FIRST = datetime(2026, 4, 1)  # noqa: DTZ001 - BSON dates are UTC and come without a zone
_SERVICES = ("coinapi-ws", "coinapi-rest", "coinapi-fix")
_STATUSES = ("200 OK", "201 Created", "404 Not Found", "500 Internal Server Error")


def plain_events(organization: str, number: int) -> list[Document]:
    """Connection events in the form that the loader stores, a minute apart."""
    return [
        {
            "eventId": f"event-{at:06d}",
            "connectionId": f"connection-{at // 3:05d}",
            "organizationId": organization,
            "apikeyId": f"client-{at % 7}",
            "host": f"host-{at % 11}.example",
            "ipAddress": f"203.0.113.{at % 256}",
            "protocolName": "WebSocket",
            "serviceName": _SERVICES[at % 3],
            "dataCenter": f"us-east-1/server-{at % 4:02d}",
            "eventType": ("connect", "heartbeat", "disconnect")[at % 3],
            "eventDescription": "A connection's event.",
            "eventTimestamp": _FIRST + timedelta(minutes=at),
            "eventTimestampTicks": at % 10_000,
        }
        for at in range(number)
    ]


def plain_connections(organization: str, number: int) -> list[Document]:
    """Connections in the form that is kept from events."""
    return [
        {
            "connectionId": f"connection-{at:05d}",
            "organizationId": organization,
            "apikeyId": f"client-{at % 7}",
            "host": f"host-{at % 11}.example",
            "ipAddress": f"203.0.113.{at % 256}",
            "protocolName": "WebSocket",
            "serviceName": _SERVICES[at % 3],
            "dataCenter": f"us-east-1/server-{at % 4:02d}",
            "connectionStartTime": _FIRST + timedelta(minutes=3 * at),
            "lastHeartbeat": _FIRST + timedelta(minutes=3 * at + 1),
            "lastActivity": _FIRST + timedelta(minutes=3 * at + 2),
            "disconnectedAt": _FIRST + timedelta(minutes=3 * at + 2),
            "updatedAt": _FIRST + timedelta(minutes=3 * at + 2),
        }
        for at in range(number)
    ]


def plain_calls(org_name: str, number: int) -> list[Document]:
    """Summary events in the form that the loader stores."""
    return [
        {
            "summary_event_id": f"call-{at:06d}",
            "api_ref": f"api-{at % 5}:1.0.0",
            "app_name": f"app-{at % 9}",
            "bytes_received": Int64(at),
            "bytes_sent": Int64(at * 1_000_003),
            "catalog_name": f"catalog-{at % 2}",
            "datetime": _FIRST + timedelta(minutes=at),
            "developer_org_name": f"consumer-{at % 3}",
            "gateway_service_name": "v6gw",
            "org_name": org_name,
            "plan_id": "plan:1.0.0:default",
            "product_ref": "product:1.0.0",
            "space_name": None,
            "status_code": _STATUSES[at % 4],
            "time_to_serve_request": Int64(at % 1000),
        }
        for at in range(number)
    ]


def _nested(depth: int) -> Any:
    value: Any = "deep"
    for _ in range(depth):
        value = {"$gt": [value]}
    return value


ODD_VALUES: dict[str, Any] = {
    "null": None,
    "empty": "",
    "true": True,
    "zero": 0,
    "negative": -1,
    "fraction": 0.5,
    "nan": float("nan"),
    "infinity": float("inf"),
    "minus zero": -0.0,
    "beyond 53 bits": Int64(2**63 - 1),
    "decimal": Decimal128("1.5"),
    "decimal nan": Decimal128("NaN"),
    "object id": ObjectId("0123456789abcdef01234567"),
    "binary": Binary(b"\x00\xff" * 8),
    "regex": Regex(".*", "i"),
    "timestamp": Timestamp(1, 1),
    "least key": MinKey(),
    "greatest key": MaxKey(),
    "date": _FIRST,
    "date before the year 1": DatetimeMS(-(2**62)),
    "date after the year 9999": DatetimeMS(2**62),
    "array": ["a", None, {"b": [1]}],
    "empty array": [],
    "object": {"$where": "sleep(1000)", "a.b": 1},
    "nested": _nested(40),
    "nul": "a\0b",
    "right to left": "\u202eabc\u0301\u0302\u0303",
    "huge text": "x" * 300_000,
    "markup": "<script>alert(1)</script>\r\nX-Injected: 1",
}


def _odd(plain: Document, kept: set[str]) -> list[Document]:
    """Copies of a record, all but the kept fields odd: one at a time, one missing, all at once; `id` tells which."""
    names = [name for name in plain if name not in kept]
    copies: list[Document] = []
    for kind, value in ODD_VALUES.items():
        copies += [{**plain, name: value, "id": f"odd {name} {kind}"} for name in names]
        if not isinstance(value, list):  # no index takes two arrays of one document
            copies.append({**plain, **dict.fromkeys(names, value), "id": f"odd all {kind}"})
    for name in names:
        copies.append({key: value for key, value in plain.items() if key != name} | {"id": f"without {name}"})
    copies.append({name: plain[name] for name in kept} | {"id": "without all"})
    copies.append({**plain, "id": "with more", "secretHash": Binary(b"s"), "_more": {"a": 1}})
    return copies


def _identified(copies: list[Document], id_field: str) -> list[Document]:
    return [{**copy, id_field: copy.pop("id")} for copy in copies]


def odd_events(organization: str) -> list[Document]:
    """Connection events of one organization, each odd in its own way."""
    kept = {"eventId", "organizationId", "eventTimestamp", "eventTimestampTicks"}
    return _identified(_odd(plain_events(organization, 1)[0], kept), "eventId")


def odd_connections(organization: str) -> list[Document]:
    """Connections of one organization, each odd in its own way."""
    kept = {"connectionId", "organizationId", "connectionStartTime", "lastActivity"}
    return _identified(_odd(plain_connections(organization, 1)[0], kept), "connectionId")


def odd_calls(org_name: str) -> list[Document]:
    """Summary events of one organization, each odd in its own way."""
    kept = {"summary_event_id", "org_name", "datetime"}
    return _identified(_odd(plain_calls(org_name, 1)[0], kept), "summary_event_id")
