"""Keeps the statuses of connections, and the rollup of them."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from app.datasets.connections.fields import CONNECTIONS
from app.datasets.connections.moves import moved
from app.datasets.connections.rollup import CONNECTION_ROLLUP
from app.datasets.connections.status import Document, Key, fold, merge_stages
from app.errors import Internal
from app.ingest.holds import Holds
from app.query.instants import instant_from_date, split_instant
from app.query.rollups import Bucket, Unit, buckets_of
from app.store.writer import Writer

_ATTEMPTS = 20  # of a status that others change again and again meanwhile

_Stored = Mapping[tuple[str, str], Document]


class Statuses:
    """Merges events into the statuses of their connections, one load's.

    A bucket of the rollup is the hour or day of a last activity. It is held before a status is written that lies in it
    or will, but not the current hour's: there connections move on with each heartbeat, and all of it is built a quarter
    of an hour after its end. The time is the database's, so that it does not matter how clocks differ.
    """

    def __init__(self, writer: Writer, holds: Holds) -> None:
        self._writer = writer
        self._holds = holds

    async def keep(self, events: Iterable[Mapping[str, Any]]) -> None:
        """Merge stored events in; safe to run twice, and beside other loads."""
        statuses = fold(events)
        for _ in range(_ATTEMPTS):
            statuses = await self._merge(statuses)
            if not statuses:
                return
        raise Internal from RuntimeError("connections are changed by others without end")

    async def _merge(self, statuses: Mapping[Key, Document]) -> dict[Key, Document]:
        """Merge statuses into what is stored; give those back whose stored status has changed before it was written."""
        identities = [{"organizationId": tenant, "connectionId": connection} for tenant, connection in statuses]
        stored = await self._writer.stored(CONNECTIONS, identities)
        hour = await self._this_hour()
        ends = {key: moved(stored.get(key), status) for key, status in statuses.items()}
        held = _buckets(ends, lambda end: end < hour)
        await self._holds.hold(CONNECTION_ROLLUP, held)
        changes = [
            (identity | _as_read(stored, key, hour), merge_stages(status))
            for identity, (key, status) in zip(identities, statuses.items(), strict=True)
        ]
        with self._holds.doubted(CONNECTION_ROLLUP, held):
            changed = await self._writer.upsert_as_read(CONNECTIONS.collection, changes)
        # Where the machine slept meanwhile, what is written late may be missing from what was built on time.
        next_hour = await self._this_hour()
        await self._holds.hold(CONNECTION_ROLLUP, _buckets(ends, lambda end: hour <= end < next_hour))
        keys = list(statuses)
        return {keys[index]: statuses[keys[index]] for index in changed}

    async def _this_hour(self) -> datetime:
        return split_instant(Unit.HOUR.floor(instant_from_date(await self._writer.server_time())))[0]


def _buckets(ends: Mapping[Key, Iterable[datetime]], matters: Callable[[datetime], bool]) -> set[Bucket]:
    return {
        bucket
        for (tenant, _), times in ends.items()
        for end in times
        if matters(end)
        for bucket in buckets_of(tenant, end)
    }


def _as_read(stored: _Stored, key: Key, hour: datetime) -> dict[str, Any]:
    """Match a status only as it was read, where a bucket hangs on it: another load may have moved it since.

    No plain equality: what is not there any more would be made anew with it.
    """
    end = stored.get(key, {}).get("lastActivity")
    if end is None:
        return {"lastActivity": {"$exists": key in stored and "lastActivity" in stored[key]}}
    if isinstance(end, datetime) and end < hour:
        return {"lastActivity": {"$gte": end, "$lte": end}}
    return {}
