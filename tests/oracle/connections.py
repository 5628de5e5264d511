"""Connection statuses, derived whole from events (contract 1, "Connection status")."""

from collections.abc import Iterable

from tests.oracle import instants
from tests.oracle.datasets import Record

_OTHER_FIELDS = (
    "connectionId",
    "organizationId",
    "apikeyId",
    "host",
    "ipAddress",
    "protocolName",
    "serviceName",
    "dataCenter",
)


def statuses(events: Iterable[Record]) -> list[Record]:
    """Derive one status per organization + connectionId from events already unique by organization + eventId.

    They come in no promised order. Times are RFC 3339 text with seven digits, truncated to the millisecond, or None
    where there is none. `updatedAt` is left out: it is a time of the gateway, not of the events.
    """
    by_connection: dict[tuple[str, str], list[Record]] = {}
    for event in events:
        by_connection.setdefault((event["organizationId"], event["connectionId"]), []).append(event)
    return [_status(group) for group in by_connection.values()]


def is_open(status: Record) -> bool:
    """Whether there is no disconnect, or a connect or heartbeat later than it, by the kept, truncated times."""
    disconnected_at = ticks_of(status, "disconnectedAt")
    last_heartbeat = ticks_of(status, "lastHeartbeat")
    if disconnected_at is None:
        return True
    return last_heartbeat is not None and last_heartbeat > disconnected_at


def ticks_of(status: Record, field: str) -> int | None:
    """Ticks of a status time, None where the connection has none."""
    text = status[field]
    return None if text is None else instants.parse(text)


def duration(status: Record) -> int:
    """Ticks from connectionStartTime to lastActivity (contract 4, ConnectionSummary)."""
    return instants.parse(status["lastActivity"]) - instants.parse(status["connectionStartTime"])


def _status(events: list[Record]) -> Record:
    in_order = sorted(events, key=lambda event: (instants.parse(event["eventTimestamp"]), event["eventId"]))
    earliest = in_order[0]
    connects = _times(events, ("connect",))
    beats = _times(events, ("connect", "heartbeat"))
    disconnects = _times(events, ("disconnect",))
    everything = [instants.parse(event["eventTimestamp"]) for event in events]
    return {
        **{field: earliest.get(field) for field in _OTHER_FIELDS},
        "connectionStartTime": _kept(min(connects) if connects else min(everything)),
        "lastHeartbeat": _kept(max(beats)) if beats else None,
        "lastActivity": _kept(max(everything)),
        "disconnectedAt": _kept(max(disconnects)) if disconnects else None,
    }


def _times(events: list[Record], types: tuple[str, ...]) -> list[int]:
    return [instants.parse(event["eventTimestamp"]) for event in events if event["eventType"] in types]


def _kept(ticks: int) -> str:
    return instants.render(instants.to_millisecond(ticks))
