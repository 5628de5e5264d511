"""The compiled part of the store (rows.c): rows of a reply become JSON without objects in between.

It is built when the package is installed, where there is a C compiler. Without it rows are decoded in Python, and all
answers are the same.
"""

from collections.abc import Sequence
from ctypes import POINTER, Array, PyDLL, Structure, byref, c_char_p, c_int32, c_int64, c_void_p, string_at
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).with_name("rows.c")
LIBRARY = SOURCE.with_suffix(".so")
_VERSION = 2  # of what the library offers: one that was built of other source is not used

Places = Array[c_int32]


class Shape(IntEnum):
    """How the values of a column are written."""

    TEXT = 0
    LONG = 1
    TIME = 2


@dataclass(frozen=True, slots=True)
class Column:
    """A column of JSON: its key, and the stored field that its values are of.

    `ticks` is the field of a time's 100 ns below the millisecond, `digits` (3 or 7) how many of a second's fraction are
    written. A `required` column has no nulls.
    """

    key: bytes
    field: str
    shape: Shape
    required: bool = False
    ticks: str | None = None
    digits: int = 3


@dataclass(frozen=True, slots=True)
class FoundRows:
    """The rows of a reply: how many, where each begins, and the cursor that has more of them (0: none)."""

    count: int
    places: Places
    cursor: int


class _Field(Structure):
    _fields_ = (("name", c_char_p), ("length", c_int64), ("value", c_void_p), ("type", c_int32))


class _Column(Structure):
    _fields_ = (
        ("before", c_char_p),
        ("before_length", c_int64),
        ("field", c_int32),
        ("ticks", c_int32),
        ("shape", c_int32),
        ("digits", c_int32),
        ("required", c_int32),
    )


@cache
def library() -> PyDLL | None:
    """Load the library; None where it was not built, or of other source.

    It holds the interpreter's lock: what it is given is of one request, and it is done in about a millisecond.
    """
    try:
        loaded = PyDLL(str(LIBRARY))
        version = loaded.gateway_rows_version
    except (OSError, AttributeError):
        return None
    if version() != _VERSION:
        return None
    loaded.gateway_find_rows.restype = c_int64
    loaded.gateway_find_rows.argtypes = (c_char_p, c_int64, c_void_p, c_int64, c_void_p)
    loaded.gateway_all_ticks.restype = c_int32
    loaded.gateway_all_ticks.argtypes = (c_char_p, c_int64, c_void_p, c_int64, c_char_p, c_int64)
    loaded.gateway_write_rows.restype = c_int64
    loaded.gateway_write_rows.argtypes = (
        *(c_char_p, c_int64, c_void_p, c_int64),
        *(c_void_p, c_int32, c_void_p, c_int32),
        *(c_int64, POINTER(c_void_p)),
    )
    loaded.gateway_free.restype = None
    loaded.gateway_free.argtypes = (c_void_p,)
    return loaded


def find_rows(reply: bytes, most: int) -> FoundRows | None:
    """Find the rows in the reply to a `find`; None where it is none, holds more than `most`, or there is no library."""
    compiled = library()
    if compiled is None:
        return None
    places, cursor = (c_int32 * most)(), c_int64()
    count = compiled.gateway_find_rows(reply, len(reply), places, most, byref(cursor))
    return None if count < 0 else FoundRows(count, places, cursor.value)


def all_ticks(reply: bytes, places: Places, count: int, field: str) -> bool:
    """Whether each of so many rows holds 0 to 9999 in this field."""
    compiled, name = library(), field.encode()
    assert compiled is not None  # noqa: S101 - it found the rows
    return bool(compiled.gateway_all_ticks(reply, len(reply), places, count, name, len(name)))


class RowWriter:
    """Writes rows as JSON objects of these columns, at least one."""

    def __init__(self, columns: Sequence[Column]) -> None:
        names = dict.fromkeys(name for one in columns for name in (one.field, one.ticks) if name is not None)
        indexes = {name: index for index, name in enumerate(names)}
        self._kept = (
            [name.encode() for name in names],
            [(b"," if index else b"{") + one.key + b":" for index, one in enumerate(columns)],
        )
        fields, before = self._kept  # the library is told where they are, which keeps them for nobody
        self._fields = (_Field * len(fields))(*(_Field(name, len(name)) for name in fields))
        self._columns = (_Column * len(columns))(
            *(
                _Column(
                    text,
                    len(text),
                    indexes[one.field],
                    -1 if one.ticks is None else indexes[one.ticks],
                    one.shape,
                    one.digits,
                    one.required,
                )
                for one, text in zip(columns, before, strict=True)
            )
        )

    def write(self, reply: bytes, places: Places, count: int, most: int) -> bytes | None:
        """Write so many rows as a JSON array.

        None where a value is not plainly what its column holds, or there would be more than `most` bytes.
        """
        compiled, written = library(), c_void_p()
        assert compiled is not None  # noqa: S101 - it found the rows
        length = compiled.gateway_write_rows(
            *(reply, len(reply), places, count),
            *(self._fields, len(self._fields), self._columns, len(self._columns)),
            *(most, byref(written)),
        )
        if length < 0:
            return None
        try:
            return string_at(written, length)
        finally:
            compiled.gateway_free(written)
