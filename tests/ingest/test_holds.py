"""What a load holds, until when, and what it never lets go."""

import asyncio
from typing import Any

import pytest

from app.datasets.summary_events.rollup import SUMMARY_EVENT_ROLLUP as ROLLUP
from app.errors import Unavailable
from app.ingest import holds as holding
from app.ingest.holds import Holds
from app.ingest.loader import Loader
from app.ingest.sources import SUMMARY_EVENT_SOURCE
from app.query.instants import parse_instant, split_instant
from app.query.rollups import buckets_of
from app.store.rollups import BUCKETS
from app.store.store import Store
from app.store.writer import Writer
from tests.ingest.making import as_lines, database_of, made_call

HOURS = [set(buckets_of("ibm", split_instant(parse_instant(f"2026-03-01T0{hour}:30:00Z"))[0])) for hour in range(3)]


async def stored(store: Store) -> dict[Any, dict[str, Any]]:
    """Read all buckets by their unit and start."""
    rows = await database_of(store)[BUCKETS].find({}).to_list(None)
    return {(row["unit"], row["start"].hour): row for row in rows}


async def test_a_bucket_is_held_once_until_it_is_released(store: Store) -> None:
    """Each hold and each release is a version; what is held already costs none."""
    holds = Holds(store.rollups, store.rebuilding)
    for buckets in (HOURS[0], HOURS[0], HOURS[0] | HOURS[1]):
        await holds.hold(ROLLUP, buckets)
    rows = await stored(store)
    assert {key: (row["version"], len(row["writers"]), row["clean"]) for key, row in rows.items()} == {
        ("hour", 0): (1, 1, False),
        ("hour", 1): (1, 1, False),
        ("day", 0): (1, 1, False),
    }
    await holds.release()
    rows = await stored(store)
    assert {(row["version"], row["built"], len(row["writers"]), row["clean"]) for row in rows.values()} == {
        (2, 2, 0, True)
    }


async def test_two_loads_hold_apart(store: Store) -> None:
    """A bucket is built when the last has let it go."""
    first, second = (Holds(store.rollups, store.rebuilding) for _ in range(2))
    await first.hold(ROLLUP, HOURS[0])
    await second.hold(ROLLUP, HOURS[0])
    await first.release()
    assert {row["clean"] for row in (await stored(store)).values()} == {False}
    await second.release()
    assert {row["clean"] for row in (await stored(store)).values()} == {True}


async def test_what_is_held_long_is_renewed_before_more_is_written(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the clock on the wall, so that a load that slept holds anew what it was taken for dead for."""
    holds = Holds(store.rollups, store.rebuilding)
    await holds.hold(ROLLUP, HOURS[0])
    monkeypatch.setattr(holding, "_RENEW_SECONDS", 0.0)
    await holds.hold(ROLLUP, HOURS[1])
    assert {key: row["version"] for key, row in (await stored(store)).items()} == {
        ("hour", 0): 2,
        ("hour", 1): 1,
        ("day", 0): 2,
    }


async def test_a_write_of_unknown_fate_keeps_its_buckets_dirty(store: Store) -> None:
    """It may still be on its way to the database; other buckets are let go."""

    class Breaking(Writer):
        """A writer whose second insert does not come back."""

        inserts = 0

        async def insert_new(self, *arguments: Any) -> list[int]:
            self.inserts += 1
            if self.inserts > 1:
                raise Unavailable("gone")
            return await super().insert_new(*arguments)

    calls = [made_call(number, datetime="2026-03-01T00:00:00.000Z") for number in range(2_000)]
    later = [made_call(number, datetime="2026-03-02T00:00:00.000Z") for number in range(2_000, 2_001)]
    loader = Loader(
        Breaking(database_of(store)), Holds(store.rollups, store.rebuilding), SUMMARY_EVENT_SOURCE, lambda *_: None
    )
    with pytest.raises(Unavailable):
        await loader.load(as_lines([*calls, *later]), lambda _tally: None)
    rows = await database_of(store)[BUCKETS].find({}).to_list(None)
    assert {(row["start"].day, row["clean"], len(row["writers"])) for row in rows} == {(1, True, 0), (2, False, 1)}


async def test_a_load_that_goes_on_releases_now_and_then(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also while it waits for lines; one that reads a file does so at its end."""
    monkeypatch.setattr(holding, "LEAST_SECONDS", 0.0)
    monkeypatch.setattr("app.ingest.loader.LEAST_SECONDS", 0.01)
    for goes_on in (False, True):
        holds = Holds(store.rollups, store.rebuilding, goes_on=goes_on)
        await holds.hold(ROLLUP, HOURS[2])
        await asyncio.sleep(0.01)
        assert holds.due == goes_on
        await holds.release()
        assert not holds.due
