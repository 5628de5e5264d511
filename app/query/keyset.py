"""Keyset paging: the match for what comes after a position in a total order.

After (a, b) in the order (x, y): x beyond a, or x equal to a and y beyond b. The first key also gets a plain
range, so that an index can start at the position; that is what makes a page O(page) at any depth.
"""

from collections.abc import Sequence
from typing import Any

from app.query.matching import MATCH_NOTHING, Match, match_all
from app.query.ordering import Direction, SortKey


def match_after(order: Sequence[SortKey], position: Sequence[Any]) -> Match:
    """Match what follows the position; its values stand in the order's own order, null as None, no ticks as 0."""
    branches: list[Match] = []
    equal: list[Match] = []
    for key, value in zip(order, position, strict=True):
        beyond = _beyond(key, value)
        if beyond is not None:
            branches.append(match_all([*equal, beyond]))
        equal.append(match_equal(key, value))
    if not branches:
        return MATCH_NOTHING
    first, value = order[0], position[0]
    bound: Match = {}
    if not first.nullable or (value is not None and first.direction is Direction.ASC):
        bound = {first.path: {"$gte" if first.direction is Direction.ASC else "$lte": value}}
    return match_all([bound, {"$or": branches}])


def match_equal(key: SortKey, value: Any) -> Match:
    """Match records that have exactly this value of the key; no ticks and 0 are the same."""
    if key.ticks and value == 0:
        return match_no_ticks(key.path)
    return {key.path: {"$eq": value}}


def match_no_ticks(path: str) -> Match:
    """Match a whole millisecond: ticks of 0, or none stored."""
    return {path: {"$in": [None, 0]}}


def _beyond(key: SortKey, value: Any) -> Match | None:
    """Match values that come strictly later in the key's direction; None where nothing can."""
    if key.ticks:
        if key.direction is Direction.ASC:
            return {key.path: {"$gt": value}}
        return {key.path: {"$not": {"$gte": value}}} if value else None
    if key.direction is Direction.ASC:
        return {key.path: {"$ne": None} if value is None else {"$gt": value}}
    if value is None:
        return None
    below: Match = {key.path: {"$lt": value}}
    return {"$or": [below, {key.path: {"$eq": None}}]} if key.nullable else below
