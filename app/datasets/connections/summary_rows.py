"""Rows of a summary made of parts: what pipelines give for buckets and records, added up and finished as one would."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from operator import itemgetter
from types import NoneType
from typing import Any

from app.datasets.connections.summary import GROUP_KEYS, SummaryQuery
from app.query.instants import TICKS_PER_MILLISECOND

Row = dict[str, Any]
Group = tuple[str | None, ...]
_EDGES: dict[str, Callable[..., Any]] = {"firstConnection": min, "lastConnection": max, "lastActivity": max}
TEXTS = frozenset({str, NoneType})
_values_of_group = itemgetter(*GROUP_KEYS)


class OddValue(ValueError):
    """A record holds what only MongoDB knows how to group, add or order: no parts, the whole must be asked there."""


def group_of(row: Row) -> Group:
    """The group of a part. Raises OddValue where it is not of texts and nulls."""
    group: Group = _values_of_group(row["_id"])
    if not TEXTS.issuperset(map(type, group)):
        raise OddValue
    return group


def added_up(parts: Iterable[Row]) -> dict[Group, Row]:
    """Bring parts together by their groups: counts and sums are added, least and greatest times found.

    Raises OddValue where a time is no date, or a sum no whole number.
    """
    groups: dict[Group, list[Row]] = {}
    for part in parts:
        groups.setdefault(group_of(part), []).append(part)
    return {group: _joined(found) for group, found in groups.items()}


def _joined(parts: Sequence[Row]) -> Row:
    """Add up parts of one group; all of them have the same names."""
    names = parts[0].keys() - {"_id", "keys"}
    return {name: _total(name, [part[name] for part in parts]) for name in names}


def _total(name: str, values: Sequence[Any]) -> Any:
    edge = _EDGES.get(name)
    allowed = int if edge is None else datetime | None
    if not all(issubclass(kind, allowed) for kind in set(map(type, values))):
        raise OddValue
    return sum(values) if edge is None else edge((value for value in values if value is not None), default=None)


def finished(query: SummaryQuery, groups: Mapping[Group, Row]) -> list[Row]:
    """Make the rows of an answer of what was added up, which holds `uniqueApiKeys` too: ordered, cut at the limit."""
    wanted = sorted(query.wanted - {"organizationId", *GROUP_KEYS})
    rows = [
        {**dict(zip(GROUP_KEYS, group, strict=True)), **{name: _final(name, total) for name in wanted}}
        for group, total in groups.items()
    ]
    return _ordered(query, rows)[: query.limit]


def _final(name: str, total: Row) -> Any:
    match name:
        case "totalConnectionTimeSeconds":
            return _whole(total["milliseconds"], 1000)
        case "averageConnectionDurationSeconds":
            return _whole(total["milliseconds"], 1000 * total["totalConnections"])
        case "connectionTimeInPeriodSeconds":
            return _whole(total["millisecondsInPeriod"] + total["ticksInPeriod"] // TICKS_PER_MILLISECOND, 1000)
        case "activeConnections" | "uniqueApiKeys":
            return total.get(name, 0)
        case _:
            return total[name]


def _whole(amount: int, divisor: int) -> int:
    """Divide and cut off, towards zero."""
    return amount // divisor if amount >= 0 else -(-amount // divisor)


def _ordered(query: SummaryQuery, rows: Sequence[Row]) -> list[Row]:
    """Order as asked, ties by service, protocol and data center; null comes before everything."""
    asked = {order.field.name: order.direction < 0 for order in query.order if order.field.name != "organizationId"}
    keys = [*asked.items(), *((name, False) for name in GROUP_KEYS if name not in asked)]
    found = list(rows)
    for name, is_descending in reversed(keys):
        found.sort(key=partial(_null_first, name), reverse=is_descending)
    return found


def _null_first(name: str, row: Row) -> tuple[bool, Any]:
    return row[name] is not None, row[name]
