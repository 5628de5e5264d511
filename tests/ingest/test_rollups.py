"""Rollups are brought up to what is stored, also where nobody knows what happened meanwhile."""

import asyncio
from datetime import datetime
from typing import Any

from app.datasets.summary_events.fields import SUMMARY_EVENTS
from app.datasets.summary_events.rollup import SUMMARY_EVENT_ROLLUP as ROLLUP
from app.ingest.rollups import bring_up, buckets_of_any, follow
from app.store.rollups import BUCKETS
from app.store.store import Store
from tests.ingest.making import database_of

HOUR = datetime(2026, 3, 1, 5)  # noqa: DTZ001
EVENT: dict[str, Any] = {"org_name": "ibm", "summary_event_id": "1", "datetime": HOUR}


async def test_where_history_is_lost_everything_is_built_anew(store: Store) -> None:
    """A place that MongoDB does not know (any more)."""
    await bring_up(store, ROLLUP)
    database = database_of(store)
    async with await database.watch() as stream:
        await database[SUMMARY_EVENTS.collection].insert_one(dict(EVENT))
        token = (await stream.next())["_id"]["_data"]
    unknown = {"_data": f"{token[:-10]}00000000{token[-2:]}"}
    await store.changes.leave_off(unknown)
    async with asyncio.timeout(20):
        async for step in follow(store, [ROLLUP]):
            assert (step.marked, step.built) == (0, 2)
            break
    assert await database[BUCKETS].count_documents({"clean": True}) == 2
    assert await store.changes.place() not in (unknown, None)


def test_documents_that_lie_in_no_bucket_are_passed_over() -> None:
    """Without an organization, or with a time that is no date."""
    odd = [{**EVENT, "org_name": None}, {**EVENT, "datetime": "2026"}, {"datetime": HOUR}, {"org_name": "ibm"}]
    assert buckets_of_any(ROLLUP, odd) == set()
    assert buckets_of_any(ROLLUP, [*odd, EVENT]) == ROLLUP.buckets([EVENT])
