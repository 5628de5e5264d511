"""The three scalars of the schema.

Times and durations are only checked for their JSON type here: what they say is read where the argument's name is
known, so that an error can name it.
"""

from typing import Any, NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

DateTime = NewType("DateTime", str)
Duration = NewType("Duration", str)
Long = NewType("Long", int)


class Unreadable(ValueError):
    """A value is none of the scalar's; the message says what would be."""


_LONG_MIN, _LONG_MAX = -(2**63), 2**63 - 1


def _parse_time(value: Any) -> str | int:
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise Unreadable("DateTime takes an RFC 3339 text or epoch milliseconds.")


def _parse_duration(value: Any) -> str:
    if isinstance(value, str):
        return value
    raise Unreadable("Duration takes an ISO 8601 text such as PT30M or P7D.")


def _parse_long(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and _LONG_MIN <= value <= _LONG_MAX:
        return value
    raise Unreadable("Long takes a whole number of at most 64 bits.")


def _write_long(value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return _parse_long(value)


SCALARS: dict[object, ScalarDefinition] = {
    DateTime: strawberry.scalar(
        name="DateTime",
        description="A point in time, RFC 3339. Input: any offset, up to 7 fractional digits (100 ns), or epoch "
        "milliseconds as a number. Output: UTC with Z.",
        parse_value=_parse_time,
    ),
    Duration: strawberry.scalar(
        name="Duration",
        description="A length of time, ISO 8601, such as PT30M or P7D; positive and at most 36525 days.",
        parse_value=_parse_duration,
    ),
    Long: strawberry.scalar(
        name="Long",
        description="A 64-bit whole number as a JSON number: counts, bytes, seconds.",
        serialize=_write_long,
        parse_value=_parse_long,
    ),
}
