"""Rollups: what the records of an hour or a day of one organization add up to, kept beside them.

A bucket is one such hour or day in UTC. Its cells are what a pipeline makes of the records in it; a bucket without a
record need not be there. Whether the cells of a bucket are right is known: it is clean, or its records are read.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from app.query.dataset import Dataset
from app.query.instants import TICKS_PER_SECOND, Instant, instant_from_date, split_instant

Stage = dict[str, Any]
Cells = list[Any]
Numbers = Mapping[str, int]

HOUR_TICKS = 3_600 * TICKS_PER_SECOND
DAY_TICKS = 24 * HOUR_TICKS


class Unit(StrEnum):
    """How long a bucket is; both begin on the UTC clock."""

    HOUR = "hour"
    DAY = "day"

    @property
    def ticks(self) -> int:
        """Its length in 100 ns."""
        return HOUR_TICKS if self is Unit.HOUR else DAY_TICKS

    def floor(self, instant: Instant) -> Instant:
        """The start of the bucket that the instant lies in."""
        return Instant(instant // self.ticks * self.ticks)

    def ceil(self, instant: Instant) -> Instant:
        """The first start of a bucket that is not before the instant."""
        return Instant(-(-instant // self.ticks) * self.ticks)


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket of a rollup: whose, how long, and its first instant."""

    tenant: str
    unit: Unit
    start: Instant

    @property
    def end(self) -> Instant:
        """The first instant after it."""
        return Instant(self.start + self.unit.ticks)

    @property
    def start_date(self) -> datetime:
        """The start as it is stored: naive UTC."""
        return split_instant(self.start)[0]


def buckets_of(tenant: str, date: datetime) -> tuple[Bucket, Bucket]:
    """The hour and the day that a stored date (naive UTC) of an organization lies in."""
    instant = instant_from_date(date)
    return Bucket(tenant, Unit.HOUR, Unit.HOUR.floor(instant)), Bucket(tenant, Unit.DAY, Unit.DAY.floor(instant))


def _as_they_come(cells: Cells, _numbers: Numbers) -> Cells:
    return cells


class Collector(Protocol):
    """Collects the stored cells of one bucket from its records, given one by one in any order."""

    def add(self, row: Mapping[str, Any]) -> None:
        """Take one record in."""

    def cells(self) -> Cells:
        """Tell the cells of all that was taken in."""


def _no_names(_cells: Cells) -> Collection[str]:
    return ()


@dataclass(frozen=True)
class Rollup:
    """What is kept of a dataset: which cells the documents of a bucket come to.

    `time_field` is the dataset's stored date whose hour and day make the buckets of a document. `cells(unit)` makes the
    stages that turn matched documents (of one or several organizations and buckets, none cut off) into documents
    {tenant, start, cells}, one for each bucket; `start` is null for documents whose time is no date, which no bucket
    can hold. `pack` turns the cells that came into those that are stored, or tells by None that they cannot be; it is
    given a number, unique in the organization, for each of the `names` in them. With a `collector` the stages make
    {start, …} of each document instead, as it takes them. `day_of_hours`, where there is one, makes a day's stored
    cells of its hours' stored cells, in order; else days are made of documents too.

    Where it `settles`, a document moves on to later buckets while it is written to. Only buckets that ended some time
    ago are kept then; what lies later is never read from rollups.
    """

    dataset: Dataset
    time_field: str
    cells: Callable[[Unit], list[Stage]]
    pack: Callable[[Cells, Numbers], Cells | None] = _as_they_come
    day_of_hours: Callable[[Sequence[Cells]], Cells] | None = None
    collector: Callable[[], Collector] | None = None
    names: Callable[[Cells], Collection[str]] = _no_names
    settles: bool = False

    @property
    def name(self) -> str:
        """What its buckets and its state are stored under."""
        return self.dataset.name

    def buckets(self, documents: Iterable[dict[str, Any]]) -> set[Bucket]:
        """The hours and days that stored documents lie in."""
        tenant, time = self.dataset.tenant_field, self.time_field
        hours = {(one[tenant], one[time].replace(minute=0, second=0, microsecond=0)) for one in documents}
        return {bucket for owner, hour in hours for bucket in buckets_of(owner, hour)}


@dataclass(frozen=True, slots=True)
class State:
    """Whether every record that is stored lies in a bucket that is there (clean or not), and since when.

    Buckets before the `horizon` may have been removed: there, a bucket that is not there says nothing. Where a rollup
    settles, that goes for buckets from `settled` on, the start of an hour, too.
    """

    complete: bool = False
    horizon: Instant | None = None
    settled: Instant | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """What was known before anything else was read: only buckets that are not `dirty`, from `since` on, may be used.

    `since` is None where all may. What is clean now is right whenever it is read later. Where a rollup settles, buckets
    from `settled` on may not be used either.
    """

    dirty_hours: frozenset[Instant] = frozenset()
    dirty_days: frozenset[Instant] = frozenset()
    since: Instant | None = None
    settled: Instant | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """What an answer was made of: how many hours and days of time came from rollups, and how many raw stretches."""

    days: int
    hours: int
    raw: int
