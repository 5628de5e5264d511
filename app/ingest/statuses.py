"""Keeps the statuses of connections, and the rollup of them."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from app.datasets.connections.fields import CONNECTIONS
from app.datasets.connections.moves import moved
from app.datasets.connections.rollup import CONNECTION_ROLLUP
from app.datasets.connections.status import Document, Key, fold, merge_into, merge_stages, new_status
from app.errors import Internal
from app.ingest.holds import Holds
from app.query.instants import instant_from_date, split_instant
from app.query.rollups import Bucket, Unit, buckets_of
from app.store.writer import Writer

_ATTEMPTS = 20  # of a status that others change again and again meanwhile

_Stored = Mapping[Key, Document]
_Statuses = Mapping[Key, Document]
_Write = Callable[[_Statuses, _Stored, datetime], Awaitable[_Statuses]]


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
        statuses = await self._merge(fold(events), self._write_quickly)
        for _ in range(_ATTEMPTS):
            if not statuses:
                return
            statuses = await self._merge(statuses, self._write)
        raise Internal from RuntimeError("connections are changed by others without end")

    async def _merge(self, statuses: _Statuses, write: _Write) -> _Statuses:
        """Merge statuses into what is stored; give those back that are to be tried again."""
        if not statuses:
            return {}
        stored = await self._writer.stored(CONNECTIONS, [_identity(key) for key in statuses])
        now = await self._writer.server_time()
        hour = _hour_of(now)
        ends = {key: moved(stored.get(key), status) for key, status in statuses.items()}
        held = _buckets(ends, lambda end: end < hour)
        await self._holds.hold(CONNECTION_ROLLUP, held)
        with self._holds.doubted(CONNECTION_ROLLUP, held):
            again = await write(statuses, stored, now)
        # Where the machine slept meanwhile, what is written late may be missing from what was built on time.
        next_hour = _hour_of(await self._writer.server_time())
        await self._holds.hold(CONNECTION_ROLLUP, _buckets(ends, lambda end: hour <= end < next_hour))
        return again

    async def _write_quickly(self, statuses: _Statuses, stored: _Stored, now: datetime) -> _Statuses:
        """Store new statuses, and update those that are still as they were read.

        Give back those that were made meanwhile, and where an update met nothing, all that were there: merging again
        does no harm.
        """
        new = [key for key in statuses if key not in stored]
        made = await self._writer.insert_new(CONNECTIONS, [new_status(key, statuses[key], now) for key in new])
        known = [key for key in statuses if key in stored]
        merges = [(key, merge_into(stored[key], statuses[key])) for key in known]
        changes = [(_identity(key) | merge[0], merge[1]) for key, merge in merges if merge is not None]
        done = await self._writer.update_each(CONNECTIONS.collection, changes)
        again = [new[index] for index in made] + (known if done < len(known) else [])
        return {key: statuses[key] for key in again}

    async def _write(self, statuses: _Statuses, stored: _Stored, now: datetime) -> _Statuses:
        """Merge inside MongoDB, whatever is there; give back those whose stored status moved before it was written."""
        hour = _hour_of(now)
        changes = [
            (_identity(key) | _as_read(stored, key, hour), merge_stages(status)) for key, status in statuses.items()
        ]
        moved_on = await self._writer.upsert_as_read(CONNECTIONS.collection, changes)
        keys = list(statuses)
        return {keys[index]: statuses[keys[index]] for index in moved_on}


def _identity(key: Key) -> Document:
    tenant, connection = key
    return {"organizationId": tenant, "connectionId": connection}


def _hour_of(date: datetime) -> datetime:
    return split_instant(Unit.HOUR.floor(instant_from_date(date)))[0]


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
