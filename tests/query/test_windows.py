"""Windows: the three faces' words for a window become one half-open window, or an error naming the argument."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.errors import InvalidInput
from app.query.instants import (
    EARLIEST,
    LATEST,
    TICKS_PER_MILLISECOND,
    TICKS_PER_SECOND,
    Instant,
    format_instant,
    parse_instant,
)
from app.query.windows import (
    ALL_TIME,
    CONNECTION_WINDOW,
    GRAPHQL_WINDOW,
    SUMMARY_WINDOW,
    Window,
    WindowNames,
    read_instant,
    resolve_window,
)

NOW = parse_instant("2026-03-31T12:00:00.123Z")
A, B = "2026-03-01T00:00:00Z", "2026-03-01T00:00:00.0000001Z"
_MINUTE = 60 * TICKS_PER_SECOND
_DAY = 1440 * _MINUTE
Asked = dict[str, Any]


def _at(text: str) -> Instant:
    return parse_instant(text)


def _back(ticks: int) -> Instant:
    return Instant(NOW - ticks)


GRAPHQL: list[tuple[Asked, Window]] = [
    ({}, ALL_TIME),
    ({"start": None, "end": None, "minutes": None, "last": None}, ALL_TIME),
    ({"start": A}, Window(start=_at(A))),
    ({"end": A}, Window(end=_at(A))),
    ({"start": A, "end": B}, Window(_at(A), Instant(_at(A) + 1))),
    ({"start": "2026-03-01T02:00:00+02:00"}, Window(start=_at(A))),
    ({"start": 0, "end": 1}, Window(Instant(0), Instant(TICKS_PER_MILLISECOND))),
    ({"start": -1}, Window(start=Instant(-TICKS_PER_MILLISECOND))),
    ({"minutes": 1}, Window(_back(_MINUTE), NOW)),
    ({"last": "PT30M"}, Window(_back(30 * _MINUTE), NOW)),
    ({"last": "P7D"}, Window(_back(7 * _DAY), NOW)),
    ({"last": "P1M"}, Window(_at("2026-02-28T12:00:00.123Z"), NOW)),
    ({"start": None, "last": "P7D"}, Window(_back(7 * _DAY), NOW)),
]
# Both ends are included, so the first instant outside is one tick later.
CONNECTIONS: list[tuple[Asked, Window]] = [
    ({}, ALL_TIME),
    ({"timeStart": A}, Window(start=_at(A))),
    ({"timeEnd": A}, Window(end=_at(B))),
    ({"timeStart": A, "timeEnd": B}, Window(_at(A), Instant(_at(B) + 1))),
    ({"timeEnd": "9999-12-31T23:59:59.9999999Z"}, Window(end=LATEST)),
]
SUMMARY: list[tuple[Asked, Window]] = [
    ({}, ALL_TIME),
    ({"start": A, "end": B}, Window(_at(A), Instant(_at(B) + 1))),
    ({"start": A, "timeframe": "last7days"}, Window(start=_at(A))),
    ({"end": A, "timeframe": "last7days"}, Window(end=_at(B))),
    ({"start": A, "end": B, "timeframe": "nonsense"}, Window(_at(A), Instant(_at(B) + 1))),
]
RESOLVED = [
    *((GRAPHQL_WINDOW, *case) for case in GRAPHQL),
    *((CONNECTION_WINDOW, *case) for case in CONNECTIONS),
    *((SUMMARY_WINDOW, *case) for case in SUMMARY),
]


@pytest.mark.parametrize(("names", "asked", "window"), RESOLVED)
def test_what_was_asked_becomes_one_half_open_window(names: WindowNames, asked: Asked, window: Window) -> None:
    """Each face's own names; an included end moves by one tick; absent and null are not asked."""
    assert resolve_window(asked, names, NOW) == window


@pytest.mark.parametrize(
    ("names", "asked", "start"),
    [
        (CONNECTION_WINDOW, {"minutes": 5}, _back(5 * _MINUTE)),
        (SUMMARY_WINDOW, {"timeframe": "last7days"}, _back(7 * _DAY)),
        (SUMMARY_WINDOW, {"timeframe": "last1month"}, _at("2026-02-28T12:00:00.123Z")),
    ],
)
def test_a_relative_window_of_rest_includes_its_end_too(names: WindowNames, asked: Asked, start: Instant) -> None:
    """Contract 3: both ends of a REST window are included, so what happens at `now` itself is in."""
    assert resolve_window(asked, names, NOW) == Window(start, Instant(NOW + 1))


_LONG = "is longer than 36525 days."
_ZERO = "must be longer than zero."
REFUSED: list[tuple[WindowNames, Asked, str, str]] = [
    (GRAPHQL_WINDOW, {"start": A, "end": A}, "start", "start: must be before end."),
    (GRAPHQL_WINDOW, {"start": B, "end": A}, "start", "start: must be before end."),
    (CONNECTION_WINDOW, {"timeStart": A, "timeEnd": A}, "timeStart", "timeStart: must be before timeEnd."),
    (SUMMARY_WINDOW, {"start": B, "end": A}, "start", "start: must be before end."),
    (SUMMARY_WINDOW, {"start": B, "end": A, "timeframe": "last1day"}, "start", "start: must be before end."),
    (GRAPHQL_WINDOW, {"start": A, "minutes": 5}, "minutes", "give either minutes or start/end, not both."),
    (GRAPHQL_WINDOW, {"end": A, "last": "P7D"}, "last", "give either last or start/end, not both."),
    (GRAPHQL_WINDOW, {"minutes": 5, "last": "P7D"}, "minutes", "minutes or start/end or last, not both."),
    (GRAPHQL_WINDOW, {"start": A, "minutes": 0}, "minutes", "give either minutes or start/end, not both."),
    (CONNECTION_WINDOW, {"timeEnd": A, "minutes": 5}, "minutes", "either minutes or timeStart/timeEnd, not both."),
    (GRAPHQL_WINDOW, {"minutes": 0}, "minutes", f"minutes: 0 {_ZERO}"),
    (GRAPHQL_WINDOW, {"minutes": -7}, "minutes", f"minutes: -7 {_ZERO}"),
    (GRAPHQL_WINDOW, {"minutes": 10**30}, "minutes", _LONG),
    (CONNECTION_WINDOW, {"minutes": 52_596_001}, "minutes", f"minutes: 52596001 {_LONG}"),
    (GRAPHQL_WINDOW, {"last": "P0D"}, "last", f"last: 'P0D' {_ZERO}"),
    (GRAPHQL_WINDOW, {"last": "P200Y"}, "last", f"last: 'P200Y' {_LONG}"),
    (GRAPHQL_WINDOW, {"last": "week"}, "last", "last: 'week' is not an ISO 8601 duration"),
    (GRAPHQL_WINDOW, {"last": f"P{'9' * 30}D"}, "last", _LONG),
    (SUMMARY_WINDOW, {"timeframe": "last0days"}, "timeframe", f"timeframe: 'last0days' {_ZERO}"),
    (SUMMARY_WINDOW, {"timeframe": ""}, "timeframe", "timeframe: '' is not of the form last<N>"),
    (SUMMARY_WINDOW, {"timeframe": f"last{'9' * 30}days"}, "timeframe", "timeframe: 'last999"),
    (GRAPHQL_WINDOW, {"start": "2026-03-01T00:00:00"}, "start", "has no time zone"),
    (SUMMARY_WINDOW, {"end": "2026-03-01"}, "end", "end: '2026-03-01' is not an RFC 3339 time"),
    (SUMMARY_WINDOW, {"end": "", "timeframe": "last7days"}, "end", "end: '' is not an RFC 3339 time"),
    (GRAPHQL_WINDOW, {"start": 10**30}, "start", "years 1 to 9999"),
    (GRAPHQL_WINDOW, {"end": "x" * 5000}, "end", f"end: '{'x' * 40}…' is not"),
]


@pytest.mark.parametrize(("names", "asked", "argument", "message"), REFUSED)
def test_an_unusable_window_is_an_error_that_names_the_argument(
    names: WindowNames, asked: Asked, argument: str, message: str
) -> None:
    """Never a window of everything: the error carries the face's own argument and its reason."""
    with pytest.raises(InvalidInput) as refused:
        resolve_window(asked, names, NOW)
    assert refused.value.argument == argument
    assert message in refused.value.message
    assert refused.value.message.startswith(f"{argument}: ")
    assert len(refused.value.message) < 200


def test_a_prefix_tells_where_the_window_stands() -> None:
    """Inside a filter the argument is named with its path."""
    with pytest.raises(InvalidInput) as refused:
        resolve_window({"start": B, "end": A}, GRAPHQL_WINDOW, NOW, prefix="filter.time.")
    assert refused.value.argument == "filter.time.start"
    assert refused.value.message == "filter.time.start: must be before filter.time.end."


def test_a_relative_window_stops_at_the_first_year() -> None:
    """Near the year 1 the window begins with time itself instead of failing."""
    assert resolve_window({"last": "P100Y"}, GRAPHQL_WINDOW, EARLIEST) == Window(EARLIEST, EARLIEST)


@pytest.mark.parametrize("value", ["2026-03-01T00:00:00Z", 1_772_323_200_000])
def test_text_and_epoch_milliseconds_are_the_same_instant(value: str | int) -> None:
    """Both forms that a caller may write."""
    assert read_instant(value, "start") == _at(A)


@settings(deadline=None)
@given(st.tuples(st.integers(EARLIEST, LATEST - 1), st.integers(EARLIEST, LATEST - 1)))
def test_both_faces_mean_the_same_edges_but_for_the_end(edges: tuple[int, int]) -> None:
    """For any start < end: GraphQL's window is [start, end), REST's [start, end + 1 tick)."""
    start, end = sorted(edges)
    if start == end:
        return
    first, last = format_instant(Instant(start)), format_instant(Instant(end))
    assert resolve_window({"start": first, "end": last}, GRAPHQL_WINDOW, NOW) == Window(Instant(start), Instant(end))
    assert resolve_window({"timeStart": first, "timeEnd": last}, CONNECTION_WINDOW, NOW) == Window(
        Instant(start), Instant(end + 1)
    )
