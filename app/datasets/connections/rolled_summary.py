"""The connection summary from rollups, and from the records that they do not cover."""

from dataclasses import dataclass

from app.datasets.connections.fields import CONNECTIONS
from app.datasets.connections.rolled_pipelines import (
    active_reading,
    cells_pipeline,
    condition_on_groups,
    records_readings,
    splits_start,
)
from app.datasets.connections.rollup import CONNECTION_ROLLUP
from app.datasets.connections.summary import SummaryQuery
from app.datasets.connections.summary_keys import distinct_keys, key_names
from app.datasets.connections.summary_plan import SummaryPlan, plan_summary
from app.datasets.connections.summary_rows import OddValue, Row, added_up, finished, group_of
from app.errors import LimitExceeded
from app.query.conditions import Condition
from app.query.instants import LATEST, Instant
from app.query.rollups import Unit, Used
from app.query.windows import Window
from app.store.at_once import together
from app.store.failures import NoSuchIndex, SnapshotGone
from app.store.reader import Reader
from app.store.rollup_reading import readiness
from app.store.rollups import SETTLING_TICKS

MOST_NAMES = 100_000  # distinct API keys of what is read from records; with more of them all is


@dataclass(frozen=True, slots=True)
class RolledSummary:
    """The rows of an answer, ordered and cut, and what they were made of."""

    rows: list[Row]
    used: Used


async def roll_summary(reader: Reader, query: SummaryQuery) -> RolledSummary | None:
    """Answer a question for the summary from rollups; None where they cannot answer it, or do not help."""
    condition, start = condition_on_groups(query.condition, "cell."), query.window.start
    # What has settled lies before it.
    is_recent = start is not None and start >= Unit.HOUR.floor(Instant(query.now - SETTLING_TICKS))
    if condition is None or reader.retentions is None or is_recent:
        return None
    # A window that is open at its start holds connections, too, whose last activity is no date: in no bucket.
    ended = Window() if start is None else Window(start, LATEST)
    # A connection moves from bucket to bucket: read as of several moments, it would count twice or not at all.
    moment = await reader.moment()
    if moment is None:
        return None
    reader = reader.at(moment)
    try:
        known = await readiness(reader, CONNECTION_ROLLUP, ended)
        if known is None:
            return None
        ready, stored = known
        if ready.settled is None or stored.start is None:
            return None
        plan = plan_summary(query.window, ready, ready.settled, splits_start=splits_start(query))
        rows = None if plan is None else await _read(reader, query, plan, condition)
    except (LimitExceeded, NoSuchIndex, OddValue, SnapshotGone):
        return None
    return None if plan is None or rows is None else RolledSummary(rows, plan.used(stored.start))


async def _read(reader: Reader, query: SummaryQuery, plan: SummaryPlan, condition: Condition) -> list[Row] | None:
    """Read all parts as of one moment; None where a bucket was not clean then."""
    readings = records_readings(query, plan)
    if "activeConnections" in query.wanted:
        readings.append(active_reading(query))
    reading = (reader.aggregate_by(CONNECTIONS, one.index, one.parts, one.stages) for one in readings)
    cells, by_end, *others = await together(
        reader.read_rollups(CONNECTION_ROLLUP, cells_pipeline(query, plan, condition)), *reading
    )
    active = others.pop() if "activeConnections" in query.wanted else []
    records = [*by_end, *(row for rows in others for row in rows)]
    if any(row.pop("dirty") for row in cells):
        return None
    groups = added_up([*cells, *records])
    for row in active:
        if (group := group_of(row)) in groups:
            groups[group]["activeConnections"] = row["activeConnections"]
    if "uniqueApiKeys" in query.wanted:
        names = key_names(records)
        if len(names) > MOST_NAMES:
            return None
        numbers = await reader.key_numbers(CONNECTION_ROLLUP, names) if cells and names else {}
        for group, count in distinct_keys(cells, records, numbers).items():
            groups[group]["uniqueApiKeys"] = count
    return finished(query, groups)
