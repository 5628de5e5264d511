"""The root field of groups: the selection becomes the query, the rows go out by response keys."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import isfinite
from typing import Annotated, Any

import strawberry
from strawberry import UNSET
from strawberry.types import Info
from strawberry.types.field import StrawberryField

from app.errors import InvalidInput, LimitExceeded
from app.faces.context import RequestContext
from app.faces.graphql.filters import FilterReader, Flag
from app.faces.graphql.group_selection import SelectedGroups, read_groups_selection
from app.faces.graphql.group_types import (
    STATUS_CLASS,
    GroupHaving,
    GroupOrder,
    ResolvedWindow,
    group_types,
)
from app.faces.graphql.inputs import StatusClass
from app.faces.graphql.scalars import DateTime, Duration
from app.faces.graphql.selection import chosen_below
from app.faces.rendering import fits
from app.query import grouping
from app.query.buckets import first_instant
from app.query.durations import parse_duration
from app.query.fields import Kind
from app.query.group_rows import PREVIOUS, Row
from app.query.grouping import Comparator, Dimension, GroupQuery, GroupTable, Measure, Measured, Path, Statistic
from app.query.instants import TICKS_PER_MILLISECOND, format_instant, instant_from_date
from app.query.limits import GROUP_ROWS, LIST_ITEMS, ORDER_KEYS, check_rows
from app.query.ordering import Direction
from app.query.rollups import Rollup
from app.query.windows import Window
from app.store.groups import read_groups

Node = dict[str, Any]
DEFAULT_GROUPS = 100


@dataclass(frozen=True)
class GroupField:
    """What a dataset's grouped list is made of."""

    table: GroupTable
    name: str
    filter: type
    flags: Mapping[str, Flag] | None = None
    rollup: Rollup | None = None


def group_field(groups: GroupField, description: str) -> StrawberryField:
    """Make the root field of a dataset's groups."""

    async def resolve(  # noqa: PLR0917 - the arguments of the schema
        info: Info[RequestContext, None],
        filter: Any = UNSET,  # noqa: A002 - the contract's name
        having: Any = UNSET,
        order_by: Any = UNSET,
        limit: int | None = DEFAULT_GROUPS,
        fill: bool | None = False,  # noqa: FBT001, FBT002 - an argument of the schema
        compare_to: Any = UNSET,
    ) -> Any:
        context = info.context
        context.reader.check_permission(groups.table.dataset)
        reader = FilterReader(
            groups.table.dataset, context.now, own_window=True, nested=not compare_to, flags=groups.flags
        )
        condition = reader.read(filter)
        selected = read_groups_selection(groups.table, chosen_below(info, "nodes"))
        query = GroupQuery(
            table=groups.table,
            now=context.now,
            window=reader.window,
            dimensions=selected.dimensions,
            measures=selected.measures,
            condition=condition,
            previous=selected.previous,
            having=_read_having(selected, having),
            order=_read_order(selected, order_by),
            limit=DEFAULT_GROUPS if limit is None else check_rows(limit, "limit", GROUP_ROWS, least=1),
            fill=bool(fill),
            compare_to=_read_comparison(compare_to),
            rollup=groups.rollup,
        )
        _check(query)
        found = await read_groups(context.reader, query)
        context.tell_used(info.path.key, found.used)
        return {
            "nodes": _nodes(query, found.rows),
            "window": _shown_window(query.window),
            "truncated": found.truncated,
        }

    filter_type: Any = groups.filter
    resolve.__annotations__ |= {
        "filter": Annotated[filter_type | None, strawberry.argument(description="The window, and which records.")],
        "having": Annotated[
            list[GroupHaving] | None, strawberry.argument(description="Which groups, by their measures; all must hold.")
        ],
        "order_by": Annotated[
            list[GroupOrder] | None,
            strawberry.argument(
                description="In which order. By default the first time dimension ascending, then count descending; "
                "ties by the dimensions ascending."
            ),
        ],
        "limit": Annotated[
            int | None, strawberry.argument(description=f"How many groups at most, 1 to {GROUP_ROWS.value}.")
        ],
        "fill": Annotated[
            bool | None,
            strawberry.argument(
                description="Add the empty buckets of the window, with count 0. "
                "Needs a bounded window and one time dimension."
            ),
        ],
        "compare_to": Annotated[
            Duration | None,
            strawberry.argument(
                description="Give each group `previous`: the measures of the window shifted back by this much."
            ),
        ],
        "return": group_types(groups.table, groups.name).page,
    }
    field: StrawberryField = strawberry.field(resolver=resolve, description=description)
    return field


def _check(query: GroupQuery) -> None:
    bounded = query.window.start is not None and query.window.end is not None
    buckets = [key for key in query.keys if key.bucket is not None]
    if query.fill and not bounded:
        raise InvalidInput(
            "fill: needs a bounded window; give filter.time a start and an end, or last.", argument="fill"
        )
    if query.fill and len(buckets) != 1:
        raise InvalidInput("fill: needs exactly one time dimension to be selected.", argument="fill")
    if query.by_previous and query.compare_to is None:
        raise InvalidInput("orderBy, having: `previous` needs compareTo.", argument="compareTo")
    if query.compare_to is not None and not bounded:
        raise InvalidInput(
            "compareTo: needs a bounded window; give filter.time a start and an end, or last.", argument="compareTo"
        )


def _read_comparison(value: Any) -> Any:
    if value is UNSET or value is None:
        return None
    try:
        shift = parse_duration(value)
    except ValueError as error:
        raise InvalidInput(f"compareTo: {value[:40]!r} {error}.", argument="compareTo") from None
    if shift.ticks % TICKS_PER_MILLISECOND:
        raise InvalidInput("compareTo: give whole milliseconds, such as PT0.001S.", argument="compareTo")
    return shift


def _read_order(selected: SelectedGroups, asked: Any) -> tuple[grouping.GroupOrder, ...]:
    if asked is UNSET or asked is None:
        return ()
    ORDER_KEYS.check(len(asked), "orderBy")
    order = tuple(
        grouping.GroupOrder(_named(selected, one.by, f"orderBy[{index}].by"), Direction[one.direction.value])
        for index, one in enumerate(asked)
    )
    if len({one.by for one in order}) < len(order):
        raise InvalidInput("orderBy: the same is given twice; keep one.", argument="orderBy")
    return order


def _read_having(selected: SelectedGroups, asked: Any) -> tuple[grouping.Having, ...]:
    if asked is UNSET or asked is None:
        return ()
    LIST_ITEMS.check(len(asked), "having")
    found: list[grouping.Having] = []
    for index, one in enumerate(asked):
        path = f"having[{index}]"
        by = _named(selected, one.by, f"{path}.by")
        if isinstance(by, Dimension):
            raise InvalidInput(
                f"{path}.by: {one.by!r} is a dimension; filter by it in `filter`.", argument=f"{path}.by"
            )
        for comparator in Comparator:
            value = getattr(one, comparator.name.lower())
            if value is None:
                raise InvalidInput(
                    f"{path}.{comparator.name.lower()}: null is not a value to compare with; leave it out.",
                    argument=path,
                )
            if value is not UNSET:
                found.append(grouping.Having(by, comparator, value))
    return tuple(found)


def _named(selected: SelectedGroups, name: str, argument: str) -> Dimension | Measure:
    """Find what a path of response keys names; a dimension also by its own key alone."""
    measures: dict[str, Dimension | Measure] = {".".join(path[1:]): one for path, one in selected.measures.items()}
    measures |= {
        ".".join(path[1:]): replace(one, of_previous=True) for path, one in selected.previous.items() if path[-1]
    }
    dimensions: dict[str, Dimension | Measure] = {".".join(path[1:]): one for path, one in selected.dimensions.items()}
    short: dict[str, Dimension | Measure] = {path[-1]: one for path, one in selected.dimensions.items()}
    known = {**short, **dimensions, **measures}
    if name not in known:
        there = ", ".join([*short, *measures]) or "nothing"
        raise InvalidInput(f"{argument}: {name[:60]!r} was not selected; selected are {there}.", argument=argument)
    return known[name]


def _nodes(query: GroupQuery, rows: Sequence[Row]) -> list[Node]:
    """Make the rows' nodes, by the names that `nodes` was selected under."""
    nodes: list[Node] = [{} for _ in rows]
    names = {key: f"d{index}" for index, key in enumerate(query.keys)}
    for path, dimension in query.dimensions.items():
        _put(nodes, path, [_shown_key(query, dimension, row[names[dimension]]) for row in rows])
    _put_measures(nodes, query.table, query.measures, query.computed, rows)
    compared = [(node, row[PREVIOUS]) for node, row in zip(nodes, rows, strict=True) if row.get(PREVIOUS) is not None]
    before, earlier = [node for node, _ in compared], [row for _, row in compared]
    _put_measures(before, query.table, query.previous, query.computed_previous, earlier)
    return nodes


def _put_measures(
    nodes: Sequence[Node],
    table: GroupTable,
    selected: Mapping[Path, Measure],
    computed: Sequence[Measure],
    rows: Sequence[Row],
) -> None:
    names = {measure: f"m{index}" for index, measure in enumerate(computed)}
    for path, measure in selected.items():
        _put(nodes, path, [_shown_measure(table, measure, row[names[measure]]) for row in rows])


def _put(nodes: Sequence[Node], path: Path, values: Sequence[Any]) -> None:
    """Put a value into each node, at a path."""
    for key in path[:-1]:
        nodes = [node.setdefault(key, {}) for node in nodes]
    for node, value in zip(nodes, values, strict=True):
        node[path[-1]] = value


def _shown_key(query: GroupQuery, dimension: Dimension, value: Any) -> Any:
    if isinstance(value, datetime):
        value = first_instant(value, dimension)
        return format_instant(instant_from_date(value), query.table.dataset.digits)
    if dimension.name == STATUS_CLASS and value is not None:
        return StatusClass(int(value))
    return value if fits(Kind.TEXT, value) else None


def _shown_measure(table: GroupTable, measure: Measure, value: Any) -> Any:
    """A sum that MongoDB could not keep in 64 bits came as a fraction; a quantile is a float, also of whole numbers.

    A collection of another service may hold what is no whole number: such an extreme is null, a sum is cut off.
    """
    if measure.kind is not Measured.NUMBER:
        return value
    statistic, whole = measure.statistic, table.numbers[measure.name].divisor == 1
    if not isinstance(value, int | float) or not isfinite(value):
        value = None
    if statistic is Statistic.SUM:
        if value is None or abs(value) >= 2**63:
            raise LimitExceeded(f"{measure.name}.sum: passes 64 bits; narrow the window or the filter.")
        return int(value) if whole or float(value).is_integer() else value
    if statistic is Statistic.QUANTILE and value is not None:
        return float(value)
    return None if whole and statistic is not Statistic.AVG and not fits(Kind.LONG, value) else value


def _shown_window(window: Window) -> ResolvedWindow:
    def shown(edge: Any) -> DateTime | None:
        return None if edge is None else DateTime(format_instant(edge))

    return ResolvedWindow(start=shown(window.start), end=shown(window.end))
