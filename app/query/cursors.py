"""Opaque cursors: a position in an order, as URL-safe text.

A cursor holds the values of the sort keys of one row and the order they belong to; never the organization, which
comes from the key alone. A forged one is refused or, where it is well formed, is a position like any other.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import datetime
from math import isfinite
from typing import Any

import orjson

from app.errors import InvalidInput
from app.query.dataset import Dataset
from app.query.fields import Kind
from app.query.instants import (
    EARLIEST,
    LATEST,
    TICKS_PER_MILLISECOND,
    Instant,
    instant_from_date,
    split_instant,
)
from app.query.limits import CURSOR_LENGTH
from app.query.ordering import SortKey

_VERSION = 1
_HELD = (str, int, float, type(None))
Position = tuple[Any, ...]


def position_of(order: Sequence[SortKey], row: Mapping[str, Any]) -> Position:
    """Tell where a row stands: the values of its sort keys, null as None, missing ticks as 0."""
    return tuple((row.get(key.path) or 0) if key.ticks else row.get(key.path) for key in order)


def encode_cursor(dataset: Dataset, order: Sequence[SortKey], position: Position) -> str:
    """Write a position as a cursor. InvalidInput where a record of another service holds what no cursor can."""
    values = [
        instant_from_date(value) // TICKS_PER_MILLISECOND if isinstance(value, datetime) else value
        for value in position
    ]
    for key, value in zip(order, values, strict=True):
        if not isinstance(value, _HELD) or (isinstance(value, float) and not isfinite(value)):
            field = dataset.time if key.ticks else dataset.by_name[key.path]
            raise InvalidInput(
                f"orderBy: a record holds what {field.public_name} cannot mean, and no page can go on after it; "
                "order by other fields.",
                argument="orderBy",
            )
    text = orjson.dumps([_VERSION, dataset.name, _signature(order), values])
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def decode_cursor(dataset: Dataset, order: Sequence[SortKey], cursor: str, argument: str = "after") -> Position:
    """Read a cursor back. InvalidInput where it is no cursor, or one of another list or order."""
    CURSOR_LENGTH.check(len(cursor), argument)
    try:
        text = base64.b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        version, name, signature, values = orjson.loads(text)
    except (ValueError, TypeError, binascii.Error):
        version = name = signature = values = None
    if (version, name) != (_VERSION, dataset.name) or not isinstance(values, list):
        raise InvalidInput(
            f"{argument}: this is not a cursor of this list; pass an `endCursor` or `cursor` as it came.",
            argument=argument,
        )
    if signature != _signature(order) or len(values) != len(order):
        raise InvalidInput(
            f"{argument}: this cursor belongs to another orderBy; keep orderBy the same from page to page.",
            argument=argument,
        )
    return tuple(_checked(dataset, key, value, argument) for key, value in zip(order, values, strict=True))


def _signature(order: Sequence[SortKey]) -> str:
    return ",".join(f"{'-' if key.direction < 0 else ''}{key.path}" for key in order)


def _checked(dataset: Dataset, key: SortKey, value: Any, argument: str) -> Any:
    kind = Kind.LONG if key.ticks else dataset.by_name[key.path].kind
    match value:
        case None if key.nullable and not key.ticks:
            return None
        case bool():
            pass
        case int() if key.ticks and 0 <= value < TICKS_PER_MILLISECOND:
            return value
        case int() if kind is Kind.TIME and EARLIEST <= value * TICKS_PER_MILLISECOND <= LATEST:
            return split_instant(Instant(value * TICKS_PER_MILLISECOND))[0]
        case int() | float() if kind is Kind.LONG and not key.ticks and -(2**63) <= value < 2**63:
            return value
        case str() if kind not in {Kind.LONG, Kind.TIME} and "\0" not in value:
            return value
    raise InvalidInput(f"{argument}: this cursor is damaged; pass it as it came.", argument=argument)
