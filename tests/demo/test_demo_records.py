"""What the demo data promises: its shape, its repeatability, and that there is something to see in it."""

import hashlib
import os
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from ipaddress import ip_address, ip_network
from itertools import islice, pairwise
from uuid import UUID

import orjson
import pytest

from app.demo.connection_events import connection_events
from app.demo.interruptions import DEPLOYMENT_DESCRIPTION, OUTAGE_DESCRIPTION, OUTAGE_REGION, outage
from app.demo.organizations import DEMO_ORGANIZATIONS
from app.demo.summary_events import INCIDENT_API, incident, summary_events
from app.demo.window import demo_window, written

Record = dict[str, object]
Records = list[Record]
Generate = Callable[[datetime], Iterator[Record]]

ANCHOR = datetime(2026, 4, 20, 19, 30, 38, 550967, tzinfo=UTC)
SUNDAY_NIGHT = datetime(2026, 11, 22, 2, 0, tzinfo=UTC)

# Of ANCHOR's records as JSON lines. They change only when the demo data is meant to change.
CONNECTION_EVENTS_SHA256 = "fdf82cad8f968c4f9671f166f767f379373f26d574f537df0427a32e0a59c622"
SUMMARY_EVENTS_SHA256 = "5e52a9da51598547d9b5b663dfe7c90b1cb90d186ae84385af67deccd118c768"

# The records that the source documents show.
CONNECTION_EVENT: Record = {
    "eventId": "12345678-1234-5678-9abc-123456789012",
    "connectionId": "conn_7f9a8b2c1d3e4f5a",
    "organizationId": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
    "apikeyId": "f1e2d3c4-b5a6-9879-8765-4321dcba0987",
    "host": "ws-server-01.example",
    "ipAddress": "203.0.113.195",
    "protocolName": "WebSocket",
    "serviceName": "example-ws",
    "dataCenter": "us-east-1",
    "eventType": "connect",
    "eventDescription": "WebSocket connection established",
    "eventTimestamp": "2026-04-20T19:30:38.5509677Z",
}
SUMMARY_EVENT: Record = {
    "api_ref": "switch-api:1.0.0",
    "app_name": "app-4",
    "bytes_received": 888,
    "bytes_sent": 9177,
    "catalog_name": "catalog-1",
    "datetime": "2025-06-11T04:00:00.000Z",
    "developer_org_name": "consumer-organization",
    "gateway_service_name": "v6gw",
    "org_name": "provider",
    "plan_id": "product:1.0.0:default-plan",
    "product_ref": "product:1.0.0",
    "space_name": None,
    "status_code": "201 Created",
    "summary_event_id": "A11ybP3Dnla5jttwIQuGjA",
    "time_to_serve_request": 571,
}
NULLABLE = {"developer_org_name", "plan_id", "product_ref", "space_name"}


def fingerprint(records: Iterator[Record] | Records) -> str:
    """Give the SHA-256 of the records as JSON lines."""
    digest = hashlib.sha256()
    for record in records:
        digest.update(orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE))
    return digest.hexdigest()


def text(record: Record, name: str) -> str:
    """Read a text field."""
    value = record[name]
    assert isinstance(value, str)
    return value


def moment(record: Record) -> datetime:
    """Read a connection event's time, to the microsecond."""
    return datetime.fromisoformat(text(record, "eventTimestamp"))


@pytest.fixture(scope="module")
def events() -> Records:
    """Give the connection events before ANCHOR."""
    return list(connection_events(ANCHOR))


@pytest.fixture(scope="module")
def calls() -> Records:
    """Give the summary events before ANCHOR."""
    return list(summary_events(ANCHOR))


def by_connection(events: Records) -> dict[str, Records]:
    """Group events by connection, in their order."""
    found: dict[str, Records] = {}
    for event in events:
        found.setdefault(text(event, "connectionId"), []).append(event)
    return found


def open_at_end(events: Records) -> Records:
    """Give the last event of each connection without a disconnect."""
    lasts = (each[-1] for each in by_connection(events).values())
    return [last for last in lasts if last["eventType"] != "disconnect"]


def test_connection_events_have_the_shape_of_their_source(events: Records) -> None:
    """Each record has the source's fields, in its order, as text in its formats."""
    instant = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z", re.ASCII)
    networks = [ip_network(each) for each in ("203.0.113.0/24", "198.51.100.0/24", "192.0.2.0/24", "2001:db8::/32")]
    for event in events:
        assert list(event) == list(CONNECTION_EVENT)
        assert all(type(value) is str and value for value in event.values())
    assert {event["eventType"] for event in events} == {"connect", "heartbeat", "disconnect"}
    for name in ("organizationId", "apikeyId"):
        for value in {text(event, name) for event in events}:
            assert str(UUID(value)) == value
    for event in islice(events, 0, None, 50):
        assert instant.fullmatch(text(event, "eventTimestamp"))
        assert re.fullmatch("conn_[0-9a-f]{16}", text(event, "connectionId"))
        assert str(UUID(text(event, "eventId"))) == event["eventId"]
    for value in {text(event, "ipAddress") for event in events}:
        address = ip_address(value)
        assert str(address) == value
        assert any(address in network for network in networks)


def test_summary_events_have_the_shape_of_their_source(calls: Records) -> None:
    """Each record has the source's fields, in its order, with its types; null only where the source writes it."""
    types: dict[str, tuple[type, ...]] = {
        name: (str,) if value is None else (type(value),) for name, value in SUMMARY_EVENT.items()
    }
    types |= {name: (str, type(None)) for name in NULLABLE}
    instant = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
    for call in calls:
        assert list(call) == list(SUMMARY_EVENT)
        assert all(type(call[name]) in allowed for name, allowed in types.items())
    for call in islice(calls, 0, None, 50):
        assert instant.fullmatch(text(call, "datetime"))
        assert re.fullmatch("[A-Za-z0-9_-]{22}", text(call, "summary_event_id"))
    for name in ("bytes_received", "bytes_sent", "time_to_serve_request"):
        values = [value for call in calls if isinstance(value := call[name], int)]
        assert min(values) >= 0
        assert max(values) > 20 * sorted(values)[len(values) // 2]


def test_the_same_anchor_gives_the_same_bytes(events: Records, calls: Records) -> None:
    """A second process with another hash seed writes what this one does, and both what any machine must."""
    environment = {"PYTHONHASHSEED": "4711", "PYTHONPATH": os.pathsep.join(sys.path)}
    second = subprocess.run([sys.executable, __file__], env=environment, capture_output=True, text=True, check=True)
    expected = [CONNECTION_EVENTS_SHA256, SUMMARY_EVENTS_SHA256]
    assert [fingerprint(events), fingerprint(calls)] == expected
    assert second.stdout.split() == expected


@pytest.mark.parametrize("generate", [connection_events, summary_events])
def test_an_anchor_is_an_instant(generate: Generate) -> None:
    """Its zone does not matter, having none is refused, and another instant gives other ids."""
    warsaw = ANCHOR.astimezone(timezone(timedelta(hours=2)))
    first = next(generate(ANCHOR))
    assert next(generate(warsaw)) == first
    assert set(next(generate(SUNDAY_NIGHT)).values()).isdisjoint(
        {first.get("eventId"), first.get("summary_event_id")} - {None}
    )
    with pytest.raises(ValueError, match="time zone"):
        next(generate(ANCHOR.replace(tzinfo=None)))


def test_the_sizes_are_as_promised(events: Records, calls: Records) -> None:
    """There are 110,000 to 150,000 of each, about three to one between the organizations."""
    first, second = DEMO_ORGANIZATIONS
    for records, name, keys in (
        (events, "organizationId", (first.organization_id, second.organization_id)),
        (calls, "org_name", (first.org_name, second.org_name)),
    ):
        sizes = Counter(text(record, name) for record in records)
        assert 110_000 <= len(records) <= 150_000
        assert set(sizes) == set(keys)
        assert 2.5 <= sizes[keys[0]] / sizes[keys[1]] <= 3.6


def test_ids_are_unique(events: Records, calls: Records) -> None:
    """No event id repeats, and a connection id belongs to one connection: one client and at most one connect."""
    assert len({event["eventId"] for event in events}) == len(events)
    assert len({call["summary_event_id"] for call in calls}) == len(calls)
    fixed = ("organizationId", "apikeyId", "host", "ipAddress", "protocolName", "serviceName", "dataCenter")
    for each in by_connection(events).values():
        assert len({tuple(event[name] for name in fixed) for event in each}) == 1
        assert [event["eventType"] for event in each[1:-1]] == ["heartbeat"] * len(each[1:-1])
        assert "connect" not in {event["eventType"] for event in each[1:]}


def test_times_lie_in_the_window_and_ascend(events: Records, calls: Records) -> None:
    """Everything happened in the 14 days before the anchor; the oldest comes first."""
    start, end = (f"{edge:%Y-%m-%dT%H:%M:%S.%f}" for edge in (ANCHOR - timedelta(days=14), ANCHOR))
    for times in ([text(event, "eventTimestamp") for event in events], [text(call, "datetime") for call in calls]):
        assert start <= times[0] <= times[-1] <= end + "9"
        assert all(earlier <= later for earlier, later in pairwise(times))
    assert len({text(event, "eventTimestamp")[-5:-1] for event in events}) > 9_000  # the 100 ns digits are used


def test_there_is_variety(events: Records, calls: Records) -> None:
    """Services, protocols, data centers, keys, APIs, plans, spaces and statuses each come in several."""
    for name, least in (("serviceName", 4), ("protocolName", 4), ("dataCenter", 3), ("eventDescription", 12)):
        assert len({event[name] for event in events}) >= least
    for organization in DEMO_ORGANIZATIONS:
        own = [event for event in events if event["organizationId"] == organization.organization_id]
        keys = Counter(text(event, "apikeyId") for event in own)
        assert len(keys) == organization.api_keys
        assert 10 <= len(keys) <= 40
        assert max(keys.values()) > 3 * len(own) / len(keys)  # some keys are noisy
    for name, least in (("api_ref", 8), ("product_ref", 5), ("plan_id", 6), ("catalog_name", 2), ("space_name", 3)):
        assert len({call[name] for call in calls}) >= least
    statuses = ["200", "201", "204", "301", "400", "401", "404", "429", "500", "502", "503"]
    assert sorted({text(call, "status_code")[:3] for call in calls}) == statuses
    unknown = [call for call in calls if call["app_name"] == "undefined"]
    assert unknown
    assert {call[name] for call in unknown for name in NULLABLE} == {None}


@pytest.mark.parametrize("anchor", [ANCHOR, SUNDAY_NIGHT])
def test_some_connections_are_open_at_the_anchor(anchor: datetime, events: Records) -> None:
    """At any hour, at least ten connections have a sign of life in its last 2 minutes; a few vanished long ago."""
    records = events if anchor == ANCHOR else list(connection_events(anchor))
    last = open_at_end(records)
    active = [event for event in last if anchor - moment(event) < timedelta(minutes=2)]
    vanished = [event for event in last if anchor - moment(event) > timedelta(hours=1)]
    assert len(active) >= 10
    assert {event["eventType"] for event in active} <= {"connect", "heartbeat"}
    assert len({event["organizationId"] for event in active}) == 2
    assert 5 <= len(vanished) <= 150
    assert 110_000 <= len(records) <= 150_000


def test_clients_come_back_after_the_outage(events: Records) -> None:
    """In the outage every connection of its region is lost, none is made, and most clients are back soon after."""
    began, ended = (datetime.fromisoformat(written(edge)) for edge in outage(demo_window(ANCHOR)))
    there = [event for event in events if text(event, "dataCenter").startswith(OUTAGE_REGION)]
    lost = {event["ipAddress"] for event in there if event["eventDescription"] == OUTAGE_DESCRIPTION}
    dark = [event for event in there if began + timedelta(seconds=90) <= moment(event) < ended]
    back = {
        event["ipAddress"]
        for event in there
        if event["eventType"] == "connect" and ended <= moment(event) < ended + timedelta(minutes=10)
    }
    assert len(lost) >= 15
    assert dark == []
    assert len(lost & back) >= 0.9 * len(lost)
    assert any(event["eventDescription"] == DEPLOYMENT_DESCRIPTION for event in events)
    assert any("re-established" in text(event, "eventDescription") for event in events)


def test_errors_are_few_but_in_the_incident(calls: Records) -> None:
    """Errors are 2 to 4 %; in the incident's hour one API answers 503 to 20-30 % and is slow."""
    errors = sum(text(call, "status_code")[0] in "45" for call in calls)
    assert 0.02 <= errors / len(calls) <= 0.04
    began, ended = (written(edge, 3) for edge in incident(demo_window(ANCHOR)))
    usual: list[int] = []
    slow: list[int] = []
    unavailable = 0
    for call in calls:
        if call["api_ref"] == INCIDENT_API and isinstance(time := call["time_to_serve_request"], int):
            ill = began <= text(call, "datetime") < ended
            (slow if ill else usual).append(time)
            unavailable += ill and call["status_code"] == "503 Service Unavailable"
    assert 0.2 <= unavailable / len(slow) <= 0.3
    assert sorted(slow)[len(slow) // 2] > 2 * sorted(usual)[len(usual) // 2]


@pytest.mark.parametrize("name", ["eventTimestamp", "datetime"])
def test_days_and_weeks_have_a_rhythm(name: str, events: Records, calls: Records) -> None:
    """The busiest hour of the day has at least twice what the quietest has; a Wednesday more than a Sunday."""
    times = [text(record, name) for record in (events if name == "eventTimestamp" else calls)]
    hours = Counter(time[11:13] for time in times)
    assert len(hours) == 24
    assert max(hours.values()) >= 2 * min(hours.values())
    days = Counter(time[:10] for time in times)
    assert days["2026-04-15"] > 1.5 * days["2026-04-19"]


if __name__ == "__main__":
    sys.stdout.write(f"{fingerprint(connection_events(ANCHOR))}\n{fingerprint(summary_events(ANCHOR))}\n")
