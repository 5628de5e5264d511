"""`gateway rollup`: rollups follow what is stored, whoever has stored it."""

import asyncio
import signal
from datetime import datetime, timedelta
from typing import Any

from app.datasets.summary_events.fields import SUMMARY_EVENTS
from app.datasets.summary_events.operations import count_events
from app.datasets.summary_events.rollup import SUMMARY_EVENT_ROLLUP
from app.query.conditions import EVERYTHING
from app.store.rollups import BUCKETS
from app.store.store import Store
from tests.cli.processes import SECONDS, CommandLine
from tests.ingest.making import database_of, made_call, write_ndjson
from tests.store.databases import scope_of

START = datetime(2026, 3, 1)  # noqa: DTZ001


async def store_as_another_program(store: Store, first: int, last: int) -> None:
    """Insert one call an hour, without a word to rollups."""
    calls: list[dict[str, Any]] = [
        {"org_name": "ibm", "summary_event_id": f"{hour:04d}", "datetime": START + timedelta(hours=hour)}
        for hour in range(first, last)
    ]
    await database_of(store)[SUMMARY_EVENTS.collection].insert_many(calls)


async def total(store: Store) -> int:
    """Count as a request would."""
    return await count_events(store.reader(scope_of()), EVERYTHING)


async def buckets(store: Store, **match: Any) -> int:
    """Count the buckets that match."""
    return await database_of(store)[BUCKETS].count_documents(match)


async def test_a_filled_database_is_rolled_up_once(command_line: CommandLine, store: Store) -> None:
    """All that is stored; then only what is dirty, and with --all everything again."""
    await store_as_another_program(store, 0, 48)
    assert not (await store.rollups.state(SUMMARY_EVENT_ROLLUP)).complete
    outcome = await command_line.run_beside("rollup")
    assert (outcome.status, outcome.out) == (0, "")
    assert "summary-events: 50 buckets built" in outcome.err
    assert (await store.rollups.state(SUMMARY_EVENT_ROLLUP)).complete
    assert await buckets(store, clean=True) == 50
    assert "summary-events: 0 buckets built" in (await command_line.run_beside("rollup")).err
    await store_as_another_program(store, 48, 50)
    assert await total(store) == 48  # nobody has told of the two
    assert "summary-events: 53 buckets built" in (await command_line.run_beside("rollup", "--all")).err
    assert await total(store) == 50


async def test_a_followed_database_is_rolled_up_as_it_is_written(command_line: CommandLine, store: Store) -> None:
    """What was there at the start, what is written then, and what was written while nobody followed."""
    await store_as_another_program(store, 0, 3)
    with command_line.started("rollup", "--follow") as process:
        await _until(store, 3)
        await store_as_another_program(store, 3, 5)
        await _until(store, 5)
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) != 0
    await store_as_another_program(store, 5, 6)
    assert await total(store) == 5
    with command_line.started("rollup", "--follow"):
        await _until(store, 6)


async def _until(store: Store, hours: int) -> None:
    """Wait until the total of clean buckets is that of the records."""
    async with asyncio.timeout(SECONDS):
        while await buckets(store, unit="hour", clean=True) < hours or await total(store) < hours:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def test_a_load_rolls_up_what_it_stores(command_line: CommandLine, store: Store) -> None:
    """From the first record of a new database on, in every batch, from a file and through a pipe."""
    write_ndjson(command_line.folder / "calls", [made_call(number) for number in range(4_500)])
    assert (await command_line.run_beside("load", "summary-events", "calls")).status == 0
    assert (await store.rollups.state(SUMMARY_EVENT_ROLLUP)).complete
    assert (await buckets(store, clean=False), await buckets(store, clean=True, unit="hour")) == (0, 2)
    more = write_ndjson(command_line.folder / "more", [made_call(4_500)])
    assert command_line.run("load", "summary-events", "-", given=more.read_bytes()).status == 0
    assert await buckets(store, clean=False) == 0
    assert await total(store) == 4_501


async def test_a_load_that_is_interrupted_leaves_nothing_dirty(command_line: CommandLine, store: Store) -> None:
    """Ctrl-C while it waits for lines: what it has stored is rolled up."""
    lines = write_ndjson(command_line.folder / "calls", [made_call(number) for number in range(2_000)]).read_bytes()
    with command_line.started("load", "summary-events", "-") as process:
        assert process.stdin is not None
        process.stdin.write(lines)
        process.stdin.flush()
        while await total(store) < 2_000:
            assert process.poll() is None
        assert await buckets(store, clean=True) == 0
        process.send_signal(signal.SIGINT)
        assert process.wait(SECONDS) != 0
    assert (await buckets(store, clean=False), await buckets(store, clean=True)) == (0, 2)
