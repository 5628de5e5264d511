"""Time windows: one resolver for every face.

However a window was asked for, it becomes half-open [start, end) in 100 ns ticks. An edge that a face
includes is moved by one tick, so the rest of the gateway knows one kind of window only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.errors import InvalidInput
from app.query.durations import Duration, minutes_duration, parse_duration, parse_timeframe
from app.query.instants import LATEST, Instant, instant_from_milliseconds, parse_instant


@dataclass(frozen=True, slots=True)
class Window:
    """Times t with start <= t < end; an edge that is None is open."""

    start: Instant | None = None
    end: Instant | None = None


ALL_TIME = Window()


@dataclass(frozen=True, slots=True)
class WindowNames:
    """What a face calls the parts of a window, and whether its end is included."""

    start: str
    end: str
    minutes: str | None = None
    last: str | None = None
    timeframe: str | None = None
    end_included: bool = False


GRAPHQL_WINDOW = WindowNames(start="start", end="end", minutes="minutes", last="last")
CONNECTION_WINDOW = WindowNames(start="timeStart", end="timeEnd", minutes="minutes", end_included=True)
SUMMARY_WINDOW = WindowNames(start="start", end="end", timeframe="timeframe", end_included=True)


def read_instant(value: str | int, argument: str) -> Instant:
    """Read a time as a caller writes it: RFC 3339 text, or epoch milliseconds as a number."""
    try:
        return instant_from_milliseconds(value) if isinstance(value, int) else parse_instant(value)
    except ValueError as error:
        # In an address a plain + means a space.
        hint = " Write + as %2B in an address." if isinstance(value, str) and " " in value else ""
        raise InvalidInput(f"{argument}: {_shown(value)} {error}.{hint}", argument=argument) from None


def resolve_window(asked: Mapping[str, Any], names: WindowNames, now: Instant, prefix: str = "") -> Window:
    """Turn what was asked (by the face's own names; None or absent: not asked) into a window.

    Raises InvalidInput that names the argument: an unreadable or zoneless time, start at or after end, a
    relative amount that is not positive, longer than a century, or together with start or end (where the
    face has `timeframe`, start or end wins over it instead).
    """
    start, end = (
        None if asked.get(name) is None else read_instant(asked[name], prefix + name)
        for name in (names.start, names.end)
    )
    bounded = start is not None or end is not None
    relative = [name for name in (names.minutes, names.last, names.timeframe) if name and asked.get(name) is not None]
    if relative and not (bounded and relative[0] == names.timeframe):
        name = relative[0]
        if bounded or len(relative) > 1:
            raise InvalidInput(
                f"{prefix}{name}: give either {name} or "
                f"{names.start}/{names.end}{f' or {relative[1]}' if len(relative) > 1 else ''}, not both.",
                argument=prefix + name,
            )
        start, end = _amount(asked[name], name, names, prefix).before(now), now
    elif start is not None and end is not None and start >= end:
        raise InvalidInput(f"{prefix}{names.start}: must be before {prefix}{names.end}.", argument=prefix + names.start)
    if end is not None and names.end_included:
        end = Instant(min(end + 1, LATEST))
    return Window(start, end)


def _amount(value: Any, name: str, names: WindowNames, prefix: str) -> Duration:
    try:
        if name == names.minutes:
            return minutes_duration(value)
        return parse_timeframe(value) if name == names.timeframe else parse_duration(value)
    except ValueError as error:
        raise InvalidInput(f"{prefix}{name}: {_shown(value)} {error}.", argument=prefix + name) from None


def _shown(value: str | int) -> str:
    text = str(value)
    return repr(text if len(text) <= 40 else text[:40] + "…") if isinstance(value, str) else text[:40]
