"""Who checks the checker: instants, windows, filters and statuses worked out by hand."""

from typing import Any

import pytest

from tests.oracle import connections, filters, instants, windows
from tests.oracle.datasets import CONNECTION_EVENTS, SUMMARY_EVENTS
from tests.oracle.examples import NOW, SECOND, at, call, event
from tests.oracle.windows import Window


@pytest.mark.parametrize(
    ("text", "ticks"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.0000001Z", 1),
        ("1970-01-01T00:00:01.5Z", 15_000_000),
        ("1970-01-01T02:00:00+02:00", 0),
        ("1969-12-31T16:30:00.001-07:30", 10_000),
        ("2026-04-20T19:30:38.5509677Z", 1_776_713_438 * SECOND + 5_509_677),
    ],
)
def test_text_is_counted_in_100_ns_ticks_since_1970(text: str, ticks: int) -> None:
    """RFC 3339 with any offset and up to seven digits is read to the tick."""
    assert instants.parse(text) == ticks


@pytest.mark.parametrize(
    "text", ["2026-01-01T00:00:00", "2026-01-01", "2026-02-29T00:00:00Z", "2026-01-01T00:00:00.12345678Z"]
)
def test_what_is_no_instant_is_refused(text: str) -> None:
    """No zone, no time, no such day, eight digits."""
    with pytest.raises(ValueError, match=r".+"):
        instants.parse(text)


def test_ticks_are_cut_to_three_digits_and_shown_in_seven() -> None:
    """Nothing is rounded up into the next millisecond."""
    ticks = at("19:30:38.5509999")
    assert instants.render(ticks) == "2026-01-10T19:30:38.5509999Z"
    assert instants.render(ticks, 3) == "2026-01-10T19:30:38.550Z"
    assert instants.to_millisecond(ticks) == at("19:30:38.550")


def test_a_month_back_keeps_the_day_or_takes_the_last() -> None:
    """A quarter before 31 May is 28 February."""
    back = instants.months_before(instants.parse("2026-05-31T01:02:03.0000004Z"), 3)
    assert instants.render(back) == "2026-02-28T01:02:03.0000004Z"


def test_graphql_leaves_the_end_out_and_rest_includes_it() -> None:
    """One tick decides (contract 3)."""
    end = "2026-01-10T00:00:01Z"
    assert windows.from_graphql({"end": end, "minutes": None}, NOW) == Window(None, at("00:00:01"))
    assert windows.from_connection_parameters({"timeEnd": end}, NOW) == Window(None, at("00:00:01") + 1)
    assert windows.from_graphql({"minutes": 2}, NOW) == Window(NOW - 120 * SECOND, NOW)
    assert windows.from_graphql({"last": "P1DT1M"}, NOW) == Window(NOW - 86460 * SECOND, NOW)
    assert windows.from_summary_parameters({"timeframe": "last2hours"}, NOW) == Window(NOW - 7200 * SECOND, NOW + 1)
    assert windows.from_summary_parameters({"timeframe": "odd", "end": end}, NOW).end == at("00:00:01") + 1


@pytest.mark.parametrize("given_window", [{"minutes": 1, "start": 0}, {"minutes": 0}, {"start": 5, "end": 5}])
def test_windows_the_contract_calls_errors(given_window: dict[str, Any]) -> None:
    """An amount beside an edge, no amount, an end that is not behind the start."""
    with pytest.raises(ValueError, match=r".+"):
        windows.from_graphql(given_window, NOW)


TEXT = {"host": "a.b", "apikeyId": None, "ipAddress": "203.0.113.195", "eventTimestamp": "2026-01-10T00:00:00.0000001Z"}


@pytest.mark.parametrize(
    ("given_filter", "expected"),
    [
        ({}, True),
        ({"host": None, "and": None}, True),
        ({"host": {}}, True),
        ({"host": {"eq": "A.B"}}, False),
        ({"host": {"contains": "."}}, True),
        ({"host": {"startsWith": "."}}, False),
        ({"host": {"startsWith": "a", "contains": "x"}}, False),
        ({"host": {"in": []}}, False),
        ({"host": {"notIn": []}}, True),
        ({"apiKeyId": {"ne": "x"}}, True),
        ({"apiKeyId": {"notIn": ["x"]}}, True),
        ({"apiKeyId": {"contains": ""}}, False),
        ({"apiKeyId": {"isNull": True}}, True),
        ({"eventType": {"isNull": True}}, True),
        ({"apiKeyId": {"isNull": False}}, False),
        ({"not": {"apiKeyId": {"contains": ""}}}, True),
        ({"not": {}}, False),
        ({"and": []}, False),
        ({"or": []}, False),
        ({"or": [{}]}, True),
        ({"host": {"eq": "x"}, "or": [{}]}, False),
        ({"or": [{"host": {"eq": "x"}}, {"host": {"eq": "a.b"}}]}, True),
        ({"and": [{"host": {"eq": "x"}}, {"host": {"eq": "a.b"}}]}, False),
        ({"ipAddress": {"cidr": "203.0.113.0/24"}}, True),
        ({"ipAddress": {"cidr": "::/0"}}, False),
        ({"host": {"eq": "a.b"}, "ipAddress": {"cidr": "203.0.112.0/24"}}, False),
        ({"time": {"start": "2026-01-10T00:00:00.0000001Z"}}, True),
        ({"time": {"end": "2026-01-10T00:00:00.0000001Z"}}, False),
        ({"time": {"start": "2026-01-10T00:00:00.0000002Z"}}, False),
    ],
)
def test_filters_by_hand(given_filter: dict[str, Any], expected: bool) -> None:  # noqa: FBT001 - a column of the table
    """Absent, null and empty differ; text is literal; null equals nothing."""
    assert filters.matches(TEXT, given_filter, CONNECTION_EVENTS, NOW) is expected


@pytest.mark.parametrize(
    ("given_filter", "ids"),
    [
        ({"statusCode": {"class": "_2XX"}}, ["s1"]),
        ({"statusCode": {"outcome": "SUCCESS"}}, ["s1", "s3"]),
        ({"statusCode": {"outcome": "ERROR"}}, ["s2"]),
        ({"not": {"statusCode": {"outcome": "ERROR"}}}, ["s1", "s3", "s4"]),
        ({"statusCode": {"ne": "200 OK"}}, ["s2", "s3", "s4"]),
        ({"bytesReceived": {"gt": 887, "lt": 889}}, ["s1", "s2", "s3", "s4"]),
        ({"bytesReceived": {"gte": 889}}, []),
        ({"spaceName": {"isNull": False}}, []),
    ],
)
def test_status_codes_and_numbers_by_hand(given_filter: dict[str, Any], ids: list[str]) -> None:
    """A null status has neither class nor outcome; another organization's call is never selected."""
    calls = [call(1, "200 OK"), call(2, "404"), call(3, "302 Found"), call(4, None), call(5, "200 OK", org_name="x")]
    found = filters.select(calls, SUMMARY_EVENTS, "ibm", given_filter, NOW)
    assert [record["summary_event_id"] for record in found] == ids


def test_eq_null_is_an_error() -> None:
    """It points to isNull, and is not taken for "not filtered"."""
    with pytest.raises(ValueError, match="isNull"):
        filters.matches(TEXT, {"host": {"eq": None}}, CONNECTION_EVENTS, NOW)


def test_a_connection_that_came_back_is_open_in_any_order_of_arrival() -> None:
    """Start is the earliest connect, though an earlier heartbeat gives the other fields."""
    life = [
        event(4, "disconnect", "00:10:00.0000009"),
        event(5, "connect", "00:20:00.9999999"),
        event(3, "connect", "00:05:00.0012345"),
        event(2, "heartbeat", "00:04:00.0000000"),
    ]
    for arrival in (life, life[::-1]):
        (status,) = connections.statuses(arrival)
        assert status["host"] == "host-2"
        assert status["connectionStartTime"] == "2026-01-10T00:05:00.0010000Z"
        assert status["lastHeartbeat"] == "2026-01-10T00:20:00.9990000Z"
        assert status["lastActivity"] == "2026-01-10T00:20:00.9990000Z"
        assert status["disconnectedAt"] == "2026-01-10T00:10:00.0000000Z"
        assert connections.is_open(status)


def test_the_earliest_event_is_found_below_the_millisecond_then_by_id() -> None:
    """Times are compared exactly before they are truncated; equal ones by id."""
    (status,) = connections.statuses([event(1, "connect", "00:00:00.0000002"), event(2, "connect", "00:00:00.0000001")])
    assert status["host"] == "host-2"
    (status,) = connections.statuses([event(2, "connect", "00:00:00.0000001"), event(1, "connect", "00:00:00.0000001")])
    assert status["host"] == "host-1"


def test_a_heartbeat_in_the_millisecond_of_the_disconnect_is_not_later() -> None:
    """Open goes by the kept times: one tick later is not seen, one millisecond is."""
    closed = [event(1, "disconnect", "00:00:00.0000001"), event(2, "heartbeat", "00:00:00.0009999")]
    opened = [event(1, "disconnect", "00:00:00.0009999"), event(2, "heartbeat", "00:00:00.0010000")]
    assert not connections.is_open(connections.statuses(closed)[0])
    assert connections.is_open(connections.statuses(opened)[0])


def test_a_connection_without_connect_or_heartbeat_starts_with_its_first_event() -> None:
    """A disconnect alone: no heartbeat, no duration, closed."""
    (status,) = connections.statuses([event(1, "disconnect", "00:00:07")])
    assert status["connectionStartTime"] == status["lastActivity"] == "2026-01-10T00:00:07.0000000Z"
    assert status["lastHeartbeat"] is None
    assert not connections.is_open(status)
