"""Which parts of a window are read from rollups, and which from the records themselves."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

from app.query.instants import Instant
from app.query.rollups import Readiness, Unit
from app.query.spans import Edge, Span, joined, span_of, without
from app.query.windows import Window

MOST_RAW = 40  # stretches of raw records; a plan with more is none
MOST_HOURS = 10_000  # hours in a plan


@dataclass(frozen=True, slots=True)
class Plan:
    """A window in disjoint parts: whole days, whole hours, and the rest. Each part is sorted, its spans apart."""

    days: tuple[Span, ...]
    hours: tuple[Span, ...]
    raw: tuple[Span, ...]


def plan(window: Window, ready: Readiness, *, whole_days: bool = True, cut_days: Iterable[Instant] = ()) -> Plan | None:
    """Part a window: what `ready` lets be used is taken from days, then from hours; the rest is raw.

    `cut_days` are days that must not be taken whole, by their starts; without `whole_days` none is. None where there
    would be nothing of a rollup in it, or more than `MOST_RAW` raw stretches or `MOST_HOURS` hours.
    """
    asked = span_of(window)
    since = -math.inf if ready.since is None else ready.since
    usable = _whole(Unit.HOUR, Span(max(asked.start, since), asked.end) if since < asked.end else None)
    day_area = usable and _whole(Unit.DAY, usable)
    days: list[Span] = []
    if whole_days and day_area is not None:
        days = without([day_area], _buckets(Unit.DAY, (*ready.dirty_days, *cut_days)))
    hours = without(without([usable] if usable else [], days), _buckets(Unit.HOUR, ready.dirty_hours))
    raw = without([asked], [*days, *hours])
    if not days and not hours:
        return None
    if len(raw) > MOST_RAW or sum(span.end - span.start for span in hours) > MOST_HOURS * Unit.HOUR.ticks:
        return None
    return Plan(tuple(days), tuple(hours), tuple(raw))


def _whole(unit: Unit, span: Span | None) -> Span | None:
    """The whole buckets within a span; None where it holds none."""
    if span is None:
        return None
    start: Edge = span.start if isinstance(span.start, float) else unit.ceil(span.start)
    end: Edge = span.end if isinstance(span.end, float) else unit.floor(span.end)
    return Span(start, end) if start < end else None


def _buckets(unit: Unit, starts: Iterable[Instant]) -> list[Span]:
    return joined(Span(start, Instant(start + unit.ticks)) for start in starts)
