"""Completion of resolved values, compiled once for a selection: whole lists at a time instead of field by field.

graphql-core completes one field of one row at a time, with a path, a resolver and a check for each: most of the time of
a long page goes there. A `Step` does the same to all values of a field at once. It makes no errors: whatever is not as
the schema promises (a null that must not be, a number beyond 64 bits) is `NotPlain`, and left to graphql-core.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import chain, islice
from math import isfinite
from typing import Any

import orjson
from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLLeafType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLOutputType,
    is_leaf_type,
)
from graphql.execution.collect_fields import FieldDetails
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.schema_converter import GraphQLCoreConverter

from app.faces.graphql.nodes import read_by_key, row_value
from app.faces.rendering import PendingRow, PendingRows, Written, row_writer
from app.store.compiled import RowWriter

Values = list[Any]
Step = Callable[[Values], Values]
Selected = list[FieldDetails]
_DEFINITION = GraphQLCoreConverter.DEFINITION_BACKREF
_NOTHING = type(None)
_LEAST, _GREATEST = -(2**63), 2**63 - 1


class NotPlain(Exception):
    """A value is not what the schema promises, or can be written in several ways: graphql-core knows which."""


class CannotCompile(Exception):
    """A selection holds a field that is more than a value of its object."""


class Compiler:
    """Compiles what is selected of a type. `executor` knows the document, and which of its fields are included."""

    def __init__(self, executor: StrawberryGraphQLCoreExecutionContext) -> None:
        self._executor = executor
        self.with_arguments: list[tuple[GraphQLField, FieldNode]] = []  # below the top

    def step(self, kind: GraphQLOutputType, selected: Selected) -> Step:
        """Compile the completion of a field's values. Raises CannotCompile."""
        required = isinstance(kind, GraphQLNonNull)
        inner = kind.of_type if isinstance(kind, GraphQLNonNull) else kind
        if is_leaf_type(inner):
            return _leaf(inner, required=required)
        step = self._composite(inner, selected)
        return _required(step) if required else _optional(step)

    def _composite(self, kind: GraphQLOutputType, selected: Selected) -> Step:
        """Compile for values that are not null."""
        if isinstance(kind, GraphQLList):
            inner = kind.of_type.of_type if isinstance(kind.of_type, GraphQLNonNull) else None
            stored = self._stored(inner, selected) if isinstance(inner, GraphQLObjectType) else None
            return _list(self.step(kind.of_type, selected), stored)
        if isinstance(kind, GraphQLObjectType):
            return self._object(kind, selected)
        raise CannotCompile(kind)

    def _object(self, kind: GraphQLObjectType, selected: Selected) -> Step:
        if kind.is_type_of is not None:
            raise CannotCompile(kind)
        grouped, deferred, _ = self._executor.collect_subfields(kind, selected)
        if deferred:
            raise CannotCompile(kind)
        columns = {key: self._column(kind, key, details) for key, details in grouped.items()}
        return _single(_joined(columns), self._stored(kind, selected))

    def _stored(self, kind: GraphQLObjectType, selected: Selected) -> "Stored | None":
        """Tell what is selected of objects, where it is nothing but values that may be stored ones."""
        grouped = self._executor.collect_subfields(kind, selected).grouped_field_set
        columns = []
        for key, details in grouped.items():
            field = kind.fields.get(details[0].node.name.value)
            if field is None or field.args or field.extensions[_DEFINITION].base_resolver is not None:
                return None
            required = isinstance(field.type, GraphQLNonNull)
            columns.append((orjson.dumps(key), field.extensions[_DEFINITION].python_name, required))
        return Stored(columns) if columns else None

    def _column(self, kind: GraphQLObjectType, key: str, selected: Selected) -> Step:
        name = selected[0].node.name.value
        if name == "__typename":
            return lambda sources: [kind.name] * len(sources)
        field = kind.fields.get(name)
        if field is None:
            raise CannotCompile(name)
        if field.args:
            self.with_arguments.append((field, selected[0].node))
        read, complete = _reading(field, key), self.step(field.type, selected)
        return lambda sources: complete(read(sources))


def _reading(field: GraphQLField, key: str) -> Step:
    """Tell how a field's values are taken out of their objects, as its resolver would."""
    definition = field.extensions[_DEFINITION]
    if definition.base_resolver is None:
        name = definition.python_name
        return lambda sources: (
            [source.get(name) for source in sources]
            if set(map(type, sources)) == {dict}
            else [row_value(source, name) for source in sources]
        )
    read = read_by_key(definition.base_resolver.wrapped_func)
    if read is None:
        raise CannotCompile(field)
    return lambda sources: [read(source, key) for source in sources]


def _joined(columns: Mapping[str, Step]) -> Step:
    names, steps = tuple(columns), tuple(columns.values())

    def objects(sources: Values) -> Values:
        if not sources:
            return []
        if not names:  # all that was selected is skipped
            return [{} for _ in sources]
        rows = zip(*(step(sources) for step in steps), strict=True)
        return [dict(zip(names, row, strict=True)) for row in rows]

    return objects


def _single(objects: Step, stored: "Stored | None") -> Step:
    def complete(sources: Values) -> Values:
        if len(sources) == 1 and isinstance(sources[0], PendingRow):
            rows = sources[0].rows
            written = None if stored is None else stored.write(rows)
            return objects(rows.rendered()) if written is None else [written.only()]
        return objects(sources)

    return complete


class Stored:
    """Columns of stored values: response key as JSON, stored name, and whether nulls are excluded."""

    def __init__(self, columns: Sequence[tuple[bytes, str, bool]]) -> None:
        self._columns = columns
        self._writers: dict[str, RowWriter | None] = {}  # by dataset

    def write(self, rows: PendingRows) -> Written | None:
        """Write rows that nobody has looked at; None where somebody has to."""
        name = rows.dataset.name
        if name not in self._writers:
            self._writers[name] = row_writer(rows.dataset, self._columns)
        writer = self._writers[name]
        return None if writer is None else rows.written(writer)


def _list(items: Step, stored: Stored | None) -> Step:
    def lists(values: Values) -> Values:
        if len(values) == 1 and isinstance(values[0], PendingRows):
            written = None if stored is None else stored.write(values[0])
            return [items(values[0].rendered()) if written is None else written]
        if any(type(value) is not list for value in values):
            raise NotPlain
        if len(values) == 1:
            return [items(values[0])]
        completed = iter(items(list(chain.from_iterable(values))))
        return [list(islice(completed, len(value))) for value in values]

    return lists


def _required(step: Step) -> Step:
    def complete(values: Values) -> Values:
        if None in values:
            raise NotPlain
        return step(values)

    return complete


def _optional(step: Step) -> Step:
    def complete(values: Values) -> Values:
        if None not in values:
            return step(values)
        completed = iter(step([value for value in values if value is not None]))
        return [None if value is None else next(completed) for value in values]

    return complete


def _leaf(kind: GraphQLLeafType, *, required: bool) -> Step:
    """Take values of the kind's own Python type as they are; a type that is not listed writes each one itself."""
    if kind.name not in _PLAIN:
        return _required(_written_by(kind)) if required else _optional(_written_by(kind))
    plain, within = _PLAIN[kind.name]
    allowed = {plain} if required else {plain, _NOTHING}

    def complete(values: Values) -> Values:
        kinds = set(map(type, values))
        if not kinds <= allowed:
            raise NotPlain
        if within is not None:
            present = [one for one in values if one is not None] if _NOTHING in kinds else values
            if present and not within(present):
                raise NotPlain
        return values

    return complete


def _is_long(values: Values) -> bool:
    return bool(min(values) >= _LEAST and max(values) <= _GREATEST)


def _is_finite(values: Values) -> bool:
    return all(map(isfinite, values))


_PLAIN: Mapping[str, tuple[type, Callable[[Values], bool] | None]] = {
    "String": (str, None),
    "ID": (str, None),
    "DateTime": (str, None),
    "Boolean": (bool, None),
    "Long": (int, _is_long),
    "Float": (float, _is_finite),
}


def _written_by(kind: GraphQLLeafType) -> Step:
    """Let the type write each value itself, such as a constant."""

    def complete(values: Values) -> Values:
        try:
            return [StrawberryGraphQLCoreExecutionContext.complete_leaf_value(kind, value) for value in values]
        except Exception:  # noqa: BLE001 - a type may raise anything of a value that it does not know
            raise NotPlain from None

    return complete
