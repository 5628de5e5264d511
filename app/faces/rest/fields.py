"""The parameter `fields`: which fields of a record go out."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.errors import InvalidInput
from app.faces.rest.parameters import Parameter, list_of


def fields_parameter(names: Sequence[str]) -> Parameter:
    """Make the parameter for records of these fields."""
    return list_of("fields", f"Fields of the records, separated by commas: {', '.join(names)}. Absent: all.", names)


def read_fields(values: Mapping[str, Any], names: Sequence[str]) -> tuple[str, ...]:
    """Tell which fields were asked for, in the record's own order; InvalidInput where one is not in the record."""
    if "fields" not in values:
        return tuple(names)
    asked = values["fields"].split(",")
    for name in asked:
        check_field("fields", name, names)
    return tuple(name for name in names if name in asked)


def check_field(parameter: str, name: str, names: Sequence[str]) -> None:
    """Raise InvalidInput that names the parameter, unless the name is one of these."""
    if name not in names:
        raise InvalidInput(f"{parameter}: {name[:40]!r} is no field; there are {', '.join(names)}.", argument=parameter)
