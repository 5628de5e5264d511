"""Stretches of time as sorted, disjoint, half-open intervals, which may be open at either end."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from app.query.instants import Instant
from app.query.windows import Window

Edge = Instant | float  # an instant, or -inf or inf


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Times t with start <= t < end; start < end."""

    start: Edge
    end: Edge

    @property
    def window(self) -> Window:
        """The same as a window, whose open edges are None."""
        return Window(
            None if isinstance(self.start, float) else self.start, None if isinstance(self.end, float) else self.end
        )


def span_of(window: Window) -> Span:
    """The window as a span."""
    return Span(
        -math.inf if window.start is None else window.start,
        math.inf if window.end is None else window.end,
    )


def joined(spans: Iterable[Span]) -> list[Span]:
    """The same times in as few spans as can be, in order."""
    found: list[Span] = []
    for span in sorted(spans):
        if found and span.start <= found[-1].end:
            found[-1] = Span(found[-1].start, max(found[-1].end, span.end))
        else:
            found.append(span)
    return found


def without(spans: Sequence[Span], holes: Iterable[Span]) -> list[Span]:
    """What is left of sorted, disjoint spans where the holes are taken out, in order."""
    taken = joined(holes)
    found: list[Span] = []
    place = 0
    for span in spans:
        start = span.start
        while place and taken[place - 1].end > start:
            place -= 1
        while place < len(taken) and taken[place].end <= start:
            place += 1
        while place < len(taken) and taken[place].start < span.end:
            if taken[place].start > start:
                found.append(Span(start, taken[place].start))
            start = max(start, taken[place].end)
            place += 1
        if start < span.end:
            found.append(Span(start, span.end))
    return found
