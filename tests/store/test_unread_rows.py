"""Pages whose rows nobody has looked at are the pages that one reads."""

from dataclasses import replace
from typing import Any

import pytest

from app.datasets.connection_events.fields import CONNECTION_EVENTS
from app.query.ordering import complete_order
from app.query.pages import PageQuery
from app.settings import Settings
from app.store.client import Database, Document
from app.store.pages import read_page
from app.store.unread_rows import UnreadRows
from tests.gateways import ORGANIZATION_ID
from tests.query.specimens import millisecond
from tests.store.databases import opened_database, reader_of, recorded_database

QUERY = PageQuery(CONNECTION_EVENTS, complete_order(CONNECTION_EVENTS, None), first=4)


def _event(number: int, **more: Any) -> Document:
    return {"organizationId": ORGANIZATION_ID, "eventId": f"{number}", "eventTimestamp": millisecond(number), **more}


async def _fill(database: Database, events: list[Document]) -> None:
    await database["connectionEvents"].insert_many(events)


@pytest.mark.parametrize("first", [1, 3, 4, 5, 9])
async def test_pages_are_the_same(both_drivers: Settings, first: int) -> None:
    """With more rows following or not; of each driver."""
    async with opened_database(both_drivers) as database:
        await _fill(database, [_event(number, eventTimestampTicks=number + 1) for number in range(5)])
        query = replace(QUERY, first=first, total=True)
        read = await read_page(reader_of(database), query)
        unread = await read_page(reader_of(database), replace(query, unread=True))
        assert isinstance(unread.rows, UnreadRows)
        assert replace(unread, rows=list(unread.rows)) == read


async def test_rows_without_ticks_are_put_among_those_of_none(both_drivers: Settings) -> None:
    """For that they are looked at; where a page ends among them, more is read."""
    async with opened_database(both_drivers) as database:
        events = [_event(number, eventTimestamp=millisecond(1)) for number in range(6)]
        for event in events[::2]:
            event["eventTimestampTicks"] = 0
        await _fill(database, events)
        for first in range(1, 7):
            query = replace(QUERY, first=first)
            read = await read_page(reader_of(database), query)
            unread = await read_page(reader_of(database), replace(query, unread=True))
            assert (
                [row["eventId"] for row in unread.rows]
                == [row["eventId"] for row in read.rows]
                == list("543210")[:first]
            )


async def test_without_the_library_rows_are_read(both_drivers: Settings) -> None:
    """And by setting."""
    async with opened_database(both_drivers) as database:
        await _fill(database, [_event(1)])
        reader = reader_of(database)
        reader.compiled = False
        page = await read_page(reader, replace(QUERY, unread=True))
        assert [row["eventId"] for row in page.rows] == ["1"]
        assert isinstance(page.rows, list)


async def test_more_than_one_reply_holds_is_read_in_several(both_drivers: Settings) -> None:
    """A reply ends at 16 MiB. Its cursor is closed."""
    async with recorded_database(both_drivers) as (database, recorder):
        await _fill(database, [_event(number, host="x" * 3_000_000) for number in range(7)])
        page = await read_page(reader_of(database), replace(QUERY, first=7, unread=True))
        assert [row["eventId"] for row in page.rows] == list("6543210")
        assert len(recorder.named("killCursors")) == 1


async def test_a_page_is_one_command(both_drivers: Settings) -> None:
    """Whether rows follow it or not; nothing is left open."""
    async with recorded_database(both_drivers) as (database, recorder):
        await _fill(database, [_event(number, eventTimestampTicks=1) for number in range(5)])
        for unread in (True, False):
            for first in (1, 4, 5, 9):
                await read_page(reader_of(database), replace(QUERY, first=first, unread=unread))
        assert len(recorder.named("find")) == 8
        assert recorder.named("getMore", "killCursors") == []
