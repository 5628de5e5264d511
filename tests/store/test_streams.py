"""A stream gives everything that matches once, batch after batch, and holds nothing open meanwhile."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import pytest
from bson.datetime_ms import DatetimeMS
from hypothesis import given
from hypothesis import settings as running
from hypothesis import strategies as st

from app.errors import Forbidden, Internal
from app.query.conditions import Comparison, Operator
from app.query.cursors import position_of
from app.query.ordering import Direction, OrderBy, complete_order
from app.query.pages import PageQuery
from app.settings import Settings
from app.store.client import Database
from app.store.streams import stream_rows
from tests.gateways import ORGANIZATION_ID
from tests.query.ranked_rows import RANKED, Row, python_sorted, rows
from tests.query.specimens import millisecond
from tests.store.databases import Recorder, database_settings, opened_database, reader_of, recorded_database, scope_of

NEWEST_FIRST = OrderBy(RANKED.time, Direction.DESC)
ORDER = complete_order(RANKED, None)
Recorded = tuple[Database, Recorder]


@pytest.fixture(scope="module")
async def recorded(mongodb_uri: str) -> AsyncIterator[Recorded]:
    """An empty database for the tests of this file, with a recorder of what is sent to it."""
    async with recorded_database(database_settings(mongodb_uri)) as recorded:
        yield recorded


async def _store(recorded: Recorded, stored: Sequence[Row]) -> None:
    database, recorder = recorded
    await database.drop_collection("ranked")
    await database["ranked"].create_index(list(RANKED.indexes[0].keys))
    if stored:
        await database["ranked"].insert_many([dict(row) for row in stored])
    recorder.commands.clear()


def _query(size: int, **more: object) -> PageQuery:
    return PageQuery(RANKED, ORDER, first=size, **more)  # type: ignore[arg-type] # a test's own words


def _row(number: int, moment: int) -> Row:
    return {"id": f"{number:07d}", "organizationId": ORGANIZATION_ID, "at": millisecond(moment), "atTicks": 1}


@given(stored=rows(), size=st.integers(1, 7), data=st.data())
@running(max_examples=60, deadline=None)
async def test_a_stream_is_the_whole_list_in_batches(
    recorded: Recorded, stored: list[Row], size: int, data: st.DataObject
) -> None:
    """From the start or after any row: the sorted list in batches of at most `first`, none empty, no ticks being 0."""
    await _store(recorded, stored)
    by_id = {row["id"]: row for row in stored}
    expected = [by_id[one] for one in python_sorted(stored, [NEWEST_FIRST])]
    at = data.draw(st.integers(0, len(expected)))
    after = position_of(ORDER, expected[at - 1]) if at else None
    batches = [batch async for batch in stream_rows(reader_of(recorded[0]), _query(size, after=after))]
    assert all(0 < len(batch) <= size for batch in batches)
    assert [row["id"] for batch in batches for row in batch] == [row["id"] for row in expected[at:]]


async def test_each_batch_is_a_bounded_command_of_its_own(recorded: Recorded) -> None:
    """Finds only, of one batch each, with a time budget: no cursor is fetched from or closed."""
    await _store(recorded, [_row(number, number) for number in range(10)])
    batches = [batch async for batch in stream_rows(reader_of(recorded[0], budget_ms=1234), _query(3))]
    assert [len(batch) for batch in batches] == [3, 3, 3, 1]
    assert [next(iter(command)) for command in recorded[1].commands] == ["find"] * 4
    assert {(command["limit"], command["batchSize"], command["maxTimeMS"]) for command in recorded[1].commands} == {
        (4, 5, 1234)
    }


async def test_who_stops_asking_stops_the_reading(recorded: Recorded) -> None:
    """After one batch of four nothing more is sent to MongoDB."""
    await _store(recorded, [_row(number, number) for number in range(12)])
    async with aclosing(stream_rows(reader_of(recorded[0]), _query(3))) as stream:
        assert len(await anext(stream)) == 3
    assert len(recorded[1].commands) == 1


async def test_what_changes_meanwhile_is_seen_where_the_stream_has_not_been(recorded: Recorded) -> None:
    """New rows before the place are not seen, behind it they are; removed ones are not; the rest comes once."""
    await _store(recorded, [_row(number, number) for number in range(0, 80, 10)])
    stream = stream_rows(reader_of(recorded[0]), _query(3))
    seen = [row["id"] for row in await anext(stream)]
    collection = recorded[0]["ranked"]
    await collection.insert_many([_row(75, 75), _row(25, 25)])
    await collection.delete_many({"id": {"$in": [seen[-1], "0000010"]}})
    seen += [row["id"] async for batch in stream for row in batch]
    assert [int(one) for one in seen] == [70, 60, 50, 40, 30, 25, 20, 0]


async def test_a_stream_is_that_of_a_page(recorded: Recorded) -> None:
    """Its condition narrows it; without the dataset's scope it does not begin."""
    await _store(recorded, [_row(1, 1) | {"text": "a"}, _row(2, 2), _row(3, 3) | {"text": "a"}])
    condition = Comparison(RANKED.by_name["text"], Operator.EQ, "a")
    stream = stream_rows(reader_of(recorded[0]), _query(1, condition=condition, fields=frozenset({"text"})))
    assert [(row["text"], "id" in row) for batch in [batch async for batch in stream] for row in batch] == [
        ("a", True)
    ] * 2
    with pytest.raises(Forbidden):
        await anext(stream_rows(reader_of(recorded[0], scope_of(permissions=frozenset())), _query(1)))


async def test_a_stream_ends_where_the_order_does_not_lead_on(both_drivers: Settings) -> None:
    """Times before the year 1 are all the same to Python: an error, not the same rows for ever."""
    foreign = [_row(number, 0) | {"at": DatetimeMS(-(10**15))} for number in range(5)]
    async with opened_database(both_drivers) as database:
        await database["ranked"].insert_many(foreign)
        stream = stream_rows(reader_of(database), _query(2))
        assert len(await anext(stream)) == 2
        with pytest.raises(Internal):
            await anext(stream)
