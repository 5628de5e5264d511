"""The formats of an export: batches of records to bytes that may be joined as they come."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from typing import Any

import orjson

Record = Mapping[str, Any]
_AS_IT_IS = {str, int, type(None)}


@dataclass(frozen=True, slots=True)
class Format:
    """A format. `head` begins a file whose records have these names, `body` writes a batch of its records."""

    extension: str
    media_type: str
    description: str
    head: Callable[[Sequence[str]], bytes]
    body: Callable[[Sequence[Record]], bytes]


def _no_head(_names: Sequence[str]) -> bytes:
    return b""


def _ndjson(records: Sequence[Record]) -> bytes:
    return b"".join([orjson.dumps(record, option=orjson.OPT_APPEND_NEWLINE) for record in records])


def _header(names: Sequence[str]) -> bytes:
    return _csv_lines([names])


def _csv(records: Sequence[Record]) -> bytes:
    return _csv_lines(
        [[value if type(value) in _AS_IT_IS else csv_text(value) for value in record.values()] for record in records]
    )


def _csv_lines(rows: Sequence[Sequence[Any]]) -> bytes:
    """Write RFC 4180: commas, CRLF, double quotes where they are needed. Text is not altered, null is empty."""
    lines = StringIO(newline="")
    csv.writer(lines, lineterminator="\r\n").writerows(rows)
    return lines.getvalue().encode()


def csv_text(value: Any) -> str:
    """Write a value as a cell: text as it is, anything else as JSON does; what JSON has as null is empty."""
    if isinstance(value, str):
        return value
    text = orjson.dumps(value).decode()
    return "" if text == "null" else text


NDJSON = Format("ndjson", "application/x-ndjson", "one JSON object a line", _no_head, _ndjson)
CSV = Format("csv", "text/csv; charset=utf-8; header=present", "CSV with a header line", _header, _csv)
FORMATS = (NDJSON, CSV)
