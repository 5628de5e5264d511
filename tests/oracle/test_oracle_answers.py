"""Who checks the checker: summaries, pages and REST bodies worked out by hand."""

import orjson
import pytest

from tests.oracle import connections, pages, rest, summary
from tests.oracle.datasets import CONNECTION_EVENTS, Record
from tests.oracle.examples import (
    NOW,
    ORGANIZATION,
    SEED_CONNECTION_EVENTS,
    SEED_CONNECTION_SUMMARY_KEYS,
    SEED_SUMMARY_EVENT,
    at,
    call,
    event,
)


def two_connections() -> list[Record]:
    """One from 00:00:00.900 to 00:01:40.200 (99.3 s), closed; one from 00:01:00 to 00:03:00 (120 s), open, no key."""
    return connections.statuses(
        [
            event(1, "connect", "00:00:00.9000000"),
            event(2, "disconnect", "00:01:40.2009999"),
            event(3, "connect", "00:01:00", connectionId="conn_2", apikeyId=None),
            event(4, "heartbeat", "00:03:00", connectionId="conn_2", apikeyId=None),
        ]
    )


def test_summary_of_all_that_is_kept() -> None:
    """Sums are truncated once: 99.3 + 120 = 219.3 s, half of it 109.65 s."""
    assert summary.rows(two_connections(), ORGANIZATION, None, NOW) == [
        {
            "organizationId": ORGANIZATION,
            "serviceName": "coinapi-ws",
            "protocolName": "WebSocket",
            "dataCenter": "us-east-1",
            "totalConnections": 2,
            "newConnectionsInPeriod": 2,
            "activeConnections": 0,
            "uniqueApiKeys": 1,
            "averageConnectionDurationSeconds": 109,
            "totalConnectionTimeSeconds": 219,
            "connectionTimeInPeriodSeconds": 219,
            "firstConnection": "2026-01-10T00:00:00.9000000Z",
            "lastConnection": "2026-01-10T00:01:00.0000000Z",
            "lastActivity": "2026-01-10T00:03:00.0000000Z",
        }
    ]


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        # Both were there at 00:01:40.2 (lastActivity >= s); the open one's 79.8 s after it remain.
        ("00:01:40.2", "00:10:00", (2, 0, 0, 79)),
        # One tick later the closed one is out.
        ("00:01:40.2000001", "00:10:00", (1, 0, 0, 79)),
        # conn_2 starts at e: not in W.
        ("00:00:00", "00:01:00", (1, 1, 0, 59)),
        # One tick more: in W and new, with a heartbeat that is still to come at e: not active.
        ("00:00:00", "00:01:00.0000001", (2, 2, 0, 59)),
        # The heartbeat at 00:03:00 is not before e = 00:03:00, but is one tick later.
        ("00:00:00", "00:03:00", (2, 2, 0, 219)),
        ("00:00:00", "00:03:00.0000001", (2, 2, 1, 219)),
        # Two minutes later it still counts, one tick more it does not.
        ("00:00:00", "00:05:00", (2, 2, 1, 219)),
        ("00:00:00", "00:05:00.0000001", (2, 2, 0, 219)),
    ],
)
def test_summary_at_the_edges_of_its_window(start: str, end: str, expected: tuple[int, int, int, int]) -> None:
    """W = [s, e), to the tick; expected: total, new, active, clipped seconds."""
    window = {"start": f"2026-01-10T{start}Z", "end": f"2026-01-10T{end}Z"}
    (row,) = summary.rows(two_connections(), ORGANIZATION, {"time": window}, NOW)
    measures = ("totalConnections", "newConnectionsInPeriod", "activeConnections", "connectionTimeInPeriodSeconds")
    assert tuple(row[measure] for measure in measures) == expected


def test_active_looks_back_from_now_where_the_window_ends_later() -> None:
    """min(now, e): at 00:04 the heartbeat of 00:03 is a minute old, whatever e is."""
    for time in (None, {"end": "2026-01-10T00:10:00Z"}):
        (row,) = summary.rows(two_connections(), ORGANIZATION, {"time": time}, at("00:04:00"))
        assert row["activeConnections"] == 1


def test_summary_rows_are_ordered_with_null_first_ascending_and_last_descending() -> None:
    """Ties go by service, protocol, data center ascending, whatever the direction."""
    names = [("a", None), (None, "y"), ("a", "x"), ("b", "x")]
    events = [
        event(number, "connect", "00:00:00", connectionId=f"conn_{number}", serviceName=service, protocolName=protocol)
        for number, (service, protocol) in enumerate(names)
    ]
    statuses = connections.statuses(events)

    def keys(orders: list[pages.Order] | None) -> list[tuple[str | None, str | None]]:
        rows = summary.rows(statuses, ORGANIZATION, {}, NOW, orders)
        return [(row["serviceName"], row["protocolName"]) for row in rows]

    assert keys(None) == [(None, "y"), ("a", None), ("a", "x"), ("b", "x")]
    assert keys([("serviceName", "DESC")]) == [("b", "x"), ("a", None), ("a", "x"), (None, "y")]
    assert keys([("protocolName", "ASC")]) == [("a", None), ("a", "x"), ("b", "x"), (None, "y")]


def test_order_goes_below_the_millisecond_and_ties_go_by_id_in_the_last_direction() -> None:
    """Newest first unless ordered otherwise; null before everything ascending."""
    events = [
        event(1, "connect", "00:00:00.0000001", host="b"),
        event(2, "connect", "00:00:00.0000002", host=None),
        event(3, "connect", "00:00:00.0000001", host="b"),
    ]

    def ids(orders: list[pages.Order] | None) -> list[str]:
        return [record["eventId"] for record in pages.ordered(events, CONNECTION_EVENTS, orders)]

    assert ids(None) == ["e2", "e3", "e1"]
    assert ids([("eventTimestamp", "ASC")]) == ["e1", "e3", "e2"]
    assert ids([("host", "ASC")]) == ["e2", "e1", "e3"]
    assert ids([("host", "DESC")]) == ["e3", "e1", "e2"]
    assert ids([("host", "ASC"), ("eventType", "DESC")]) == ["e2", "e3", "e1"]


def test_pages_cover_everything_once() -> None:
    """`first` at a time, the total on each page; none at all when `first` is 0."""
    events = [event(number, "connect", "00:00:00") for number in range(5)]
    assert [len(page.nodes) for page in pages.walk(events, CONNECTION_EVENTS, 2)] == [2, 2, 1]
    assert [page.has_next_page for page in pages.walk(events, CONNECTION_EVENTS, 5)] == [False]
    assert pages.cut(events, CONNECTION_EVENTS, 0) == pages.Page([], has_next_page=True, total_count=5)


@pytest.mark.parametrize(
    ("asked", "ids"),
    [
        ("success", ["s1", "s2", "s3"]),
        ("error", ["s4", "s5", "s7"]),
        ("20x", ["s1", "s2"]),
        ("2xx", ["s1", "s2"]),
        ("4xx", ["s4", "s5", "s7"]),
        ("404", ["s4", "s5"]),
        ("not:4xx", ["s1", "s2", "s3", "s6"]),
        ("200 OK", ["s1"]),
        ("not:404", ["s1", "s2", "s3", "s6", "s7"]),
        ("not:success", ["s4", "s5", "s6", "s7"]),
    ],
)
def test_status_code_words_by_hand(asked: str, ids: list[str]) -> None:
    """`not:` is the exact opposite, null included (contract 5)."""
    calls = [
        call(1, "200 OK"),
        call(2, "201"),
        call(3, "302 Found"),
        call(4, "404 Not Found"),
        call(5, "404"),
        call(6, None),
        call(7, "4040 Odd"),
    ]
    body = rest.summary_page(calls, "ibm", {"status_code": asked, "sort": "summary_event_id"}, NOW)
    assert [found["summary_event_id"] for found in body["events"]] == ids
    assert body["total"] == rest.summary_count(calls, "ibm", {"status_code": asked}, NOW)["total"] == len(ids)


def test_summary_filters_windows_and_pages_by_hand() -> None:
    """Both ends included; numbers by equality; total counts all pages; a repeat is the first one stored."""
    calls = [call(1, "200 OK"), call(2, "200 OK", bytes_received=1), call(3, "500"), call(3, "200 OK")]
    window = {"start": "2026-01-10T00:00:01Z", "end": "2026-01-10T00:00:02Z"}
    body = rest.summary_page(calls, "ibm", {**window, "limit": "1", "fields": "summary_event_id,datetime"}, NOW)
    assert body == {"total": 2, "events": [{"datetime": "2026-01-10T00:00:02.000Z", "summary_event_id": "s2"}]}
    assert rest.summary_count(calls, "ibm", {"bytes_received": "not:888"}, NOW) == {"total": 1}
    assert rest.summary_count(calls, "ibm", {"provider_org_name": "other"}, NOW) == {"total": 0}
    assert rest.summary_count(calls, "ibm", {"status_code": "success"}, NOW) == {"total": 2}
    assert rest.summary_event(calls, "other", "s1") is None


@pytest.mark.parametrize(
    ("stored", "expected"),
    [("us-east-1", True), ("us-east-1/server-01", True), ("us-east-10", False), ("us-east", False), (None, False)],
)
def test_a_data_center_covers_what_is_below_it(stored: str | None, expected: bool) -> None:  # noqa: FBT001 - a column
    """Itself and everything behind `us-east-1/`."""
    assert rest.under_data_center(stored, "us-east-1") is expected


def test_the_bodies_have_the_keys_of_the_seeds_in_their_order() -> None:
    """The seeds' own records come out as they went in, newest first (contract 5)."""
    events = SEED_CONNECTION_EVENTS
    answer = rest.connection_events(events, ORGANIZATION, {}, NOW)
    assert orjson.dumps(answer) == orjson.dumps(events[::-1])
    assert rest.connection_events(events, ORGANIZATION, {"eventType": "connect", "limit": "1"}, NOW) == events[:1]

    (row,) = rest.connection_summary(connections.statuses(events), ORGANIZATION, {"dataCenter": "us-east-1"}, NOW)
    assert list(row) == SEED_CONNECTION_SUMMARY_KEYS
    # 19:30:38.550 to 19:58:38.550, by the seed's three events.
    assert row["totalConnectionTimeSeconds"] == 1680

    found = rest.summary_event([SEED_SUMMARY_EVENT], "ibm", "A11ybP3Dnla5jttwIQuGjA")
    assert orjson.dumps(found) == orjson.dumps(SEED_SUMMARY_EVENT)
