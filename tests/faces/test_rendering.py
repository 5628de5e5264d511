"""Rows made ready to go out: what a field cannot hold is null."""

from datetime import datetime
from typing import Any

import bson
import pytest
from bson.int64 import Int64

from app.faces.rendering import Written, fits, render_rows
from app.faces.rest.routes import records
from app.query.dataset import Dataset
from app.query.fields import Kind
from app.registry import DATASETS
from app.server.writing import write_json
from app.store.compiled import find_rows
from app.store.unread_rows import UnreadRows

SUMMARY_EVENTS: Dataset = next(one.dataset for one in DATASETS if one.dataset.name == "summary-events")
CONNECTION_EVENTS: Dataset = next(one.dataset for one in DATASETS if one.dataset.name == "connection-events")
DATE = datetime(2026, 4, 1)  # noqa: DTZ001 - BSON dates are UTC and come without a zone
TEXTS = (Kind.TEXT, Kind.STATUS, Kind.ADDRESS)
VALUES: list[tuple[Any, tuple[Kind, ...]]] = [
    (None, (*TEXTS, Kind.LONG, Kind.TIME)),
    ("a", (*TEXTS, Kind.TIME)),
    (DATE, (Kind.TIME,)),
    (5, (*TEXTS, Kind.LONG)),
    (True, TEXTS),
    (5.0, (*TEXTS, Kind.LONG)),
    (0.5, TEXTS),
    (2.0**63, TEXTS),
    (float("nan"), ()),
    (float("inf"), ()),
    (b"a", ()),
    ({"$where": "a"}, ()),
    (["a"], ()),
    (object(), ()),
]


@pytest.mark.parametrize(("value", "kinds"), VALUES, ids=[str(number) for number in range(len(VALUES))])
def test_what_a_field_can_hold(value: Any, kinds: tuple[Kind, ...]) -> None:
    """By the field's kind; a number or truth may stand for a text."""
    assert tuple(kind for kind in (*TEXTS, Kind.LONG, Kind.TIME) if fits(kind, value)) == kinds


def test_only_what_does_not_fit_is_cleared() -> None:
    """The rest of its row, and the other rows, are as they were."""
    rows = [{"app_name": "a", "bytes_sent": 1, "datetime": DATE}, {"app_name": {"b": 1}, "bytes_sent": 0.5}]
    render_rows(SUMMARY_EVENTS, rows, SUMMARY_EVENTS.fields)
    assert rows == [
        {"app_name": "a", "bytes_sent": 1, "datetime": "2026-04-01T00:00:00.000Z"},
        {"app_name": None, "bytes_sent": None},
    ]


def page_of(rows: list[dict[str, Any]]) -> UnreadRows:
    """Make rows that nobody has looked at."""
    reply = bson.encode({"cursor": {"firstBatch": rows, "id": Int64(0), "ns": "a.b"}, "ok": 1.0})
    found = find_rows(reply, 10)
    assert found is not None
    return UnreadRows(reply, found)


@pytest.mark.parametrize("odd", [{}, {"bytes_sent": 2.0}, {"api_ref": {"a": 1}}, {"datetime": "today"}], ids=str)
def test_records_are_the_same_looked_at_or_not(odd: dict[str, Any]) -> None:
    """Fields in the order of the record, null where there is nothing, more than is asked for left out."""
    rows = [{"_id": 1, "datetime": DATE, "api_ref": 'a"b', "bytes_sent": 5, "more": 1}, {"datetime": DATE, **odd}]
    names = ("bytes_sent", "api_ref", "datetime", "org_name")
    read = records(SUMMARY_EVENTS, [dict(row) for row in rows], names)
    unread = records(SUMMARY_EVENTS, page_of(rows), names)
    assert isinstance(unread, list if odd else Written)
    assert write_json({"events": unread}) == write_json({"events": read})


@pytest.mark.parametrize(("ticks", "shown"), [(7, "0007"), (7.0, "0007"), (None, "0000")])
def test_ticks_of_another_service_may_be_a_double(ticks: Any, shown: str) -> None:
    """Or not there."""
    rows = [{"eventTimestamp": DATE, "eventTimestampTicks": one} for one in (ticks, 5)]
    render_rows(CONNECTION_EVENTS, rows, CONNECTION_EVENTS.fields)
    assert [row["eventTimestamp"] for row in rows] == [f"2026-04-01T00:00:00.000{end}Z" for end in (shown, "0005")]
