"""A REST route as a value: the server mounts it, OpenAPI describes it."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from app.faces.context import RequestContext
from app.faces.rendering import Written, render_rows, row_writer, written
from app.faces.rest.parameters import Parameter
from app.query.dataset import Dataset
from app.query.fields import Field, Kind
from app.query.instants import Instant
from app.query.limits import PAGE_ROWS
from app.query.pages import Row
from app.query.windows import WindowNames, read_instant
from app.store.compiled import RowWriter
from app.store.unread_rows import UnreadRows

_SCHEMAS: dict[Kind, dict[str, Any]] = {
    Kind.TEXT: {"type": ["string", "null"]},
    Kind.STATUS: {"type": ["string", "null"]},
    Kind.ADDRESS: {"type": ["string", "null"]},
    Kind.LONG: {"type": ["integer", "null"], "format": "int64"},
    Kind.TIME: {"type": ["string", "null"], "format": "date-time"},
    Kind.BOOLEAN: {"type": "boolean"},
    Kind.FLOAT: {"type": ["number", "null"], "format": "double"},
}

_MOST_WRITERS = 100  # `fields` may be chosen in many ways

Answer = Callable[[RequestContext, Mapping[str, Any], Mapping[str, str]], Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class RestRoute:
    """A GET route. `answer` takes the request's context, the read parameters and the path's parts, and gives JSON.

    `rows` is how many rows come where no `limit` is given. `window` names the parameters of a window whose records do
    not change once it is over.
    """

    path: str
    name: str
    description: str
    answer: Answer
    parameters: tuple[Parameter, ...]
    schema: Mapping[str, Any]
    path_parameters: Mapping[str, str] = field(default_factory=dict)
    rows: int = 1
    window: WindowNames | None = None

    def window_end(self, values: Mapping[str, Any]) -> Instant | None:
        """Tell where the window ends that was asked for by its end; None where it was not."""
        end = None if self.window is None else values.get(self.window.end)
        return None if end is None or self.window is None else read_instant(end, self.window.end)

    def cost(self, values: Mapping[str, Any]) -> int:
        """Tell what a request costs: rows x fields, as in GraphQL; `rows` are those without a `limit`."""
        shape = self.schema.get("properties", {}).get("events", self.schema)
        width = len(shape.get("items", shape).get("properties", ()))
        asked = values["fields"].count(",") + 1 if "fields" in values else width
        rows: int = min(max(values.get("limit", self.rows), 1), PAGE_ROWS.value)  # an amount beyond is refused later
        return rows * min(asked, width)


def record_schema(fields: tuple[Field, ...], description: str) -> dict[str, Any]:
    """Describe a record of these fields as JSON Schema."""
    properties = {one.name: {**_SCHEMAS[one.kind], "description": one.description} for one in fields}
    return {"type": "object", "description": description, "properties": properties}


def array_of(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a list."""
    return {"type": "array", "items": dict(schema)}


def records(dataset: Dataset, rows: Sequence[Row], names: tuple[str, ...]) -> list[dict[str, Any]] | Written:
    """Make records of a page's rows: exactly these stored fields in this order, null where there is nothing."""
    if isinstance(rows, UnreadRows):
        writer = _writer(dataset, names)
        json = None if writer is None else written(rows, writer)
        if json is not None:
            return json
        rows = rows.decoded()
    render_rows(dataset, rows, dataset.fields)
    return [record(row, names) for row in rows]


_writers: dict[tuple[str, tuple[str, ...]], RowWriter | None] = {}


def _writer(dataset: Dataset, names: tuple[str, ...]) -> RowWriter | None:
    """Find or make what writes records of these fields; None where not all of them are stored."""
    key = dataset.name, names
    if key not in _writers:
        if len(_writers) >= _MOST_WRITERS:
            _writers.clear()
        _writers[key] = row_writer(dataset, [(orjson.dumps(name), name, False) for name in names])
    return _writers[key]


def record(row: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Make a record of a row: exactly these fields in this order, null where there is nothing."""
    return {name: row.get(name) for name in names}
