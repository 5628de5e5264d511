"""A rebuild may run beside loads and other rebuilds: what comes between its steps is not lost.

Its steps are: note the time, read the events, write the statuses, remove those that no event supports. Each test lets
something happen at one point between them that a busy database may choose as well.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from app.datasets.connection_events.fields import CONNECTION_EVENTS
from app.datasets.connections.status import rebuild_pipeline
from app.ingest.rebuild import Rebuilt, rebuild_connections
from app.ingest.sources import CONNECTION_EVENT_SOURCE
from app.store.store import Store
from app.store.writer import Writer
from tests.gateways import load_records
from tests.ingest.making import (
    database_of,
    made_event,
    made_events,
    right_statuses,
    seen_statuses,
    stored_statuses,
)

Step = Callable[[], Awaitable[object]]


class Interrupted(Writer):
    """A writer for a rebuild, during which something happens."""

    before_writing: Step | None = None
    before_removing: Step | None = None
    unread: str = ""

    async def run(self, collection: str, pipeline: Sequence[Mapping[str, Any]]) -> None:
        """Read the events (but the one that was not there yet), let it happen, write."""
        if self.before_writing is not None:
            await self.before_writing()
        await super().run(collection, [{"$match": {"eventId": {"$ne": self.unread}}}, *pipeline])

    async def delete(self, collection: str, match: Mapping[str, Any]) -> int:
        """Let it happen, remove."""
        if self.before_removing is not None:
            await self.before_removing()
        return await super().delete(collection, match)


async def test_a_rebuild_counts_what_is_there_and_what_it_removed(store: Store) -> None:
    """Twice: the second time there is nothing to remove."""
    assert await load_records(store, CONNECTION_EVENT_SOURCE, made_events(50)) == []
    await store.writer.delete(CONNECTION_EVENTS.collection, {"connectionId": "conn-00003"})
    assert await rebuild_connections(store.writer) == Rebuilt(connections=9, removed=1)
    assert await rebuild_connections(store.writer) == Rebuilt(connections=9, removed=0)
    supported = [event for event in made_events(50) if event["connectionId"] != "conn-00003"]
    assert await seen_statuses(store) == right_statuses(supported)


async def test_a_rebuild_within_another_loses_nothing(store: Store) -> None:
    """A second one that begins and ends while the first has written and not yet removed."""
    await load_records(store, CONNECTION_EVENT_SOURCE, made_events(50))
    before = await seen_statuses(store)
    first = Interrupted(database_of(store))
    first.before_removing = lambda: rebuild_connections(store.writer)
    assert await rebuild_connections(first) == Rebuilt(connections=10, removed=0)
    assert await seen_statuses(store) == before


async def test_a_rebuild_that_an_older_one_overtakes_loses_nothing(store: Store) -> None:
    """One that began earlier and writes last, before the younger one removes."""
    await load_records(store, CONNECTION_EVENT_SOURCE, made_events(50))
    before = await seen_statuses(store)
    older = await store.writer.server_time()
    while await store.writer.server_time() == older:
        pass
    younger = Interrupted(database_of(store))
    younger.before_removing = lambda: store.writer.run(CONNECTION_EVENTS.collection, rebuild_pipeline(older))
    assert await rebuild_connections(younger) == Rebuilt(connections=10, removed=0)
    assert await seen_statuses(store) == before


async def test_an_event_that_changes_nothing_visible_is_not_forgotten(store: Store) -> None:
    """One loaded while the rebuild reads: it is the earliest by 100 ns, and still counts when a later load brings more.

    The three are of one millisecond. The last one is between the others, so the fields are still those of the second.
    """
    times = {"first": 5, "unread": 1, "last": 3}
    first, unread, last = (
        made_event(1, eventId=name, eventTimestamp=f"2026-05-01T00:00:00.000000{ticks}Z", eventType="heartbeat")
        for name, ticks in times.items()
    )
    last["host"] = "another"
    await load_records(store, CONNECTION_EVENT_SOURCE, [first])
    rebuild = Interrupted(database_of(store))
    rebuild.unread = "unread"
    rebuild.before_writing = lambda: load_records(store, CONNECTION_EVENT_SOURCE, [unread])
    await rebuild_connections(rebuild)
    await load_records(store, CONNECTION_EVENT_SOURCE, [last])
    assert await seen_statuses(store) == right_statuses([first, unread, last])


async def test_a_status_whose_event_comes_back_is_not_removed(store: Store) -> None:
    """The retention took its only event, and a load brings it again while the rebuild reads."""
    event = made_event(1)
    await load_records(store, CONNECTION_EVENT_SOURCE, [event])
    await store.writer.delete(CONNECTION_EVENTS.collection, {})
    rebuild = Interrupted(database_of(store))
    rebuild.unread = event["eventId"]
    rebuild.before_writing = lambda: load_records(store, CONNECTION_EVENT_SOURCE, [event])
    await rebuild_connections(rebuild)
    assert await seen_statuses(store) == right_statuses([event])


async def test_a_status_that_changes_meanwhile_is_merged_into(store: Store) -> None:
    """An event that was not there when the rebuild read keeps what it brought."""
    events = made_events(50)
    unread = made_event(3, eventId="unread", host="another", eventTimestamp="2026-04-01T00:00:00Z")
    await load_records(store, CONNECTION_EVENT_SOURCE, events)
    rebuild = Interrupted(database_of(store))
    rebuild.unread = "unread"
    rebuild.before_writing = lambda: load_records(store, CONNECTION_EVENT_SOURCE, [unread])
    await rebuild_connections(rebuild)
    assert await seen_statuses(store) == right_statuses([*events, unread])
    assert len(await stored_statuses(store)) == 10
