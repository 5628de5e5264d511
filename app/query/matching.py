"""Conditions to MongoDB's match language. A value never becomes an operator, pattern or field path."""

import re
from collections.abc import Callable
from typing import Any

from app.query.addresses import network_match, parse_network
from app.query.conditions import AllOf, AnyOf, Comparison, Computed, Condition, InWindow, Not, Operator, Outcome
from app.query.instants import split_instant
from app.query.windows import Window

Match = dict[str, Any]

MATCH_NOTHING: Match = {"_id": {"$in": []}}
_LAST_CODE_POINT = "\U0010ffff"
OUTCOME_RANGES = {Outcome.SUCCESS: ("1", "4"), Outcome.ERROR: ("4", "6")}

_OPERATORS: dict[Operator, Callable[[str, Any], Match]] = {
    Operator.EQ: lambda field, value: {field: {"$eq": value}},
    Operator.NE: lambda field, value: {field: {"$ne": value}},
    Operator.IN: lambda field, value: {field: {"$in": list(value)}},
    Operator.NOT_IN: lambda field, value: {field: {"$nin": list(value)}},
    Operator.GT: lambda field, value: {field: {"$gt": value}},
    Operator.GTE: lambda field, value: {field: {"$gte": value}},
    Operator.LT: lambda field, value: {field: {"$lt": value}},
    Operator.LTE: lambda field, value: {field: {"$lte": value}},
    Operator.STARTS_WITH: lambda field, value: {field: _prefix_range(value)},
    Operator.CONTAINS: lambda field, value: {field: {"$regex": re.escape(value)} if value else {"$gte": ""}},
    Operator.IS_NULL: lambda field, value: {field: {"$eq" if value else "$ne": None}},
    Operator.CLASS: lambda field, value: {field: {"$gte": str(value), "$lt": str(value + 1)}},
    Operator.OUTCOME: lambda field, value: {field: dict(zip(("$gte", "$lt"), OUTCOME_RANGES[value], strict=True))},
    Operator.CIDR: lambda field, value: network_match(field, parse_network(value)),
    Operator.BELOW: lambda field, value: {"$or": [{field: {"$eq": value}}, {field: _prefix_range(value + "/")}]},
}


def match_condition(condition: Condition) -> Match:  # noqa: PLR0911 - one return for each kind of condition
    """Compile a condition; an empty result matches everything."""
    match condition:
        case Comparison(field, operator, value):
            return _OPERATORS[operator](field.name, value)
        case InWindow(field, ticks_field, window):
            return match_window(field, ticks_field, window)
        case Computed(expression):
            return {"$expr": expression}
        case AllOf(conditions):
            return match_all([match_condition(part) for part in conditions])
        case AnyOf(conditions):
            if not conditions:
                return MATCH_NOTHING
            return {"$or": [match_condition(part) for part in conditions]}
        case Not(inner):
            return {"$nor": [match_condition(inner)]}


def match_all(matches: list[Match]) -> Match:
    """Join matches that must all hold; empty ones fall away."""
    parts = [part for part in matches if part]
    return parts[0] if len(parts) == 1 else {"$and": parts} if parts else {}


def match_window(field: str, ticks_field: str | None, window: Window) -> Match:
    """Match times in [start, end). A plain range on the date, so an index can bound it, and the ticks beside it.

    Without a ticks field a time is a whole millisecond. A missing ticks field means 0.
    """
    parts: list[Match] = []
    bounds: dict[str, Any] = {}
    if window.start is not None:
        date, ticks = split_instant(window.start)
        if ticks and not ticks_field:
            bounds["$gt"] = date
        else:
            bounds["$gte"] = date
        if ticks and ticks_field:
            parts.append({"$or": [{field: {"$gt": date}}, {ticks_field: {"$gte": ticks}}]})
    if window.end is not None:
        date, ticks = split_instant(window.end)
        bounds["$lte" if ticks else "$lt"] = date
        if ticks and ticks_field:
            parts.append({"$or": [{field: {"$lt": date}}, {ticks_field: {"$not": {"$gte": ticks}}}]})
    return match_all([{field: bounds} if bounds else {}, *parts])


def _prefix_range(prefix: str) -> Match:
    """Every text from the prefix up to the first that no longer has it (by code point, as MongoDB orders)."""
    stem = prefix.rstrip(_LAST_CODE_POINT)
    if not stem:
        return {"$gte": prefix}
    following = ord(stem[-1]) + 1
    if 0xD800 <= following <= 0xDFFF:  # surrogates are no text of their own
        following = 0xE000
    return {"$gte": prefix, "$lt": stem[:-1] + chr(following)}
