"""Total orders: what was asked for, completed by the id so that no two records are equal."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

from app.errors import InvalidInput
from app.query.dataset import Dataset
from app.query.fields import Field
from app.query.limits import ORDER_KEYS


class Direction(IntEnum):
    """MongoDB's own numbers. Null comes first ascending, last descending."""

    ASC = 1
    DESC = -1


@dataclass(frozen=True, slots=True)
class OrderBy:
    """One key that was asked for."""

    field: Field
    direction: Direction


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of the complete order. `nullable` keys may be null; `ticks` marks the ticks beside the time field."""

    path: str
    direction: Direction
    nullable: bool = True
    ticks: bool = False


def complete_order(dataset: Dataset, asked: Sequence[OrderBy] | None, argument: str = "orderBy") -> tuple[SortKey, ...]:
    """Complete an order: newest first by default, ticks right after the time, the id last in the last direction.

    Raises InvalidInput where a field stands twice, LimitExceeded where there are too many keys.
    """
    ORDER_KEYS.check(len(asked or ()), argument)
    wanted = list(asked or ()) or [OrderBy(dataset.time, Direction.DESC)]
    keys: list[SortKey] = []
    for order in wanted:
        name = order.field.name
        if any(key.path == name for key in keys):
            raise InvalidInput(f"{argument}: {order.field.public_name} is given twice; keep one.", argument=argument)
        keys.append(SortKey(name, order.direction, nullable=not order.field.required))
        if name == dataset.time_field and dataset.ticks_field:
            keys.append(SortKey(dataset.ticks_field, order.direction, ticks=True))
    at = next((at for at, key in enumerate(keys) if key.path == dataset.id_field), None)
    if at is not None:
        return tuple(keys[: at + 1])
    return (*keys, SortKey(dataset.id_field, wanted[-1].direction, nullable=False))
