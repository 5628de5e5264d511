"""What the connections of a bucket come to."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.datasets.connections.cells import cell_stages, day_of_hours, key_names, pack_cells
from app.query.number_sets import packed
from app.query.rollups import Unit
from app.store.store import Store
from tests.gateways import ORGANIZATION_ID
from tests.ingest.making import database_of

AT = datetime(2026, 5, 1, 10)  # noqa: DTZ001 - BSON dates are naive UTC
NUMBERS = {"one": 1, "two": 2, "": 3}
MINUTE = timedelta(minutes=1)


def connection(start: datetime, end: datetime, **changed: Any) -> dict[str, Any]:
    """Make a stored connection."""
    return {
        "organizationId": ORGANIZATION_ID,
        "serviceName": "ws",
        "protocolName": "WebSocket",
        "apikeyId": "one",
        "connectionStartTime": start,
        "lastActivity": end,
        **changed,
    }


async def cells_of(store: Store, unit: Unit, documents: list[dict[str, Any]]) -> dict[Any, Any]:
    """Let the pipeline make the cells of these documents, and pack them; by the starts of their buckets."""
    literals: list[Any] = [{"$documents": [{"$literal": document} for document in documents]}]
    cursor = await database_of(store).aggregate([*literals, *cell_stages(unit)])
    rows = await cursor.to_list(None)
    assert {row["tenant"] for row in rows} == {ORGANIZATION_ID}
    assert all(key_names(row["cells"]) <= NUMBERS.keys() for row in rows)
    return {row["start"]: pack_cells(row["cells"], NUMBERS) for row in rows}


def part(hour: datetime, first: datetime, last: datetime, latest: datetime, **sums: Any) -> dict[str, Any]:
    """Write a part of a cell; its sums in minutes."""
    return {
        "hour": hour,
        "n": sums["n"],
        "lasted": sums["lasted"] * 60_000,
        "into": sums["into"] * 60_000,
        "first": first,
        "last": last,
        "latest": latest,
        "keys": packed(sums["keys"]),
    }


async def test_connections_are_counted_where_they_ended_by_the_hour_they_began_in(store: Store) -> None:
    """Two hours that began in one bucket, a group of its own for what is null or missing; null is no key."""
    before = AT - timedelta(hours=30)
    documents = [
        connection(AT + MINUTE, AT + 3 * MINUTE),
        connection(AT + 2 * MINUTE, AT + 30 * MINUTE, apikeyId="two"),
        connection(before + 5 * MINUTE, AT, apikeyId=None),
        connection(AT, AT, serviceName=None, apikeyId=""),
    ]
    stored = (await cells_of(store, Unit.HOUR, documents))[AT]
    stored.sort(key=lambda cell: cell["n"])
    early = part(before, before + 5 * MINUTE, before + 5 * MINUTE, AT, n=1, lasted=30 * 60 - 5, into=5, keys=[])
    late = part(AT, AT + MINUTE, AT + 2 * MINUTE, AT + 30 * MINUTE, n=2, lasted=30, into=3, keys=[1, 2])
    nobody = part(AT, AT, AT, AT, n=1, lasted=0, into=0, keys=[3])
    group = {"serviceName": "ws", "protocolName": "WebSocket", "dataCenter": None}
    total = part(before, before + 5 * MINUTE, AT + 2 * MINUTE, AT + 30 * MINUTE, n=3, lasted=1825, into=0, keys=[1, 2])
    del total["into"]
    stored[1]["parts"].sort(key=lambda one: one["hour"])
    assert stored[1] == {**group, **total, "parts": [early, late]}
    assert stored[0]["serviceName"] is None
    assert stored[0]["parts"] == [nobody]


async def test_a_day_of_hours_is_the_day_of_its_connections(store: Store) -> None:
    """Made of the stored cells of hours, a day's are those that its connections would make."""
    documents = [
        connection(AT - number * 7 * MINUTE, AT + number * 40 * MINUTE, apikeyId=("one", "two", None)[number % 3])
        for number in range(18)
    ]
    hours = await cells_of(store, Unit.HOUR, documents)
    days = await cells_of(store, Unit.DAY, documents)
    assert len(hours) == 12
    (day,) = days.values()
    made = day_of_hours([hours[start] for start in sorted(hours)])
    for cells in (day, made):
        cells[0]["parts"].sort(key=lambda one: one["hour"])
    assert made == day
    assert day_of_hours([]) == []


ODD: dict[str, dict[str, Any]] = {
    "a start after the end": {"connectionStartTime": AT + timedelta(seconds=1)},
    "a start that is no date": {"connectionStartTime": "2026-05-01"},
    "a list of starts": {"connectionStartTime": [AT]},
    "no start": {"connectionStartTime": None},
    "a group that is no text": {"serviceName": 5},
    "a group that is a list": {"dataCenter": ["ws"]},
    "a key that is no text": {"apikeyId": {"id": "one"}},
}


@pytest.mark.parametrize("odd", ODD)
async def test_a_bucket_with_an_odd_connection_has_no_cells(store: Store, odd: str) -> None:
    """Only MongoDB knows what it counts for."""
    documents = [connection(AT, AT), connection(AT, AT, **ODD[odd])]
    assert await cells_of(store, Unit.HOUR, documents) == {AT: None}


async def test_an_end_that_is_no_date_is_in_no_bucket(store: Store) -> None:
    """It is told as such, beside the others."""
    documents = [connection(AT, AT), connection(AT, AT, lastActivity=None)]
    assert set(await cells_of(store, Unit.HOUR, documents)) == {AT, None}
