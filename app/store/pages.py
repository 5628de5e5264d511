"""Reads a page: its rows and its total as two commands at once."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.query.cursors import position_of
from app.query.keyset import match_after, match_equal, match_no_ticks
from app.query.matching import Match, match_all, match_condition
from app.query.ordering import SortKey
from app.query.pages import Page, PageQuery, Row
from app.query.rolled_questions import only_window
from app.query.rollups import Used
from app.store.at_once import together
from app.store.reader import Reader
from app.store.rolled_answers import roll_count
from app.store.unread_rows import UnreadRows


async def read_page(reader: Reader, query: PageQuery) -> Page:
    """Answer the query inside the reader's organization."""
    reader.check_permission(query.dataset)
    matching = match_condition(query.condition)
    total, used = None, None
    if query.rows and query.total:
        rows, (total, used) = await together(_rows(reader, query, matching), _total(reader, query, matching))
    else:
        rows = await _rows(reader, query, matching) if query.rows else []
        if query.total:
            total, used = await _total(reader, query, matching)
    return Page(rows=rows[: query.first], has_next=len(rows) > query.first, total=total, used=used)


async def _total(reader: Reader, query: PageQuery, matching: Match) -> tuple[int, Used | None]:
    """Count what matches: from rollups where only a window is asked for."""
    window = only_window(query.dataset, query.condition)
    if query.rollup is not None and window is not None:
        rolled = await roll_count(reader, query.rollup, window)
        if rolled is not None:
            return rolled
    return await reader.count(query.dataset, matching), None


async def _rows(reader: Reader, query: PageQuery, matching: Match) -> Sequence[Row]:
    """Read one row more than is wanted, to know whether more follow."""
    wanted = query.first + 1
    after = match_after(query.order, query.after) if query.after is not None else {}
    match = match_all([matching, after])
    rows = await reader.find(
        query.dataset,
        match,
        sort=query.order,
        limit=wanted,
        skip=query.offset,
        fields=query.fields,
        unread=query.unread,
    )
    if query.dataset.ticks_field is None:
        return rows
    return await _with_equal_ticks(reader, query, match, rows)


async def _with_equal_ticks(reader: Reader, query: PageQuery, match: Match, rows: Sequence[Row]) -> Sequence[Row]:
    """Order records without ticks among those whose ticks are 0: the contract says that they are equal.

    MongoDB puts a missing field before 0. Inside a page that is mended by sorting again; where the page is cut
    within such a group, the whole group is read by itself.
    """
    order = query.order
    at = next((index for index, key in enumerate(order) if key.ticks), None)
    if at is None or not rows:
        return rows
    wanted = query.first + 1
    last = position_of(order, rows[-1])
    if len(rows) == wanted and last[at] == 0:
        same = [match_equal(key, value) for key, value in zip(order[:at], last[:at], strict=True)]
        group = await reader.find(
            query.dataset,
            match_all([match, *same, match_no_ticks(order[at].path)]),
            sort=order[at + 1 :],
            limit=wanted,
            fields=None if query.fields is None else {*query.fields, *(key.path for key in order)},
        )
        rest = [row for row in rows if position_of(order, row)[: at + 1] != last[: at + 1]]
        return _sorted(order, [*rest, *group])[:wanted]
    if isinstance(rows, UnreadRows) and rows.all_ticks(order[at].path):
        return rows
    stored = {row.get(order[at].path) for row in rows}
    return _sorted(order, rows) if {None, 0} <= stored else rows


def _sorted(order: Sequence[SortKey], rows: Sequence[Row]) -> Sequence[Row]:
    """Sort rows as MongoDB would, but for ticks: none stored is 0."""
    for index, key in reversed(list(enumerate(order))):
        ranked = [(_rank(position_of(order, row)[index]), row) for row in rows]
        ranked.sort(key=lambda pair: pair[0], reverse=key.direction < 0)
        rows = [row for _, row in ranked]
    return rows


def _rank(value: Any) -> tuple[int, Any]:
    """Order values of mixed types as BSON does: null, numbers, text, the rest."""
    match value:
        case None:
            return 0, 0
        case int() | float():
            return 1, value
        case str():
            return 2, value
        case datetime():
            return 3, value
        case _:
            return 4, repr(value)
