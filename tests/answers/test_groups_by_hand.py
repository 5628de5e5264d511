"""Groups by hand: days of 23 and 25 hours, midnights that are missing or come twice, bins, edges of numbers."""

from collections.abc import Sequence
from typing import Any

import pytest

from tests.gateways import Gateway
from tests.seed_records import seed_connection_events, seed_summary_events

Json = dict[str, Any]


def call(number: int, at: str = "2026-01-01T12:00:00.000Z", **changed: Any) -> Json:
    """Make a summary event."""
    return {**seed_summary_events()[0], "summary_event_id": f"s{number}", "datetime": at, **changed}


def event(number: int, kind: str, at: str, connection: str) -> Json:
    """Make an event of a connection."""
    changed = {"eventId": f"e{number}", "eventType": kind, "eventTimestamp": at, "connectionId": connection}
    return {**seed_connection_events()[0], **changed}


async def ask(gateway: Gateway, records: Sequence[Json], arguments: str, selected: str) -> list[Json]:
    """Load summary events and ask for groups of them; the nodes."""
    assert await gateway.load_summary_events(list(records)) == []
    query = f"{{ page: summaryEventGroups{arguments} {{ nodes {{ {selected} }} }} }}"
    nodes: list[Json] = (await gateway.data(await gateway.key(), query))["page"]["nodes"]
    return nodes


def window(start: str, end: str, more: str = "") -> str:
    """Write arguments with a window."""
    return f'(filter: {{time: {{start: "{start}", end: "{end}"}}}}, limit: 10000, {more})'


async def starts(gateway: Gateway, records: Sequence[Json], arguments: str, buckets: str) -> dict[str, int]:
    """Tell the first instant of each bucket that comes, and its count."""
    nodes = await ask(gateway, records, arguments, f"dimensions {{ at: time({buckets}) }} count")
    found = {node["dimensions"]["at"]: node["count"] for node in nodes}
    assert len(found) == len(nodes)
    assert list(found) == sorted(found)
    return found


@pytest.mark.parametrize(
    ("zone", "start", "end", "hours"),
    [
        ("Europe/Warsaw", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", 23),
        ("Europe/Warsaw", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z", 25),
        ("America/New_York", "2026-03-08T05:00:00Z", "2026-03-09T04:00:00Z", 23),
        ("America/New_York", "2025-11-02T04:00:00Z", "2025-11-03T05:00:00Z", 25),
    ],
)
async def test_a_day_of_23_or_25_hours_has_so_many_hours_and_is_one_day(
    gateway: Gateway, zone: str, start: str, end: str, hours: int
) -> None:
    """From local midnight to local midnight: hourly one row for each hour that passes, daily one row."""
    by_hour = await starts(gateway, [], window(start, end, "fill: true"), f'every: HOUR, timezone: "{zone}"')
    assert len(by_hour) == hours
    assert min(by_hour) == start.replace("Z", ".000Z")
    by_day = await starts(gateway, [], window(start, end, "fill: true"), f'every: DAY, timezone: "{zone}"')
    assert list(by_day) == [start.replace("Z", ".000Z")]


MIDNIGHTS = [
    # Put forward at midnight: the day begins at 01:00.
    ("Africa/Cairo", "2024-04-25T12:00:00Z", ["2024-04-24T22:00", "2024-04-25T22:00", "2024-04-26T21:00"]),
    ("Asia/Beirut", "2026-03-28T12:00:00Z", ["2026-03-27T22:00", "2026-03-28T22:00", "2026-03-29T21:00"]),
    ("America/Havana", "2026-03-07T12:00:00Z", ["2026-03-07T05:00", "2026-03-08T05:00", "2026-03-09T04:00"]),
    ("America/Sao_Paulo", "2018-11-03T12:00:00Z", ["2018-11-03T03:00", "2018-11-04T03:00", "2018-11-05T02:00"]),
    # Put back at midnight, to 23:00 of the day before, which is 25 hours long.
    ("Asia/Beirut", "2026-10-24T12:00:00Z", ["2026-10-23T21:00", "2026-10-24T22:00", "2026-10-25T22:00"]),
    ("America/Sao_Paulo", "2019-02-16T12:00:00Z", ["2019-02-16T02:00", "2019-02-17T03:00", "2019-02-18T03:00"]),
    # Put back from 01:00 to midnight, which comes twice: the day begins at the first.
    ("America/Havana", "2025-11-01T12:00:00Z", ["2025-11-01T04:00", "2025-11-02T04:00", "2025-11-03T05:00"]),
    ("Atlantic/Azores", "2025-10-25T12:00:00Z", ["2025-10-25T00:00", "2025-10-26T00:00", "2025-10-27T01:00"]),
    # 2011-12-30 was leapt over.
    ("Pacific/Apia", "2011-12-29T12:00:00Z", ["2011-12-29T10:00", "2011-12-30T10:00", "2011-12-31T10:00"]),
]


@pytest.mark.parametrize(
    ("zone", "noon", "days"), MIDNIGHTS, ids=[f"{zone}-{noon[:10]}" for zone, noon, _ in MIDNIGHTS]
)
async def test_a_day_begins_at_its_first_instant_where_clocks_change_at_midnight(
    gateway: Gateway, zone: str, noon: str, days: list[str]
) -> None:
    """With a record in the first minute of each of three days: the same first instants with and without fill."""
    records = [call(number, f"{first}:30.000Z") for number, first in enumerate(days)]
    end = days[-1] + ":59Z"
    buckets = f'every: DAY, timezone: "{zone}"'
    wanted = {f"{first}:00.000Z": 1 for first in days}
    assert await starts(gateway, records, "(limit: 10)", buckets) == wanted
    within = await starts(gateway, [], window(noon, end, "fill: true"), buckets)
    assert within == wanted | {f"{days[0]}:00.000Z": 0}


BINS = [
    ("2026-01-01T11:59:00.000Z", "every: HOUR, bin: 6", "2026-01-01T06:00:00.000Z"),
    # Bins of hours go by elapsed time since 2000-01-01T00:00 in the zone: in summer they begin at 01:00, 07:00 …
    ("2026-07-01T10:00:00.000Z", 'every: HOUR, bin: 6, timezone: "Europe/Warsaw"', "2026-07-01T05:00:00.000Z"),
    ("2026-01-01T10:15:00.000Z", 'every: HOUR, timezone: "Asia/Kolkata"', "2026-01-01T09:30:00.000Z"),
    ("2026-01-01T00:29:59.999Z", "every: MINUTE, bin: 15", "2026-01-01T00:15:00.000Z"),
    # 9497 days after 2000-01-01, which leaves 2 on division by 3.
    ("2026-01-01T12:00:00.000Z", "every: DAY, bin: 3", "2025-12-30T00:00:00.000Z"),
    ("1999-12-31T12:00:00.000Z", "every: DAY, bin: 3", "1999-12-29T00:00:00.000Z"),
    ("2026-01-04T23:59:59.999Z", "every: WEEK", "2025-12-29T00:00:00.000Z"),
    ("2026-01-05T00:00:00.000Z", "every: WEEK", "2026-01-05T00:00:00.000Z"),
    # 1357 weeks after Monday 2000-01-03.
    ("2026-01-05T00:00:00.000Z", "every: WEEK, bin: 2", "2025-12-29T00:00:00.000Z"),
    ("2026-02-28T23:59:59.999Z", "every: MONTH, bin: 2", "2026-01-01T00:00:00.000Z"),
    ("2026-05-10T00:00:00.000Z", "every: QUARTER", "2026-04-01T00:00:00.000Z"),
    # 106 quarters after 2000-01-01.
    ("2026-09-30T00:00:00.000Z", "every: QUARTER, bin: 3", "2026-04-01T00:00:00.000Z"),
    ("2026-05-10T00:00:00.000Z", "every: YEAR, bin: 5", "2025-01-01T00:00:00.000Z"),
    ("2026-03-31T22:00:00.000Z", 'every: MONTH, timezone: "Europe/Warsaw"', "2026-03-31T22:00:00.000Z"),
]


@pytest.mark.parametrize(("at", "buckets", "first"), BINS, ids=[f"{buckets} {at[:10]}" for at, buckets, _ in BINS])
async def test_bins_are_aligned_as_promised(gateway: Gateway, at: str, buckets: str, first: str) -> None:
    """From 2000-01-01T00:00 in the zone, weeks from Monday 2000-01-03."""
    assert await starts(gateway, [call(1, at)], "", buckets) == {first: 1}


async def test_ten_thousand_buckets_may_be_filled(gateway: Gateway) -> None:
    """As many as the limit groupBuckets says; one more is refused."""
    asked = window("2026-01-01T00:00:00Z", "2026-01-07T22:40:00Z", "fill: true")
    assert len(await starts(gateway, [], asked, "every: MINUTE")) == 10_000
    asked = window("2026-01-01T00:00:00Z", "2026-01-07T22:40:00.0000001Z", "fill: true")
    body = await gateway.post(
        await gateway.key(), f"{{ summaryEventGroups{asked} {{ nodes {{ dimensions {{ time(every: MINUTE) }} }} }} }}"
    )
    assert body["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"


async def test_a_sum_that_passes_64_bits_is_refused_and_the_greatest_that_fits_is_exact(gateway: Gateway) -> None:
    """LIMIT_EXCEEDED that names the sum, never a rounded or wrapped number; also where it is computed in two steps."""
    calls = [call(1, bytes_sent=2**63 - 2), call(2, bytes_sent=1), call(3, bytes_sent=1, app_name="c")]
    nodes = await ask(gateway, calls[:2], "", "bytesSent { sum max } uniq { appName apiRef }")
    assert nodes == [{"bytesSent": {"sum": 2**63 - 1, "max": 2**63 - 2}, "uniq": {"appName": 1, "apiRef": 1}}]
    assert await gateway.load_summary_events(calls[2:]) == []
    for selected in (
        "bytesSent { sum }",
        "bytesSent { sum } uniq { appName }",
        "bytesSent { sum } uniq { appName apiRef }",
    ):
        body = await gateway.post(await gateway.key(), f"{{ summaryEventGroups {{ nodes {{ {selected} }} }} }}")
        (error,) = body["errors"]
        assert error["extensions"]["code"] == "LIMIT_EXCEEDED"
        assert "bytesSent.sum" in error["message"]


@pytest.mark.parametrize("number", [2**53 + 1, 2**62 + 1, 2**63 - 1])
@pytest.mark.parametrize("p", [0, 0.5, 1])
async def test_a_quantile_of_numbers_beyond_a_floats_precision_is_a_float(
    gateway: Gateway, number: int, p: float
) -> None:
    """The nearest one, not an error."""
    selected = f"bytesSent {{ min max quantile(p: {p}) }}"
    (node,) = await ask(gateway, [call(1, bytes_sent=number)], "", selected)
    assert node["bytesSent"] == {"min": number, "max": number, "quantile": float(number)}


@pytest.mark.parametrize(("p", "rank"), [(0, 1), (0.001, 1), (0.5, 50), (0.501, 51), (0.99, 99), (0.07, 7), (0.55, 55)])
async def test_the_rank_of_a_quantile_is_that_of_the_decimal_number_asked_for(
    gateway: Gateway, p: float, rank: int
) -> None:
    """ceil(p n), where binary floating point makes 0.07 * 100 and 0.55 * 100 a little more than 7 and 55."""
    calls = [call(number, bytes_sent=2**number if number < 60 else 2**60) for number in range(1, 101)]
    (node,) = await ask(gateway, calls, "", f"bytesSent {{ quantile(p: {p}) }}")
    assert node["bytesSent"]["quantile"] == pytest.approx(2 ** min(rank, 60), rel=0.01)


async def test_compared_months_go_by_the_calendar(gateway: Gateway) -> None:
    """January before February: its 31st falls on the last day of February, and 10:00 stays 10:00."""
    calls = [
        call(1, "2026-01-31T10:00:00.000Z"),
        call(2, "2026-01-05T10:00:00.000Z"),
        call(3, "2026-02-05T09:00:00.000Z"),
    ]
    calls += [call(4, "2026-02-28T00:00:00.000Z"), call(5, "2026-02-10T00:00:00.000Z")]
    asked = window("2026-02-01T00:00:00Z", "2026-03-01T00:00:00Z", 'compareTo: "P1M"')
    nodes = await ask(gateway, calls, asked, "dimensions { time(every: DAY) } count previous { count }")
    found = {node["dimensions"]["time"][:10]: node["previous"] for node in nodes}
    assert found == {"2026-02-05": {"count": 1}, "2026-02-10": None, "2026-02-28": {"count": 1}}


async def test_compared_months_are_those_of_the_time_dimensions_zone(gateway: Gateway) -> None:
    """April before May in Warsaw, to the hour; without a time dimension months are those of UTC."""
    march = ["2026-02-28T22:59:59.999Z", "2026-02-28T23:00:00.000Z", "2026-03-31T21:59:59.999Z"]
    april = ["2026-03-31T22:00:00.000Z", "2026-04-10T00:00:00.000Z"]
    calls = [call(number, datetime) for number, datetime in enumerate([*march, *april])]
    asked = window("2026-03-31T22:00:00Z", "2026-04-30T22:00:00Z", 'compareTo: "P1M"')
    month = 'dimensions { time(every: MONTH, timezone: "Europe/Warsaw") }'
    (node,) = await ask(gateway, calls, asked, f"{month} count previous {{ count }}")
    assert node == {"dimensions": {"time": "2026-03-31T22:00:00.000Z"}, "count": 2, "previous": {"count": 2}}
    (node,) = await ask(gateway, [], asked, "previous { count }")
    assert node == {"previous": {"count": 2}}, "28 February 22:00 to 30 March 22:00"


async def test_every_record_of_a_shorter_month_is_compared_with(gateway: Gateway) -> None:
    """29 to 31 March are compared with the end of February: what came before its last day's time counts first."""
    times = ["2026-02-28T10:00:00.000Z", "2026-02-28T00:00:00.000Z", "2026-03-29T05:00:00.000Z"]
    calls = [call(number, datetime) for number, datetime in enumerate(times)]
    asked = window("2026-03-29T00:00:00Z", "2026-03-31T20:00:00Z", 'compareTo: "P1M"')
    (node,) = await ask(gateway, calls, asked, "dimensions { time(every: DAY) } previous { count }")
    assert node == {"dimensions": {"time": "2026-03-29T00:00:00.000Z"}, "previous": {"count": 2}}
    (node,) = await ask(gateway, [], asked, "previous { count }")
    assert node == {"previous": {"count": 2}}, "the same records, whatever they are grouped by"


async def test_a_filled_bucket_has_previous_where_there_was_something(gateway: Gateway) -> None:
    """The empty bucket of today beside yesterday's one record; where neither has any, null."""
    asked = window("2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", 'fill: true, compareTo: "P1D"')
    selected = (
        "dimensions { time(every: HOUR, bin: 12) } count bytesSent { sum max } previous { count bytesSent { sum } }"
    )
    nodes = await ask(gateway, [call(1, "2026-01-01T13:00:00.000Z", bytes_sent=5)], asked, selected)
    nothing = {"count": 0, "bytesSent": {"sum": 0, "max": None}}
    assert nodes == [
        {"dimensions": {"time": "2026-01-02T00:00:00.000Z"}, **nothing, "previous": None},
        {
            "dimensions": {"time": "2026-01-02T12:00:00.000Z"},
            **nothing,
            "previous": {"count": 1, "bytesSent": {"sum": 5}},
        },
    ]


async def test_rows_of_a_comparison_are_those_of_the_window_only(gateway: Gateway) -> None:
    """A group that only was there before is no row; one that only is there now has no previous."""
    calls = [call(1, "2026-01-01T13:00:00.000Z", app_name="old"), call(2, "2026-01-02T13:00:00.000Z", app_name="new")]
    asked = window("2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", 'compareTo: "P1D"')
    nodes = await ask(gateway, calls, asked, "dimensions { appName } count previous { count }")
    assert nodes == [{"dimensions": {"appName": "new"}, "count": 1, "previous": None}]


async def test_active_connections_are_those_at_the_windows_end(gateway: Gateway) -> None:
    """A heartbeat in the two minutes before the end, and open; for `previous`, before the end of that window."""
    day = "2026-01-02T"
    events = [
        event(1, "connect", f"{day}00:05:00Z", "beats"),
        event(2, "heartbeat", f"{day}00:09:00Z", "beats"),
        event(3, "connect", f"{day}00:09:30Z", "new"),
        event(4, "connect", f"{day}00:09:00Z", "closed"),
        event(5, "disconnect", f"{day}00:09:30Z", "closed"),
        event(6, "connect", f"{day}00:07:59Z", "silent"),
        event(7, "connect", "2026-01-01T23:59:00Z", "before"),
        event(8, "connect", "2026-01-01T23:55:00Z", "silent before"),
    ]
    assert await gateway.load_connection_events(events) == []
    measures = "count activeCount connectionDurationSeconds { sum }"
    asked = window(f"{day}00:00:00Z", f"{day}00:10:00Z", 'compareTo: "PT10M"')
    query = f"{{ connectionGroups{asked} {{ nodes {{ {measures} previous {{ {measures} }} }} }} }}"
    nodes = (await gateway.data(await gateway.key(), query))["connectionGroups"]["nodes"]
    assert nodes == [
        {
            "count": 4,
            "activeCount": 2,
            "connectionDurationSeconds": {"sum": 270.0},
            "previous": {"count": 2, "activeCount": 1, "connectionDurationSeconds": {"sum": 0.0}},
        }
    ]


@pytest.mark.parametrize("direction", ["ASC", "DESC"])
async def test_what_was_selected_of_the_previous_window_can_be_ordered_by_and_compared(
    gateway: Gateway, direction: str
) -> None:
    """Its path of response keys is "previous.count": what grew the most is asked for like this."""
    calls = [call(number, "2026-01-02T13:00:00.000Z", app_name=name) for number, name in enumerate("ab")]
    calls += [call(10 + number, "2026-01-01T13:00:00.000Z", app_name=name) for number, name in enumerate("abb")]
    by = 'by: "previous.count"'
    more = f'compareTo: "P1D", having: [{{{by}, gt: 0}}], orderBy: [{{{by}, direction: {direction}}}]'
    asked = window("2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", more)
    nodes = await ask(gateway, calls, asked, "dimensions { appName } previous { count }")
    found = [(node["dimensions"]["appName"], node["previous"]["count"]) for node in nodes]
    assert found == ([("a", 1), ("b", 2)] if direction == "ASC" else [("b", 2), ("a", 1)])


TYPENAMES = {
    "dimensions { __typename } count": {"dimensions": {"__typename": "SummaryEventDimensions"}, "count": 1},
    "uniq { __typename } count": {"uniq": {"__typename": "SummaryEventUniq"}, "count": 1},
    "ratio { __typename }": {"ratio": {"__typename": "SummaryEventRatio"}},
    "bytesSent { __typename }": {"bytesSent": {"__typename": "LongStatistics"}},
    "count dimensions { apiRef @skip(if: true) }": {"count": 1, "dimensions": {}},
    "count uniq { apiRef @include(if: false) }": {"count": 1, "uniq": {}},
}


@pytest.mark.parametrize("selected", TYPENAMES)
async def test_a_selection_that_names_no_value_is_answered(gateway: Gateway, selected: str) -> None:
    """What clients add by themselves (`__typename`), or leave out by a directive, makes no error."""
    assert await ask(gateway, [call(1)], "", selected) == [TYPENAMES[selected]]


async def test_a_previous_without_values_tells_whether_there_was_something(gateway: Gateway) -> None:
    """Null means nothing was there; with a record in the window before, it is not null."""
    asked = window("2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z", 'compareTo: "P1D"')
    nodes = await ask(gateway, [call(1, "2026-01-01T13:00:00.000Z")], asked, "count previous { __typename }")
    assert nodes == [{"count": 0, "previous": {"__typename": "SummaryEventPreviousMeasures"}}]


async def test_fragments_directives_and_variables_select_as_if_written_out(gateway: Gateway) -> None:
    """Merged by response keys, as GraphQL merges them; what is skipped is not grouped by."""
    assert await gateway.load_summary_events([call(1), call(2, app_name="b", bytes_sent=10)]) == []
    query = """
    query($no: Boolean = true, $p: Float! = 1, $every: TimeUnit! = DAY) {
      page: summaryEventGroups { ...Page nodes { bytesSent { max } } }
    }
    fragment Page on SummaryEventGroupPage { nodes { ...Group dimensions { appName @skip(if: $no) } } }
    fragment Group on SummaryEventGroup {
      ... on SummaryEventGroup { dimensions { day: time(every: $every) } }
      count
      bytesSent { top: quantile(p: $p) }
    }
    """
    (node,) = (await gateway.data(await gateway.key(), query))["page"]["nodes"]
    assert node == {
        "dimensions": {"day": "2026-01-01T00:00:00.000Z"},
        "count": 2,
        "bytesSent": {"top": 9177.0, "max": 9177},
    }


async def test_nodes_under_two_names_keep_their_own_response_keys(gateway: Gateway) -> None:
    """Both lists hold the same groups; a key that stands for one thing here and another there is no error."""
    assert await gateway.load_summary_events([call(1)]) == []
    query = "{ page: summaryEventGroups { a: nodes { x: uniq { apiRef } } b: nodes { x: count } } }"
    page = (await gateway.data(await gateway.key(), query))["page"]
    assert page == {"a": [{"x": {"apiRef": 1}}], "b": [{"x": 1}]}


@pytest.mark.parametrize(
    ("start", "end"),
    [("0001-01-01T00:00:00Z", "0001-02-01T00:00:00Z"), ("9999-12-01T00:00:00Z", "9999-12-31T23:59:59.9999999Z")],
)
@pytest.mark.parametrize("zone", ["UTC", "Europe/Warsaw", "America/New_York"])
async def test_a_window_at_either_end_of_time_is_no_fault_of_the_server(
    gateway: Gateway, start: str, end: str, zone: str
) -> None:
    """Filled, or refused by name where a bucket would begin before year 1 or after 9999; not INTERNAL."""
    selected = f'dimensions {{ time(every: DAY, bin: 7, timezone: "{zone}") }} count'
    query = f"{{ summaryEventGroups{window(start, end, 'fill: true')} {{ nodes {{ {selected} }} }} }}"
    body = await gateway.post(await gateway.key(), query)
    assert {error["extensions"]["code"] for error in body.get("errors", [])} <= {"BAD_USER_INPUT", "LIMIT_EXCEEDED"}
