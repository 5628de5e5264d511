"""Keysets: the match for what comes after a position, and what it holds for on a real mongod."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.query.cursors import position_of
from app.query.keyset import match_after, match_equal, match_no_ticks
from app.query.matching import MATCH_NOTHING
from app.query.ordering import Direction, OrderBy, SortKey, complete_order
from app.store.client import Database
from tests.query.ranked_rows import RANKED, Row, orders, python_sorted, rows
from tests.store.databases import matched

ASC, DESC = Direction.ASC, Direction.DESC
_ID_UP, _ID_DOWN = SortKey("id", ASC, nullable=False), SortKey("id", DESC, nullable=False)
_TIME = (SortKey("at", DESC, nullable=False), SortKey("k", DESC, ticks=True), _ID_DOWN)
_TIME_UP = (SortKey("at", ASC, nullable=False), SortKey("k", ASC, ticks=True), _ID_UP)

MATCHES: list[tuple[tuple[SortKey, ...], tuple[Any, ...], dict[str, Any]]] = [
    ((_ID_UP,), ("m",), {"$and": [{"id": {"$gte": "m"}}, {"$or": [{"id": {"$gt": "m"}}]}]}),
    ((_ID_DOWN,), ("m",), {"$and": [{"id": {"$lte": "m"}}, {"$or": [{"id": {"$lt": "m"}}]}]}),
    (
        (SortKey("t", ASC), _ID_UP),
        ("a", "m"),
        {
            "$and": [
                {"t": {"$gte": "a"}},
                {"$or": [{"t": {"$gt": "a"}}, {"$and": [{"t": {"$eq": "a"}}, {"id": {"$gt": "m"}}]}]},
            ]
        },
    ),
    (
        (SortKey("t", DESC), _ID_DOWN),
        ("a", "m"),
        {
            "$or": [
                {"$or": [{"t": {"$lt": "a"}}, {"t": {"$eq": None}}]},
                {"$and": [{"t": {"$eq": "a"}}, {"id": {"$lt": "m"}}]},
            ]
        },
    ),
    (
        (SortKey("t", ASC), _ID_UP),
        (None, "m"),
        {"$or": [{"t": {"$ne": None}}, {"$and": [{"t": {"$eq": None}}, {"id": {"$gt": "m"}}]}]},
    ),
    (
        (SortKey("t", DESC), _ID_DOWN),
        (None, "m"),
        {"$or": [{"$and": [{"t": {"$eq": None}}, {"id": {"$lt": "m"}}]}]},
    ),
    (
        _TIME,
        (5, 0, "m"),
        {
            "$and": [
                {"at": {"$lte": 5}},
                {
                    "$or": [
                        {"at": {"$lt": 5}},
                        {"$and": [{"at": {"$eq": 5}}, {"k": {"$in": [None, 0]}}, {"id": {"$lt": "m"}}]},
                    ]
                },
            ]
        },
    ),
    (
        _TIME,
        (5, 7, "m"),
        {
            "$and": [
                {"at": {"$lte": 5}},
                {
                    "$or": [
                        {"at": {"$lt": 5}},
                        {"$and": [{"at": {"$eq": 5}}, {"k": {"$not": {"$gte": 7}}}]},
                        {"$and": [{"at": {"$eq": 5}}, {"k": {"$eq": 7}}, {"id": {"$lt": "m"}}]},
                    ]
                },
            ]
        },
    ),
    (
        _TIME_UP,
        (5, 0, "m"),
        {
            "$and": [
                {"at": {"$gte": 5}},
                {
                    "$or": [
                        {"at": {"$gt": 5}},
                        {"$and": [{"at": {"$eq": 5}}, {"k": {"$gt": 0}}]},
                        {"$and": [{"at": {"$eq": 5}}, {"k": {"$in": [None, 0]}}, {"id": {"$gt": "m"}}]},
                    ]
                },
            ]
        },
    ),
]


@pytest.mark.parametrize(("order", "position", "match"), MATCHES)
def test_what_comes_after_a_position_is_exactly_this_match(
    order: tuple[SortKey, ...], position: tuple[Any, ...], match: dict[str, Any]
) -> None:
    """A plain range on the first key, so that an index starts there, and one branch for each key."""
    assert match_after(order, position) == match


def test_nothing_comes_after_the_last_possible_position() -> None:
    """Where no key has anything behind it, the match is the one that matches nothing."""
    assert match_after((SortKey("t", DESC),), (None,)) == MATCH_NOTHING
    assert match_after((SortKey("k", DESC, ticks=True),), (0,)) == MATCH_NOTHING


def test_no_ticks_and_zero_are_equal() -> None:
    """A missing or null ticks field is 0; any other value is itself."""
    ticks = SortKey("k", ASC, ticks=True)
    assert match_equal(ticks, 0) == match_no_ticks("k") == {"k": {"$in": [None, 0]}}
    assert match_equal(ticks, 3) == {"k": {"$eq": 3}}
    assert match_equal(SortKey("n", ASC), 0) == {"n": {"$eq": 0}}
    assert match_equal(SortKey("t", ASC), None) == {"t": {"$eq": None}}


@settings(max_examples=150, deadline=None)
@given(rows(), orders, st.data())
async def test_after_a_row_come_exactly_those_that_python_sorts_behind_it(
    database: Database, unsorted: list[Row], asked: list[OrderBy], data: st.DataObject
) -> None:
    """For any rows and order: the match after any row's position holds for the rows behind it and no other."""
    if not unsorted:
        return
    order, ranked = complete_order(RANKED, asked), python_sorted(unsorted, asked)
    at = data.draw(st.integers(0, len(ranked) - 1))
    position = position_of(order, next(row for row in unsorted if row["id"] == ranked[at]))
    found = await matched(database, [{"_id": row["id"], **row} for row in unsorted], match_after(order, position))
    assert set(found) == set(ranked[at + 1 :])
