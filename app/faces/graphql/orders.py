"""Order inputs: an enum of a list's fields, and a direction."""

import re
from collections.abc import Sequence
from enum import Enum
from typing import Any

import strawberry
from strawberry import UNSET

from app.query.fields import Field
from app.query.ordering import Direction, OrderBy


@strawberry.enum(description="Which end comes first.")
class SortDirection(Enum):
    """The value is the name of a `Direction` of the vocabulary."""

    ASC = strawberry.enum_value("ASC", description="Least first; null before everything.")
    DESC = strawberry.enum_value("DESC", description="Greatest first; null after everything.")


def order_input(name: str, fields: Sequence[Field]) -> type:
    """Make the order input `name` over the fields, with its enum `<name>Field`."""
    values = {
        _constant(field.public_name): strawberry.enum_value(field.name, description=field.description)
        for field in fields
    }
    field_enum = strawberry.enum(
        Enum(f"{name}Field", values),  # type: ignore[call-overload] # the functional API makes a class
        name=f"{name}Field",
        description="A field to order by.",
    )
    namespace = {
        "__annotations__": {"by": field_enum, "direction": SortDirection},
        "by": strawberry.field(description="The field."),
        "direction": strawberry.field(default=SortDirection.ASC, description="Which end comes first."),
    }
    return strawberry.input(type(name, (), namespace), name=name, description="One key of an order.")


def read_order(fields: Sequence[Field], asked: Any) -> list[OrderBy]:
    """Turn order inputs into the vocabulary; absent or null is an empty list."""
    if asked is UNSET or asked is None:
        return []
    by_name = {field.name: field for field in fields}
    return [OrderBy(by_name[order.by.value], Direction[order.direction.value]) for order in asked]


def _constant(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name).upper()
