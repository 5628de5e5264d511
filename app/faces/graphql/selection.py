"""What a client selected below a field: what is not selected is neither fetched nor computed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, TypeVar

from graphql import (
    FieldNode,
    FragmentSpreadNode,
    GraphQLResolveInfo,
    InlineFragmentNode,
    SelectionSetNode,
    Undefined,
    value_from_ast_untyped,
)
from graphql.language import DirectiveNode, ListValueNode, ObjectValueNode, ValueNode, VariableNode
from strawberry.types import Info


@dataclass
class Selection:
    """Selected fields by their schema names, each with what is selected below it (aliases are merged)."""

    fields: dict[str, Selection] = field(default_factory=dict)

    def below(self, *path: str) -> Selection:
        """Follow a path of field names; nothing selected there gives an empty selection."""
        selection = self
        for name in path:
            selection = selection.fields.get(name, Selection())
        return selection

    def __contains__(self, name: str) -> bool:
        return name in self.fields


Kept = TypeVar("Kept")


class PlannedInfo(GraphQLResolveInfo[Any]):
    """What a resolver is told, with what was read of the same selection before: `kept` is of the field's plan.

    A plan is for one choice of what is skipped and included. What depends on other variables must not be kept.
    """

    kept: dict[str, Any]


def is_planned(info: Info[Any, Any]) -> bool:
    """Whether a plan completes what the resolver gives, which may be rows that nobody has looked at."""
    return isinstance(info._raw_info, PlannedInfo)  # noqa: SLF001 - as in selection_of


def kept(info: Info[Any, Any], name: str, read: Callable[[], Kept]) -> Kept:
    """Give what `read` reads of the selection, for a plan once; what depends on other variables must not be read."""
    raw = info._raw_info  # noqa: SLF001 - as in selection_of
    if not isinstance(raw, PlannedInfo):
        return read()
    if name not in raw.kept:
        raw.kept[name] = read()
    found: Kept = raw.kept[name]
    return found


def selection_of(info: Info[Any, Any]) -> Selection:
    """Collect what is selected below the field that is being resolved; `@skip` and `@include` are applied.

    The same selection is given to every request of a plan: it must not be changed.
    """
    raw = info._raw_info  # noqa: SLF001 - Strawberry's own selected_fields leave the directives to its callers

    def read() -> Selection:
        selection = Selection()
        collector = _Collector(raw.fragments, raw.variable_values)
        for node in raw.field_nodes:
            if node.selection_set is not None:
                collector.collect(node.selection_set, selection)
        return selection

    return kept(info, "selection", read)


@dataclass
class _Collector:
    fragments: Any
    variables: Any
    _seen: set[tuple[str, int]] = field(default_factory=set)  # a fragment is read once per place: linear, not doubled

    def collect(self, selections: SelectionSetNode, into: Selection) -> None:
        for node in selections.selections:
            if not self._included(node.directives or ()):
                continue
            match node:
                case FieldNode():
                    below = into.fields.setdefault(node.name.value, Selection())
                    if node.selection_set is not None:
                        self.collect(node.selection_set, below)
                case InlineFragmentNode():
                    self.collect(node.selection_set, into)
                case FragmentSpreadNode():
                    if (node.name.value, id(into)) not in self._seen:
                        self._seen.add((node.name.value, id(into)))
                        self.collect(self.fragments[node.name.value].selection_set, into)

    def _included(self, directives: Iterable[DirectiveNode]) -> bool:
        for directive in directives:
            if directive.name.value in {"skip", "include"}:
                wanted = self._truth((directive.arguments or ())[0].value)
                if wanted is (directive.name.value == "skip"):
                    return False
        return True

    def _truth(self, value: ValueNode) -> bool:
        if isinstance(value, VariableNode):
            return bool(self.variables.get(value.name.value))
        return bool(getattr(value, "value", False))


@dataclass
class Chosen:
    """A selected field with its arguments, by response key: the same field may be chosen several times."""

    name: str
    arguments: dict[str, Any]
    below: dict[str, Chosen] = field(default_factory=dict)


def chosen_below(info: Info[Any, Any], name: str) -> dict[str, dict[str, Chosen]]:
    """Collect what is chosen below each field `name` of the field that is being resolved, by its response key.

    As with `selection_of`, it must not be changed.
    """
    raw = info._raw_info  # noqa: SLF001 - as in selection_of
    kept = raw.kept if isinstance(raw, PlannedInfo) else {}
    top: Chosen | None = kept.get("chosen")
    if top is None:
        top = Chosen("", {})
        collector = _ArgumentCollector(raw.fragments, raw.variable_values)
        for node in raw.field_nodes:
            if node.selection_set is not None:
                collector.choose(node.selection_set, top)
        if not collector.varies:
            kept["chosen"] = top
    return {key: chosen.below for key, chosen in top.below.items() if chosen.name == name}


@dataclass
class _ArgumentCollector(_Collector):
    varies: bool = False  # whether an argument holds a variable

    def choose(self, selections: SelectionSetNode, into: Chosen) -> None:
        for node in selections.selections:
            if not self._included(node.directives or ()):
                continue
            match node:
                case FieldNode():
                    if not node.name.value.startswith("__"):
                        self._choose_field(node, into)
                case InlineFragmentNode():
                    self.choose(node.selection_set, into)
                case FragmentSpreadNode():
                    if (node.name.value, id(into)) not in self._seen:
                        self._seen.add((node.name.value, id(into)))
                        self.choose(self.fragments[node.name.value].selection_set, into)

    def _choose_field(self, node: FieldNode, into: Chosen) -> None:
        key = (node.alias or node.name).value
        arguments = {one.name.value: self._value(one.value) for one in node.arguments or ()}
        chosen = into.below.setdefault(key, Chosen(node.name.value, arguments))
        if node.selection_set is not None:
            self.choose(node.selection_set, chosen)

    def _value(self, node: ValueNode) -> Any:
        self.varies = self.varies or holds_variable(node)
        value = value_from_ast_untyped(node, self.variables)
        return value.name if isinstance(value, Enum) else None if value is Undefined else value


def holds_variable(node: ValueNode) -> bool:
    """Tell whether a value depends on a variable."""
    match node:
        case VariableNode():
            return True
        case ListValueNode():
            return any(map(holds_variable, node.values))
        case ObjectValueNode():
            return any(holds_variable(field.value) for field in node.fields)
    return False
