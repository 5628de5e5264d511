"""Pipelines for a summary in parts: what its groups come to in cells and in records, by the same names. Pure.

Each gives rows {_id: group, and what `partials_of` names}; with the API keys asked for, rows of records have the key
beside the group, and rows of cells a list `keys` of packed sets.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from app.datasets.connections.activity import active_expression, active_span
from app.datasets.connections.cells import TOTALS
from app.datasets.connections.pipelines import Expression, Stage, partials_of, summary_match
from app.datasets.connections.summary import GROUP_KEYS, SummaryQuery
from app.datasets.connections.summary_plan import SummaryPlan
from app.query.conditions import AllOf, AnyOf, Comparison, Condition, Not
from app.query.instants import Instant, split_instant
from app.query.matching import match_all, match_condition, match_window
from app.query.rollups import Unit
from app.query.spans import Span, without
from app.query.times import whole_millisecond_from
from app.query.windows import Window

IN_PERIOD = "connectionTimeInPeriodSeconds"


@dataclass(frozen=True, slots=True)
class Reading:
    """Records to be read by one index of the dataset: those of each part, and what is made of all of them."""

    index: str
    parts: Sequence[Stage]
    stages: Sequence[Stage]


def condition_on_groups(condition: Condition, prefix: str) -> Condition | None:
    """Give the same condition on the group's fields, found under `prefix`; None where it looks at anything else."""
    match condition:
        case Comparison(field, operator, value) if field.name in GROUP_KEYS:
            return Comparison(replace(field, name=prefix + field.name), operator, value)
        case AllOf(conditions) | AnyOf(conditions):
            inner = [condition_on_groups(one, prefix) for one in conditions]
            known = tuple(one for one in inner if one is not None)
            return type(condition)(known) if len(known) == len(inner) else None
        case Not(negated):
            found = condition_on_groups(negated, prefix)
            return None if found is None else Not(found)
        case _:
            return None


def splits_start(query: SummaryQuery) -> bool:
    """Whether it matters which side of the window's start a connection began on."""
    return bool(query.wanted & {"newConnectionsInPeriod", IN_PERIOD})


def cells_pipeline(query: SummaryQuery, plan: SummaryPlan, condition: Condition) -> list[Stage]:
    """Sum up the buckets of the plan; `condition` is the question's, on the groups under `cell.`.

    `dirty` counts what came from buckets that are no longer known to be right.
    """
    end = query.window.end if plan.goes_on else None
    begun_early = {} if end is None else {"cell.first": {"$lt": whole_millisecond_from(end)}}
    whole = _whole(query, end)
    # Most of a cell are its parts: where they are not looked at, they are left out before anything is made of it.
    totals = {} if whole else {"$project": {"start": 1, "clean": 1, **{f"cells.{name}": 1 for name in TOTALS}}}
    stages: list[Stage] = [
        {"$match": match_buckets(plan, end)},
        totals,
        {"$project": {"_id": 0, "start": 1, "clean": 1, "cell": "$cells"}},
        {"$unwind": "$cell"},
        {"$match": match_all([begun_early, match_condition(condition)])},
    ]
    part = "$cell"
    if whole:
        part = "$part"
        stages += [
            {"$set": {"part": {"$cond": [{"$and": whole}, ["$cell"], "$cell.parts"]}}},
            {"$unwind": "$part"},
            {"$match": _match_parts(plan, end)},
        ]
    keys = {"keys": {"$push": f"{part}.keys"}} if "uniqueApiKeys" in query.wanted else {}
    group = {name: f"$cell.{name}" for name in GROUP_KEYS}
    dirty = {"dirty": {"$sum": {"$cond": ["$clean", 0, 1]}}}
    stages.append({"$group": {"_id": group, **_sums(query, part, end), **keys, **dirty}})
    return [stage for stage in stages if stage and stage != {"$match": {}}]


def match_buckets(plan: SummaryPlan, end: Instant | None) -> Stage:
    """Match the buckets of the plan; with an `end`, those that hold a connection begun before it."""
    buckets: list[Stage] = []
    for unit, spans in ((Unit.DAY, plan.days), (Unit.HOUR, plan.hours)):
        buckets += [{"unit": str(unit), **match_window("start", None, span.window)} for span in spans]
    early = {} if end is None else {"cells.first": {"$lt": whole_millisecond_from(end)}}
    return {"$or": [{**bucket, **early} for bucket in buckets]}


def _whole(query: SummaryQuery, end: Instant | None) -> list[Expression]:
    """The conditions for a group's total to do: all of it in the window, and on one side of each edge that matters."""
    conditions: list[Expression] = []
    if query.window.start is not None and splits_start(query):
        conditions.append({"$gte": ["$cell.hour", _date(Unit.HOUR.ceil(query.window.start))]})
    if end is not None:
        conditions.append({"$lt": ["$cell.last", _date(Unit.HOUR.floor(end))]})
        if IN_PERIOD in query.wanted:
            conditions.append({"$lt": ["$start", whole_millisecond_from(end)]})
    return conditions


def _match_parts(plan: SummaryPlan, end: Instant | None) -> Stage:
    """Match what began before the end, and not in an hour of which the records are read."""
    early = {} if end is None else {"part.hour": {"$lt": whole_millisecond_from(end)}}
    return match_all([early, {"part.hour": {"$nin": [_date(hour) for hour in plan.begun]}} if plan.begun else {}])


def _date(instant: Instant) -> Any:
    return split_instant(instant)[0]


def _sums(query: SummaryQuery, part: str, end: Instant | None) -> dict[str, Stage]:
    """The partials by the names of `partials_of`, of parts that no edge of the window cuts through."""
    start = query.window.start
    count, lasted, hour = f"{part}.n", f"{part}.lasted", f"{part}.hour"
    begun_before: Expression = False if start is None else {"$lt": [hour, whole_millisecond_from(start)]}
    active_after: Expression = False if end is None else {"$gte": ["$start", whole_millisecond_from(end)]}
    ticks: list[Expression] = []
    in_period: Expression = lasted
    # The sums of starts and of ends are n * hour + into, and lasted more. What is clipped counts n times the edge.
    if start is not None:
        date, below = split_instant(start)
        before = {"$add": [f"{part}.into", {"$multiply": [count, {"$subtract": [hour, date]}]}]}
        in_period = {"$add": [in_period, {"$cond": [begun_before, before, 0]}]}
        ticks.append({"$cond": [begun_before, {"$multiply": [count, -below]}, 0]})
    if end is not None:
        date, below = split_instant(end)
        after = {"$subtract": [{"$multiply": [count, {"$subtract": [date, hour]}]}, f"{part}.into"]}
        in_period = {"$add": [in_period, {"$cond": [active_after, {"$subtract": [after, lasted]}, 0]}]}
        ticks.append({"$cond": [active_after, {"$multiply": [count, below]}, 0]})
    sums: dict[str, Stage] = {
        "totalConnections": {"$sum": count},
        "newConnectionsInPeriod": {"$sum": {"$cond": [begun_before, 0, count]}},
        "milliseconds": {"$sum": lasted},
        "millisecondsInPeriod": {"$sum": in_period},
        "ticksInPeriod": {"$sum": {"$add": [0, *ticks]}},
        "firstConnection": {"$min": f"{part}.first"},
        "lastConnection": {"$max": f"{part}.last"},
        "lastActivity": {"$max": f"{part}.latest"},
    }
    return {name: sums[name] for name in partials_of(query) if name in sums}


def records_readings(query: SummaryQuery, plan: SummaryPlan) -> list[Reading]:
    """Sum up what the plan leaves to records, by their end and by their start; no record is in two parts of them."""
    readings = [_records_reading(query, "activity", _ended(plan.ended))]
    if plan.begun:
        rolled = plan.rolled
        whole = Span(rolled[0].start, rolled[-1].end)
        gaps = [{"$nor": _ended(spans)} for spans in [without([whole], rolled)] if spans]
        hours = (Window(hour, Instant(hour + Unit.HOUR.ticks)) for hour in plan.begun)
        parts = [match_all([_begun(window), *_ended([whole]), *gaps]) for window in hours]
        readings.append(_records_reading(query, "page", parts))
    return readings


def active_reading(query: SummaryQuery) -> Reading:
    """Count the active connections of each group. Only a connection with a heartbeat in the active span can be one."""
    since, until = active_span(query.now, query.window.end)
    beat = {"lastHeartbeat": {"$gte": since, "$lt": until}}
    is_active = {"$expr": active_expression(query.now, query.window.end)}
    stages: list[Stage] = [
        {"$match": match_all([summary_match(query), is_active])},
        {"$group": {"_id": _group(), "activeConnections": {"$sum": 1}}},
    ]
    return Reading("heartbeat", [beat], stages)


def _records_reading(query: SummaryQuery, index: str, parts: Sequence[Stage]) -> Reading:
    partials = {name: partial for name, partial in partials_of(query).items() if name != "activeConnections"}
    keys = {"keys": {"$addToSet": {"$ifNull": ["$apikeyId", None]}}} if "uniqueApiKeys" in query.wanted else {}
    match = match_all([_begun(Window(end=query.window.end)), match_condition(query.condition)])
    stages: list[Stage] = [{"$match": match}] if match else []
    return Reading(index, parts, [*stages, {"$group": {"_id": _group(), **partials, **keys}}])


def _begun(window: Window) -> Stage:
    return match_window("connectionStartTime", None, window)


def _ended(spans: Iterable[Span]) -> list[Stage]:
    return [match_window("lastActivity", None, span.window) for span in spans]


def _group() -> Stage:
    return {name: {"$ifNull": [f"${name}", None]} for name in GROUP_KEYS}
