"""What a question may take from rollups, and reading it."""

from collections.abc import Sequence
from datetime import datetime

from app.query.instants import EARLIEST, LATEST, Instant, instant_from_date, now
from app.query.matching import match_window
from app.query.ordering import Direction, SortKey
from app.query.rollup_plan import Plan
from app.query.rollups import Readiness, Rollup, State, Unit
from app.query.spans import Span
from app.query.windows import Window
from app.store.at_once import together
from app.store.client import Document
from app.store.failures import NotPermitted
from app.store.reader import Reader

MOST_DIRTY = 2_000  # dirty buckets in a window; with more of them its records are read

# What is stored beyond is shown as the first or last date there is: too early, too late to be sure.
_EARLIEST_SURE = Instant(EARLIEST + Unit.DAY.ticks)
_LATEST_SURE = Instant(LATEST - Unit.DAY.ticks)


async def readiness(reader: Reader, rollup: Rollup, window: Window) -> tuple[Readiness, Window] | None:
    """Tell what may be used of a rollup for a window, and the window with its open edges where records begin and end.

    What it says is known before anything else is read. None where nothing may be used: rollups are switched off
    or not complete, or the window is open towards records whose time is none, or beyond the years that we know; and
    where there are no records.
    """
    if reader.retentions is None:
        return None
    try:
        state, dirty, kept, first, last = await together(
            reader.rollup_state(rollup),
            _dirty(reader, rollup, window),
            reader.retentions.kept(rollup.dataset),
            _edge(reader, rollup, Direction.ASC, window.start),
            _edge(reader, rollup, Direction.DESC, window.end),
        )
    except NotPermitted:
        return None
    if not state.complete or len(dirty) > MOST_DIRTY or first is None or last is None:
        return None
    since = _since(state, None if kept is None else Instant(now() - int(kept.total_seconds() * 10_000_000)))
    starts = {unit: frozenset(instant_from_date(row["start"]) for row in dirty if row["unit"] == unit) for unit in Unit}
    end = last if window.end is not None else Instant(last + 1)
    return Readiness(starts[Unit.HOUR], starts[Unit.DAY], since, state.settled), Window(first, end)


async def read_buckets(reader: Reader, rollup: Rollup, made: Plan, shown: Document) -> list[Document] | None:
    """Read what is `shown` (a projection) of the buckets of a plan; None where one is no longer known to be right."""
    parts = [
        {"unit": str(unit), **match_window("start", None, _of_dates(span))}
        for unit, spans in ((Unit.DAY, made.days), (Unit.HOUR, made.hours))
        for span in spans
    ]
    project = {"_id": 0, "unit": 1, "start": 1, "clean": 1, **shown}
    rows = await reader.read_rollups(rollup, [{"$match": {"$or": parts}}, {"$project": project}])
    # Only where a load has begun just now, or a secondary that lags was asked.
    return rows if all(row["clean"] for row in rows) else None


def _of_dates(span: Span) -> Window:
    return span.window if span.end <= LATEST else Window(span.window.start, None)


def _since(state: State, expires: Instant | None) -> Instant | None:
    """From when on buckets tell what is stored: the first whole hour after what the retention removes, and one more."""
    edges = [] if state.horizon is None else [state.horizon]
    if expires is not None:
        edges.append(Instant(Unit.HOUR.ceil(expires) + Unit.HOUR.ticks))
    return max(edges, default=None)


async def _dirty(reader: Reader, rollup: Rollup, window: Window) -> Sequence[Document]:
    """Find the dirty buckets that may reach into a window: one more than may be, where there are too many."""
    start = None if window.start is None else Unit.DAY.floor(window.start)
    match: Document = {"clean": False, "unit": {"$in": [str(unit) for unit in Unit]}}
    match |= match_window("start", None, Window(start, window.end))
    shown = {"_id": 0, "unit": 1, "start": 1}
    return await reader.read_rollups(rollup, [{"$match": match}, {"$limit": MOST_DIRTY + 1}, {"$project": shown}])


async def _edge(reader: Reader, rollup: Rollup, direction: Direction, given: Instant | None) -> Instant | None:
    """The edge of a window, or the time of the first or last record that is stored where it is open.

    None where there is no record, or its time is no date: those come before all dates or after.
    """
    if given is not None:
        return given
    time = rollup.time_field
    rows = await reader.find(rollup.dataset, {}, sort=(SortKey(time, direction),), limit=1, fields=())
    date = rows[0].get(time) if rows else None
    if not isinstance(date, datetime):
        return None
    instant = instant_from_date(date)
    return instant if _EARLIEST_SURE < instant < _LATEST_SURE else None
