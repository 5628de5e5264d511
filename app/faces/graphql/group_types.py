"""The types of grouped answers, from a dataset's group table."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from inspect import Parameter, Signature
from typing import Annotated, Any

import strawberry
from strawberry import UNSET
from strawberry.types import Info

from app.faces.graphql.inputs import StatusClass
from app.faces.graphql.nodes import ByKey, reads_by_key
from app.faces.graphql.orders import SortDirection
from app.faces.graphql.scalars import DateTime, Long
from app.query.grouping import GroupTable, Number

STATUS_CLASS = "statusClass"


@strawberry.enum(description="Units of time buckets. Weeks start on Monday.")
class TimeUnit(Enum):
    """The value is the unit's name in $dateTrunc."""

    MINUTE = strawberry.enum_value("minute", description="60 seconds.")
    HOUR = strawberry.enum_value("hour", description="60 minutes.")
    DAY = strawberry.enum_value("day", description="A calendar day of the time zone.")
    WEEK = strawberry.enum_value("week", description="A calendar week, from Monday.")
    MONTH = strawberry.enum_value("month", description="A calendar month.")
    QUARTER = strawberry.enum_value("quarter", description="A calendar quarter.")
    YEAR = strawberry.enum_value("year", description="A calendar year.")


@strawberry.input(description="One key of an order of groups. Ties are always broken by the dimensions, ascending.")
class GroupOrder:
    """Names what was selected."""

    by: str = strawberry.field(
        description='Path of response keys of what was selected: "count", "timeToServeRequest.p99", '
        "or the key of a dimension."
    )
    direction: SortDirection = strawberry.field(default=SortDirection.ASC, description="Which end comes first.")


@strawberry.input(description="A condition on a measure; all operators given must hold. Null never matches.")
class GroupHaving:
    """Names a measure that was selected."""

    by: str = strawberry.field(description='Path of response keys of a selected measure, such as "count".')
    eq: float | None = strawberry.field(default=UNSET, description="Equals.")
    ne: float | None = strawberry.field(default=UNSET, description="Differs.")
    gt: float | None = strawberry.field(default=UNSET, description="Is greater.")
    gte: float | None = strawberry.field(default=UNSET, description="Is greater or equal.")
    lt: float | None = strawberry.field(default=UNSET, description="Is less.")
    lte: float | None = strawberry.field(default=UNSET, description="Is less or equal.")


@strawberry.type(description="A window of time as it was resolved: start <= t < end; null where it is open.")
class ResolvedWindow:
    """What the rows are about."""

    start: DateTime | None = strawberry.field(description="First instant.")
    end: DateTime | None = strawberry.field(description="First instant after it.")


def _by_response_key(root: Any, key: str) -> Any:
    """Take the value that was computed for this very selection: the same field may be selected several times."""
    return root.get(key)


def _object_by_response_key(root: Any, key: str) -> Any:
    """As above; nothing but `__typename` may have been selected inside."""
    return root.get(key, {})


def _nodes_by_response_key(root: Any, key: str) -> Any:
    """The groups as they were selected under this name of `nodes`."""
    return [node.get(key, {}) for node in root["nodes"]]


def _leaf(
    kind: Any, description: str, arguments: Mapping[str, Any] | None = None, read: ByKey = _by_response_key
) -> Any:
    """Make a field that reads its value by its response key; its arguments were read from the selection."""

    def resolve(root: Any, info: Info[Any, Any], **_arguments: Any) -> Any:
        return read(root, str(info.path.key))

    reads_by_key(resolve, read)
    parameters = [
        Parameter("root", Parameter.POSITIONAL_OR_KEYWORD),
        Parameter("info", Parameter.POSITIONAL_OR_KEYWORD, annotation=Info[Any, Any]),
        *(arguments or {}).values(),
    ]
    resolve.__signature__ = Signature(parameters, return_annotation=kind)  # type: ignore[attr-defined] # how Strawberry learns of arguments
    resolve.__annotations__ = {one.name: one.annotation for one in parameters[1:]} | {"return": kind}
    return strawberry.field(resolver=resolve, description=description)


def _argument(name: str, kind: Any, description: str, default: Any = Parameter.empty) -> Parameter:
    annotation = Annotated[kind, strawberry.argument(description=description)]
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


_QUANTILE_NOTE = (
    "The value at rank ceil(p n) of the n values in ascending order, within 1 % of it; exact for p = 0 and 1. "
    "Null where there are none."
)
_P = {"p": _argument("p", float, "0 to 1, such as 0.99.")}
_TIME = {
    "every": _argument("every", TimeUnit, "Unit of the buckets."),
    "bin": _argument("bin", int | None, "Units in a bucket, 1 or more.", 1),
    "timezone": _argument(
        "timezone", str | None, "Time zone of the buckets: an IANA name such as Europe/Warsaw.", "UTC"
    ),
}


def _statistics(name: str, whole: bool) -> type:  # noqa: FBT001 - one of two types
    number: Any = Long if whole else float
    members = {
        "sum": _leaf(number, "Sum; 0 of nothing."),
        "avg": _leaf(float | None, "Average; null of nothing."),
        "min": _leaf(number | None, "Least; null of nothing."),
        "max": _leaf(number | None, "Greatest; null of nothing."),
        "quantile": _leaf(float | None, _QUANTILE_NOTE, _P),
    }
    return strawberry.type(type(name, (), members), name=name, description="Statistics of a number over a group.")


LongStatistics = _statistics("LongStatistics", whole=True)
FloatStatistics = _statistics("FloatStatistics", whole=False)


@dataclass(frozen=True)
class GroupTypes:
    """The types of one dataset's groups."""

    group: type
    page: type


def group_types(table: GroupTable, name: str) -> GroupTypes:
    """Make `<name>Group` with its dimensions and measures, and `<name>GroupPage`."""
    measures = _measures(table, name)
    dimensions = {
        key: _leaf(StatusClass | None if key == STATUS_CLASS else str | None, named.description)
        for key, named in table.dimensions.items()
    }
    dimensions["time"] = _leaf(
        DateTime | None, "The first instant of the time bucket that the record falls into; bins as $dateTrunc's.", _TIME
    )
    dimensions_type = _object(f"{name}Dimensions", dimensions, "What groups are told apart by: what is selected here.")
    previous = _object(f"{name}PreviousMeasures", dict(measures), "The measures of the window compared with.")
    group = _object(
        f"{name}Group",
        {
            "dimensions": _leaf(dimensions_type, "What this group is told apart by.", read=_object_by_response_key),
            **measures,
            "previous": _leaf(
                previous | None,
                "The measures of the same group in the window shifted back by compareTo; null where there was nothing.",
            ),
        },
        "One group.",
    )
    nodes: Any = group
    page = strawberry.type(
        type(
            f"{name}GroupPage",
            (),
            {
                "__annotations__": {"window": ResolvedWindow, "truncated": bool},
                "nodes": _leaf(list[nodes], "The groups.", read=_nodes_by_response_key),
                "window": strawberry.field(description="The window as it was resolved."),
                "truncated": strawberry.field(description="Whether `limit` cut groups off."),
            },
        ),
        name=f"{name}GroupPage",
        description="Groups, and what they are about.",
    )
    return GroupTypes(group, page)


def _measures(table: GroupTable, name: str) -> dict[str, Any]:
    uniq = {
        key: _leaf(Long, f"Distinct values: {named.description}")
        for key, named in table.dimensions.items()
        if key != STATUS_CLASS
    }
    uniq_type = _object(f"{name}Uniq", uniq, "How many distinct values there are; null is none.")
    members: dict[str, Any] = {
        "count": _leaf(Long, "How many records."),
        "uniq": _leaf(uniq_type, "How many distinct values.", read=_object_by_response_key),
    }
    for key, number in table.numbers.items():
        members[key] = _leaf(_number_type(number), number.description, read=_object_by_response_key)
    for key, description in table.counts.items():
        members[key] = _leaf(Long, description.description)
    if table.ratios:
        shares = {key: _leaf(float | None, named.description) for key, named in table.ratios.items()}
        members["ratio"] = _leaf(
            _object(f"{name}Ratio", shares, "Shares of the records, 0 to 1."),
            "Shares of the records.",
            read=_object_by_response_key,
        )
    return members


def _number_type(number: Number) -> type:
    return LongStatistics if number.divisor == 1 else FloatStatistics


def _object(name: str, members: Mapping[str, Any], description: str) -> Any:
    return strawberry.type(type(name, (), dict(members)), name=name, description=description)
