"""Brings rollups up to what is stored, and keeps them there."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

from app.query.rollups import Bucket, Rollup
from app.store.changes import HistoryLost
from app.store.rollup_rebuild import Rebuilt
from app.store.store import Store

REBUILD_SECONDS = 2.0  # between rebuilds of what others have written
_LEAVE_SECONDS = 60.0  # between notes of the place where nothing happens
_SETTLE_SECONDS = 300.0  # between rebuilds of what has settled meanwhile
_SHARE = 5  # at most one part in so many of the time goes into rebuilding


@dataclass(frozen=True, slots=True)
class BroughtUp:
    """What was done: buckets that dead loads had held, those that were built, and those that cannot be."""

    buried: int
    rebuilt: Rebuilt


async def bring_up(store: Store, rollup: Rollup, *, everything: bool = False) -> BroughtUp:
    """Rebuild what is dirty; where rollups are not complete, or `everything` is asked for, all there is.

    Buckets that a load held and has not renewed for an hour are freed first; those of retention long over are removed.
    """
    buried = await store.rollups.bury(rollup)
    complete = (await store.rollups.state(rollup)).complete
    if everything or not complete:
        await store.rollups.mark_all(rollup)
    rebuilt = await store.rebuilding.rebuild(rollup)
    if not complete:
        await store.rollups.set_complete(rollup, complete=True)
    await store.rollups.prune(rollup, await store.retentions.kept(rollup.dataset))
    return BroughtUp(buried, rebuilt)


@dataclass(frozen=True, slots=True)
class Followed:
    """What following has done in one step: buckets marked, and built."""

    marked: int
    built: int


async def follow(store: Store, rollups: Sequence[Rollup]) -> AsyncIterator[Followed]:
    """Mark and rebuild what any program writes, for ever; tell each step that did something.

    To be begun by `store.changes.begin`, before rollups are brought up to what was written until then. It goes on
    where it was left off. Where MongoDB no longer knows what happened since, everything is built anew.
    """
    by_collection = {rollup.dataset.collection: rollup for rollup in rollups}
    pending, took = 0, 0.0
    rebuilt_at = left_at = monotonic()
    while True:
        try:
            async for changed in store.changes.follow(by_collection):
                for rollup in rollups:
                    mine = [one for name, one in changed.documents if by_collection[name] is rollup]
                    buckets = buckets_of_any(rollup, mine)
                    await store.rollups.mark(rollup, buckets)
                    pending += len(buckets)
                if changed.token is not None and (changed.documents or monotonic() - left_at > _LEAVE_SECONDS):
                    await store.changes.leave_off(changed.token)
                    left_at = monotonic()
                waited = monotonic() - rebuilt_at
                if waited >= _SETTLE_SECONDS or (pending and waited >= max(REBUILD_SECONDS, _SHARE * took)):
                    begun = monotonic()
                    built = sum([(await store.rebuilding.rebuild(rollup)).built for rollup in rollups])
                    if pending or built:
                        yield Followed(pending, built)
                    pending, rebuilt_at = 0, monotonic()
                    took = rebuilt_at - begun
        except HistoryLost:
            await store.changes.forget()
            await store.changes.begin(by_collection)
            done = [await bring_up(store, rollup, everything=True) for rollup in rollups]
            yield Followed(0, sum(one.rebuilt.built for one in done))


def buckets_of_any(rollup: Rollup, documents: Sequence[dict[str, Any]]) -> set[Bucket]:
    """The buckets of documents that any program may have written; those without a tenant or a date lie in none."""
    tenant, time = rollup.dataset.tenant_field, rollup.time_field
    sound = (one for one in documents if isinstance(one.get(tenant), str) and isinstance(one.get(time), datetime))
    return rollup.buckets(sound)
