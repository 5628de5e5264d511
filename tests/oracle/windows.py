"""Time windows of every face, resolved to [start, end) in ticks (contract 3)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.oracle import instants

_LAST = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", re.ASCII)
_TIMEFRAME = re.compile(r"last(\d+)(minute|hour|day|week|month|quarter|year)s?", re.ASCII)
_UNIT_MINUTES = {"minute": 1, "hour": 60, "day": 24 * 60, "week": 7 * 24 * 60}
_UNIT_MONTHS = {"month": 1, "quarter": 3, "year": 12}


@dataclass(frozen=True)
class Window:
    """Ticks from `start` up to but without `end`; None leaves that side open."""

    start: int | None = None
    end: int | None = None

    def contains(self, ticks: int) -> bool:
        """Whether start <= ticks < end."""
        after_start = self.start is None or self.start <= ticks
        before_end = self.end is None or ticks < self.end
        return after_start and before_end


def instant(value: object) -> int:
    """Ticks of a GraphQL DateTime input: RFC 3339 text or whole epoch milliseconds (contract 4)."""
    if isinstance(value, str):
        return instants.parse(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value * instants.TICKS_PER_MILLISECOND
    raise ValueError(f"neither RFC 3339 nor epoch milliseconds: {value!r}")


def duration(text: str) -> int:
    """Ticks of an ISO 8601 duration in whole weeks, days, hours, minutes and seconds, such as PT30M or P7D.

    NotImplementedError for years, months and fractions: the contract does not say how long they are.
    """
    found = _LAST.fullmatch(text)
    if found is None or text.endswith("T"):
        raise NotImplementedError(f"the contract is silent about this duration: {text!r}")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    total = (((weeks * 7 + days) * 24 + hours) * 60 + minutes) * 60 + seconds
    return _positive(total, "last") * instants.TICKS_PER_SECOND


def from_graphql(given: Mapping[str, Any] | None, now: int) -> Window:
    """Resolve TimeWindow {start end minutes last} as [start, end); minutes and last mean [now - amount, now).

    None and {} mean all that is kept. ValueError where contract 3 calls the window an error.
    """
    present = {name: value for name, value in (given or {}).items() if value is not None}
    if "minutes" in present and "last" in present:
        raise NotImplementedError("the contract is silent about minutes together with last")
    amount = None
    if "minutes" in present:
        amount = _positive(present["minutes"], "minutes") * instants.TICKS_PER_MINUTE
    if "last" in present:
        amount = duration(present["last"])
    start = instant(present["start"]) if "start" in present else None
    end = instant(present["end"]) if "end" in present else None
    if amount is None:
        return Window(*_in_order(start, end))
    if start is not None or end is not None:
        raise ValueError("minutes or last together with start or end")
    return Window(now - amount, now)


def from_connection_parameters(given: Mapping[str, str], now: int) -> Window:
    """Resolve timeStart, timeEnd and minutes of /api/connection-analytics/*: both ends included (contract 3)."""
    if "minutes" in given:
        if "timeStart" in given or "timeEnd" in given:
            raise ValueError("minutes together with timeStart or timeEnd")
        amount = _positive(int(given["minutes"]), "minutes") * instants.TICKS_PER_MINUTE
        return _both_included(now - amount, now)
    return _both_included(*_edges(given, "timeStart", "timeEnd"))


def from_summary_parameters(given: Mapping[str, str], now: int) -> Window:
    """Resolve start, end, timeframe of /summary*: both ends included; start or end overrules timeframe (contract 3)."""
    if "start" in given or "end" in given or "timeframe" not in given:
        return _both_included(*_edges(given, "start", "end"))
    found = _TIMEFRAME.fullmatch(given["timeframe"])
    if found is None:
        raise ValueError(f"not last<N><unit>: {given['timeframe']!r}")
    count, unit = _positive(int(found.group(1)), "timeframe"), found.group(2)
    if unit in _UNIT_MONTHS:
        return _both_included(instants.months_before(now, count * _UNIT_MONTHS[unit]), now)
    return _both_included(now - count * _UNIT_MINUTES[unit] * instants.TICKS_PER_MINUTE, now)


def _edges(given: Mapping[str, str], start_name: str, end_name: str) -> tuple[int | None, int | None]:
    start = instants.parse(given[start_name]) if start_name in given else None
    end = instants.parse(given[end_name]) if end_name in given else None
    return _in_order(start, end)


def _in_order(start: int | None, end: int | None) -> tuple[int | None, int | None]:
    if start is not None and end is not None and start >= end:
        raise ValueError("start >= end")
    return start, end


def _positive(amount: int, name: str) -> int:
    if amount <= 0:
        raise ValueError(f"{name} must be positive")
    return amount


def _both_included(start: int | None, end: int | None) -> Window:
    # The next tick after an included end is the first one outside.
    return Window(start, None if end is None else end + 1)
