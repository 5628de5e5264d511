"""Rollups as they are kept: who writes into a bucket now, which version it is at, and which version its cells show.

A load holds a bucket before it writes records into it, and releases it when they are written; each is a new version. A
rebuild reads the version first, then the records, and stores cells as of that version. So cells are right where their
version is the bucket's own and nobody holds it: the bucket is clean then. A load that was killed holds on: its buckets
stay dirty, and their records are read in their place, until it is known for dead.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from bson import Int64
from pymongo import ReadPreference

from app.query.instants import Instant, instant_from_date, split_instant
from app.query.matching import match_window
from app.query.rollups import HOUR_TICKS, Bucket, Rollup, State, Unit
from app.query.windows import ALL_TIME, Window
from app.store.client import CODEC, Database, Document
from app.store.failures import translated_failures
from app.store.writer import Writer

BUCKETS, STATES = "rollups", "rollupStates"
DEAD_AFTER = timedelta(hours=1)  # a load renews its holds far more often
SETTLING_TICKS = (
    HOUR_TICKS // 4
)  # how long after its end a bucket of a rollup that settles may be used, at the earliest
_PRUNE_AFTER = timedelta(hours=1)  # far longer than any request runs, or trusts what it has read

NOBODY: tuple[Any, ...] = (None, {})  # what is stored of the writers of a bucket that nobody holds
# Operators, not a pipeline: a load changes thousands of buckets, and MongoDB takes twice as long for pipelines.
_NEXT_VERSION: Document = {"$inc": {"version": Int64(1)}, "$set": {"clean": False}, "$currentDate": {"changed": True}}


class Rollups:
    """Keeps the buckets of any organization: for loads and operators' commands, never reachable from a request."""

    def __init__(self, database: Database, writer: Writer) -> None:
        """What is written is acknowledged by a majority, what is read comes from the primary."""
        self._writer = writer
        self._database = database.with_options(read_preference=ReadPreference.PRIMARY)

    async def begin(self, rollup: Rollup) -> None:
        """Say that rollups are complete where nothing is stored yet. To be called before the first hold of a load."""
        with translated_failures():
            known = await self._database[STATES].find_one({"_id": rollup.name})
            if known is None and await self._database[rollup.dataset.collection].find_one({}, {"_id": 1}) is None:
                settled = {"settled": await self._settled()} if rollup.settles else {}
                await self._writer.upsert(STATES, [({"_id": rollup.name}, [{"$set": {"complete": True, **settled}}])])

    async def state(self, rollup: Rollup) -> State:
        """Tell whether the buckets are complete, and since when."""
        with translated_failures():
            return state_of(await self._database[STATES].find_one({"_id": rollup.name}))

    async def set_complete(self, rollup: Rollup, *, complete: bool) -> None:
        """Say whether every record that is stored lies in a bucket that is there."""
        await self._writer.upsert(STATES, [({"_id": rollup.name}, [{"$set": {"complete": complete}}])])

    async def hold(self, rollup: Rollup, buckets: Iterable[Bucket], load: str) -> None:
        """Note that the load `load` may write into the buckets from now on, as of now; again renews it."""
        await self._change(rollup, buckets, {"$currentDate": {"changed": True, f"writers.{load}": True}})

    async def release(self, rollup: Rollup, buckets: Iterable[Bucket], load: str) -> None:
        """Note that all that the load has written into the buckets is there, and that it writes no more."""
        await self._change(rollup, buckets, {"$unset": {f"writers.{load}": True}})

    async def mark(self, rollup: Rollup, buckets: Iterable[Bucket]) -> None:
        """Note that the records of the buckets have changed.

        Those that are not settled yet are left alone: they are marked when they are.
        """
        settled = (await self.state(rollup)).settled if rollup.settles else None
        if settled is not None:
            buckets = [bucket for bucket in buckets if bucket.start < settled]
        await self._mark(rollup, buckets)

    async def _mark(self, rollup: Rollup, buckets: Iterable[Bucket]) -> None:
        await self._change(rollup, buckets, {})

    async def mark_all(self, rollup: Rollup) -> None:
        """Mark every bucket that is there, and every one that a stored record lies in."""
        await self._start_settling(rollup)
        with translated_failures():
            await self._writer.update_all(BUCKETS, {"dataset": rollup.name}, _NEXT_VERSION)
        async for buckets in self._in_records(rollup):
            await self._mark(rollup, buckets)

    async def mark_settling(self, rollup: Rollup) -> Instant | None:
        """Mark the buckets that have ended long enough ago since the last time; tell up to when they have.

        None where there is nothing to do. Once they are built, or known to be dirty, `set_settled` follows.
        """
        state = await self.state(rollup)
        until = instant_from_date(await self._settled())
        if not rollup.settles or state.settled is None or state.settled >= until:
            return None
        async for buckets in self._in_records(rollup, Window(state.settled, until)):
            await self._mark(rollup, buckets)
        return until

    async def set_settled(self, rollup: Rollup, until: Instant) -> None:
        """Say that buckets before `until` may be used."""
        change = [{"$set": {"settled": {"$max": ["$settled", split_instant(until)[0]]}}}]
        await self._writer.upsert(STATES, [({"_id": rollup.name}, change)])

    async def _start_settling(self, rollup: Rollup) -> None:
        """Where rollups are not in use, all is about to be marked: what has ended long enough ago by now is settled."""
        if rollup.settles:
            settled = {"$cond": [{"$eq": ["$complete", True]}, "$settled", await self._settled()]}
            await self._writer.upsert(STATES, [({"_id": rollup.name}, [{"$set": {"settled": settled}}])])

    async def _settled(self) -> datetime:
        now = instant_from_date(await self._writer.server_time())
        return split_instant(Unit.HOUR.floor(Instant(now - SETTLING_TICKS)))[0]

    async def bury(self, rollup: Rollup) -> int:
        """Release what loads hold that have not renewed it for an hour; tell how many buckets that were."""
        before = await self._writer.server_time() - DEAD_AFTER
        dead: dict[str, list[Bucket]] = {}
        query = {"dataset": rollup.name, "clean": False, "writers": {"$nin": NOBODY}}
        with translated_failures():
            async for row in self._database[BUCKETS].find(query, {"cells": 0}):
                for load, since in row["writers"].items():
                    if since < before:
                        dead.setdefault(load, []).append(bucket_of(row))
        for load, buckets in dead.items():
            await self.release(rollup, buckets, load)
        return sum(map(len, dead.values()))

    async def prune(self, rollup: Rollup, kept: timedelta | None) -> None:
        """Remove buckets whose records the retention has removed; None: it keeps everything.

        In two steps, an hour or more apart: first it is said that nothing is to be concluded from there, then it is.
        """
        now = await self._writer.server_time()
        with translated_failures():
            found = await self._database[STATES].find_one({"_id": rollup.name}) or {}
        said, when = found.get("horizon"), found.get("horizonSaid")
        if said is not None and when is not None and when < now - _PRUNE_AFTER:
            await self._writer.delete(BUCKETS, {"dataset": rollup.name, "start": {"$lt": said}})
        if kept is None or (when is not None and when >= now - _PRUNE_AFTER):
            return
        until = split_instant(Unit.DAY.floor(instant_from_date(now - kept)))[0]
        if said is None or said < until:
            change = [{"$set": {"horizon": until, "horizonSaid": now}}]
            await self._writer.upsert(STATES, [({"_id": rollup.name}, change)])

    async def _change(self, rollup: Rollup, buckets: Iterable[Bucket], change: Mapping[str, Any]) -> None:
        change = {**_NEXT_VERSION, **change}
        await self._writer.upsert(BUCKETS, [(bucket_key(rollup, bucket), change) for bucket in buckets])

    async def _in_records(self, rollup: Rollup, window: Window = ALL_TIME) -> AsyncIterator[Collection[Bucket]]:
        """Find the buckets that stored records lie in, some hundreds at a time. A time that is no date is in none."""
        tenant, time = rollup.dataset.tenant_field, rollup.time_field
        pipeline: list[Document] = [
            {"$match": match_window(time, None, window)},
            {"$match": {"$expr": {"$and": [_is_a(time, "date"), _is_a(tenant, "string")]}}},
            {"$group": {"_id": {"tenant": f"${tenant}", "hour": {"$dateTrunc": {"date": f"${time}", "unit": "hour"}}}}},
        ]
        found: set[Bucket] = set()
        with translated_failures():
            async for row in await self._rows(rollup.dataset.collection, pipeline):
                found |= set(rollup.buckets([{tenant: row["_id"]["tenant"], time: row["_id"]["hour"]}]))
                if len(found) >= 1_000:
                    yield found
                    found = set()
        yield found

    async def _rows(self, collection: str, pipeline: list[Document]) -> Any:
        command = {"aggregate": collection, "pipeline": pipeline, "cursor": {}, "allowDiskUse": True}
        return await self._database.cursor_command(command, codec_options=CODEC, read_preference=ReadPreference.PRIMARY)


def _is_a(field: str, kind: str) -> Document:
    return {"$eq": [{"$type": f"${field}"}, kind]}


def state_of(document: Mapping[str, Any] | None) -> State:
    """Read a state as it is stored; where none is, rollups are not complete."""
    if document is None:
        return State()
    horizon, settled = (
        None if document.get(name) is None else instant_from_date(document[name]) for name in ("horizon", "settled")
    )
    return State(complete=bool(document.get("complete")), horizon=horizon, settled=settled)


def bucket_key(rollup: Rollup, bucket: Bucket) -> Document:
    """What a bucket is stored under."""
    return {"dataset": rollup.name, "tenant": bucket.tenant, "unit": str(bucket.unit), "start": bucket.start_date}


def bucket_of(row: Mapping[str, Any]) -> Bucket:
    """Which bucket a stored document is."""
    start: datetime = row["start"]
    return Bucket(row["tenant"], Unit(row["unit"]), instant_from_date(start))
