"""Counts the answers of a load: first those that warm up, then those that are measured."""

import asyncio
from collections import Counter
from time import perf_counter

from tests.bench.consumption import cpu_seconds
from tests.bench.loads import FINE, Extent, Outcome, Seen

_PATIENCE_SECONDS = 300.0  # for the next answer


class Tally:
    """Takes the answers of a load until it has lasted long enough; it ends with an answer, so that none is cut off."""

    def __init__(self, extent: Extent, watched: tuple[int, ...]) -> None:
        self._extent = extent
        self._watched = watched
        self._warm = extent.warm
        self._noted = 0
        self._latencies: list[float] = []
        self._outcomes: Counter[Outcome] = Counter()
        self._done: asyncio.Future[Seen] = asyncio.get_running_loop().create_future()
        self._start()

    def _start(self) -> None:
        self._begun = perf_counter()
        self._used = [cpu_seconds(process) for process in self._watched]

    @property
    def running(self) -> bool:
        """Whether more is to be asked."""
        return not self._done.done()

    def note(self, latency: float, outcome: Outcome = FINE) -> None:
        """Take one answer."""
        if not self.running:
            return
        self._noted += 1
        if self._warm > 0:
            self._warm -= 1
            if self._warm == 0:
                self._start()
            return
        self._latencies.append(latency)
        self._outcomes[outcome] += 1
        took = perf_counter() - self._begun
        if took >= self._extent.seconds and len(self._latencies) >= self._extent.least:
            used = (cpu_seconds(one) - before for one, before in zip(self._watched, self._used, strict=True))
            self._done.set_result(Seen(took, self._latencies, self._outcomes, tuple(used)))

    def fail(self, error: BaseException) -> None:
        """Give up: the load cannot go on."""
        if self.running:
            self._done.set_exception(error)

    async def seen(self) -> Seen:
        """Wait for the end. Raises TimeoutError where no more answers come."""
        noted = -1
        while not (await asyncio.wait([self._done], timeout=_PATIENCE_SECONDS))[0]:
            if noted == self._noted:
                raise TimeoutError
            noted = self._noted
        return self._done.result()
