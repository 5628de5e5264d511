"""Pages on a real mongod: walked to the end, they are the whole list once, in order, whatever happens meanwhile."""

from collections.abc import AsyncIterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.query.conditions import NOTHING, Comparison, Not, Operator
from app.query.cursors import decode_cursor, encode_cursor, position_of
from app.query.ordering import Direction, OrderBy, complete_order
from app.query.pages import PageQuery
from app.store.client import Database
from app.store.pages import read_page
from tests.gateways import ORGANIZATION_ID
from tests.query.ranked_rows import RANKED, Row, orders, python_sorted, rows
from tests.query.specimens import millisecond
from tests.store.databases import OTHER_ORGANIZATION_ID, database_settings, opened_database, reader_of

NEWEST_FIRST = complete_order(RANKED, None)
fetched = st.sampled_from((None, frozenset[str](), frozenset({"text"}), frozenset({"at"})))


@pytest.fixture(scope="module")
async def database(mongodb_uri: str) -> AsyncIterator[Database]:
    """An empty database for the tests of this file."""
    async with opened_database(database_settings(mongodb_uri)) as database:
        yield database


async def _store(database: Database, stored: Sequence[Row], *, index: bool = False) -> None:
    await database.drop_collection("ranked")
    if index:
        await database["ranked"].create_index(list(RANKED.indexes[0].keys))
    if stored:
        await database["ranked"].insert_many([dict(row) for row in stored])


async def _walk(
    database: Database,
    asked: Sequence[OrderBy],
    size: int,
    *,
    fields: frozenset[str] | None = None,
    between: Sequence[Row] = (),
) -> list[str]:
    """Read page after page by the last row's cursor, inserting a row after each; tell the ids as they came."""
    order, after, seen = complete_order(RANKED, asked), None, list[str]()
    incoming = iter(between)
    while True:
        page = await read_page(reader_of(database), PageQuery(RANKED, order, first=size, after=after, fields=fields))
        seen += [row["id"] for row in page.rows]
        assert len(page.rows) == size or not page.has_next
        if not page.has_next:
            return seen
        cursor = encode_cursor(RANKED, order, position_of(order, page.rows[-1]))
        after = decode_cursor(RANKED, order, cursor)
        await database["ranked"].insert_many([dict(row) for row in (next(incoming, None),) if row] or [_foreign(seen)])


def _foreign(seen: Sequence[str]) -> Row:
    return {"id": f"foreign {len(seen)}", "organizationId": OTHER_ORGANIZATION_ID, "at": millisecond(1)}


@settings(max_examples=100, deadline=None)
@given(rows(), orders, st.integers(1, 7), fetched)
async def test_pages_of_any_size_are_the_whole_list_in_order(
    database: Database, stored: list[Row], asked: list[OrderBy], size: int, fields: frozenset[str] | None
) -> None:
    """Each row once, in exactly the order of a Python sort, however pages are cut and whatever is fetched."""
    await _store(database, stored)
    assert await _walk(database, asked, size, fields=fields) == python_sorted(stored, asked)


@settings(max_examples=50, deadline=None)
@given(rows(), st.sampled_from(Direction), st.integers(1, 7))
async def test_pages_read_off_an_index_are_the_same(
    database: Database, stored: list[Row], direction: Direction, size: int
) -> None:
    """The default order and its reverse, which an index supports, put rows without ticks among those of ticks 0 too."""
    asked = [OrderBy(RANKED.time, direction)]
    await _store(database, stored, index=True)
    assert await _walk(database, asked, size) == python_sorted(stored, asked)


@settings(max_examples=50, deadline=None)
@given(rows(), st.integers(1, 5), st.lists(st.integers(2, 9), min_size=25, max_size=25))
async def test_newer_rows_between_pages_move_nothing(
    database: Database, stored: list[Row], size: int, later: list[int]
) -> None:
    """While newer rows come in, every older row is seen exactly once and in order, and none of the newer ones."""
    await _store(database, stored, index=True)
    newer = [
        {"id": f"new {at}", "organizationId": ORGANIZATION_ID, "at": millisecond(3 + number)}
        for at, number in enumerate(later)
    ]
    assert await _walk(database, [], size, between=newer) == python_sorted(stored, [])


def _numbered(count: int) -> list[Row]:
    return [
        {"id": f"{number}", "organizationId": ORGANIZATION_ID, "at": millisecond(number), "number": number}
        for number in range(count)
    ]


_THREE = Comparison(RANKED.by_name["number"], Operator.LT, 3)


@pytest.mark.parametrize(
    ("query", "ids", "has_next", "total"),
    [
        (PageQuery(RANKED, NEWEST_FIRST, first=2), ["4", "3"], True, None),
        (PageQuery(RANKED, NEWEST_FIRST, first=5), ["4", "3", "2", "1", "0"], False, None),
        (PageQuery(RANKED, NEWEST_FIRST, first=2, total=True), ["4", "3"], True, 5),
        (PageQuery(RANKED, NEWEST_FIRST, first=0, total=True), [], True, 5),
        (PageQuery(RANKED, NEWEST_FIRST, first=2, rows=False, total=True), [], False, 5),
        (PageQuery(RANKED, NEWEST_FIRST, first=2, rows=False), [], False, None),
        (PageQuery(RANKED, NEWEST_FIRST, first=9, condition=_THREE, total=True), ["2", "1", "0"], False, 3),
        (PageQuery(RANKED, NEWEST_FIRST, first=9, condition=Not(_THREE), total=True), ["4", "3"], False, 2),
        (PageQuery(RANKED, NEWEST_FIRST, first=9, condition=NOTHING, total=True), [], False, 0),
        (
            PageQuery(RANKED, NEWEST_FIRST, first=1, after=(millisecond(3), 0, "3"), condition=_THREE, total=True),
            ["2"],
            True,
            3,
        ),
    ],
)
async def test_a_page_is_what_was_asked_for(
    database: Database, query: PageQuery, ids: list[str], *, has_next: bool, total: int | None
) -> None:
    """Rows, whether more follow, and the total: of all that match, wherever the page stands; not asked is None."""
    await _store(database, [*_numbered(5), _foreign([])])
    page = await read_page(reader_of(database), query)
    assert [row["id"] for row in page.rows] == ids
    assert (page.has_next, page.total) == (has_next, total)


def test_an_offset_is_refused_where_rows_are_ordered_again() -> None:
    """Rows without ticks are put among others after MongoDB counted: an offset there would skip the wrong ones."""
    with pytest.raises(ValueError, match="use a position"):
        PageQuery(RANKED, NEWEST_FIRST, first=1, offset=1)
