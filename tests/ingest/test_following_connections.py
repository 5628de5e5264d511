"""Rollups of connections follow what another program writes: out of the old bucket, into the new one."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Any, cast

import pytest

from app.datasets.connections.operations import summarize
from app.datasets.connections.rollup import CONNECTION_ROLLUP
from app.datasets.connections.summary import SUMMARY_FIELDS, SummaryQuery
from app.ingest import rollups
from app.ingest.rebuild import rebuild_connections
from app.ingest.rollups import Followed, bring_up, follow
from app.ingest.sources import CONNECTION_EVENT_SOURCE
from app.query.instants import now
from app.store.rollups import BUCKETS
from app.store.store import Store
from tests.gateways import ORGANIZATION_ID, load_records
from tests.ingest.making import database_of, made_events
from tests.store.databases import reader_of, scope_of

AT = datetime(2026, 5, 1, 10)  # noqa: DTZ001
HOUR = timedelta(hours=1)
ALL = frozenset(field.name for field in SUMMARY_FIELDS)


async def assert_same_answer(store: Store) -> None:
    """From rollups, and equal to the answer without."""
    query = SummaryQuery(now(), ALL)
    rolled = await summarize(store.reader(scope_of()), query)
    assert rolled.used is not None
    assert rolled.rows == (await summarize(reader_of(database_of(store)), query)).rows


async def test_a_connection_that_another_program_moves_is_followed(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both its buckets are built anew, though only the new one can be told from what is stored now."""
    monkeypatch.setattr(rollups, "REBUILD_SECONDS", 0.0)
    connections = database_of(store)["connections"]
    document: dict[str, Any] = {"organizationId": ORGANIZATION_ID, "connectionStartTime": AT}
    await connections.insert_many(
        [{**document, "connectionId": f"c{number}", "lastActivity": AT + number * HOUR} for number in range(3)]
    )
    await store.changes.keep_before(["connections"])
    await store.changes.begin(["connections"])
    await bring_up(store, CONNECTION_ROLLUP)
    await assert_same_answer(store)
    steps = cast("AsyncGenerator[Followed]", follow(store, [CONNECTION_ROLLUP]))
    following = asyncio.ensure_future(anext(steps))
    await connections.update_one({"connectionId": "c0"}, {"$set": {"lastActivity": AT + 30 * HOUR}})
    async with asyncio.timeout(20):
        step = await following
    await steps.aclose()
    assert step.marked == 4  # two hours of two days
    rows = await database_of(store)[BUCKETS].find({"unit": "hour"}).sort("start", 1).to_list(None)
    assert [sum(cell["n"] for cell in row["cells"]) for row in rows] == [0, 1, 1, 1]
    assert all(row["clean"] for row in rows)
    await assert_same_answer(store)


async def test_while_connections_are_rebuilt_no_rollup_is_used(store: Store) -> None:
    """Nobody marks buckets then; also where the rebuild is cut off."""
    assert await load_records(store, CONNECTION_EVENT_SOURCE, made_events(50)) == []
    await store.rollups.set_complete(CONNECTION_ROLLUP, complete=False)
    await rebuild_connections(store.writer)
    assert (await summarize(store.reader(scope_of()), SummaryQuery(now(), ALL))).used is None
    await bring_up(store, CONNECTION_ROLLUP)
    await assert_same_answer(store)
