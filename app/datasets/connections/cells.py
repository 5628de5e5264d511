"""What the connections of one bucket come to: the bucket is the hour, or the day, of their last activity.

A bucket's cells are its groups (one service, protocol and data center), each as a document:

    serviceName, protocolName, dataCenter    the group; null where a connection has none
    n                    how many connections
    lasted               the sum of lastActivity - connectionStartTime, in milliseconds
    first, last          the least and the greatest connectionStartTime
    latest               the greatest lastActivity
    keys                 the numbers of their API keys, as app/query/number_sets.py packs them; null is not a key
    hour                 the hour of `first`
    parts                the same by the hour that they began in: hour, n, lasted, first, last, latest, keys, and
                         into, the sum of connectionStartTime - hour in milliseconds

A bucket with a connection that is not as a loader keeps it has no cells: with a time that is no date of the years 1 to
9999, a start after the end, or a group or key that is neither text nor null. Only other services store such.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.datasets.connections.summary import GROUP_KEYS
from app.query.instants import EARLIEST, LATEST, split_instant
from app.query.number_sets import NumberSet, packed
from app.query.rollups import Stage, Unit

Cell = dict[str, Any]
_SUMS = ("n", "lasted")
TOTALS = (*GROUP_KEYS, "hour", *_SUMS, "first", "last", "latest", "keys")  # of a cell: all but its parts


def cell_stages(unit: Unit) -> list[Stage]:
    """Make the stages that turn matched connections into {tenant, start, cells}, one for each bucket.

    Its cells are the parts of all groups, with the names of keys, for `pack_cells`; `start` is null where the last
    activity is no date.
    """
    ended = _is_date("$lastActivity")
    usual = {
        "$and": [
            ended,
            _is_date("$connectionStartTime"),
            {"$gte": ["$connectionStartTime", split_instant(EARLIEST)[0]]},
            {"$lte": ["$connectionStartTime", "$lastActivity"]},
            {"$lte": ["$lastActivity", split_instant(LATEST)[0]]},
        ]
    }
    begun = {"$cond": [usual, "$connectionStartTime", None]}
    bucket = {"tenant": "$organizationId", "start": {"$cond": [ended, _truncated("$lastActivity", unit), None]}}
    keys = {name: {"$ifNull": [f"${name}", None]} for name in GROUP_KEYS}
    identity = {**bucket, **keys, "hour": _truncated("$begun", Unit.HOUR)}
    return [
        {"$set": {"begun": begun}},
        {
            "$group": {
                "_id": identity,
                "n": {"$sum": 1},
                "lasted": {"$sum": {"$cond": [usual, {"$subtract": ["$lastActivity", "$begun"]}, 0]}},
                "into": {"$sum": {"$subtract": ["$begun", _truncated("$begun", Unit.HOUR)]}},
                "first": {"$min": "$begun"},
                "last": {"$max": "$begun"},
                "latest": {"$max": "$lastActivity"},
                "keys": {"$addToSet": "$apikeyId"},
            }
        },
        {
            "$group": {
                "_id": {name: f"$_id.{name}" for name in bucket},
                "cells": {
                    "$push": {
                        **{name: f"$_id.{name}" for name in (*GROUP_KEYS, "hour")},
                        **{name: f"${name}" for name in (*_SUMS, "into", "first", "last", "latest", "keys")},
                    }
                },
            }
        },
        {"$project": {"_id": 0, **{name: f"$_id.{name}" for name in bucket}, "cells": 1}},
    ]


def _is_date(value: str) -> Stage:
    return {"$eq": [{"$type": value}, "date"]}


def _truncated(date: str, unit: Unit) -> Stage:
    return {"$dateTrunc": {"date": date, "unit": str(unit)}}


def key_names(cells: Iterable[Cell]) -> set[str]:
    """List the API keys of cells as they came from the pipeline."""
    return {key for cell in cells for key in cell["keys"] if isinstance(key, str)}


def pack_cells(cells: Iterable[Cell], numbers: Mapping[str, int]) -> list[Cell] | None:
    """Turn cells as they came from the pipeline into those that are stored; `numbers` are those of all their keys.

    None where a connection is not as a loader keeps it.
    """
    parts: list[tuple[Cell, Cell]] = []
    for cell in cells:
        group = {name: cell[name] for name in GROUP_KEYS}
        texts = (*group.values(), *cell["keys"])
        if cell["hour"] is None or not all(isinstance(text, str | None) for text in texts):
            return None
        keys = packed(numbers[key] for key in cell["keys"] if key is not None)
        parts.append((group, {name: cell[name] for name in cell if name not in GROUP_KEYS} | {"keys": keys}))
    return _grouped(parts)


def day_of_hours(hours: Sequence[Sequence[Cell]]) -> list[Cell]:
    """Make the stored cells of a day of those of its hours."""
    return _grouped((group, part) for cells in hours for group in cells for part in group["parts"])


def _grouped(parts: Iterable[tuple[Cell, Cell]]) -> list[Cell]:
    """Bring parts, each with the group it belongs to, together by group and hour."""
    groups: dict[tuple[Any, ...], dict[Any, list[Cell]]] = {}
    for group, part in parts:
        hours = groups.setdefault(tuple(group[name] for name in GROUP_KEYS), {})
        hours.setdefault(part["hour"], []).append(part)
    cells = []
    for key, hours in groups.items():
        merged = [
            {"hour": hour, "into": sum(part["into"] for part in same), **_total(same)} for hour, same in hours.items()
        ]
        total = {"hour": min(hours), **_total(merged)}
        cells.append({**dict(zip(GROUP_KEYS, key, strict=True)), **total, "parts": merged})
    return cells


def _total(parts: Sequence[Cell]) -> Cell:
    keys = NumberSet()
    keys.add_packed(part["keys"] for part in parts)
    return {
        **{name: sum(part[name] for part in parts) for name in _SUMS},
        "first": min(part["first"] for part in parts),
        "last": max(part["last"] for part in parts),
        "latest": max(part["latest"] for part in parts),
        "keys": keys.packed(),
    }
