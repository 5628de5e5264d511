"""Builds the cells of dirty buckets anew from the records."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import bson
from bson import Int64
from pymongo import ReadPreference

from app.errors import Internal, LimitExceeded
from app.query.instants import LATEST
from app.query.matching import match_window
from app.query.rollups import Bucket, Cells, Collector, Rollup, Unit
from app.query.spans import Span, joined
from app.store.at_once import some_at_once
from app.store.client import CODEC, Database, Document
from app.store.failures import NotPermitted, translated_failures
from app.store.key_numbers import KeyNumbers
from app.store.rollups import BUCKETS, NOBODY, Rollups, bucket_key, bucket_of
from app.store.writer import Writer

MOST_BYTES = 8 * 1_048_576  # of one bucket's cells; one with more is never clean, and its records are read
_AT_ONCE = 3  # pipelines: while MongoDB works on one, what came of another is packed here
_TOGETHER = {Unit.HOUR: 168, Unit.DAY: 31}  # buckets of one organization that one pipeline builds

_RECORDS = 5_000  # that are taken into memory at once
_BUCKETS = 24  # whose cells, with names, are taken into memory at once

_Versions = Mapping[Bucket, int]
_Built = Mapping[Bucket, Cells | None]  # None: it cannot be built


@dataclass(slots=True)
class Rebuilt:
    """How many buckets were built, and how many cannot be and stay dirty."""

    built: int = 0
    unfit: int = 0


class Rebuilding:
    """Rebuilds buckets. Any number may do so at once, beside loads: an older result never takes a newer one's place."""

    def __init__(self, database: Database, writer: Writer) -> None:
        self._writer = writer
        self._rollups = Rollups(database, writer)
        self._numbers = KeyNumbers(database)
        self._numbering = asyncio.Lock()  # two who number the same keys at once leave half of the numbers unused
        self._database = database.with_options(read_preference=ReadPreference.PRIMARY)

    async def rebuild(self, rollup: Rollup) -> Rebuilt:
        """Build every bucket once that is dirty now, and that nobody holds: first hours, then days.

        Only where rollups are complete or about to be: a day may be made of the hours that are there. What is marked
        or held meanwhile stays dirty.
        """
        done = Rebuilt()
        settled = await self._rollups.mark_settling(rollup)
        for unit in Unit:
            await some_at_once(_AT_ONCE, self._dirty(rollup, unit), partial(self._build, rollup, unit, done))
        if settled is not None:
            await self._rollups.set_settled(rollup, settled)
        return done

    async def _build(self, rollup: Rollup, unit: Unit, done: Rebuilt, versions: _Versions) -> None:
        if unit is Unit.DAY and rollup.day_of_hours is not None:
            built = await self._of_hours(rollup, versions)
        else:
            built = await self._of_records(rollup, unit, versions)
        await self._keep(rollup, versions, built)
        unfit = sum(cells is None for cells in built.values())
        done.built, done.unfit = done.built + len(built) - unfit, done.unfit + unfit

    async def _dirty(self, rollup: Rollup, unit: Unit) -> AsyncGenerator[_Versions, None]:
        """Find dirty buckets with their versions, some of one organization at a time."""
        query = {
            "dataset": rollup.name,
            "clean": False,
            "unit": str(unit),
            "writers": {"$in": NOBODY},
            # One that could not be built is tried again when it has changed.
            "$nor": [{"unfit": True, "$expr": {"$eq": ["$built", "$version"]}}],
        }
        shown = dict.fromkeys(("tenant", "unit", "start", "version"), 1)
        batch: dict[Bucket, int] = {}
        with translated_failures():
            async for row in self._database[BUCKETS].find(query, shown).sort([("tenant", 1), ("start", 1)]):
                bucket = bucket_of(row)
                if len(batch) >= _TOGETHER[unit] or (batch and next(iter(batch)).tenant != bucket.tenant):
                    yield batch
                    batch = {}
                batch[bucket] = row["version"]
        if batch:
            yield batch

    async def _of_records(self, rollup: Rollup, unit: Unit, buckets: _Versions) -> _Built:
        """Build buckets of one organization; one by one where MongoDB cannot build all by one pipeline."""
        try:
            if rollup.collector is not None:
                return await self._collected(rollup, unit, list(buckets), rollup.collector)
            return await self._aggregated(rollup, unit, list(buckets))
        except NotPermitted:
            raise
        except (LimitExceeded, Internal):
            # Too much for one pipeline, or something in a record that none can deal with.
            if len(buckets) == 1:
                return dict.fromkeys(buckets)
        built: dict[Bucket, Cells | None] = {}
        for bucket, version in buckets.items():
            built |= await self._of_records(rollup, unit, {bucket: version})
        return built

    async def _aggregated(self, rollup: Rollup, unit: Unit, buckets: Sequence[Bucket]) -> _Built:
        tenant = buckets[0].tenant
        command = _command(rollup, unit, buckets)
        built: dict[Bucket, Cells | None] = {bucket: [] for bucket in buckets}
        with translated_failures():
            cursor = await self._database.cursor_command(
                command, codec_options=CODEC, read_preference=ReadPreference.PRIMARY
            )
            while rows := await cursor.to_list(_BUCKETS):
                if any(row["start"] is None or row["tenant"] != tenant for row in rows):
                    # A record in these times whose time or tenant is a list: which buckets it is in cannot be told.
                    return dict.fromkeys(buckets)
                found = {bucket_of({**row, "unit": unit}): row["cells"] for row in rows}
                built |= await self._packed(rollup, tenant, {one: found[one] for one in found if one in built})
        return built

    async def _collected(
        self, rollup: Rollup, unit: Unit, buckets: Sequence[Bucket], collector: Callable[[], Collector]
    ) -> _Built:
        """Collect the cells of buckets of one organization from a row for each record."""
        found = {bucket.start_date: collector() for bucket in buckets}
        command = _command(rollup, unit, buckets)
        with translated_failures():
            cursor = await self._database.cursor_command(
                command, codec_options=CODEC, read_preference=ReadPreference.PRIMARY
            )
            while rows := await cursor.to_list(_RECORDS):
                for row in rows:
                    if row["start"] is None:
                        # Its time or organization is a list: which buckets it is in cannot be told.
                        return dict.fromkeys(buckets)
                    into = found.get(row["start"])
                    if into is not None:
                        into.add(row)
        return {bucket: _fit(found[bucket.start_date].cells()) for bucket in buckets}

    async def _packed(self, rollup: Rollup, tenant: str, found: Mapping[Bucket, Cells]) -> _Built:
        names = {name for cells in found.values() for name in rollup.names(cells)}
        async with self._numbering:
            numbers = await self._numbers.number(rollup.name, tenant, names) if names else {}
        return {bucket: _fit(rollup.pack(cells, numbers)) for bucket, cells in found.items()}

    async def _of_hours(self, rollup: Rollup, days: _Versions) -> _Built:
        """Build days of one organization of their hours; one with an hour that is not clean is left out."""
        assert rollup.day_of_hours is not None  # noqa: S101 - who calls has looked
        tenant = next(iter(days)).tenant
        spans = joined(Span(day.start, day.end) for day in days)
        query = {"dataset": rollup.name, "tenant": tenant, "unit": str(Unit.HOUR), **_match_starts(spans)}
        shown = dict.fromkeys(("tenant", "unit", "start", "clean", "unfit", "cells"), 1)
        hours: list[Document] = []
        with translated_failures():
            async for row in self._database[BUCKETS].find(query, shown).sort("start", 1):
                hours.append(row)  # noqa: PERF401 - a list comes whole or not at all
        by_day = {start: list(rows) for start, rows in groupby(hours, lambda row: Unit.DAY.floor(bucket_of(row).start))}
        built: dict[Bucket, Cells | None] = {}
        for day in days:
            rows = by_day.get(day.start, [])
            if any(row.get("unfit") for row in rows):
                built[day] = None
            elif all(row["clean"] for row in rows):
                built[day] = _fit(rollup.day_of_hours([row["cells"] for row in rows]))
        return built

    async def _keep(self, rollup: Rollup, versions: _Versions, built: _Built) -> None:
        """Store cells where nothing has happened since their version; what has changed stays dirty."""
        changes = [
            (
                {**bucket_key(rollup, bucket), "version": versions[bucket], "writers": {"$in": NOBODY}},
                {
                    "$set": {
                        "cells": cells or [],
                        "built": Int64(versions[bucket]),
                        "clean": cells is not None,
                        "unfit": cells is None,
                    }
                },
            )
            for bucket, cells in built.items()
        ]
        await self._writer.update_each(BUCKETS, changes)


def _command(rollup: Rollup, unit: Unit, buckets: Sequence[Bucket]) -> Document:
    """Ask for what the cells of buckets of one organization are made of."""
    spans = joined(Span(bucket.start, bucket.end) for bucket in buckets)
    mine = {rollup.dataset.tenant_field: buckets[0].tenant, **_match_spans(rollup, spans)}
    return {
        "aggregate": rollup.dataset.collection,
        "pipeline": [{"$match": mine}, *rollup.cells(unit)],
        "cursor": {"batchSize": _RECORDS},
        "allowDiskUse": True,
    }


def _fit(cells: Cells | None) -> Cells | None:
    return cells if cells is not None and len(bson.encode({"cells": cells})) <= MOST_BYTES else None


def _match_spans(rollup: Rollup, spans: Sequence[Span]) -> Document:
    return {"$or": [match_window(rollup.time_field, None, _in_time(span).window) for span in spans]}


def _match_starts(spans: Sequence[Span]) -> Document:
    return {"$or": [match_window("start", None, _in_time(span).window) for span in spans]}


def _in_time(span: Span) -> Span:
    """The same without the end of time, which no date can tell."""
    return span if span.end <= LATEST else Span(span.start, float("inf"))
