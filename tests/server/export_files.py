"""What an export gave, read back: lines of JSON, or rows of CSV."""

import csv
from collections.abc import Sequence
from io import StringIO
from typing import Any

import orjson

from app.registry import DATASETS

NAMES = sorted(export.dataset.name for one in DATASETS for export in one.exports)
FORMATS = ("ndjson", "csv")
PATHS = [f"/export/{name}.{extension}" for name in NAMES for extension in FORMATS]

Json = dict[str, Any]


def ndjson_records(content: bytes) -> list[Json]:
    """Read whole lines of JSON."""
    assert not content or content.endswith(b"\n")
    return [orjson.loads(line) for line in content.split(b"\n")[:-1]]


def csv_rows(content: bytes) -> list[list[str]]:
    """Read CSV with CRLF line ends: the header and the rows."""
    assert content.endswith(b"\r\n")
    return list(csv.reader(StringIO(content.decode(), newline=""), strict=True))


def as_csv(records: Sequence[Json], names: Sequence[str]) -> list[list[str]]:
    """Tell the header and rows that a CSV of these records has: null is empty, the rest as in JSON."""
    return [list(names), *([_cell(value) for value in record.values()] for record in records)]


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else orjson.dumps(value).decode()
