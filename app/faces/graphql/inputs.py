"""The operator inputs: what a filter can say about one field."""

from enum import Enum
from typing import Any

import strawberry
from strawberry import UNSET

from app.faces.graphql.scalars import DateTime, Duration, Long
from app.query.fields import Kind


@strawberry.enum(description="The hundreds of a status code (RFC 9110, section 15).")
class StatusClass(Enum):
    """The value is the first digit."""

    INFORMATIONAL = strawberry.enum_value(1, name="_1XX", description="100 to 199: informational.")
    SUCCESSFUL = strawberry.enum_value(2, name="_2XX", description="200 to 299: successful.")
    REDIRECTION = strawberry.enum_value(3, name="_3XX", description="300 to 399: redirection.")
    CLIENT_ERROR = strawberry.enum_value(4, name="_4XX", description="400 to 499: client error.")
    SERVER_ERROR = strawberry.enum_value(5, name="_5XX", description="500 to 599: server error.")


@strawberry.enum(description="How a call ended, by its status code.")
class StatusOutcome(Enum):
    """The value is the name of an `Outcome` of the vocabulary."""

    SUCCESS = strawberry.enum_value("SUCCESS", description="1xx, 2xx or 3xx.")
    ERROR = strawberry.enum_value("ERROR", description="4xx or 5xx.")


def _operator(description: str, name: str | None = None) -> Any:
    return strawberry.field(default=UNSET, name=name, description=description)


_NULL_NOTE = "Null is refused: use isNull."
_NEGATION_NOTE = "Also matches records where the field is null."
_IN = "Is one of these; an empty list matches nothing."
_NOT_IN = f"Is none of these. {_NEGATION_NOTE} An empty list excludes nothing."
_IS_NULL = "true: has no value; false: has one."


@strawberry.input(
    description="What a text field must be like; all operators given must hold. Text is literal and exact."
)
class StringFilter:
    """Operators on text."""

    eq: str | None = _operator(f"Equals. {_NULL_NOTE}")
    ne: str | None = _operator(f"Differs. {_NEGATION_NOTE} {_NULL_NOTE}")
    in_: list[str] | None = _operator(_IN, "in")
    not_in: list[str] | None = _operator(_NOT_IN)
    starts_with: str | None = _operator("Starts with this text.")
    contains: str | None = _operator("Contains this text.")
    is_null: bool | None = _operator(_IS_NULL)


@strawberry.input(description="What a number must be like; all operators given must hold.")
class LongFilter:
    """Operators on whole numbers."""

    eq: Long | None = _operator(f"Equals. {_NULL_NOTE}")
    ne: Long | None = _operator(f"Differs. {_NEGATION_NOTE} {_NULL_NOTE}")
    in_: list[Long] | None = _operator(_IN, "in")
    not_in: list[Long] | None = _operator(_NOT_IN)
    gt: Long | None = _operator("Is greater.")
    gte: Long | None = _operator("Is greater or equal.")
    lt: Long | None = _operator("Is less.")
    lte: Long | None = _operator("Is less or equal.")
    is_null: bool | None = _operator(_IS_NULL)


@strawberry.input(description="What a time must be like; all operators given must hold.")
class DateTimeFilter:
    """Operators on times."""

    eq: DateTime | None = _operator(f"Equals. {_NULL_NOTE}")
    ne: DateTime | None = _operator(f"Differs. {_NEGATION_NOTE} {_NULL_NOTE}")
    in_: list[DateTime] | None = _operator(_IN, "in")
    not_in: list[DateTime] | None = _operator(_NOT_IN)
    gt: DateTime | None = _operator("Is later.")
    gte: DateTime | None = _operator("Is later or equal.")
    lt: DateTime | None = _operator("Is earlier.")
    lte: DateTime | None = _operator("Is earlier or equal.")
    is_null: bool | None = _operator(_IS_NULL)


@strawberry.input(description="What a status code must be like; all operators given must hold.")
class StatusCodeFilter:
    """Operators on status codes such as `201 Created`."""

    eq: str | None = _operator(f"Equals, words included, such as `201 Created`. {_NULL_NOTE}")
    ne: str | None = _operator(f"Differs. {_NEGATION_NOTE} {_NULL_NOTE}")
    in_: list[str] | None = _operator(_IN, "in")
    not_in: list[str] | None = _operator(_NOT_IN)
    class_: StatusClass | None = _operator("Is of this class.", "class")
    outcome: StatusOutcome | None = _operator("Ended like this.")
    is_null: bool | None = _operator(_IS_NULL)


@strawberry.input(description="What an IP address must be like; all operators given must hold.")
class IpAddressFilter:
    """Operators on IPv4 and IPv6 addresses."""

    eq: str | None = _operator(f"Equals, as it was recorded. {_NULL_NOTE}")
    ne: str | None = _operator(f"Differs. {_NEGATION_NOTE} {_NULL_NOTE}")
    in_: list[str] | None = _operator(_IN, "in")
    not_in: list[str] | None = _operator(_NOT_IN)
    cidr: str | None = _operator("Lies in this network, such as 203.0.113.0/24 or 2001:db8::/32.")
    is_null: bool | None = _operator(_IS_NULL)


@strawberry.input(
    description="A window of time, start <= t < end. Give start and/or end, or minutes, or last; "
    "nothing: all that is kept."
)
class TimeWindow:
    """A window as GraphQL asks for it."""

    start: DateTime | None = _operator("First instant of the window.")
    end: DateTime | None = _operator("First instant after the window.")
    minutes: int | None = _operator("The minutes up to now, 1 or more; not together with start, end or last.")
    last: Duration | None = _operator("The time up to now, such as PT30M; not together with start, end or minutes.")


OPERATOR_INPUTS: dict[Kind, type] = {
    Kind.TEXT: StringFilter,
    Kind.LONG: LongFilter,
    Kind.STATUS: StatusCodeFilter,
    Kind.ADDRESS: IpAddressFilter,
    Kind.TIME: DateTimeFilter,
}
