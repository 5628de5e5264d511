"""Rows as MongoDB gives them, made ready to go out: times as text, to the source's digits.

A collection that another service fills may hold what a field cannot mean, such as an object for a host. That is shown
as null: one such record does not keep the others from being read.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import isfinite
from typing import Any, overload

from app.query.dataset import Dataset
from app.query.fields import Field, Kind
from app.query.instants import TICKS_PER_MILLISECOND, Instant, format_dates, format_instant, instant_from_date
from app.query.limits import ANSWER_BYTES
from app.store.compiled import Column, RowWriter, Shape
from app.store.unread_rows import UnreadRows

Row = dict[str, Any]


# What most values of a field are: the columns of a page are looked through for anything else.
_USUAL = {Kind.LONG: frozenset({int, type(None)})}
_USUAL |= dict.fromkeys((Kind.TEXT, Kind.STATUS, Kind.ADDRESS), frozenset({str, type(None)}))
_HELD: dict[Kind, tuple[type, ...]] = {Kind.LONG: (int,), Kind.TIME: (datetime, str)}
_HELD |= dict.fromkeys((Kind.TEXT, Kind.STATUS, Kind.ADDRESS), (str, int))


_SHAPES = {Kind.LONG: Shape.LONG, Kind.TIME: Shape.TIME}
_SHAPES |= dict.fromkeys((Kind.TEXT, Kind.STATUS, Kind.ADDRESS), Shape.TEXT)


@dataclass(frozen=True, slots=True)
class Written:
    """A part of an answer that is JSON already."""

    json: bytes

    def only(self) -> "Written":
        """Take the one element out of an array of one."""
        return Written(self.json[1:-1])


class PendingRows(Sequence[Row]):
    """Rows that nobody has looked at: decoded and rendered where somebody does, written as JSON where nobody does."""

    def __init__(self, dataset: Dataset, rows: UnreadRows, fields: Collection[Field]) -> None:
        self.dataset = dataset
        self._rows = rows
        self._fields = fields
        self._rendered: list[Row] | None = None

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rendered())

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Row]: ...
    def __getitem__(self, index: int | slice) -> Row | Sequence[Row]:
        return self.rendered()[index]

    def rendered(self) -> list[Row]:
        """Decode and render all of them: the same list each time."""
        if self._rendered is None:
            rows = self._rows.decoded()
            render_rows(self.dataset, rows, self._fields)
            self._rendered = rows
        return self._rendered

    def written(self, writer: RowWriter) -> Written | None:
        """Write them as a JSON array; None where they have to be looked at for it, or pass ANSWER_BYTES."""
        return written(self._rows, writer)


class PendingRow:
    """The one row of rows that nobody has looked at."""

    def __init__(self, rows: PendingRows) -> None:
        self.rows = rows

    def get(self, name: str) -> Any:
        """Look at a field, as of a row."""
        return self.rows[0].get(name)


def only_row(rows: Sequence[Row]) -> Row | PendingRow | None:
    """Give the one row that there is, looked at or not; None where there is none."""
    if not rows:
        return None
    return PendingRow(rows) if isinstance(rows, PendingRows) else rows[0]


def row_writer(dataset: Dataset, columns: Iterable[tuple[bytes, str, bool]]) -> RowWriter | None:
    """Make what writes rows as `render_rows` renders them; None where not all columns are of stored fields.

    Each column is its key as JSON, the stored field's name, and whether it has no nulls.
    """
    made = [_column(dataset, *one) for one in columns]
    stored = [one for one in made if one is not None]
    return RowWriter(stored) if len(stored) == len(made) else None


def _column(dataset: Dataset, key: bytes, name: str, required: bool) -> Column | None:  # noqa: FBT001 - of a tuple
    field = dataset.by_name.get(name)
    shape = None if field is None else _SHAPES.get(field.kind)
    if shape is None:
        return None
    ticks = dataset.ticks_field if name == dataset.time_field else None
    return Column(key, name, shape, required, ticks, dataset.digits)


def written(rows: UnreadRows, writer: RowWriter) -> Written | None:
    """Write rows as a JSON array; None where they have to be looked at for it, or pass ANSWER_BYTES."""
    json = rows.written(writer, ANSWER_BYTES.value)
    return None if json is None else Written(json)


def rendered(dataset: Dataset, rows: Sequence[Row], fields: Collection[Field]) -> Sequence[Row]:
    """Give the rows with the times of these fields as text, or what will be such rows once somebody looks.

    What may fail does so here.
    """
    if isinstance(rows, UnreadRows):
        if dataset.ticks_field is None or dataset.time not in fields or rows.all_ticks(dataset.ticks_field):
            return PendingRows(dataset, rows, fields)
        rows = rows.decoded()
    render_rows(dataset, rows, fields)
    return rows


def derive(dataset: Dataset, rows: Iterable[Row], names: Collection[str], now: Instant) -> None:
    """Compute the derived fields of these names, in place; before times are rendered."""
    for derived in dataset.derived:
        if derived.field.name in names:
            for row in rows:
                row[derived.field.name] = derived.value(row, now)


def render_rows(dataset: Dataset, rows: Collection[Row], fields: Collection[Field]) -> None:
    """Write the times of these rows as text, in place; the ticks of the time field are joined to it.

    What a field cannot hold becomes null.
    """
    for field in fields:
        values = [row.get(field.name) for row in rows]
        if field.kind is Kind.TIME:
            _render_times(dataset, rows, field.name, values)
        elif field.kind in _USUAL and not set(map(type, values)) <= _USUAL[field.kind]:
            _clear_unfit(rows, field)


def _render_times(dataset: Dataset, rows: Collection[Row], name: str, values: Sequence[Any]) -> None:
    ticks_field = dataset.ticks_field if name == dataset.time_field else None
    ticks = [_whole(row.get(ticks_field)) for row in rows] if ticks_field else [0] * len(rows)
    if set(map(type, values)) == {datetime} and _are_below_a_millisecond(ticks):
        written = format_dates(values, ticks if ticks_field else None, dataset.digits)
        for row, text in zip(rows, written, strict=True):
            row[name] = text
        return
    for row, value, tick in zip(rows, values, ticks, strict=True):
        if isinstance(value, datetime):
            row[name] = format_instant(instant_from_date(value, tick), dataset.digits)
        elif not fits(Kind.TIME, value):
            row[name] = None


def _whole(ticks: Any) -> Any:
    """Take a number of ticks as it should be stored: another service may have it as a double."""
    return int(ticks) if isinstance(ticks, float) and ticks.is_integer() else ticks or 0


def _are_below_a_millisecond(ticks: Sequence[Any]) -> bool:
    return set(map(type, ticks)) == {int} and min(ticks) >= 0 and max(ticks) < TICKS_PER_MILLISECOND


def _clear_unfit(rows: Collection[Row], field: Field) -> None:
    for row in rows:
        if not fits(field.kind, row.get(field.name)):
            row[field.name] = None


def fits(kind: Kind, value: Any) -> bool:
    """Tell whether a value can be shown as a field of this kind. A number may stand for a text, as in an id."""
    if isinstance(value, float):
        whole = value.is_integer() and -(2**63) <= value < 2**63
        return whole if kind is Kind.LONG else kind is not Kind.TIME and isfinite(value)
    if isinstance(value, bool):
        return kind not in {Kind.LONG, Kind.TIME}
    return value is None or isinstance(value, _HELD[kind])
