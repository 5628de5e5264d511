"""The status of a connection follows from its events, whatever their order, repeats, batches and rebuilds."""

import asyncio
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.datasets.connections import status
from app.datasets.connections.fields import CONNECTIONS
from app.ingest import loader
from app.ingest.checking import check_line
from app.ingest.rebuild import rebuild_connections
from app.ingest.sources import CONNECTION_EVENT_SOURCE
from app.registry import DATASETS
from app.store.store import Store
from tests.gateways import load_records
from tests.ingest.making import (
    as_lines,
    database_of,
    made_event,
    made_events,
    right_statuses,
    seen_statuses,
    stored_statuses,
)
from tests.oracle.datasets import Record
from tests.strategies import connection_events

LONG_AGO = datetime(2020, 1, 1)  # noqa: DTZ001 - BSON dates are naive UTC
GARBAGE: tuple[dict[str, Any], ...] = (
    {"host": "wrong", "lastActivity": LONG_AGO},
    {"firstEvent": {"at": LONG_AGO, "ticks": 0, "id": ""}, "serviceName": "wrong"},
    {"firstConnect": LONG_AGO, "connectionStartTime": LONG_AGO},
    {"disconnectedAt": datetime(2030, 1, 1), "lastHeartbeat": None},  # noqa: DTZ001
)
# Each example fills an emptied database; shrinking one takes long, and the failing one is printed as drawn.
on_a_database = settings(
    max_examples=25,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


async def load(store: Store, events: list[Record]) -> None:
    """Load events as `gateway load` does; none is refused."""
    assert await load_records(store, CONNECTION_EVENT_SOURCE, events) == []


async def clear(store: Store) -> None:
    """Remove all records."""
    for one in DATASETS:
        await store.writer.delete(one.dataset.collection, {})


@given(events=connection_events(), data=st.data())
@on_a_database
async def test_any_order_split_and_repeats_give_the_same_statuses(
    store: Store, monkeypatch: pytest.MonkeyPatch, events: list[Record], data: st.DataObject
) -> None:
    """Loaded in any order, batches and files, some of it again: the statuses are the oracle's."""
    await clear(store)
    arriving: list[Record] = data.draw(st.permutations(events))
    while arriving:
        monkeypatch.setattr(loader, "BATCH_DOCUMENTS", data.draw(st.integers(1, 9)))
        size = data.draw(st.integers(1, len(arriving)))
        await load(store, arriving[:size])
        arriving = arriving[size:]
    assert await seen_statuses(store) == right_statuses(events)
    before = await stored_statuses(store)
    again: list[Record] = data.draw(st.lists(st.sampled_from(events), max_size=9)) if events else []
    await load(store, again)
    # Also `updatedAt`: a repeat changes nothing.
    assert await stored_statuses(store) == before


@given(events=connection_events(), data=st.data())
@on_a_database
async def test_a_rebuild_mends_what_is_wrong_and_leaves_what_is_right(
    store: Store, events: list[Record], data: st.DataObject
) -> None:
    """Wrecked, missing and surplus statuses become the oracle's; those that were right keep their `updatedAt`."""
    await clear(store)
    await load(store, events)
    right = await stored_statuses(store)
    statuses, untouched = database_of(store)[CONNECTIONS.collection], []
    for one in right:
        key = {name: one[name] for name in ("organizationId", "connectionId")}
        harm: Any = data.draw(st.sampled_from((None, None, "missing", "bare", *GARBAGE)))
        if harm is None:
            untouched.append(one)
        elif harm == "missing":
            await statuses.delete_one(key)
        elif harm == "bare":
            # As another service keeps it, without what only this one needs.
            await statuses.replace_one(key, {**key, "host": "wrong", "lastActivity": LONG_AGO})
        else:
            await statuses.update_one(key, {"$set": {**harm, "updatedAt": LONG_AGO}})
    surplus = data.draw(st.sampled_from(({}, {"updatedAt": LONG_AGO}, None)))
    if surplus is not None:
        await statuses.insert_one(
            {"organizationId": "x", "connectionId": "surplus", "lastActivity": LONG_AGO, **surplus}
        )
    rebuilt = await rebuild_connections(store.writer)
    assert (rebuilt.connections, rebuilt.removed) == (len(right), int(surplus is not None))
    assert await seen_statuses(store) == right_statuses(events)
    after = await stored_statuses(store)
    assert [one for one in after if one in untouched] == untouched
    # A second one changes nothing at all that a reader sees.
    await rebuild_connections(store.writer)
    assert await stored_statuses(store) == after


@pytest.mark.parametrize("first", [None, {"at": LONG_AGO}, "2020"])
async def test_a_load_merges_into_what_another_service_keeps(store: Store, first: Any) -> None:
    """A status without what only this one needs, or with something else in its place."""
    event = made_event(1)
    key = {name: event[name] for name in ("organizationId", "connectionId")}
    foreign = {**key, "host": "wrong", "lastActivity": LONG_AGO, "firstEvent": first}
    if first is None:
        del foreign["firstEvent"]
    assert status.merge_into(foreign, next(iter(status.fold(documents([event])).values()))) is None
    await database_of(store)[CONNECTIONS.collection].insert_one(foreign)
    await load(store, [event])
    (stored,) = await stored_statuses(store)
    assert stored["lastActivity"] == documents([event])[0]["eventTimestamp"]


async def test_a_rebuild_beside_a_load_loses_nothing(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rebuild after rebuild while events arrive in small batches; no rebuild follows the load."""
    monkeypatch.setattr(loader, "BATCH_DOCUMENTS", 100)
    events = made_events(5_000)
    await load(store, events[:1_000])
    loading = asyncio.create_task(load(store, events[500:]))
    rebuilds = 0
    while not loading.done():
        await rebuild_connections(store.writer)
        rebuilds += 1
    await loading
    assert rebuilds >= 3
    assert await seen_statuses(store) == right_statuses(events)


def documents(events: list[Record]) -> list[dict[str, Any]]:
    """Make the documents that the loader stores of these events."""
    checked = [check_line(CONNECTION_EVENT_SOURCE, number, line) for number, line in as_lines(events)]
    return [document for document in checked if isinstance(document, dict)]


@given(events=connection_events(), data=st.data())
@settings(max_examples=50, deadline=None)
def test_folding_does_not_depend_on_order_or_repeats(events: list[Record], data: st.DataObject) -> None:
    """Commutative and idempotent."""
    stored = documents(events)
    assert len(stored) == len(events)
    again = data.draw(st.permutations([*stored, *stored[: data.draw(st.integers(0, len(stored)))]]))
    assert status.fold(again) == status.fold(stored)


@given(events=connection_events(), data=st.data())
@settings(max_examples=50, deadline=None)
def test_merging_parts_is_folding_the_whole(events: list[Record], data: st.DataObject) -> None:
    """Associative: the parts may be merged in any order and any grouping."""
    stored = documents(events)
    parts: dict[status.Key, list[dict[str, Any]]] = {}
    while stored:
        size = data.draw(st.integers(1, len(stored)))
        for key, part in status.fold(stored[:size]).items():
            parts.setdefault(key, []).append(part)
        stored = stored[size:]
    for key, given_parts in parts.items():
        row: list[dict[str, Any]] = data.draw(st.permutations(given_parts))
        while len(row) > 1:
            at = data.draw(st.integers(0, len(row) - 2))
            row[at : at + 2] = [status._merged(row[at], row[at + 1])]  # noqa: SLF001 - the law that `fold` rests on
        assert row[0] == status.fold(documents(events))[key]


@given(events=connection_events())
@on_a_database
async def test_memory_loading_and_rebuilding_agree_on_what_is_not_shown(store: Store, events: list[Record]) -> None:
    """`fold`, the merge inside MongoDB and the rebuild keep the same, the position of the earliest event too."""
    await clear(store)
    await load(store, events)
    folded = sorted(
        ((*key, *sorted(one.items())) for key, one in status.fold(documents(events)).items()), key=lambda row: row[:2]
    )
    for _ in ("loaded", "rebuilt"):
        names = sorted(next(iter(status.fold(documents(events)).values()), {}))
        kept = [
            (one["organizationId"], one["connectionId"], *((name, one[name]) for name in names))
            for one in await stored_statuses(store, *names)
        ]
        assert kept == folded
        await store.writer.delete(CONNECTIONS.collection, {})
        await rebuild_connections(store.writer)
