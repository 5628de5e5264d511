"""Which connections of a window are read from rollups, and which from their records.

A connection is a point: where it began (connectionStartTime), where it ended (lastActivity), begun <= ended in every
bucket that has cells. It is in the window [s, e) when begun < e and ended >= s. Buckets are by `ended`, the parts of
their cells by the hour of `begun`; so whatever an edge of the window cuts through is an hour of one or of the other:

                      ended:  s .. next hour     whole hours and days before `settled`     settled ..
    begun: earlier            records            cells                                     records
           hour of s          records            records                                   records
           between            records            cells                                     records
           hour of e          records            records                                   records

The hour of `ended` that e cuts through is read from records too, since there some connections end after e, and so are
buckets that are not ready. From `settled` on, some time ago, connections still change: a heartbeat moves them
from hour to hour, and no bucket is kept up with that.
"""

from dataclasses import dataclass, replace
from math import inf

from app.query.instants import Instant
from app.query.rollup_plan import plan
from app.query.rollups import Readiness, Unit, Used
from app.query.spans import Span, joined
from app.query.windows import Window


@dataclass(frozen=True, slots=True)
class SummaryPlan:
    """The window in disjoint parts.

    `days` and `hours` of `ended` come from cells, but for those `begun` in one of the hours `begun`, which are read
    from records; and so is whatever is `ended` in one of the spans `ended`. `goes_on` tells that some of the days and
    hours are after the window's end, of which the connections that began before it count.
    """

    days: tuple[Span, ...]
    hours: tuple[Span, ...]
    ended: tuple[Span, ...]
    begun: tuple[Instant, ...]
    goes_on: bool

    @property
    def rolled(self) -> list[Span]:
        """The times of `ended` that cells are read for."""
        return joined((*self.days, *self.hours))

    def used(self, since: Instant) -> Used:
        """Tell what an answer was made of, with the time of the first record there is."""
        days, hours = (
            sum(max(0, int(span.end - max(span.start, unit.floor(since)))) // unit.ticks for span in spans)
            for unit, spans in ((Unit.DAY, self.days), (Unit.HOUR, self.hours))
        )
        return Used(days, hours, len(self.ended) + len(self.begun))


def plan_summary(window: Window, ready: Readiness, settled: Instant, *, splits_start: bool) -> SummaryPlan | None:
    """Part a window; None where no bucket would be used, or too many records apart from each other be read.

    `settled` is the start of an hour. Without `splits_start` it does not matter whether a connection of the window
    began before or after its start.
    """
    start, end = window.start, window.end
    if start is not None and start >= settled:
        return None
    cut_days: list[Instant] = []
    if end is not None and end < settled:
        ready = replace(ready, dirty_hours=ready.dirty_hours | _cut(Unit.HOUR, end))
        cut_days += _cut(Unit.DAY, end)
    parts = plan(Window(start, settled), ready, cut_days=cut_days)
    if parts is None:
        return None
    goes_on = end is not None and any(span.end > end for span in (*parts.days, *parts.hours))
    begun = _cut(Unit.HOUR, start) if splits_start else frozenset()
    if goes_on:
        begun |= _cut(Unit.HOUR, end)
    ended = tuple(joined((*parts.raw, Span(settled, inf))))
    return SummaryPlan(parts.days, parts.hours, ended, tuple(sorted(begun)), goes_on)


def _cut(unit: Unit, edge: Instant | None) -> frozenset[Instant]:
    """The bucket that an edge of the window lies inside of, where there is one."""
    return frozenset() if edge is None or unit.floor(edge) == edge else frozenset({unit.floor(edge)})
