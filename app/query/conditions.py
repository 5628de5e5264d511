"""Filters as values, and the table of operators.

Logic is two-valued: `ne`, `notIn` and `Not` are exact negations, so they also match where a field is null
or missing; every other operator matches only where there is a value. Nothing here is a pattern language:
values are literal text, numbers or times.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from app.query.fields import Field
from app.query.windows import Window


class Operator(StrEnum):
    """What a comparison does. The value's type follows the field's kind."""

    EQ = "eq"
    NE = "ne"
    IN = "in"
    NOT_IN = "notIn"
    GT = "gt"
    GTE = "gte"
    LT = "lt"
    LTE = "lte"
    STARTS_WITH = "startsWith"
    CONTAINS = "contains"
    IS_NULL = "isNull"
    CLASS = "class"
    OUTCOME = "outcome"
    CIDR = "cidr"
    BELOW = "below"


class Outcome(StrEnum):
    """How a call ended, by its status code: success is 1xx to 3xx, error 4xx and 5xx."""

    SUCCESS = "SUCCESS"
    ERROR = "ERROR"


Value = str | int | bool | datetime | Sequence[str] | Sequence[int] | Sequence[datetime]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One operator on one field."""

    field: Field
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class InWindow:
    """The time field lies in the window, to the tick where the dataset keeps ticks."""

    field: str
    ticks_field: str | None
    window: Window


@dataclass(frozen=True)
class Computed:
    """A dataset's own expression over stored fields holds (in MongoDB's aggregation language, without any values)."""

    expression: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every condition holds; none given: everything matches."""

    conditions: tuple["Condition", ...] = ()


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one condition holds; none given: nothing matches."""

    conditions: tuple["Condition", ...] = ()


@dataclass(frozen=True, slots=True)
class Not:
    """The condition does not hold."""

    condition: "Condition"


Condition = Comparison | InWindow | Computed | AllOf | AnyOf | Not
EVERYTHING = AllOf()
NOTHING = AnyOf()
