"""Records to work examples out by hand with: those of the seeds, and small ones of 2026-01-10."""

from typing import Any

from tests.oracle import instants
from tests.oracle.datasets import Record

NOW = instants.parse("2026-11-22T00:00:00Z")
ORGANIZATION = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
SECOND = instants.TICKS_PER_SECOND

SEED_CONNECTION_EVENTS = [
    {
        "eventId": event_id,
        "connectionId": "conn_7f9a8b2c1d3e4f5a",
        "organizationId": ORGANIZATION,
        "apikeyId": "f1e2d3c4-b5a6-9879-8765-4321dcba0987",
        "host": "ws-server-01.coinapi.io",
        "ipAddress": "203.0.113.195",
        "protocolName": "WebSocket",
        "serviceName": "coinapi-ws",
        "dataCenter": "us-east-1",
        "eventType": event_type,
        "eventDescription": description,
        "eventTimestamp": timestamp,
    }
    for event_id, event_type, description, timestamp in (
        (
            "12345678-1234-5678-9abc-123456789012",
            "connect",
            "WebSocket connection established",
            "2026-04-20T19:30:38.5509677Z",
        ),
        (
            "87654321-4321-8765-cba9-876543210987",
            "heartbeat",
            "Connection heartbeat received",
            "2026-04-20T19:55:38.5509695Z",
        ),
        (
            "abcdef12-3456-7890-abcd-ef1234567890",
            "disconnect",
            "WebSocket connection closed by client",
            "2026-04-20T19:58:38.5509701Z",
        ),
    )
]
SEED_CONNECTION_SUMMARY_KEYS = [
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
]
SEED_SUMMARY_EVENT = {
    "api_ref": "switch-api:1.0.0",
    "app_name": "api-connect-app-4",
    "bytes_received": 888,
    "bytes_sent": 9177,
    "catalog_name": "api-connect-catalog-1",
    "datetime": "2025-06-11T04:00:00.000Z",
    "developer_org_name": "api-connect-emard-greenholt-awesome-fantastic-soft-sausages-consumer-organization",
    "gateway_service_name": "v6gw",
    "org_name": "ibm",
    "plan_id": "api-connect-crooks-group-luxurious-tasty-rubber-chair-product:1.0.0:default-plan",
    "product_ref": "api-connect-crooks-group-luxurious-tasty-rubber-chair-product:1.0.0",
    "space_name": None,
    "status_code": "201 Created",
    "summary_event_id": "A11ybP3Dnla5jttwIQuGjA",
    "time_to_serve_request": 571,
}


def at(clock: str) -> int:
    """Ticks of a time of day on 2026-01-10."""
    return instants.parse(f"2026-01-10T{clock}Z")


def event(number: int, event_type: str, clock: str, **changed: Any) -> Record:
    """Make a connection event of 2026-01-10."""
    return {
        "eventId": f"e{number}",
        "connectionId": "conn_1",
        "organizationId": ORGANIZATION,
        "apikeyId": "key-1",
        "host": f"host-{number}",
        "ipAddress": "203.0.113.195",
        "protocolName": "WebSocket",
        "serviceName": "coinapi-ws",
        "dataCenter": "us-east-1",
        "eventType": event_type,
        "eventDescription": None,
        "eventTimestamp": f"2026-01-10T{clock}Z",
        **changed,
    }


def call(number: int, status_code: str | None, **changed: Any) -> Record:
    """Make a summary event of 2026-01-10."""
    return {
        "api_ref": "switch-api:1.0.0",
        "bytes_received": 888,
        "datetime": f"2026-01-10T00:00:0{number}.000Z",
        "org_name": "ibm",
        "space_name": None,
        "status_code": status_code,
        "summary_event_id": f"s{number}",
        **changed,
    }
