"""Answers made of rollups and of the records that they do not cover; equal to those made of all records."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from app.query.cells import Cell, Fractions, cell_of, measured, parts, unpacked
from app.query.dataset import Dataset
from app.query.group_pipelines import accumulated, bucket_start
from app.query.group_rows import Row
from app.query.grouping import Bucket, GroupQuery
from app.query.matching import match_window
from app.query.rolled_questions import is_rollable, needed_numbers, needed_ratios
from app.query.rollup_cuts import Cuts, cuts_of
from app.query.rollup_plan import Plan, plan
from app.query.rollups import Readiness, Rollup, Unit, Used
from app.query.spans import Span
from app.query.windows import Window
from app.store.at_once import together
from app.store.client import Document
from app.store.reader import Reader
from app.store.rollup_reading import read_buckets, readiness

_SHORT_TICKS = 6 * Unit.HOUR.ticks
_LAST = {unit: timedelta(microseconds=unit.ticks // 10, milliseconds=-1) // timedelta(milliseconds=1) for unit in Unit}


@dataclass(frozen=True, slots=True)
class RolledGroups:
    """All groups of the window by d0, d1 … and m0, m1 …, in no order and not cut, and what they were made of."""

    rows: list[Row]
    used: Used


async def roll_groups(reader: Reader, query: GroupQuery) -> RolledGroups | None:
    """Answer a question for groups from rollups; None where they cannot answer it, or do not help."""
    rollup = query.rollup
    if rollup is None or not is_rollable(query):
        return None
    known = await readiness(reader, rollup, query.window)
    made = known and _plan(query, *known)
    if not made:
        return None
    names = tuple(f"d{index}" for index in range(len(query.keys)))
    buckets, records = await together(
        read_buckets(reader, rollup, made, _shown(query)), _records(reader, query, made.raw)
    )
    if buckets is None:
        return None
    found: dict[tuple[Any, ...], Cell] = {}
    needed = needed_numbers(query)
    for row in buckets:
        if any(row[name] != row[f"last_{name}"] for name in names):
            # A bucket of the rollup reaches into two of the question's: our rules of time zones are not MongoDB's.
            return None
        for stored in row["cells"]:
            _take(found, tuple(row[name] for name in names), unpacked(stored, needed))
    for row in records:
        _take(found, tuple((row["_id"] or {})[name] for name in names), cell_of(row))
    try:
        rows = [_row(names, key, measured(cell, query.computed)) for key, cell in found.items()]
    except Fractions:
        return None
    return RolledGroups(rows, used_of(buckets, made))


def _take(found: dict[tuple[Any, ...], Cell], key: tuple[Any, ...], cell: Cell) -> None:
    known = found.setdefault(key, cell)
    if known is not cell:
        known.add(cell)


async def roll_count(reader: Reader, rollup: Rollup, window: Window) -> tuple[int, Used] | None:
    """Count the records of a window from rollups; None where they cannot tell, or do not help.

    A short window is counted sooner than it is known what may be used of rollups.
    """
    if window.start is not None and window.end is not None and window.end - window.start < _SHORT_TICKS:
        return None
    known = await readiness(reader, rollup, window)
    made = known and plan(window, known[0])
    if not made:
        return None
    buckets, records = await together(
        read_buckets(reader, rollup, made, {"cells.n": 1}), _count(reader, rollup.dataset, made.raw)
    )
    if buckets is None:
        return None
    return records + sum(cell["n"] for row in buckets for cell in row["cells"]), used_of(buckets, made)


def used_of(buckets: Sequence[Document], made: Plan) -> Used:
    """Tell what was read by a plan."""
    days = sum(row["unit"] == Unit.DAY for row in buckets)
    return Used(days=days, hours=len(buckets) - days, raw=len(made.raw))


def _plan(query: GroupQuery, ready: Readiness, bounds: Window) -> Plan | None:
    times = [key.bucket for key in query.keys if key.bucket is not None]
    if not times:
        return plan(query.window, ready)
    window = _whole_hours(query.window, bounds)
    cuts = [_cuts(bucket, window) for bucket in times]
    known = [one for one in cuts if one is not None]
    if len(known) < len(cuts):
        return None
    whole_days = all(one.whole_days for one in known)
    return plan(window, ready, whole_days=whole_days, cut_days=frozenset().union(*(one.days for one in known)))


def _whole_hours(window: Window, bounds: Window) -> Window:
    """The window, where it is open with the hour in which records begin or end for an edge."""
    start, end = window.start, window.end
    if start is None and bounds.start is not None:
        start = Unit.HOUR.floor(bounds.start)
    if end is None and bounds.end is not None:
        end = Unit.HOUR.ceil(bounds.end)
    return Window(start, end)


def _cuts(bucket: Bucket, window: Window) -> Cuts | None:
    return None if window.start is None or window.end is None else cuts_of(bucket, window.start, window.end)


def _shown(query: GroupQuery) -> Document:
    """What of the buckets is read: the needed parts of their cells, and the groups of their first and last millisecond.

    MongoDB tells the groups, as it does those of records.
    """
    shown: Document = {"cells.n": 1} | {f"cells.ratios.{name}": 1 for name in needed_ratios(query)}
    for name, with_bins in needed_numbers(query).items():
        shown[f"cells.numbers.{name}"] = 1 if with_bins else dict.fromkeys(("sum", "of", "min", "max"), 1)
    length = {"$cond": [{"$eq": ["$unit", str(Unit.DAY)]}, _LAST[Unit.DAY], _LAST[Unit.HOUR]]}
    for index, key in enumerate(query.keys):
        shown[f"d{index}"] = bucket_start("$start", key)
        shown[f"last_d{index}"] = bucket_start({"$add": ["$start", length]}, key)
    return shown


async def _records(reader: Reader, query: GroupQuery, spans: Sequence[Span]) -> list[Document]:
    """Accumulate the records of the raw stretches, by the same groups."""
    if not spans:
        return []
    dataset = query.table.dataset
    keys = {f"d{index}": bucket_start(f"${dataset.time_field}", key) for index, key in enumerate(query.keys)}
    asked = parts(needed_numbers(query), needed_ratios(query))
    stages = accumulated(query.table, keys, asked, query.now, None)
    return await reader.aggregate(dataset, [{"$match": _match(dataset, spans)}, *stages])


async def _count(reader: Reader, dataset: Dataset, spans: Sequence[Span]) -> int:
    return await reader.count(dataset, _match(dataset, spans)) if spans else 0


def _match(dataset: Dataset, spans: Sequence[Span]) -> Document:
    return {"$or": [match_window(dataset.time_field, dataset.ticks_field, span.window) for span in spans]}


def _row(names: Sequence[str], key: Sequence[Any], values: Sequence[Any]) -> Row:
    return dict(zip(names, key, strict=True)) | {f"m{index}": value for index, value in enumerate(values)}
