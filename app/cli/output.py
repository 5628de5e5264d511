"""Rows on a terminal or into a pipe."""

import sys
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.faces.rest.formats import CSV, csv_text


class Output(StrEnum):
    """Ways to write rows."""

    TABLE = "table"
    JSON = "json"
    NDJSON = "ndjson"
    CSV = "csv"


def write_rows(body: Sequence[Mapping[str, Any]] | Mapping[str, Any], output: Output | None) -> None:
    """Write a list of records, or one, to standard output; null is empty in a table and in CSV."""
    rows = [body] if isinstance(body, Mapping) else list(body)
    match output or (Output.TABLE if sys.stdout.isatty() else Output.JSON):
        case Output.TABLE:
            _write_table(rows)
        case Output.JSON:
            _write(orjson.dumps(body, option=orjson.OPT_INDENT_2) + b"\n")
        case Output.NDJSON:
            _write(b"".join(orjson.dumps(row) + b"\n" for row in rows))
        case Output.CSV:
            if rows:
                _write(CSV.head(list(rows[0])) + CSV.body(rows))


def _write(text: bytes) -> None:
    sys.stdout.buffer.write(text)
    sys.stdout.flush()


def _write_table(rows: Sequence[Mapping[str, Any]]) -> None:
    """One record stands on its side, several in a table as wide as the terminal."""
    if len(rows) == 1:
        table = Table("field", "value")
        for name, value in rows[0].items():
            table.add_row(name, _shown(value))
    else:
        table = Table(*(list(rows[0]) if rows else ["no records"]))
        for row in rows:
            table.add_row(*(_shown(value) for value in row.values()))
    Console().print(table)


def _shown(value: object) -> Text:
    """A cell as it is: square brackets are no markup."""
    return Text(csv_text(value))
