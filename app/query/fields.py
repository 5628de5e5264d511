"""What a dataset's documents hold: one line per field."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum, auto
from functools import cache
from typing import Any

from app.query.instants import Instant


class Kind(Enum):
    """How a field is compared, ordered and written out."""

    TEXT = auto()
    LONG = auto()
    TIME = auto()
    STATUS = auto()
    ADDRESS = auto()
    BOOLEAN = auto()
    FLOAT = auto()


@dataclass(frozen=True, slots=True)
class Field:
    """A stored field. `name` is the source's own spelling; `required` fields are never null."""

    name: str
    kind: Kind
    description: str
    required: bool = False
    alias: str | None = None

    @property
    def public_name(self) -> str:
        """The name in GraphQL: camelCase, unless the table says otherwise."""
        return self.alias or _camel_case(self.name)


@cache
def _camel_case(name: str) -> str:
    head, *rest = name.split("_")
    return head + "".join(part.capitalize() for part in rest)


@dataclass(frozen=True, slots=True)
class Derived:
    """A field that is not stored: computed from the stored fields `needs` of a row, and the request's now."""

    field: Field
    needs: tuple[str, ...]
    value: Callable[[Mapping[str, Any], Instant], Any]
