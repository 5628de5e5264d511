"""An export as a value: all records of a dataset's list that match, to be written as a file."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.faces.context import RequestContext
from app.faces.rendering import derive, render_rows
from app.faces.rest.fields import fields_parameter, read_fields
from app.faces.rest.parameters import Parameter, boolean, text
from app.faces.rest.routes import record
from app.query.conditions import Condition
from app.query.cursors import decode_cursor, encode_cursor, position_of
from app.query.dataset import Dataset
from app.query.fields import Field
from app.query.ordering import complete_order
from app.query.pages import PageQuery
from app.store.streams import stream_rows

CURSOR = "_cursor"
BATCH_ROWS = 500  # other requests wait for a batch to be decoded and written, some 6 ms
_AFTER = text("after", f"Continue after the record that had this `{CURSOR}`, with the same filters.")
_CURSOR = boolean("cursor", f"Add the field `{CURSOR}`, the position of each record, as the last one.")


@dataclass(frozen=True, slots=True)
class Export:
    """What a dataset lets out as files, in the default order of its list.

    `fields` are those of a record in their order, stored or derived; `filters` the parameters that `condition` reads.
    """

    dataset: Dataset
    description: str
    fields: tuple[Field, ...]
    filters: tuple[Parameter, ...]
    condition: Callable[[Mapping[str, Any], RequestContext], Condition]

    @property
    def names(self) -> tuple[str, ...]:
        """The fields of a whole record."""
        return tuple(field.name for field in self.fields)

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """All parameters of the export's routes."""
        return (*self.filters, fields_parameter(self.names), _AFTER, _CURSOR)

    def columns(self, values: Mapping[str, Any]) -> tuple[str, ...]:
        """Tell the names that each record will have; InvalidInput where `fields` names another."""
        return (*read_fields(values, self.names), *([CURSOR] if values.get("cursor") else []))

    async def records(
        self, context: RequestContext, values: Mapping[str, Any], columns: Sequence[str]
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """Give every record that matches as it goes out, in batches; see `stream_rows` for what a batch promises.

        Raises InvalidInput for a filter or cursor that cannot be meant, and what reading raises.
        """
        dataset, order, names = self.dataset, complete_order(self.dataset, None), tuple(columns)
        query = PageQuery(
            dataset=dataset,
            order=order,
            first=BATCH_ROWS,
            condition=self.condition(values, context),
            after=decode_cursor(dataset, order, values["after"]) if "after" in values else None,
            fields=self._stored(names),
        )
        stored = [field for field in self.fields if field.name in dataset.by_name]
        async for rows in stream_rows(context.reader, query):
            if CURSOR in names:
                for row in rows:
                    row[CURSOR] = encode_cursor(dataset, order, position_of(order, row))
            derive(dataset, rows, names, context.now)
            render_rows(dataset, rows, stored)
            yield [record(row, names) for row in rows]

    def _stored(self, columns: Sequence[str]) -> frozenset[str] | None:
        """Tell the stored fields that these columns are made of; None where that is all of them."""
        if set(self.names) <= set(columns):
            return None
        needs = {derived.field.name: derived.needs for derived in self.dataset.derived}
        return frozenset(stored for column in columns if column != CURSOR for stored in needs.get(column, (column,)))
