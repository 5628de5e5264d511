"""The loader stores every record once, whatever is repeated, cut off or done at the same time."""

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from app.datasets.connections.fields import CONNECTIONS
from app.errors import Unavailable
from app.ingest import loader as loading
from app.ingest.checking import Refusal
from app.ingest.holds import Holds
from app.ingest.lines import TooLong
from app.ingest.loader import Loader, Tally
from app.ingest.sources import CONNECTION_EVENT_SOURCE, SUMMARY_EVENT_SOURCE, Source
from app.query.dataset import Dataset
from app.query.rollups import Bucket, Rollup
from app.store.client import Document
from app.store.store import Store
from app.store.writer import Writer
from tests.ingest.making import (
    Line,
    as_lines,
    database_of,
    made_call,
    made_event,
    made_events,
    right_statuses,
    seen_statuses,
    stored_ids,
    stored_statuses,
)
from tests.oracle.datasets import Record

Outcome = tuple[Tally, list[tuple[Refusal, bytes | TooLong]]]


async def load(
    store: Store,
    lines: Sequence[Line | tuple[int, TooLong]],
    source: Source = CONNECTION_EVENT_SOURCE,
    writer: Writer | None = None,
    oldest: datetime | None = None,
) -> Outcome:
    """Load lines; the tally, and what was refused with its line."""
    refused: list[tuple[Refusal, bytes | TooLong]] = []
    loader = Loader(
        writer or store.writer, Holds(store.rollups, store.rebuilding), source, lambda *one: refused.append(one), oldest
    )
    await loader.load(lines, lambda _tally: None)
    return loader.tally, refused


async def assert_whole(store: Store, records: list[Record]) -> None:
    """Check that each record is stored once, and that the statuses are those of the records."""
    assert await stored_ids(store) == sorted(record["eventId"] for record in records)
    assert await seen_statuses(store) == right_statuses(records)


async def test_a_repeated_load_stores_every_record_once_and_says_so(store: Store) -> None:
    """More than one batch of both sources; nothing stored is touched the second time."""
    lines = as_lines(made_events(2_500))
    calls = as_lines(made_call(number) for number in range(2_500))
    assert await load(store, lines) == (Tally(stored=2_500), [])
    assert await load(store, calls, SUMMARY_EVENT_SOURCE) == (Tally(stored=2_500), [])
    before = await stored_statuses(store)
    assert await load(store, lines) == (Tally(repeated=2_500), [])
    assert await load(store, calls, SUMMARY_EVENT_SOURCE) == (Tally(repeated=2_500), [])
    assert await stored_statuses(store) == before
    assert len(await stored_ids(store, SUMMARY_EVENT_SOURCE.dataset)) == 2_500
    await assert_whole(store, made_events(2_500))


async def test_a_record_repeated_in_one_batch_is_stored_once(store: Store) -> None:
    """Null and absent say the same; so does the organization in upper case."""
    event = made_event(1)
    absent = {name: value for name, value in event.items() if value is not None}
    shouted = {**event, "organizationId": event["organizationId"].upper()}
    assert await load(store, as_lines([event, event, absent, shouted])) == (Tally(stored=1, repeated=3), [])


@pytest.mark.parametrize("together", [True, False])
async def test_the_same_id_with_another_content_is_refused(store: Store, *, together: bool) -> None:
    """What was there stays, and so does its status, whether both come in one batch or in two loads."""
    first, other = made_event(1), made_event(1, host="another", eventTimestamp="2020-01-01T00:00:00Z")
    lines = as_lines([first, other])
    reason = Refusal(2, "eventId", "another record with this id is stored already")
    if together:
        assert await load(store, lines) == (Tally(stored=1, refused=1), [(reason, lines[1][1])])
    else:
        assert await load(store, lines[:1]) == (Tally(stored=1), [])
        assert await load(store, lines[1:]) == (Tally(refused=1), [(reason, lines[1][1])])
    await assert_whole(store, [first])


class Delayed(Writer):
    """A writer one of whose inserts takes longer; it tells how many were begun and came back. Statuses fail."""

    slow, begun, done = 1, 0, 0

    async def insert_new(self, dataset: Dataset, documents: Sequence[Document]) -> list[int]:
        """Wait, where it is the slow one, and insert; statuses cannot be."""
        if dataset is CONNECTIONS:
            raise Unavailable("gone")
        self.begun += 1
        if self.begun == self.slow:
            await asyncio.sleep(0.2)
        there = await super().insert_new(dataset, documents)
        self.done += 1
        return there


async def test_of_several_lines_with_one_id_the_first_is_stored(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where each lies in a batch of its own, and the first takes long; the others are refused in their order."""
    monkeypatch.setattr(loading, "BATCH_DOCUMENTS", 1)
    lines = as_lines(made_call(1, bytes_sent=number) for number in range(6))
    tally, refused = await load(store, lines, SUMMARY_EVENT_SOURCE, Delayed(database_of(store)))
    assert tally == Tally(stored=1, refused=5)
    assert [refusal.number for refusal, _ in refused] == [2, 3, 4, 5, 6]
    (kept,) = await database_of(store)["summaryEvents"].find({}).to_list(None)
    assert kept["bytes_sent"] == 0


async def test_a_load_that_fails_releases_nothing_before_all_has_ended(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The statuses of the first batch fail while a later one is inserted."""
    monkeypatch.setattr(loading, "BATCH_DOCUMENTS", 1)
    writer = Delayed(database_of(store))
    writer.slow = loading.BATCHES_AT_ONCE

    class Watched(Holds):
        """Holds that see what has come back when they are released."""

        seen = 0

        async def release(self) -> None:
            self.seen = writer.done

    holds = Watched(store.rollups, store.rebuilding)
    with pytest.raises(Unavailable):
        await Loader(writer, holds, CONNECTION_EVENT_SOURCE, lambda *_: None).load(
            as_lines(made_events(6)), lambda _tally: None
        )
    assert holds.seen == writer.begun == writer.done == loading.BATCHES_AT_ONCE


@pytest.mark.parametrize("source", [CONNECTION_EVENT_SOURCE, SUMMARY_EVENT_SOURCE])
async def test_batches_take_hold_one_after_another(
    store: Store, monkeypatch: pytest.MonkeyPatch, source: Source
) -> None:
    """Who finds a bucket held already writes into it at once: it must not be the hold of another that is on its way."""
    monkeypatch.setattr(loading, "BATCH_DOCUMENTS", 1)

    class Alone(Holds):
        """Holds of which nobody asks for one while another one is being taken."""

        taking, most = 0, 0

        async def hold(self, rollup: Rollup, buckets: Iterable[Bucket]) -> None:
            self.taking += 1
            self.most = max(self.most, self.taking)
            await super().hold(rollup, buckets)
            self.taking -= 1

    holds = Alone(store.rollups, store.rebuilding)
    records = made_events(6) if source is CONNECTION_EVENT_SOURCE else [made_call(number) for number in range(6)]
    loader = Loader(store.writer, holds, source, lambda *_: None)
    await loader.load(as_lines(records), lambda _tally: None)
    assert (loader.tally.stored, holds.most) == (6, 1)


async def test_ids_are_unique_within_an_organization_only(store: Store) -> None:
    """Another organization may have the same ids."""
    records = [made_event(1), made_event(1, organizationId="a1b2c3d4-e5f6-7890-abcd-ef1234567891")]
    assert await load(store, as_lines(records)) == (Tally(stored=2), [])
    await assert_whole(store, records)


async def test_good_lines_are_kept_and_refused_ones_told(store: Store) -> None:
    """Each refused line comes with its bytes and its number; blank lines count for nothing but numbers."""
    good, bad = as_lines([made_event(1)])[0][1], b'{"eventId": 1}\r\n'
    long = TooLong()
    lines: list[Line | tuple[int, TooLong]] = [(1, good), (2, b"\n"), (3, bad), (4, long), (5, b"{")]
    tally, refused = await load(store, lines)
    assert tally == Tally(stored=1, refused=3)
    assert [(refusal.number, line) for refusal, line in refused] == [(3, bad), (4, long), (5, b"{")]
    assert refused[1][0].reason == "is longer than 1048576 bytes"
    long.close()


async def test_what_is_older_than_the_retention_is_counted(store: Store) -> None:
    """Stored ones only, exactly those before the limit."""
    limit = datetime(2026, 5, 1, tzinfo=UTC).replace(tzinfo=None)
    times = ["2026-04-30T23:59:59.9999999Z", "2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z"]
    events = [made_event(number, eventTimestamp=time) for number, time in enumerate(times)]
    events.append(made_event(1, eventTimestamp="2020-01-01T00:00:00Z"))
    tally, _ = await load(store, as_lines(events), oldest=limit)
    assert tally == Tally(stored=3, refused=1, expired=1)


async def test_refusals_of_lines_read_before_the_input_broke_are_told(store: Store) -> None:
    """And the good lines before the break are stored: an input that breaks loses nothing that came before."""
    refused: list[int] = []
    loader = Loader(
        store.writer,
        Holds(store.rollups, store.rebuilding),
        CONNECTION_EVENT_SOURCE,
        lambda refusal, _line: refused.append(refusal.number),
    )

    def breaking(good: int) -> Any:
        yield 1, b"no JSON"
        yield from [(number + 2, line) for number, (_, line) in enumerate(as_lines(made_events(good)))]
        raise EOFError

    for good in (100, 2_500):
        refused.clear()
        with pytest.raises(EOFError):
            await loader.load(breaking(good), lambda _tally: None)
        assert refused == [1]
        await assert_whole(store, made_events(good))


async def test_a_load_that_is_cancelled_can_be_run_again(store: Store) -> None:
    """Every record once and right statuses in the end; what was written before stays."""
    lines = as_lines(made_events(8_000))
    batches = asyncio.Event()
    loader = Loader(store.writer, Holds(store.rollups, store.rebuilding), CONNECTION_EVENT_SOURCE, lambda *_: None)
    task = asyncio.create_task(loader.load(lines, lambda _tally: batches.set()))
    await batches.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    kept = len(await stored_ids(store))
    assert 2_000 <= kept < 8_000
    tally, refused = await load(store, lines)
    assert (tally, refused) == (Tally(stored=8_000 - kept, repeated=kept), [])
    await assert_whole(store, made_events(8_000))


class CutOff(Writer):
    """A writer that is cut off between the events and the statuses."""

    async def insert_new(self, dataset: Dataset, documents: Sequence[Document]) -> list[int]:
        """Write the events, and half of the statuses."""
        if dataset is not CONNECTIONS:
            return await super().insert_new(dataset, documents)
        await super().insert_new(dataset, documents[: len(documents) // 2])
        raise Unavailable("gone")


async def test_a_load_cut_off_before_its_statuses_is_mended_by_the_next(store: Store) -> None:
    """Events that were there already bring their statuses too."""
    lines = as_lines(made_events(1_000))
    with pytest.raises(Unavailable):
        await load(store, lines, writer=CutOff(database_of(store)))
    assert await seen_statuses(store) != right_statuses(made_events(1_000))
    assert (await load(store, lines))[0] == Tally(repeated=1_000)
    await assert_whole(store, made_events(1_000))


async def test_two_loads_of_overlapping_files_at_once_store_every_record_once(store: Store) -> None:
    """Each record is counted as stored by one of them; the statuses are right."""
    events = made_events(9_000)
    first, second = await asyncio.gather(
        load(store, as_lines(events[:6_000])), load(store, as_lines(reversed(events[3_000:])))
    )
    assert first[1] == second[1] == []
    assert first[0].stored + second[0].stored == 9_000
    assert first[0].repeated + second[0].repeated == 3_000
    await assert_whole(store, events)
