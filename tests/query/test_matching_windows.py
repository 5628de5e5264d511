"""A window as a match: exact to the tick, and a plain range on the date for the index."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.query.instants import Instant, instant_from_date
from app.query.matching import match_window
from app.query.windows import ALL_TIME, Window
from app.store.client import Database
from tests.query.specimens import millisecond, present, ticks_beside, value_of
from tests.store.databases import matched


@pytest.mark.parametrize(
    ("window", "ticks_field", "match"),
    [
        (ALL_TIME, "k", {}),
        (Window(start=Instant(0)), None, {"at": {"$gte": 0}}),
        (Window(start=Instant(1)), None, {"at": {"$gt": 0}}),
        (Window(end=Instant(0)), None, {"at": {"$lt": 0}}),
        (Window(end=Instant(1)), None, {"at": {"$lte": 0}}),
        (Window(Instant(0), Instant(20_000)), "k", {"at": {"$gte": 0, "$lt": 2}}),
        (
            Window(start=Instant(7)),
            "k",
            {"$and": [{"at": {"$gte": 0}}, {"$or": [{"at": {"$gt": 0}}, {"k": {"$gte": 7}}]}]},
        ),
        (
            Window(end=Instant(7)),
            "k",
            {"$and": [{"at": {"$lte": 0}}, {"$or": [{"at": {"$lt": 0}}, {"k": {"$not": {"$gte": 7}}}]}]},
        ),
    ],
)
def test_a_window_becomes_exactly_this_match(window: Window, ticks_field: str | None, match: dict[str, Any]) -> None:
    """A plain range on the date, so that an index can bound it, and the ticks beside it only where they matter."""

    def in_milliseconds(part: Any) -> Any:
        if isinstance(part, dict):
            return {name: in_milliseconds(inner) for name, inner in part.items()}
        if isinstance(part, list):
            return [in_milliseconds(inner) for inner in part]
        return part if isinstance(part, int) else instant_from_date(part) // 10_000

    assert in_milliseconds(match_window("at", ticks_field, window)) == match


_edges = st.none() | st.builds(
    lambda number, ticks: instant_from_date(millisecond(number), ticks),
    st.integers(0, 3),
    st.sampled_from((0, 1, 2, 9999)),
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from((None, 0, 1, 2, 3)), ticks_beside), max_size=12),
    _edges,
    _edges,
    st.sampled_from((None, "k")),
)
async def test_a_window_holds_exactly_its_times(
    database: Database,
    times: list[tuple[int | None, Any]],
    start: Instant | None,
    end: Instant | None,
    ticks_field: str | None,
) -> None:
    """Start <= t < end to the tick, missing ticks being 0; without a ticks field a time is a whole millisecond."""
    rows: list[dict[str, Any]] = []
    wanted: list[int] = []
    for at, (number, ticks) in enumerate(times):
        date = None if number is None else millisecond(number)
        rows.append({"_id": at, "at": date, **present(k=ticks)})
        instant = None if date is None else instant_from_date(date, (value_of(ticks) or 0) if ticks_field else 0)
        open_window = start is None and end is None  # all that is kept, even what has no time
        inside = instant is not None and (start is None or start <= instant) and (end is None or instant < end)
        if open_window or inside:
            wanted.append(at)
    match = match_window("at", ticks_field, Window(start, end))
    assert await matched(database, rows, match) == wanted
