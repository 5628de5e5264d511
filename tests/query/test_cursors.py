"""Cursors: a position goes out and comes back whole; whatever else comes is an error of the caller's, never a crash."""

import base64
from datetime import datetime
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.datasets.connection_events.fields import CONNECTION_EVENTS
from app.datasets.summary_events.fields import SUMMARY_EVENTS
from app.errors import InvalidInput, LimitExceeded
from app.query.cursors import Position, decode_cursor, encode_cursor, position_of
from app.query.instants import EARLIEST, LATEST, TICKS_PER_MILLISECOND, Instant, instant_from_date, split_instant
from app.query.limits import CURSOR_LENGTH, ORDER_KEYS, TEXT_LENGTH
from app.query.ordering import Direction, OrderBy, SortKey, complete_order
from tests.query.ranked_rows import RANKED, Row, orders, rows
from tests.query.specimens import millisecond

AT = millisecond(550)
DEFAULT = complete_order(RANKED, None)
KEYS = complete_order(
    RANKED, [OrderBy(RANKED.by_name[name], Direction.ASC) for name in ("text", "number", "other_time", "at")]
)
POSITION: Position = ("a", 7, AT, AT, 9677, "id")
EPOCH_MS = instant_from_date(AT) // TICKS_PER_MILLISECOND
VALUES: list[Any] = ["a", 7, EPOCH_MS, EPOCH_MS, 9677, "id"]
WHOLE: list[Any] = [1, "ranked", "text,number,other_time,at,atTicks,id", VALUES]


def _written(value: Any) -> str:
    return base64.urlsafe_b64encode(value if isinstance(value, bytes) else orjson.dumps(value)).rstrip(b"=").decode()


def _with(at: int, value: Any) -> str:
    return _written([*WHOLE[:3], [*VALUES[:at], value, *VALUES[at + 1 :]]])


def test_a_cursor_holds_its_list_its_order_and_the_values() -> None:
    """Version, dataset, order and values as JSON in URL-safe text; no organization in it."""
    cursor = encode_cursor(RANKED, KEYS, POSITION)
    assert cursor == _written(WHOLE)
    assert set(cursor) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")
    assert decode_cursor(RANKED, KEYS, cursor) == POSITION


def test_a_position_is_the_values_of_the_sort_keys() -> None:
    """Missing and null values are None, missing and null ticks are 0."""
    assert position_of(KEYS, {"id": "i", "at": AT}) == (None, None, None, AT, 0, "i")
    assert position_of(KEYS, {"id": "i", "at": AT, "atTicks": None, "text": ""}) == ("", None, None, AT, 0, "i")
    assert position_of(DEFAULT, {"id": "i", "at": AT, "atTicks": 3, "text": "x"}) == (AT, 3, "i")


@settings(max_examples=150, deadline=None)
@given(rows(), orders)
def test_a_cursor_comes_back_as_the_position_it_was_made_of(stored: list[Row], asked: list[OrderBy]) -> None:
    """For any row and order, nulls and 64-bit numbers included."""
    order = complete_order(RANKED, asked)
    for row in stored:
        position = position_of(order, row)
        assert decode_cursor(RANKED, order, encode_cursor(RANKED, order, position)) == position


@pytest.mark.parametrize("instant", [EARLIEST, -10_000, LATEST - 9_999])
def test_every_date_that_can_be_stored_comes_back(instant: int) -> None:
    """From the year 1 to 9999, before 1970 too."""
    position = (split_instant(Instant(instant))[0], 0, "i")
    assert decode_cursor(RANKED, DEFAULT, encode_cursor(RANKED, DEFAULT, position)) == position


_TEXT_KEYS = [field for field in SUMMARY_EVENTS.fields if field.name.endswith(("_name", "_ref", "_id"))]


@pytest.mark.parametrize("character", ["x", "é", "語", "\U0001f600", '"', "\n"])
def test_a_cursor_of_the_longest_values_can_be_used(character: str) -> None:
    """What the gateway gives out it takes back: as many keys as an order may have, each as long as text may be."""
    asked = [OrderBy(field, Direction.ASC) for field in _TEXT_KEYS if field.name != "summary_event_id"]
    order = complete_order(SUMMARY_EVENTS, asked[: ORDER_KEYS.value])
    position = (*((character * TEXT_LENGTH.value,) * (len(order) - 1)), "id")
    assert decode_cursor(SUMMARY_EVENTS, order, encode_cursor(SUMMARY_EVENTS, order, position)) == position


_NOT_OF_THIS_LIST = "is not a cursor of this list"
_OTHER_ORDER = "belongs to another orderBy"
_DAMAGED = "this cursor is damaged"
_OTHER_SHAPES: list[Any] = [None, 1, 1.5, True, "abcd", [], {}, [1], [[]], WHOLE[:3]]
FORGED: list[tuple[str, str]] = [
    ("", _NOT_OF_THIS_LIST),
    ("x", _NOT_OF_THIS_LIST),
    ("####", _NOT_OF_THIS_LIST),
    ("é", _NOT_OF_THIS_LIST),
    ("\0", _NOT_OF_THIS_LIST),
    ("\ud800", _NOT_OF_THIS_LIST),
    (f"{_written(WHOLE)}!", _NOT_OF_THIS_LIST),
    (f" {_written(WHOLE)}", _NOT_OF_THIS_LIST),
    (_written(WHOLE)[:-5], _NOT_OF_THIS_LIST),
    *((_written(value), _NOT_OF_THIS_LIST) for value in (b"", b"\xff", b"[", b"NaN", b"[1,2", b"\0", b"\xed\xa0\x80")),
    *((_written(value), _NOT_OF_THIS_LIST) for value in _OTHER_SHAPES),
    (_written([*WHOLE, 1]), _NOT_OF_THIS_LIST),
    (_written({"a": 1, "b": 2, "c": 3, "d": 4}), _NOT_OF_THIS_LIST),
    (_written(b"[" * 30_000), _NOT_OF_THIS_LIST),
    (_written(b"[" * 900 + b"]" * 900), _NOT_OF_THIS_LIST),
    (_written([2, *WHOLE[1:]]), _NOT_OF_THIS_LIST),
    (_written([1, "connections", *WHOLE[2:]]), _NOT_OF_THIS_LIST),
    (_written([1, ["ranked"], *WHOLE[2:]]), _NOT_OF_THIS_LIST),
    (_written([*WHOLE[:3], "abcdef"]), _NOT_OF_THIS_LIST),
    (_written([*WHOLE[:3], {"text": "a"}]), _NOT_OF_THIS_LIST),
    (_written([*WHOLE[:3], None]), _NOT_OF_THIS_LIST),
    (_written([1, "ranked", "-text,id", ["a", "id"]]), _OTHER_ORDER),
    (_written([1, "ranked", None, VALUES]), _OTHER_ORDER),
    (_written([1, "ranked", ["text"], VALUES]), _OTHER_ORDER),
    (_written([*WHOLE[:3], []]), _OTHER_ORDER),
    (_written([*WHOLE[:3], ["a"]]), _OTHER_ORDER),
    (_written([*WHOLE[:3], ["a"] * 7]), _OTHER_ORDER),
    *((_with(0, value), _DAMAGED) for value in (1, 1.5, True, [], ["a"], {}, {"$gt": ""}, "a\0b", [[["a"]]])),
    *((_with(1, value), _DAMAGED) for value in ("7", True, [7], {"$gt": 0}, 2**63, 2**64 - 1, -1e19, 1e300)),
    *((_with(2, value), _DAMAGED) for value in ("2026", True, 1.5, 2**63 - 1, -(2**63), [1], {"$date": 1})),
    *((_with(3, value), _DAMAGED) for value in (None, "2026", 253_402_300_800_000, -62_135_596_800_001)),
    *((_with(4, value), _DAMAGED) for value in (None, -1, 10_000, "0", 1.0, True, [0])),
    *((_with(5, value), _DAMAGED) for value in (None, 1, "\0", ["id"], {"$ne": None})),
    (_written(orjson.dumps(WHOLE).replace(b",7,", b",NaN,")), _NOT_OF_THIS_LIST),
    (_written(orjson.dumps(WHOLE).replace(b",7,", b",Infinity,")), _NOT_OF_THIS_LIST),
    (_written(orjson.dumps(WHOLE).replace(b",7,", b",1e999,")), f"{_NOT_OF_THIS_LIST}|{_DAMAGED}"),
    (_written(orjson.dumps(WHOLE).replace(b",7,", b"," + b"9" * 5000 + b",")), f"{_NOT_OF_THIS_LIST}|{_DAMAGED}"),
    (_written(orjson.dumps(WHOLE).replace(b'"a"', b'"\\ud800"')), _NOT_OF_THIS_LIST),
]


@pytest.mark.parametrize(("cursor", "reason"), FORGED, ids=lambda part: ascii(part)[:50])
def test_a_forged_cursor_is_an_error_that_names_after(cursor: str, reason: str) -> None:
    """Not base64, not JSON, another shape, list or order, values of another type: each is the caller's error."""
    with pytest.raises(InvalidInput, match=rf"^after: .*({reason})") as refused:
        decode_cursor(RANKED, KEYS, cursor)
    assert refused.value.argument == "after"


def test_a_cursor_that_is_too_long_is_refused_unread() -> None:
    """The stated bound comes first, and the error names the argument as the face calls it."""
    with pytest.raises(LimitExceeded, match=r"^cursor: ") as refused:
        decode_cursor(RANKED, KEYS, "A" * (CURSOR_LENGTH.value + 1), "cursor")
    assert refused.value.argument == "cursor"


def test_a_cursor_of_another_list_or_direction_is_refused() -> None:
    """Cursors of one list do not pass for those of another, nor of the same list turned round."""
    cursor = encode_cursor(RANKED, DEFAULT, (AT, 0, "i"))
    with pytest.raises(InvalidInput, match=_NOT_OF_THIS_LIST):
        decode_cursor(CONNECTION_EVENTS, complete_order(CONNECTION_EVENTS, None), cursor)
    turned = complete_order(RANKED, [OrderBy(RANKED.time, Direction.ASC)])
    with pytest.raises(InvalidInput, match=_OTHER_ORDER):
        decode_cursor(RANKED, turned, cursor)


def _decodes_or_is_refused(order: tuple[SortKey, ...], cursor: str) -> None:
    try:
        position = decode_cursor(RANKED, order, cursor)
    except InvalidInput:
        return
    for key, value in zip(order, position, strict=True):
        assert value is None or type(value) in {int, float, str, datetime}
        assert value is not None or (key.nullable and not key.ticks)


json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(
    st.text()
    | json.map(_written)
    | st.binary().map(_written)
    | st.lists(json, min_size=6, max_size=6).map(lambda values: _written([*WHOLE[:3], values]))
)
def test_any_text_is_a_position_or_the_callers_error(cursor: str) -> None:
    """Arbitrary text, JSON and bytes never raise anything else, and never become an operator."""
    _decodes_or_is_refused(KEYS, cursor)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_a_damaged_cursor_is_a_position_or_the_callers_error(data: st.DataObject) -> None:
    """A real cursor, or its JSON, with bytes changed, cut or added."""
    inside = data.draw(st.booleans())
    damaged = bytearray(orjson.dumps(WHOLE) if inside else encode_cursor(RANKED, KEYS, POSITION).encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(damaged)))
        damaged[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
    _decodes_or_is_refused(KEYS, _written(bytes(damaged)) if inside else damaged.decode("latin-1"))


@pytest.mark.parametrize(
    "value", [{"$gt": 0}, ["a"], b"a", float("nan"), object()], ids=["object", "list", "bytes", "nan", "other"]
)
def test_what_no_cursor_can_hold_is_refused(value: Any) -> None:
    """A value that a service of others left in an ordered field: the caller may order by another."""
    with pytest.raises(InvalidInput, match="orderBy: a record holds what text cannot mean"):
        encode_cursor(RANKED, KEYS, (value, *POSITION[1:]))
