"""Reads groups: from rollups where they can tell, else by one pipeline; one more for the window compared with."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.errors import LimitExceeded
from app.query.buckets import bucket_starts, first_instant
from app.query.group_pipelines import group_pipeline, previous_pipeline
from app.query.group_rows import PREVIOUS, Row, empty_row, filled, kept, ordered
from app.query.grouping import GroupQuery
from app.query.instants import instant_from_date
from app.query.limits import GROUP_BUCKETS, GROUPS_IN_MEMORY
from app.query.rollups import Used
from app.store.reader import Reader
from app.store.rolled_answers import roll_groups


@dataclass(frozen=True, slots=True)
class Groups:
    """Rows by d0, d1 … and m0, m1 …, with the previous measures (or None) under `previous`; whether some were cut.

    `used` tells which rollups they were made of; None: of none.
    """

    rows: Sequence[Row]
    truncated: bool
    used: Used | None = None


async def read_groups(reader: Reader, query: GroupQuery) -> Groups:
    """Answer the query inside the reader's organization."""
    compares = query.compare_to is not None and bool(query.computed_previous)
    rolled = await roll_groups(reader, query)
    found = None if rolled is None else rolled.rows or _nothing(query)
    if found is not None or query.fill or query.by_previous:
        rows = await _filled(reader, query, found) if query.fill else await _unordered(reader, query, found)
        if compares and query.by_previous:
            await _compare(reader, query, rows)
        rows = ordered(query, kept(query, rows))
    else:
        rows = await _found(reader, query)
    truncated = len(rows) > query.limit
    rows = rows[: query.limit]
    if compares and not query.by_previous and rows:
        await _compare(reader, query, rows)
    return Groups(rows, truncated, None if rolled is None else rolled.used)


def _nothing(query: GroupQuery) -> list[Row]:
    """The rows where no record was found: without keys there is one row for all."""
    return [] if query.keys else [empty_row(query)]


async def _found(reader: Reader, query: GroupQuery) -> list[Row]:
    """Let MongoDB filter, order and cut."""
    dataset = query.table.dataset
    rows = await reader.aggregate(dataset, group_pipeline(query, limit=query.limit + 1, finish=True))
    if rows or query.keys:
        return rows
    # No records at all, and no keys: the one row for all may have been kept back by `having` only.
    return kept(query, [empty_row(query)]) if not await reader.aggregate(dataset, _any(query)) else []


async def _unordered(reader: Reader, query: GroupQuery, rolled: list[Row] | None) -> list[Row]:
    if rolled is not None:
        return rolled
    rows = await _all(reader, query, group_pipeline(query, limit=GROUPS_IN_MEMORY.value + 1, finish=False))
    return rows or _nothing(query)


def _any(query: GroupQuery) -> list[dict[str, Any]]:
    return [group_pipeline(query, limit=1, finish=False)[0], {"$limit": 1}, {"$project": {"_id": 1}}]


async def _filled(reader: Reader, query: GroupQuery, rolled: list[Row] | None) -> list[Row]:
    time = next(key for key in query.keys if key.bucket is not None)
    start, end = query.window.start, query.window.end
    if start is None or end is None:
        raise ValueError("filling needs a bounded window")
    expression = bucket_starts(time, start, end)
    rows = await _unordered(reader, query, rolled)
    starts = [date for date in await reader.evaluate(expression) if instant_from_date(first_instant(date, time)) < end]
    GROUP_BUCKETS.check(len(starts), "fill")
    others = len({tuple(row[f"d{i}"] for i, key in enumerate(query.keys) if key is not time) for row in rows}) or 1
    GROUPS_IN_MEMORY.check(others * len(starts), "fill")
    return filled(query, rows, starts)


async def _compare(reader: Reader, query: GroupQuery, rows: Sequence[Row]) -> None:
    pipeline = previous_pipeline(query, rows, limit=GROUPS_IN_MEMORY.value + 1)
    names = [f"d{index}" for index in range(len(query.keys))]
    before = {tuple(row[name] for name in names): row for row in await _all(reader, query, pipeline)}
    for row in rows:
        row[PREVIOUS] = before.get(tuple(row[name] for name in names))


async def _all(reader: Reader, query: GroupQuery, pipeline: Sequence[dict[str, Any]]) -> list[Row]:
    rows = await reader.aggregate(query.table.dataset, pipeline)
    if len(rows) > GROUPS_IN_MEMORY.value:
        raise LimitExceeded(
            f"There are more than {GROUPS_IN_MEMORY.value} groups to fill or compare ({GROUPS_IN_MEMORY.name}); "
            "narrow the window or the filter, or take fewer dimensions."
        )
    return rows
