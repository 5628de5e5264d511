"""Loads checked documents in batches; statuses of connections are kept in the same step."""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from threading import Thread
from typing import Any, TypeVar

from app.datasets.connection_events.fields import CONNECTION_EVENTS
from app.ingest.checking import Refusal, check_line
from app.ingest.holds import LEAST_SECONDS, Holds
from app.ingest.lines import LONGEST_LINE, TooLong
from app.ingest.sources import Source
from app.ingest.statuses import Statuses
from app.store.writer import Writer

T = TypeVar("T")
BATCH_DOCUMENTS = 2_000
BATCH_BYTES = 8 * 1_048_576
BATCHES_AT_ONCE = 3  # besides the one that is read


@dataclass(slots=True)
class Tally:
    """What became of the lines so far. `expired` of the stored ones are older than the retention keeps."""

    stored: int = 0
    repeated: int = 0
    refused: int = 0
    expired: int = 0


@dataclass(slots=True)
class _Batch:
    documents: list[dict[str, Any]] = field(default_factory=list)
    lines: list[tuple[int, bytes]] = field(default_factory=list)
    refusals: list[tuple[Refusal, bytes | TooLong]] = field(default_factory=list)


Refused = Callable[[Refusal, bytes | TooLong], None]


class Loader:
    """Stores records of one source. Needs the dataset's unique indexes.

    A record whose tenant and id are stored already is counted as repeated where it says the same, and refused
    where it says something else: what was there stays. A load that was cut off can be run again: the status of a
    connection is merged from stored events, also of those that were there already.
    """

    def __init__(
        self, writer: Writer, holds: Holds, source: Source, refused: Refused, oldest: datetime | None = None
    ) -> None:
        """`refused` is told each refusal with its line; documents before `oldest` (naive UTC) count as expired.

        The `holds` are this load's own.
        """
        self._writer = writer
        self._holds = holds
        self._statuses = Statuses(writer, holds)
        self._source = source
        self._refused = refused
        self._oldest = oldest
        self.tally = Tally()
        self._inserting, self._counting = asyncio.Lock(), asyncio.Lock()

    async def load(self, lines: Iterable[tuple[int, bytes | TooLong]], progress: Callable[[Tally], None]) -> None:
        """Load all lines. While a batch is read and checked, the one before is inserted, and the one before it counted.

        However it ends, what was begun is brought to its end, and rollups are told what was written, and built.
        """
        storing: deque[asyncio.Task[None]] = deque()
        try:
            await self._load(self._batches(lines), storing, progress)
        finally:
            await _finished(asyncio.gather(*storing, return_exceptions=True))
            await _finished(asyncio.create_task(self._holds.release()))

    async def _load(
        self, batches: Iterator[_Batch], storing: deque[asyncio.Task[None]], progress: Callable[[Tally], None]
    ) -> None:
        while (batch := await self._following(batches, storing)) is not None:
            storing.append(asyncio.create_task(self._store(batch, progress)))
            while len(storing) >= BATCHES_AT_ONCE or (storing and self._holds.due):
                await _finished(storing[0])
                storing.popleft()
            if self._holds.due:
                await self._holds.release()
        while storing:
            await _finished(storing[0])
            storing.popleft()

    async def _following(self, batches: Iterator[_Batch], storing: Collection[asyncio.Task[None]]) -> _Batch | None:
        """Read and check the next batch. A load that waits long for it does not keep rollups waiting."""
        reading = asyncio.create_task(_aside(lambda: next(batches, None)))
        try:
            while not (await asyncio.wait({reading}, timeout=LEAST_SECONDS))[0]:
                if self._holds.due and all(one.done() for one in storing):
                    await self._holds.release()
            return reading.result()
        finally:
            reading.cancel()

    async def _store(self, batch: _Batch, progress: Callable[[Tally], None]) -> None:
        """Store one batch and count it. Batches keep their order in each of the two steps."""
        try:
            async with self._inserting:
                there = await self._insert(batch.documents)
            async with self._counting:
                await self._count(batch, there)
        finally:
            for refusal, line in batch.refusals:
                self._refuse(refusal, line)
            progress(self.tally)

    async def _count(self, batch: _Batch, there: Sequence[int]) -> None:
        """Keep the statuses of a batch, and tell what became of its documents; `there` are those not inserted."""
        dataset, documents = self._source.dataset, batch.documents
        known = await self._writer.stored(dataset, [documents[index] for index in there]) if there else {}
        repeated = set(there)
        new = [document for index, document in enumerate(documents) if index not in repeated]
        if dataset is CONNECTION_EVENTS:
            await self._statuses.keep([*new, *known.values()])
        for index in there:
            document = documents[index]
            stored = known.get((document[dataset.tenant_field], document[dataset.id_field]))
            document.pop("_id", None)
            if stored is None or _content(stored) == _content(document):
                self.tally.repeated += 1
            else:
                number, line = batch.lines[index]
                self._refuse(Refusal(number, dataset.id_field, "another record with this id is stored already"), line)
        self.tally.stored += len(new)
        if self._oldest is not None:
            self.tally.expired += sum(document[dataset.time_field] < self._oldest for document in new)

    async def _insert(self, documents: Sequence[dict[str, Any]]) -> list[int]:
        """Insert what is new, where rollups know of it; tell the positions of the others."""
        rollup = self._source.rollup
        if rollup is None:
            return await self._writer.insert_new(self._source.dataset, documents)
        buckets = rollup.buckets(documents)
        await self._holds.hold(rollup, buckets)
        with self._holds.doubted(rollup, buckets):
            return await self._writer.insert_new(self._source.dataset, documents)

    def _refuse(self, refusal: Refusal, line: bytes | TooLong) -> None:
        self.tally.refused += 1
        self._refused(refusal, line)

    def _batches(self, lines: Iterable[tuple[int, bytes | TooLong]]) -> Iterator[_Batch]:
        batch, size = _Batch(), 0
        broken: Exception | None = None
        following = iter(lines)
        while True:
            try:
                number, line = next(following)
            except StopIteration:
                break
            except (OSError, EOFError) as error:
                # What was read before is loaded first.
                broken = error
                break
            if isinstance(line, TooLong):
                batch.refusals.append((Refusal(number, "", f"is longer than {LONGEST_LINE} bytes"), line))
                continue
            checked = check_line(self._source, number, line)
            if isinstance(checked, Refusal):
                batch.refusals.append((checked, line))
            elif checked is not None:
                batch.documents.append(checked)
                batch.lines.append((number, line))
            size += len(line)
            if len(batch.documents) + len(batch.refusals) >= BATCH_DOCUMENTS or size >= BATCH_BYTES:
                yield batch
                batch, size = _Batch(), 0
        if batch.documents or batch.refusals:
            yield batch
        if broken is not None:
            raise broken


async def _finished(work: asyncio.Future[Any]) -> None:
    """Await work to its end; a cancellation that comes meanwhile is heeded only then."""
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait({work})
        if not work.cancelled():
            work.exception()
        raise


async def _aside(work: Callable[[], T]) -> T:
    """Do blocking work in a thread that nobody waits for in the end: a read of a terminal may never return."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def settle(settled: Callable[[], None]) -> None:
        if not done.done():
            settled()

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 - whatever it is, it is raised where it is awaited
            settled = partial(done.set_exception, error)
        else:
            settled = partial(done.set_result, result)
        # The loop may be closed by now: then nobody waits.
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(settle, settled)

    Thread(target=run, daemon=True).start()
    return await done


def _content(document: dict[str, Any]) -> dict[str, Any]:
    """What a record says: null and absent say the same, and so do no ticks and 0 ticks."""
    said = {name: value for name, value in document.items() if value is not None}
    if said.get(CONNECTION_EVENTS.ticks_field or "") == 0:
        del said[CONNECTION_EVENTS.ticks_field or ""]
    return said
