"""When a connection counts as active, and for how long it lasted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.query.fields import Derived, Field, Kind
from app.query.instants import EARLIEST, TICKS_PER_MILLISECOND, TICKS_PER_SECOND, Instant
from app.query.times import whole_millisecond_from

ACTIVE_SECONDS = 120
_ACTIVE = "Whether the connection is open (no disconnect, or a connect or heartbeat after it), with a heartbeat in the "


def active_span(now: Instant, end: Instant | None) -> tuple[datetime, datetime]:
    """The 2 minutes before a window's end, or up to now where that is earlier: [first, last) in whole milliseconds."""
    until = Instant(now + TICKS_PER_MILLISECOND)
    if end is not None:
        until = min(until, end)
    since = max(Instant(until - ACTIVE_SECONDS * TICKS_PER_SECOND), EARLIEST)
    return whole_millisecond_from(since), whole_millisecond_from(until)


def active_expression(now: Instant, end: Instant | None = None) -> dict[str, Any]:
    """Tell inside MongoDB whether a connection is open, with its last heartbeat in the active span."""
    since, until = active_span(now, end)
    return {
        "$and": [
            {"$gt": ["$lastHeartbeat", {"$ifNull": ["$disconnectedAt", None]}]},
            {"$gte": ["$lastHeartbeat", since]},
            {"$lt": ["$lastHeartbeat", until]},
        ]
    }


def _is_active(row: Mapping[str, Any], now: Instant) -> bool:
    since, until = active_span(now, None)
    beat, disconnected = row.get("lastHeartbeat"), row.get("disconnectedAt")
    if not isinstance(beat, datetime) or not since <= beat < until:
        return False
    return not isinstance(disconnected, datetime) or beat > disconnected


def _duration(row: Mapping[str, Any], _now: Instant) -> float:
    seconds: float = (row["lastActivity"] - row["connectionStartTime"]).total_seconds()
    return seconds


DERIVED = (
    Derived(
        Field(
            "connectionDurationSeconds",
            Kind.FLOAT,
            "Seconds from the start to the last activity, to the millisecond.",
            required=True,
        ),
        ("connectionStartTime", "lastActivity"),
        _duration,
    ),
    Derived(
        Field("isActive", Kind.BOOLEAN, _ACTIVE + "last 2 minutes.", required=True),
        ("lastHeartbeat", "disconnectedAt"),
        _is_active,
    ),
)
