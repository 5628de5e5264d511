"""Pipelines over connections. Pure: a query in, stages out."""

from collections.abc import Set
from typing import Any

from app.datasets.connections.activity import active_expression
from app.datasets.connections.summary import GROUP_KEYS, SummaryQuery
from app.query.instants import TICKS_PER_MILLISECOND, split_instant
from app.query.matching import match_all, match_condition, match_window
from app.query.times import whole_millisecond_from
from app.query.windows import Window

Stage = dict[str, Any]
Expression = Any

_DURATION: Expression = {"$subtract": ["$lastActivity", "$connectionStartTime"]}


def summary_pipeline(query: SummaryQuery) -> list[Stage]:
    """Group the connections in the window; only what is wanted or ordered by is computed.

    Distinct keys are counted by grouping twice, by key first: a set of keys in one document would have no bound.
    """
    wanted = query.wanted
    partials = partials_of(query)
    keys: dict[str, Expression] = {key: {"$ifNull": [f"${key}", None]} for key in GROUP_KEYS}
    stages: list[Stage] = [{"$match": summary_match(query)}]
    start, end = query.window.start, query.window.end
    if start is not None and (end is None or end >= query.now):
        # As the index `activity` has them: by another that seems as good at first, all connections would be read.
        stages.append({"$sort": {"lastActivity": -1, "connectionStartTime": -1}})
    if "uniqueApiKeys" in wanted:
        stages.append({"$group": {"_id": {**keys, "apikeyId": {"$ifNull": ["$apikeyId", None]}}, **partials}})
        keys = {key: f"$_id.{key}" for key in GROUP_KEYS}
        partials = {name: _again(name, accumulator) for name, accumulator in partials.items()}
        partials["uniqueApiKeys"] = _count_if({"$ne": ["$_id.apikeyId", None]})
    stages.append({"$group": {"_id": keys, **partials}})
    stages.append({"$project": {"_id": 0, **{key: f"$_id.{key}" for key in GROUP_KEYS}, **_finals(wanted)}})
    stages.append({"$sort": _sort(query)})
    if query.limit is not None:
        stages.append({"$limit": query.limit})
    return stages


def summary_match(query: SummaryQuery) -> Stage:
    """Match the connections that are in the window."""
    return match_all(
        [
            match_window("connectionStartTime", None, Window(end=query.window.end)),
            match_window("lastActivity", None, Window(start=query.window.start)),
            match_condition(query.condition),
        ]
    )


def partials_of(query: SummaryQuery) -> dict[str, Stage]:
    """The accumulators that the question needs. What they make of parts of a group can be added up."""
    return {
        name: accumulator for name, (accumulator, needed_by) in _partials(query).items() if needed_by & query.wanted
    }


def _partials(query: SummaryQuery) -> dict[str, tuple[Stage, set[str]]]:
    """The accumulators, each with the fields that need it."""
    start, end = query.window.start, query.window.end
    clipped_start: Expression = "$connectionStartTime"
    clipped_end: Expression = "$lastActivity"
    corrections: list[Expression] = []
    if start is not None:
        date, ticks = split_instant(start)
        begun_before: Expression = {"$lt": ["$connectionStartTime", whole_millisecond_from(start)]}
        clipped_start = {"$cond": [begun_before, date, "$connectionStartTime"]}
        corrections += [{"$cond": [begun_before, -ticks, 0]}] if ticks else []
    if end is not None:
        date, ticks = split_instant(end)
        active_after: Expression = {"$gte": ["$lastActivity", whole_millisecond_from(end)]}
        clipped_end = {"$cond": [active_after, date, "$lastActivity"]}
        corrections += [{"$cond": [active_after, ticks, 0]}] if ticks else []
    new = 1 if start is None else {"$cond": [{"$gte": ["$connectionStartTime", whole_millisecond_from(start)]}, 1, 0]}
    total_time = {"totalConnectionTimeSeconds", "averageConnectionDurationSeconds"}
    in_period = {"connectionTimeInPeriodSeconds"}
    return {
        "totalConnections": ({"$sum": 1}, {"totalConnections", "averageConnectionDurationSeconds"}),
        "newConnectionsInPeriod": ({"$sum": new}, {"newConnectionsInPeriod"}),
        "activeConnections": (_count_if(active_expression(query.now, query.window.end)), {"activeConnections"}),
        "milliseconds": ({"$sum": _DURATION}, total_time),
        "millisecondsInPeriod": ({"$sum": {"$subtract": [clipped_end, clipped_start]}}, in_period),
        "ticksInPeriod": ({"$sum": {"$add": [0, *corrections]}}, in_period),
        "firstConnection": ({"$min": "$connectionStartTime"}, {"firstConnection"}),
        "lastConnection": ({"$max": "$connectionStartTime"}, {"lastConnection"}),
        "lastActivity": ({"$max": "$lastActivity"}, {"lastActivity"}),
    }


def _count_if(condition: Expression) -> Stage:
    return {"$sum": {"$cond": [condition, 1, 0]}}


def _again(name: str, accumulator: Stage) -> Stage:
    """Accumulate what was accumulated over parts."""
    return dict.fromkeys(accumulator, f"${name}")


def _finals(wanted: Set[str]) -> dict[str, Expression]:
    """Make the fields of a row out of what was accumulated. Whole seconds are cut off after all is summed."""
    carried = {"$toLong": {"$floor": {"$divide": ["$ticksInPeriod", TICKS_PER_MILLISECOND]}}}
    computed: dict[str, Expression] = {
        "totalConnectionTimeSeconds": _whole("$milliseconds", 1000),
        "averageConnectionDurationSeconds": _whole("$milliseconds", {"$multiply": [1000, "$totalConnections"]}),
        "connectionTimeInPeriodSeconds": _whole({"$add": ["$millisecondsInPeriod", carried]}, 1000),
    }
    return {name: computed.get(name, 1) for name in sorted(wanted - {"organizationId", *GROUP_KEYS})}


def _whole(amount: Expression, divisor: Expression) -> Expression:
    """Divide whole numbers and cut off, without passing through a fraction."""
    return {"$toLong": {"$divide": [{"$subtract": [amount, {"$mod": [amount, divisor]}]}, divisor]}}


def _sort(query: SummaryQuery) -> dict[str, int]:
    """Order as asked, ties by service, protocol and data center."""
    asked = {order.field.name: int(order.direction) for order in query.order}
    asked.pop("organizationId", None)
    return asked | {key: 1 for key in GROUP_KEYS if key not in asked}
