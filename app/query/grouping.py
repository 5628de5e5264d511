"""Grouping as a question: what rows are told apart by, and what is computed of each."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum, auto
from functools import cached_property
from typing import Any

from app.query.conditions import EVERYTHING, Condition
from app.query.dataset import Dataset
from app.query.durations import Duration
from app.query.instants import Instant
from app.query.ordering import Direction
from app.query.rollups import Rollup
from app.query.windows import Window

Expression = Any
Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bucket:
    """A time bucket: `bin` units of a unit of $dateTrunc, aligned in a time zone; weeks start on Monday."""

    unit: str
    bin: int
    timezone: str


@dataclass(frozen=True, slots=True)
class Dimension:
    """What rows are told apart by: an expression over a record, or a bucket of the dataset's time field."""

    name: str
    bucket: Bucket | None = None


class Statistic(Enum):
    """What can be computed of a number; an average, least, greatest or quantile of nothing is null."""

    SUM = auto()
    AVG = auto()
    MIN = auto()
    MAX = auto()
    QUANTILE = auto()


class Measured(Enum):
    """The kinds of measures."""

    COUNT = auto()
    COUNT_IF = auto()
    RATIO = auto()
    UNIQUE = auto()
    NUMBER = auto()


@dataclass(frozen=True, slots=True)
class Measure:
    """One value of a row. `name` is a condition, field or number of the dataset's group table.

    `of_previous` names, in an order or a `having`, the same value of the window compared with.
    """

    kind: Measured
    name: str = ""
    statistic: Statistic | None = None
    p: float | None = None
    of_previous: bool = False


COUNT = Measure(Measured.COUNT)


@dataclass(frozen=True, slots=True)
class Number:
    """A number of the group table: whole in MongoDB, divided by `divisor` when it goes out (1: it stays whole)."""

    expression: Expression
    description: str
    divisor: int = 1


@dataclass(frozen=True, slots=True)
class Named:
    """A described expression of the group table."""

    expression: Expression
    description: str


@dataclass(frozen=True, slots=True)
class CountIf:
    """A described condition of the group table that may depend on now and the window's end."""

    condition: Callable[[Instant, Instant | None], Expression]
    description: str


@dataclass(frozen=True)
class GroupTable:
    """What a dataset can be grouped by and what is measured: one line for each dimension or measure.

    Dimensions are also what `uniq` counts, but for a status class.
    """

    dataset: Dataset
    dimensions: Mapping[str, Named]
    numbers: Mapping[str, Number] = field(default_factory=dict)
    counts: Mapping[str, CountIf] = field(default_factory=dict)
    ratios: Mapping[str, Named] = field(default_factory=dict)


class Comparator(Enum):
    """What `having` can compare; the value is MongoDB's operator."""

    EQ = "$eq"
    NE = "$ne"
    GT = "$gt"
    GTE = "$gte"
    LT = "$lt"
    LTE = "$lte"


@dataclass(frozen=True, slots=True)
class Having:
    """A condition on a measure. Null equals nothing and is neither greater nor less."""

    measure: Measure
    comparator: Comparator
    value: float


@dataclass(frozen=True, slots=True)
class GroupOrder:
    """One key of an order of groups."""

    by: Dimension | Measure
    direction: Direction


@dataclass(frozen=True)
class GroupQuery:
    """Ask for groups: dimensions and measures by the paths of response keys under which they go out.

    `previous` are the measures of the window shifted back by `compare_to`. `fill` adds the empty buckets. The `rollup`,
    where there is one, keeps in each bucket one cell (`app.query.cells`) of all the table's numbers and ratios.
    """

    table: GroupTable
    now: Instant
    window: Window
    dimensions: Mapping[Path, Dimension]
    measures: Mapping[Path, Measure]
    condition: Condition = EVERYTHING
    previous: Mapping[Path, Measure] = field(default_factory=dict)
    having: Sequence[Having] = ()
    order: Sequence[GroupOrder] = ()
    limit: int = 100
    fill: bool = False
    compare_to: Duration | None = None
    rollup: Rollup | None = None

    @cached_property
    def keys(self) -> tuple[Dimension, ...]:
        """The distinct dimensions, in the order of their selection."""
        return tuple(dict.fromkeys(self.dimensions.values()))

    @property
    def calendar(self) -> str:
        """The time zone whose months count in a comparison: that of the first time dimension, or UTC."""
        return next((key.bucket.timezone for key in self.keys if key.bucket is not None), "UTC")

    @property
    def previous_window(self) -> Window:
        """The window compared with. ValueError where there is no comparison, or the window has no bounds."""
        if self.compare_to is None or self.window.start is None or self.window.end is None:
            raise ValueError("a comparison needs a duration and a bounded window")
        before = self.compare_to.before
        return Window(before(self.window.start, self.calendar), before(self.window.end, self.calendar))

    @cached_property
    def computed(self) -> tuple[Measure, ...]:
        """The distinct measures of the window that are needed: selected, compared with, or ordered by."""
        needed = [*self.measures.values(), *self._named]
        return tuple(dict.fromkeys(one for one in needed if not one.of_previous))

    @cached_property
    def computed_previous(self) -> tuple[Measure, ...]:
        """The same of the window compared with."""
        named = (replace(one, of_previous=False) for one in self._named if one.of_previous)
        return tuple(dict.fromkeys([*self.previous.values(), *named]))

    @property
    def by_previous(self) -> bool:
        """Whether the window compared with decides about the rows or their order."""
        return any(one.of_previous for one in self._named)

    @property
    def _named(self) -> list[Measure]:
        named = [one.measure for one in self.having]
        return named + [one.by for one in self.complete_order if isinstance(one.by, Measure)]

    @cached_property
    def complete_order(self) -> tuple[GroupOrder, ...]:
        """The order with its ties broken by all keys; by default the first time dimension, then the count."""
        order = list(self.order)
        if not order:
            buckets = [key for key in self.keys if key.bucket is not None]
            order = [GroupOrder(key, Direction.ASC) for key in buckets[:1]]
            order.append(GroupOrder(COUNT, Direction.DESC))
        named = [one.by for one in order]
        return (*order, *(GroupOrder(key, Direction.ASC) for key in self.keys if key not in named))
