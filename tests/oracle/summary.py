"""Rows of connectionSummary (contract 4, "ConnectionSummary")."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.oracle import connections, filters, instants, windows
from tests.oracle.datasets import CONNECTIONS, Record
from tests.oracle.pages import ASC, DESC, Order, null_first
from tests.oracle.windows import Window

_KEYS = ("serviceName", "protocolName", "dataCenter")


def rows(
    statuses: Sequence[Record],
    organization_id: str,
    given: Mapping[str, Any] | None,
    now: int,
    orders: Sequence[Order] | None = None,
) -> list[Record]:
    """Answer the whole of connectionSummary for one organization; `time` at the top of the filter is W.

    Default order: totalConnections descending, then service, protocol, data center. NotImplementedError where `time`
    is nested in and, or, not: the contract does not say what W is then.
    """
    fields = {name: entry for name, entry in (given or {}).items() if name != "time"}
    _reject_nested_time(fields)
    window = windows.from_graphql((given or {}).get("time"), now)
    selected = filters.select(statuses, CONNECTIONS, organization_id, fields, now)
    return ordered(unordered_rows(selected, window, now), orders)


def unordered_rows(statuses: Sequence[Record], window: Window, now: int) -> list[Record]:
    """One row per service, protocol and data center with a connection in the window (ticks); `now` in ticks."""
    groups: dict[tuple[str | None, str | None, str | None], list[Record]] = {}
    for status in statuses:
        if in_window(status, window):
            key = (status["serviceName"], status["protocolName"], status["dataCenter"])
            groups.setdefault(key, []).append(status)
    return [_row(group, window, now) for group in groups.values()]


def in_window(status: Record, window: Window) -> bool:
    """Whether connectionStartTime < e and lastActivity >= s; an open side holds."""
    starts_before_end = window.end is None or _start(status) < window.end
    ends_after_start = window.start is None or _activity(status) >= window.start
    return starts_before_end and ends_after_start


def is_active(status: Record, window: Window, now: int) -> bool:
    """Whether it is open, with lastHeartbeat in [x - 2 minutes, x), x = min(now, e)."""
    moment = now if window.end is None else min(now, window.end)
    heartbeat = connections.ticks_of(status, "lastHeartbeat")
    if heartbeat is None or not connections.is_open(status):
        return False
    return moment - 2 * instants.TICKS_PER_MINUTE <= heartbeat < moment


def time_in_window(status: Record, window: Window) -> int:
    """Ticks of [connectionStartTime, lastActivity] that lie in the window."""
    start, end = _start(status), _activity(status)
    if window.start is not None:
        start = max(start, window.start)
    if window.end is not None:
        end = min(end, window.end)
    return max(0, end - start)


def ordered(summary_rows: Sequence[Record], orders: Sequence[Order] | None = None) -> list[Record]:
    """Sort by (output field, ASC or DESC) in turn, then by service, protocol, data center ascending.

    Null comes before everything ascending, after everything descending. No order given: totalConnections descending.
    """
    given = list(orders or [("totalConnections", DESC)])
    result = list(summary_rows)
    # Sorting is stable, also when reversed: the least important key goes first. Times are UTC text of one length.
    for field, direction in reversed([*given, *((key, ASC) for key in _KEYS)]):
        keyed = [(null_first(row[field]), row) for row in result]
        keyed.sort(key=lambda pair: pair[0], reverse={ASC: False, DESC: True}[direction])
        result = [row for _key, row in keyed]
    return result


def _row(group: Sequence[Record], window: Window, now: int) -> Record:
    starts = [_start(status) for status in group]
    total_ticks = sum(connections.duration(status) for status in group)
    clipped_ticks = sum(time_in_window(status, window) for status in group)
    return {
        "organizationId": group[0]["organizationId"],
        "serviceName": group[0]["serviceName"],
        "protocolName": group[0]["protocolName"],
        "dataCenter": group[0]["dataCenter"],
        "totalConnections": len(group),
        "newConnectionsInPeriod": len([start for start in starts if window.contains(start)]),
        "activeConnections": len([status for status in group if is_active(status, window, now)]),
        "uniqueApiKeys": len({status["apikeyId"] for status in group if status["apikeyId"] is not None}),
        "averageConnectionDurationSeconds": total_ticks // (len(group) * instants.TICKS_PER_SECOND),
        "totalConnectionTimeSeconds": total_ticks // instants.TICKS_PER_SECOND,
        "connectionTimeInPeriodSeconds": clipped_ticks // instants.TICKS_PER_SECOND,
        "firstConnection": instants.render(min(starts)),
        "lastConnection": instants.render(max(starts)),
        "lastActivity": instants.render(max(_activity(status) for status in group)),
    }


def _start(status: Record) -> int:
    return instants.parse(status["connectionStartTime"])


def _activity(status: Record) -> int:
    return instants.parse(status["lastActivity"])


def _reject_nested_time(given: Mapping[str, Any]) -> None:
    if given.get("time") is not None:
        raise NotImplementedError("the contract is silent about a nested time in the summary's filter")
    negated = [given["not"]] if given.get("not") else []
    for inner in [*(given.get("and") or []), *(given.get("or") or []), *negated]:
        _reject_nested_time(inner)
