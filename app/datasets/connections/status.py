"""The status of a connection, derived from its events in any order and with any repeats.

Every part of a status is a least or a greatest value over events, so merging is associative, commutative and
idempotent. `fold` does it in memory for a batch, `merged_status` in memory for a status that was read, `merge_stages`
inside MongoDB for any stored one, and `rebuild_pipeline` for all events of a collection; property tests hold them
equal.

Beside the visible fields a status keeps `firstEvent` {at, ticks, id}, the position of its earliest event, whose
key, host, service and so on it carries, and `firstConnect`, the time of its earliest connect.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

Document = dict[str, Any]
Key = tuple[str, str]

CARRIED = ("apikeyId", "host", "ipAddress", "protocolName", "serviceName", "dataCenter")
_LATEST = ("lastHeartbeat", "lastActivity", "disconnectedAt")
_VISIBLE = (*CARRIED, "connectionStartTime", *_LATEST)
_BEATS = ("connect", "heartbeat")


def fold(events: Iterable[Mapping[str, Any]]) -> dict[Key, Document]:
    """Derive partial statuses, by (organization, connection), from stored events."""
    statuses: dict[Key, Document] = {}
    for event in events:
        connection = event.get("connectionId")
        if connection is None:
            continue
        key = (event["organizationId"], connection)
        one = _from_event(event)
        known = statuses.get(key)
        statuses[key] = one if known is None else _merged(known, one)
    return statuses


def _from_event(event: Mapping[str, Any]) -> Document:
    at = event["eventTimestamp"]
    kind = event.get("eventType")
    return {
        "firstEvent": {"at": at, "ticks": event.get("eventTimestampTicks") or 0, "id": event["eventId"]},
        "firstConnect": at if kind == "connect" else None,
        "lastHeartbeat": at if kind in _BEATS else None,
        "lastActivity": at,
        "disconnectedAt": at if kind == "disconnect" else None,
        **{field: event.get(field) for field in CARRIED},
    }


def _merged(one: Document, other: Document) -> Document:
    first, later = (one, other) if _place(one) <= _place(other) else (other, one)
    merged = dict(first)
    connect = later["firstConnect"]
    if connect is not None and (first["firstConnect"] is None or connect < first["firstConnect"]):
        merged["firstConnect"] = connect
    for field in _LATEST:
        latest = later[field]
        if latest is not None and (first[field] is None or latest > first[field]):
            merged[field] = latest
    return merged


def _place(status: Document) -> tuple[Any, ...]:
    return tuple(status["firstEvent"].values())


def new_status(key: Key, status: Document, now: datetime) -> Document:
    """Make what is stored of a partial status where nothing is there yet.

    `now` is the database's time, read after the status' events were stored.
    """
    tenant, connection = key
    stamps = {"updatedAt": now, "mergedAt": now}
    return {"organizationId": tenant, "connectionId": connection, **status, **_began(status), **stamps}


def merged_status(stored: Mapping[str, Any], status: Document) -> Document | None:
    """Merge a partial status into a stored one in memory; None where another service keeps that one differently."""
    was = {field: stored.get(field) for field in status}
    if not _is_kept(was):
        return None
    merged = _merged(was, status)
    return {**merged, **_began(merged)}


def merge_into(stored: Mapping[str, Any], status: Document) -> tuple[Document, Document] | None:
    """Make the match and the update that merge a partial status into the stored one, as it was read.

    They take MongoDB half the time of `merge_stages`. None where another service keeps the stored one differently.
    """
    merged = merged_status(stored, status)
    if merged is None:
        return None
    was = {field: stored.get(field) for field in merged}
    changes = {field: value for field, value in merged.items() if value != was[field]}
    stamps = {"mergedAt": True} | ({"updatedAt": True} if changes.keys() & set(_VISIBLE) else {})
    return {field: {"$eq": value} for field, value in was.items()}, {"$set": changes, "$currentDate": stamps}


def _is_kept(status: Document) -> bool:
    """Whether a stored status has what merging leaves: compared here, it compares as in MongoDB."""
    first = status["firstEvent"]
    parts = [("at", datetime), ("ticks", int), ("id", str)]
    return (
        isinstance(first, dict)
        and [(name, type(value)) for name, value in first.items()] == parts
        and all(isinstance(status[field], datetime | None) for field in ("firstConnect", *_LATEST))
    )


def _began(status: Document) -> Document:
    return {"connectionStartTime": status["firstConnect"] or status["firstEvent"]["at"]}


def merge_stages(status: Document) -> list[Document]:
    """Make the update pipeline that merges a partial status into the stored one (or into nothing)."""
    return [_REMEMBER, *_merge(lambda field: {"$literal": status[field]}), *_STAMP, _MERGED]


_REMEMBER: Document = {"$set": {"was": {field: f"${field}" for field in _VISIBLE}}}
_STAMP: list[Document] = [
    {
        "$set": {
            "updatedAt": {
                "$cond": [{"$eq": ["$was", {field: f"${field}" for field in _VISIBLE}]}, "$updatedAt", "$$NOW"]
            }
        }
    },
    {"$unset": ["was", "earlier"]},
]
# When a loader last brought an event, also one that changed nothing: a rebuild that read before then may lack it.
_MERGED: Document = {"$set": {"mergedAt": "$$NOW"}}


def _merge(new: Callable[[str], Any]) -> list[Document]:
    stored_first = {"$ifNull": ["$firstEvent", None]}
    earlier = {"$or": [{"$eq": [stored_first, None]}, {"$lt": [new("firstEvent"), stored_first]}]}
    return [
        {"$set": {"earlier": earlier}},
        {
            "$set": {
                "firstEvent": {"$cond": ["$earlier", new("firstEvent"), "$firstEvent"]},
                "firstConnect": {"$min": ["$firstConnect", new("firstConnect")]},
                **{field: {"$cond": ["$earlier", new(field), f"${field}"]} for field in CARRIED},
                **{field: {"$max": [f"${field}", new(field)]} for field in _LATEST},
            }
        },
        {"$set": {"connectionStartTime": {"$ifNull": ["$firstConnect", "$firstEvent.at"]}}},
    ]


def rebuild_pipeline(start: datetime) -> list[Document]:
    """Make the pipeline, run on connection events, that builds every status anew and merges it into `connections`.

    `start` is the database's time when the rebuild began: a status that a loader changed since is merged into, so
    that nothing of a load that runs meanwhile is lost; every other one is replaced.
    """

    def when(kinds: Iterable[str]) -> Document:
        return {"$cond": [{"$in": ["$eventType", list(kinds)]}, "$eventTimestamp", None]}

    ticks = {"$ifNull": ["$eventTimestampTicks", 0]}
    carried = {field: {"$ifNull": [f"${field}", None]} for field in CARRIED}
    kept = ("_id", "organizationId", "connectionId", "updatedAt", "rebuiltAt", "was")
    forgotten = {field: f"${field}" for field in kept}
    return [
        {"$match": {"connectionId": {"$ne": None}}},
        {
            "$group": {
                "_id": {"organizationId": "$organizationId", "connectionId": "$connectionId"},
                # Documents are compared field by field: time, ticks, id. The id is unique, so no more is compared.
                "first": {"$min": {"at": "$eventTimestamp", "ticks": ticks, "id": "$eventId", "carried": carried}},
                "firstConnect": {"$min": when(["connect"])},
                "lastHeartbeat": {"$max": when(_BEATS)},
                "lastActivity": {"$max": "$eventTimestamp"},
                "disconnectedAt": {"$max": when(["disconnect"])},
            }
        },
        {
            "$project": {
                "_id": 0,
                "organizationId": "$_id.organizationId",
                "connectionId": "$_id.connectionId",
                "firstEvent": {"at": "$first.at", "ticks": "$first.ticks", "id": "$first.id"},
                **{field: f"$first.carried.{field}" for field in CARRIED},
                "firstConnect": 1,
                **dict.fromkeys(_LATEST, 1),
                "connectionStartTime": {"$ifNull": ["$firstConnect", "$first.at"]},
                "updatedAt": "$$NOW",
                "rebuiltAt": start,
            }
        },
        {
            "$merge": {
                "into": "connections",
                "on": ["organizationId", "connectionId"],
                "whenMatched": [
                    _REMEMBER,
                    {"$replaceWith": {"$cond": [{"$lt": ["$mergedAt", start]}, forgotten, "$$ROOT"]}},
                    *_merge(lambda field: f"$$new.{field}"),
                    *_STAMP,
                    {"$set": {"rebuiltAt": {"$max": ["$rebuiltAt", start]}}},
                ],
                "whenNotMatched": "insert",
            }
        },
    ]


def unsupported_match(start: datetime) -> Document:
    """Match statuses that the rebuild begun at `start` found no events for, and that no loader changed since."""
    return {"rebuiltAt": {"$not": {"$gte": start}}, "mergedAt": {"$not": {"$gte": start}}}
