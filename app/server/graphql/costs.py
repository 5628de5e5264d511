"""What an operation costs: rows x fields, known before anything is read.

Rows are what `first` or `limit` asks for. A field counts once for each row, one of `HEAVY` ten times; what stands
outside of a list counts once. So a page of 100 records with 5 fields and its total costs 501.
"""

from collections.abc import Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLObjectType,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    Undefined,
    get_nullable_type,
    is_list_type,
    value_from_ast_untyped,
)

ROWS = ("first", "limit")
LISTS = frozenset({"nodes", "edges"})
ASSUMED_ROWS = 100  # of a list without an amount, such as all groups of a summary
HEAVY = {"uniq": 10, "quantile": 10}  # values have to be told apart; `uniq` stands for all that is selected below it


def operation_cost(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    fragments: Mapping[str, FragmentDefinitionNode],
    variables: Mapping[str, Any],
) -> int:
    """Tell what a valid operation costs with these variables (as coerced). Its fragments are read once each."""
    return _Costs(schema.query_type, fragments, variables).root(operation.selection_set)


class _Costs:
    def __init__(
        self,
        query: GraphQLObjectType | None,
        fragments: Mapping[str, FragmentDefinitionNode],
        variables: Mapping[str, Any],
    ) -> None:
        self._fields = query.fields if query else {}
        self._fragments = fragments
        self._variables = variables
        self._roots: dict[str, int] = {}
        self._below: dict[str, tuple[int, int]] = {}

    def root(self, selections: SelectionSetNode) -> int:
        total = 0
        for node in selections.selections:
            match node:
                case FieldNode():
                    total += self._root_field(node)
                case InlineFragmentNode():
                    total += self.root(node.selection_set)
                case FragmentSpreadNode():
                    name = node.name.value
                    if name not in self._roots:
                        self._roots[name] = self.root(self._fragments[name].selection_set)
                    total += self._roots[name]
        return total

    def _root_field(self, node: FieldNode) -> int:
        if node.selection_set is None:
            return 1
        once, each = self._count(node.selection_set)
        field = self._fields.get(node.name.value)
        rows = self._rows(node)
        if field is not None and is_list_type(get_nullable_type(field.type)):
            return rows * (once + each)
        return once + rows * each

    def _rows(self, node: FieldNode) -> int:
        """Tell how many rows are asked for; 1 of a field that takes no amount."""
        field = self._fields.get(node.name.value)
        for name in ROWS:
            if field is not None and name in field.args:
                given = {one.name.value: one.value for one in node.arguments or ()}
                default = field.args[name].default_value
                value = value_from_ast_untyped(given[name], dict(self._variables)) if name in given else default
                amount = default if value is None or value is Undefined else value
                return amount if isinstance(amount, int) and amount >= 0 else ASSUMED_ROWS
        return 1

    def _count(self, selections: SelectionSetNode) -> tuple[int, int]:
        """Count the leaves outside of lists, and those of each row."""
        once = each = 0
        for node in selections.selections:
            match node:
                case FieldNode():
                    inner = self._leaves(node)
                    if node.name.value in LISTS:
                        each += inner
                    else:
                        once += inner
                case InlineFragmentNode():
                    more = self._count(node.selection_set)
                    once, each = once + more[0], each + more[1]
                case FragmentSpreadNode():
                    more = self._fragment(node.name.value)
                    once, each = once + more[0], each + more[1]
        return once, each

    def _fragment(self, name: str) -> tuple[int, int]:
        if name not in self._below:
            self._below[name] = self._count(self._fragments[name].selection_set)
        return self._below[name]

    def _leaves(self, node: FieldNode) -> int:
        weight = HEAVY.get(node.name.value, 1)
        return weight * (sum(self._count(node.selection_set)) if node.selection_set else 1)
