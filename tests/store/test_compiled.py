"""The compiled library writes what Python would, or nothing; and reads no byte that it was not given."""

import mmap
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ctypes import CDLL, PyDLL, addressof, byref, c_char, c_int32, c_int64, c_size_t, c_void_p, get_errno, string_at
from datetime import datetime, timedelta
from random import Random
from typing import Any

import bson
import orjson
import pytest
from bson.int64 import Int64
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.query.instants import format_instant, instant_from_date
from app.store.client import CODEC
from app.store.compiled import LIBRARY, Column, RowWriter, Shape, all_ticks, find_rows, library
from app.store.unread_rows import UnreadRows

Row = dict[str, Any]
PLENTY = 1_000_000
NAMES = ("a", "ab", "time", "ticks", "text", "näme")
COLUMNS = (
    Column(b'"a"', "a", Shape.TEXT),
    Column(b'"again"', "a", Shape.LONG),
    Column(b'"b"', "ab", Shape.TEXT, required=True),
    Column(b'"n"', "ab", Shape.LONG, required=True),
    Column(b'"fine"', "time", Shape.TIME, ticks="ticks", digits=7),
    Column(b'"coarse"', "time", Shape.TIME, ticks="ticks", digits=3),
    Column(b'"alone"', "time", Shape.TIME, required=True, digits=7),
    Column(b'"text"', "text", Shape.TEXT),
    Column('"näme"'.encode(), "näme", Shape.TEXT),
)
LOADED = PyDLL(str(LIBRARY))  # to be given addresses
LOADED.gateway_find_rows.restype = LOADED.gateway_write_rows.restype = c_int64
WRITER = RowWriter(COLUMNS[:1] + COLUMNS[4:6] + COLUMNS[7:])
LOADED = PyDLL(str(LIBRARY))  # to be given addresses
LOADED.gateway_find_rows.restype = LOADED.gateway_write_rows.restype = c_int64
WRITER = RowWriter(COLUMNS[:1] + COLUMNS[4:6] + COLUMNS[7:])
ODD_BYTES = (0, 1, 2, 4, 9, 16, 18, 127, 128, 255)
_BEFORE_1, _AFTER_9999 = -62_135_596_800_001, 253_402_300_800_000

numbers = st.integers(-(2**63), 2**63 - 1) | st.integers(-3, 10_001)
dates = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)) | st.datetimes(  # noqa: DTZ001 - BSON's are naive
    datetime(1899, 12, 30),  # noqa: DTZ001
    datetime(2101, 1, 1),  # noqa: DTZ001
)
milliseconds = dates.map(lambda date: date - timedelta(microseconds=date.microsecond % 1000))
far_dates = st.sampled_from((_BEFORE_1, _AFTER_9999, 2**62)).map(bson.DatetimeMS)
texts = st.text(max_size=12) | st.text(alphabet='\x00\x01\x1f"\\\b\t\n\f\r\x7f\u2028é€😀 /', max_size=12)
values = st.one_of(
    texts,
    numbers.map(lambda number: Int64(number) if abs(number) > 2**31 - 1 else number),
    milliseconds,
    st.none(),
    far_dates,
    st.floats(),
    st.booleans(),
    st.binary(max_size=3),
    st.builds(bson.ObjectId),
    st.lists(texts, max_size=2),
    st.dictionaries(st.sampled_from(NAMES), texts, max_size=2),
    st.builds(bson.Regex, st.just("a"), st.just("i")),
    st.builds(bson.Timestamp, st.just(1), st.just(2)),
    st.just(bson.Decimal128("1.5")),
    st.builds(bson.Code, st.just("x"), st.none() | st.just({"a": 1})),
    st.sampled_from((bson.MinKey(), bson.MaxKey())),
)
plain = st.fixed_dictionaries(
    {"ab": texts, "time": milliseconds},
    optional={"a": texts | st.none(), "ticks": st.integers(0, 9999) | st.none(), "text": texts, "näme": texts},
)
odd = st.dictionaries(st.sampled_from((*NAMES, "other")), values)
rows_of_any = st.lists(plain | odd, max_size=4)


def reply_of(rows: Sequence[Row], cursor: int = 0) -> bytes:
    """Make the reply to a find."""
    return bson.encode({"cursor": {"firstBatch": list(rows), "id": Int64(cursor), "ns": "d.c"}, "ok": 1.0})


def expected(rows: Sequence[Row], columns: Sequence[Column]) -> bytes | None:
    """Write rows as Python does; None where a value is not plainly what its column holds."""
    try:
        return orjson.dumps([{one.key.decode()[1:-1]: plain_value(row, one) for one in columns} for row in rows])
    except ValueError:
        return None


def plain_value(row: Row, column: Column) -> str | int | None:
    """Make a value ready for JSON. ValueError where it is not plain."""
    value = row.get(column.field)
    if value is None and not column.required:
        return None
    if column.shape is Shape.TEXT and type(value) is str:
        return value
    if column.shape is Shape.LONG and isinstance(value, int) and type(value) is not bool:
        return int(value)
    if column.shape is Shape.TIME and isinstance(value, datetime):
        ticks: Any = row.get(column.ticks) if column.ticks else None
        if ticks is None:
            ticks = 0
        if type(ticks) in {int, Int64} and 0 <= ticks < 10_000:
            return format_instant(instant_from_date(value, int(ticks)), column.digits)
    raise ValueError


def test_the_library_was_built() -> None:
    """When the package was installed, of this source."""
    assert library() is not None


@given(rows_of_any, st.lists(st.sampled_from(COLUMNS), min_size=1, unique=True))
@settings(max_examples=600, deadline=None)
@example([{"ab": "x", "time": datetime(2000, 2, 29), "ticks": 9999}], [COLUMNS[4]])  # noqa: DTZ001
@example([{"time": datetime(1900, 2, 28, 23, 59, 59, 999000)}], [COLUMNS[6]])  # noqa: DTZ001
@example([{"a": "x" * 5000}, {"a": '"' * 5000}], [COLUMNS[0]])
def test_it_writes_what_python_writes(rows: list[Row], columns: list[Column]) -> None:
    """Of dates that Python cannot hold too, which it clamps: they are not plain."""
    reply = reply_of(rows)
    found = find_rows(reply, 10)
    assert found is not None
    unread = UnreadRows(reply, found)
    seen = unread.decoded()
    if any(isinstance(value, bson.DatetimeMS) for row in rows for value in row.values()):
        seen = [{name: _unclamped(row, name, value) for name, value in one.items()} for row, one in zip(rows, seen)]  # noqa: B905
    assert unread.written(RowWriter(columns), PLENTY) == expected(seen, columns)


def _unclamped(row: Row, name: str, value: Any) -> Any:
    return 1.5 if isinstance(row[name], bson.DatetimeMS) else value


@given(rows_of_any, st.integers(-1, 5))
def test_rows_are_a_sequence(rows: list[Row], index: int) -> None:
    """Of what decoding the reply gives, whether they have been decoded or not."""
    reply = reply_of(rows)
    found = find_rows(reply, 4)
    assert found is not None
    plain_rows = bson.decode(reply, CODEC)["cursor"]["firstBatch"]
    for unread in (UnreadRows(reply, found), UnreadRows(reply, found)[:]):
        assert len(unread) == len(plain_rows)
        if -len(rows) <= index < len(rows):
            assert repr(unread[index]) == repr(plain_rows[index])
        else:
            with pytest.raises(IndexError):
                unread[index]
        for part in (slice(index), slice(index, None), slice(None, None, -1)):
            assert repr(list(unread[part])) == repr(plain_rows[part])
        assert repr(list(unread)) == repr(plain_rows)


@given(rows_of_any)
def test_ticks_are_told_from_all_else(rows: list[Row]) -> None:
    """Only where each row has one."""
    reply = reply_of(rows)
    found = find_rows(reply, 4)
    assert found is not None
    assert all_ticks(reply, found.places, found.count, "ticks") == all(
        type(row.get("ticks")) in {int, Int64} and 0 <= row["ticks"] < 10_000 for row in rows
    )


def test_what_does_not_fit_is_not_written() -> None:
    """The bound is on what is written, to the byte."""
    reply = reply_of([{"a": "xyz"}] * 3)
    found = find_rows(reply, 3)
    assert found is not None
    unread, writer = UnreadRows(reply, found), RowWriter([COLUMNS[0]])
    whole = unread.written(writer, PLENTY)
    assert whole == b'[{"a":"xyz"},{"a":"xyz"},{"a":"xyz"}]'
    assert unread.written(writer, len(whole)) == whole
    assert unread.written(writer, len(whole) - 1) is None


def test_a_reply_that_has_more_says_so() -> None:
    """And one with more rows than can have been asked for is none."""
    found = find_rows(reply_of([{}], cursor=77), 1)
    assert found is not None
    assert (found.count, found.cursor) == (1, 77)
    assert find_rows(reply_of([{}, {}]), 1) is None


@contextmanager
def at_the_edge(damaged: bytes) -> Iterator[int]:
    """Give the address of a copy that ends where no byte more may be read: to read one ends the process."""
    page = mmap.PAGESIZE
    room = -(-len(damaged) // page) * page
    with mmap.mmap(-1, room + page) as memory:
        memory[room - len(damaged) : room] = damaged
        begin = c_char.from_buffer(memory)
        try:
            protect = CDLL(None, use_errno=True).mprotect
            protect.argtypes = (c_void_p, c_size_t, c_int32)
            assert protect(addressof(begin) + room, page, 0) == 0, get_errno()
            yield addressof(begin) + room - len(damaged)
            assert protect(addressof(begin) + room, page, mmap.PROT_READ | mmap.PROT_WRITE) == 0
        finally:
            del begin


def damaged_copies(reply: bytes, random: Random) -> Iterator[bytes]:
    """Give copies with a few bytes changed, mostly to such as stand in lengths and types, or cut off."""
    for _ in range(60):
        copy = bytearray(reply)
        for _ in range(random.randint(0, 3)):
            copy[random.randrange(len(copy))] = random.choice((*ODD_BYTES, random.randrange(256)))
        yield bytes(copy if random.randrange(3) else copy[: random.randrange(len(copy))])


@given(rows_of_any, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_damaged_replies_do_no_harm(rows: list[Row], random: Random) -> None:
    """Whatever the bytes say, nothing outside of them is read, and what is written is JSON."""
    for damaged in damaged_copies(reply_of(rows), random):
        with at_the_edge(damaged) as address:
            count, text = written_at(address, len(damaged))
        if text is not None:
            assert len(orjson.loads(text)) == count


def written_at(address: int, size: int) -> tuple[int, bytes | None]:
    """Let the library find, look through and write what is at an address."""
    places, cursor = (c_int32 * 4)(), c_int64()
    reply = c_void_p(address), c_int64(size), places
    count = LOADED.gateway_find_rows(*reply, c_int64(len(places)), byref(cursor))
    if count < 0:
        return 0, None
    LOADED.gateway_all_ticks(*reply, c_int64(count), b"ticks", c_int64(5))
    return count, written_of(*reply, c_int64(count))


def written_of(*rows: Any) -> bytes | None:
    """Let the library write rows."""
    fields, columns = WRITER._fields, WRITER._columns  # noqa: SLF001 - what its own call gives to the library
    most, written = c_int64(PLENTY), c_void_p()
    length = LOADED.gateway_write_rows(*rows, fields, len(fields), columns, len(columns), most, byref(written))
    if length < 0:
        return None
    try:
        return string_at(written, length)
    finally:
        LOADED.gateway_free(written)


@pytest.mark.parametrize(
    "element",
    [
        pytest.param(b"\x02a\x00\x00\x00\x00\x00", id="a text of no bytes"),
        pytest.param(b"\x02a\x00\xff\xff\xff\xff", id="a text of negative length"),
        pytest.param(b"\x02a\x00\x02\x00\x00\x00xy", id="a text that does not end"),
        pytest.param(b"\x02a\x00\x02\x00\x00\x00\xff\x00", id="no UTF-8"),
        pytest.param(b"\x02a\x00\x04\x00\x00\x00\xed\xa0\x80\x00", id="half of a pair in UTF-8"),
        pytest.param(b"\x02a\x00\x03\x00\x00\x00\xc0\x80\x00", id="too long a form in UTF-8"),
        pytest.param(b"\x02a\x00\x03\x00\x00\x00\xe2\x82\x00", id="a part of a character"),
        pytest.param(b"\x02a\x00\xff\xff\xff\x7f\x00", id="a text beyond the end"),
        pytest.param(b"\x10a\x00\x00\x00", id="a part of a number"),
        pytest.param(b"\x10a", id="a name that does not end"),
        pytest.param(b"\x42a\x00", id="no type"),
        pytest.param(b"\x0bb\x00a\x00i", id="a pattern that does not end"),
    ],
)
def test_what_is_no_bson_is_not_written(element: bytes) -> None:
    """A row that the library cannot take as it is stays with the decoder, which says what is wrong with it."""
    row = (len(element) + 5).to_bytes(4, "little") + element + b"\x00"
    with at_the_edge(row) as address:
        assert written_of(c_void_p(address), c_int64(len(row)), (c_int32 * 1)(), c_int64(1)) is None
