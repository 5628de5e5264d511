"""Output types from tables of fields. A row is a dictionary by stored names."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import strawberry

from app.faces.graphql.scalars import DateTime, Long
from app.faces.rendering import PendingRow
from app.query.fields import Field, Kind

_TYPES: dict[Kind, Any] = {
    Kind.TEXT: str,
    Kind.STATUS: str,
    Kind.ADDRESS: str,
    Kind.LONG: Long,
    Kind.TIME: DateTime,
    Kind.BOOLEAN: bool,
    Kind.FLOAT: float,
}


def node_type(name: str, fields: Sequence[Field], description: str, id_field: str | None = None) -> type:
    """Make an object type; required fields are non-null, the id is an `ID`."""
    annotations: dict[str, Any] = {}
    members: dict[str, Any] = {}
    for field in fields:
        plain = strawberry.ID if field.name == id_field else _TYPES[field.kind]
        annotations[field.name] = plain if field.required else plain | None
        members[field.name] = strawberry.field(name=field.public_name, description=field.description)
    return strawberry.type(row_type(name, annotations, members), name=name, description=description)


def row_type(name: str, annotations: Mapping[str, Any], members: Mapping[str, Any]) -> type:
    """Make the class of an object type whose values are dictionaries, and whose fields are plain entries of them."""
    return type(name, (), {"__annotations__": dict(annotations), **members})


def row_value(source: Any, name: str) -> Any:
    """Resolve a plain field: rows are dictionaries, everything else has attributes."""
    return source.get(name) if isinstance(source, dict | PendingRow) else getattr(source, name)


ByKey = Callable[[Any, str], Any]
_BY_KEY = "by_response_key"


def reads_by_key(resolver: Callable[..., Any], read: ByKey) -> None:
    """Tell of a resolver that all it does is to take a value out of its object by the response key."""
    setattr(resolver, _BY_KEY, read)


def read_by_key(resolver: Callable[..., Any]) -> ByKey | None:
    """The reading that a resolver was told to be; None where it is none."""
    return getattr(resolver, _BY_KEY, None)
