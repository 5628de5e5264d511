"""What a load says to the rollups: where it may be writing, and that it has done so."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from time import time
from uuid import uuid4

from app.query.rollups import Bucket, Rollup
from app.store.rollup_rebuild import Rebuilding
from app.store.rollups import DEAD_AFTER, Rollups

_RENEW_SECONDS = DEAD_AFTER.total_seconds() / 6
LEAST_SECONDS = 30.0  # between releases of a load that goes on
_SHARE = 10  # a load that goes on spends at most one part in so many on rebuilding


class Holds:
    """The buckets that one load holds; they are held before it writes into them."""

    def __init__(self, rollups: Rollups, rebuilding: Rebuilding, *, goes_on: bool = False) -> None:
        """A load that `goes_on`, such as one from a pipe, releases what it holds now and then."""
        self._goes_on = goes_on
        self._rollups = rollups
        self._rebuilding = rebuilding
        self._load = uuid4().hex
        self._held: dict[str, tuple[Rollup, set[Bucket]]] = {}
        self._unsure: set[tuple[str, Bucket]] = set()
        self._renewed = self._released = time()
        self._took = 0.0

    async def hold(self, rollup: Rollup, buckets: Iterable[Bucket]) -> None:
        """Hold buckets that the load is about to write into. Those that it holds already cost nothing.

        What was held long ago is held anew first: a load that slept must not write where it was taken for dead.
        """
        # By the clock on the wall: another one may stand still while the machine sleeps.
        if not 0 <= time() - self._renewed < _RENEW_SECONDS:
            for known, held in self._held.values():
                await self._rollups.hold(known, held, self._load)
            self._renewed = time()
        if rollup.name not in self._held:
            await self._rollups.begin(rollup)
            self._held[rollup.name] = (rollup, set())
        _, held = self._held[rollup.name]
        new = set(buckets) - held
        if new:
            held.update(new)
            await self._rollups.hold(rollup, new, self._load)

    @contextmanager
    def doubted(self, rollup: Rollup, buckets: Iterable[Bucket]) -> Iterator[None]:
        """Never release the buckets where the block, which writes into them, fails: it may still be on its way."""
        try:
            yield
        except BaseException:
            self._unsure |= {(rollup.name, bucket) for bucket in buckets}
            raise

    @property
    def due(self) -> bool:
        """Whether a load that goes on should release by now. The longer the last time took, the later."""
        holds = any(held for _, held in self._held.values())
        return self._goes_on and holds and time() - self._released > max(LEAST_SECONDS, _SHARE * self._took)

    async def release(self) -> None:
        """Release what is held, all of whose writes are acknowledged, and rebuild what is dirty and held by nobody."""
        begun = time()
        for rollup, held in self._held.values():
            sure = {bucket for bucket in held if (rollup.name, bucket) not in self._unsure}
            await self._rollups.release(rollup, sure, self._load)
            held.difference_update(sure)
            if (await self._rollups.state(rollup)).complete:
                await self._rebuilding.rebuild(rollup)
        self._released = time()
        self._took = self._released - begun
