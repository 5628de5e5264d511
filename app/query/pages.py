"""A page of records, as a question and as an answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.query.conditions import EVERYTHING, Condition
from app.query.cursors import Position
from app.query.dataset import Dataset
from app.query.ordering import SortKey
from app.query.rollups import Rollup, Used

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PageQuery:
    """Ask for at most `first` records after a position (or past `offset`), in a complete order.

    `fields` are the stored fields that are fetched (None: all); the sort keys always are. `rows` and `total` say
    which halves of the answer are wanted: what is not wanted is not asked of MongoDB. Rows may stay `unread` where
    hardly anybody looks at them one by one.
    """

    dataset: Dataset
    order: tuple[SortKey, ...]
    first: int
    condition: Condition = EVERYTHING
    after: Position | None = None
    offset: int = 0
    fields: frozenset[str] | None = None
    rows: bool = True
    total: bool = False
    rollup: Rollup | None = None
    unread: bool = False

    def __post_init__(self) -> None:
        if self.offset and self.dataset.ticks_field:
            raise ValueError("an offset counts rows in MongoDB's order, which is not this dataset's; use a position")


@dataclass(frozen=True, slots=True)
class Page:
    """The records as stored, whether more follow, the total where it was asked for, and the rollups it came from."""

    rows: Sequence[Row]
    has_next: bool
    total: int | None
    used: Used | None = None
