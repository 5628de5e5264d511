"""Filter inputs: made from a dataset's fields, read into conditions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from dataclasses import fields as parts_of
from enum import Enum
from typing import Any

import strawberry
from strawberry import UNSET

from app.errors import InvalidInput
from app.faces.graphql.inputs import OPERATOR_INPUTS, TimeWindow
from app.query.addresses import parse_network
from app.query.conditions import (
    NOTHING,
    AllOf,
    AnyOf,
    Comparison,
    Condition,
    InWindow,
    Not,
    Operator,
    Outcome,
)
from app.query.dataset import Dataset
from app.query.fields import Field, Kind
from app.query.instants import Instant
from app.query.limits import FILTER_CHARACTERS, FILTER_CONDITIONS, FILTER_DEPTH, FILTER_ITEMS, LIST_ITEMS
from app.query.texts import check_text
from app.query.times import compare_time
from app.query.windows import ALL_TIME, GRAPHQL_WINDOW, Window, read_instant, resolve_window

_JOINTS = {
    "and": "All of these hold too; an empty list matches nothing.",
    "or": "At least one of these holds too; an empty list matches nothing.",
}


@dataclass(frozen=True, slots=True)
class Flag:
    """A yes-or-no part of a dataset's filter beside its stored fields; its condition may depend on now."""

    description: str
    condition: Callable[[Instant], Condition]


def filter_input(
    dataset: Dataset, name: str, module: str, time_description: str, flags: Mapping[str, Flag] | None = None
) -> type:
    """Make the input type of a dataset's filter. It must be bound to `name` in `module`, where it names itself."""
    annotations: dict[str, Any] = {"time": TimeWindow | None}
    members: dict[str, Any] = {"time": strawberry.field(default=UNSET, description=time_description)}
    for field in dataset.fields:
        if field.name != dataset.time_field:
            annotations[field.public_name] = OPERATOR_INPUTS[field.kind] | None
            members[field.public_name] = strawberry.field(
                default=UNSET, name=field.public_name, description=field.description
            )
    for flag_name, flag in (flags or {}).items():
        annotations[flag_name] = bool | None
        members[flag_name] = strawberry.field(default=UNSET, name=flag_name, description=flag.description)
    for joint, description in _JOINTS.items():
        annotations[f"{joint}_"] = f"list[{name}] | None"
        members[f"{joint}_"] = strawberry.field(default=UNSET, name=joint, description=description)
    annotations["not_"] = f"{name} | None"
    members["not_"] = strawberry.field(default=UNSET, name="not", description="This does not hold.")
    namespace = {"__annotations__": annotations, "__module__": module, **members}
    return strawberry.input(
        type(name, (), namespace),
        name=name,
        description="What records must be like: everything given must hold. An absent or null field filters nothing.",
    )


@dataclass
class FilterReader:
    """Reads one filter value. Counts operators and what they hold as it goes, so that a filter stays within its limits.

    A variable may stand in many places of a filter: the size of a body does not bound it.

    With `own_window` the top level's `time` is not a condition but kept in `window` (the connection summary's W, or
    the window of groups), and `time` deeper inside is refused, unless it may be `nested`: then it is a condition there.
    """

    dataset: Dataset
    now: Instant
    own_window: bool = False
    nested: bool = False
    window: Window = ALL_TIME
    flags: Mapping[str, Flag] | None = None
    _operators: int = 0
    _items: int = 0
    _characters: int = 0

    def read(self, value: Any, path: str = "filter") -> Condition:
        """Turn an input value into a condition. Raises InvalidInput or LimitExceeded that name the place."""
        return self._read(value, path, 0)

    def _read(self, value: Any, path: str, depth: int) -> Condition:
        if value is None or value is UNSET:
            return AllOf()
        FILTER_DEPTH.check(depth, path)
        if depth:
            self._count(path)
        conditions: list[Condition] = []
        if value.time is not UNSET and value.time is not None:
            conditions += self._window(value.time, f"{path}.time", depth)
        for field in self.dataset.fields:
            operators = getattr(value, field.public_name, None)
            if operators is not None and operators is not UNSET:
                conditions += self._comparisons(field, operators, f"{path}.{field.public_name}")
        conditions += self._flagged(value, path)
        for joint, joined in (("and", AllOf), ("or", AnyOf)):
            branches = getattr(value, f"{joint}_")
            if branches is not UNSET and branches is not None:
                LIST_ITEMS.check(len(branches), f"{path}.{joint}")
                inner = tuple(
                    self._read(branch, f"{path}.{joint}[{index}]", depth + 1) for index, branch in enumerate(branches)
                )
                conditions.append(joined(inner) if inner else NOTHING)
        if value.not_ is not UNSET and value.not_ is not None:
            conditions.append(Not(self._read(value.not_, f"{path}.not", depth + 1)))
        return conditions[0] if len(conditions) == 1 else AllOf(tuple(conditions))

    def _flagged(self, value: Any, path: str) -> list[Condition]:
        found: list[Condition] = []
        for name, flag in (self.flags or {}).items():
            asked = getattr(value, name)
            if asked is not UNSET and asked is not None:
                self._count(f"{path}.{name}")
                condition = flag.condition(self.now)
                found.append(condition if asked else Not(condition))
        return found

    def _window(self, value: TimeWindow, path: str, depth: int) -> list[Condition]:
        asked = {name: None if part is UNSET else part for name, part in vars(value).items()}
        window = resolve_window(asked, GRAPHQL_WINDOW, self.now, prefix=f"{path}.")
        self._count(path)
        if not self.own_window or (self.nested and depth):
            return [InWindow(self.dataset.time_field, self.dataset.ticks_field, window)]
        if depth:
            raise InvalidInput(
                f"{path}: there is one window here; give time at the top of the filter only.", argument=path
            )
        self.window = window
        return []

    def _comparisons(self, field: Field, operators: Any, path: str) -> list[Condition]:
        found: list[Condition] = []
        for part in parts_of(operators):
            value = getattr(operators, part.name)
            if value is UNSET:
                continue
            operator = Operator(_graphql_name(part.name))
            where = f"{path}.{operator}"
            if value is None:
                raise InvalidInput(
                    f"{where}: null is not a value to compare with; use isNull, or leave {operator} out.",
                    argument=where,
                )
            self._count(where)
            checked = self._checked(operator, value, where)
            if field.kind is Kind.TIME and operator is not Operator.IS_NULL:
                found.append(compare_time(field, operator, _instants(checked, where)))
            else:
                found.append(Comparison(field, operator, checked))
        return found

    def _checked(self, operator: Operator, value: Any, path: str) -> Any:
        match value:
            case list():
                LIST_ITEMS.check(len(value), path)
                self._items += len(value)
                FILTER_ITEMS.check(self._items, path)
                return tuple(self._checked(operator, item, f"{path}[{index}]") for index, item in enumerate(value))
            case Enum():
                return Outcome(value.value) if operator is Operator.OUTCOME else value.value
            case str():
                check_text(value, path)
                self._characters += len(value)
                FILTER_CHARACTERS.check(self._characters, path)
                if operator is Operator.CIDR:
                    _check_network(value, path)
        return value

    def _count(self, path: str) -> None:
        self._operators += 1
        FILTER_CONDITIONS.check(self._operators, path)


def _graphql_name(name: str) -> str:
    head, *rest = name.rstrip("_").split("_")
    return head + "".join(part.capitalize() for part in rest)


def _instants(value: Any, path: str) -> Any:
    if isinstance(value, tuple):
        return tuple(_instants(item, f"{path}[{index}]") for index, item in enumerate(value))
    return read_instant(value, path)


def _check_network(value: str, path: str) -> None:
    try:
        parse_network(value)
    except ValueError:
        raise InvalidInput(
            f"{path}: {value[:60]!r} is not a network such as 203.0.113.0/24 or 2001:db8::/32 (no host bits set).",
            argument=path,
        ) from None
