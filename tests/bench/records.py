"""The bench's records: drawn from a fixed seed, so that the same span and amount give the same records."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from random import Random
from typing import Any

Document = dict[str, Any]

SPAN = timedelta(days=60)
EVENTS_PER_CONNECTION = 10  # about: a connect, eight heartbeats, a disconnect
_BEATS = EVENTS_PER_CONNECTION - 2
_KEYS = 300
_PLACES = tuple(
    product(
        ("quotes", "trades", "orderbook", "ohlcv", "metadata", "exchange-rates"),
        ("WebSocket", "REST", "FIX"),
        ("us-east-1", "us-west-2", "eu-central-1", "eu-west-1", "ap-southeast-1"),
    )
)
_LONG_LIVED = 0.04
_LEFT_OPEN = 0.05
_STATUSES = ("200 OK",) * 16 + ("201 Created",) * 2 + ("404 Not Found", "503 Service Unavailable")
_TICKS = 10_000
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Organization:
    """Whose records they are: its UUID with connections, its name with summary events."""

    organization_id: str
    org_name: str


GREEDY = Organization("a1b2c3d4-e5f6-7890-abcd-ef1234567890", "ibm")
MODEST = Organization("b0000000-0000-4000-8000-000000000001", "acme")


def connections(owner: Organization, events: int, end: datetime) -> Iterator[tuple[Document, list[Document]]]:
    """Give the connections that about so many events make, each with its events as stored, in the order they began.

    They begin evenly over the `SPAN` before `end` (naive UTC, in whole milliseconds); nothing is later than that. Most
    last up to two hours, a few percent up to six days.
    """
    amount = max(events // EVENTS_PER_CONNECTION, 1)
    chance = Random(f"connections of {owner.organization_id}")  # noqa: S311 - nothing secret is drawn
    draw, start, step = chance.random, end - SPAN, SPAN / amount
    for number in range(amount):
        service, protocol, center = _PLACES[int(draw() * len(_PLACES))]
        carried = {
            "apikeyId": f"f1e2d3c4-b5a6-9879-8765-{int(draw() * _KEYS):012x}",
            "host": f"{service}-{int(draw() * 20):02d}.example.com",
            "ipAddress": f"203.0.{int(draw() * 256)}.{int(draw() * 256)}",
            "protocolName": protocol,
            "serviceName": service,
            "dataCenter": center,
        }
        hours = 24 + 120 * draw() if draw() < _LONG_LIVED else 0.1 + 2 * draw()
        beat = timedelta(milliseconds=int(hours * 3_600_000 / (_BEATS + 1)))
        began = start + step * (number + draw())
        at = began - timedelta(microseconds=began.microsecond % 1000)
        kinds = ["connect", *["heartbeat"] * _BEATS] + ["disconnect"] * (draw() >= _LEFT_OPEN)
        times = [one for index in range(len(kinds)) if (one := at + index * beat) < end]
        identity = f"conn_{chance.getrandbits(32):08x}{number:08x}"
        made = [
            {
                "eventId": f"{chance.getrandbits(32):08x}-{index:04x}-4000-8000-{number:012x}",
                "connectionId": identity,
                "organizationId": owner.organization_id,
                **carried,
                "eventType": kind,
                "eventDescription": f"{protocol} connection {kind} received",
                "eventTimestamp": time,
                "eventTimestampTicks": int(draw() * _TICKS),
            }
            for index, (kind, time) in enumerate(zip(kinds, times, strict=False))
        ]
        yield _status(identity, owner, carried, made), made


def _status(identity: str, owner: Organization, carried: Document, events: list[Document]) -> Document:
    first, last = events[0], events[-1]
    at = first["eventTimestamp"]
    closed = last["eventType"] == "disconnect"
    return {
        "connectionId": identity,
        "organizationId": owner.organization_id,
        **carried,
        "connectionStartTime": at,
        "lastHeartbeat": events[-2 if closed else -1]["eventTimestamp"],
        "lastActivity": last["eventTimestamp"],
        "disconnectedAt": last["eventTimestamp"] if closed else None,
        "firstEvent": {"at": at, "ticks": first["eventTimestampTicks"], "id": first["eventId"]},
        "firstConnect": at,
        "updatedAt": last["eventTimestamp"],
        "mergedAt": last["eventTimestamp"],
    }


def summary_events(owner: Organization, amount: int, end: datetime) -> Iterator[Document]:
    """Give so many summary events as stored, evenly over the `SPAN` before `end` (naive UTC), oldest first."""
    chance = Random(f"summary events of {owner.org_name}")  # noqa: S311 - nothing secret is drawn
    draw, start, step = chance.random, end - SPAN, SPAN / amount
    for number in range(amount):
        api, app = int(draw() * 24), int(draw() * 60)
        at = start + step * (number + draw())
        yield {
            "api_ref": f"switch-api-{api}:1.0.0",
            "app_name": f"api-connect-app-{app}",
            "bytes_received": int(100 + 2_000 * draw()),
            "bytes_sent": int(500 + 40_000 * draw() ** 3),
            "catalog_name": f"api-connect-catalog-{app % 3}",
            "datetime": at - timedelta(microseconds=at.microsecond % 1000),
            "developer_org_name": f"api-connect-consumer-organization-{app % 20}",
            "gateway_service_name": "v6gw",
            "org_name": owner.org_name,
            "plan_id": f"api-connect-product-{api % 8}:1.0.0:default-plan",
            "product_ref": f"api-connect-product-{api % 8}:1.0.0",
            "space_name": None,
            "status_code": _STATUSES[int(draw() * len(_STATUSES))],
            "summary_event_id": f"{chance.getrandbits(64):016x}{number:06x}",
            "time_to_serve_request": int(5 + 800 * draw() ** 4 + (4_000 * draw() if draw() < 0.01 else 0)),
        }
