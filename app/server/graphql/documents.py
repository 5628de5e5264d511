"""Documents that were parsed and found valid, with the plans of their operations: kept, within bounds."""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from graphql import (
    DirectiveNode,
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    VariableNode,
    Visitor,
    get_operation_ast,
    visit,
)
from graphql.execution.values import VariableValues, get_variable_values

from app.query.limits import PLANNED_CHARACTERS
from app.server.graphql.costs import ROWS, operation_cost
from app.server.graphql.failures import MOST_ERRORS
from app.server.graphql.plans import Plan, compile_plan

_NO_VARIABLES = VariableValues({}, {})
_LONGEST_NAME = 100  # of an operation, in the log
_MOST_CHOICES = 16  # of what the directives of one operation leave: beyond it, requests run without a plan
_LONGEST = PLANNED_CHARACTERS.value // 8


@dataclass(frozen=True)
class KnownOperation:
    """An operation of a valid document: what it costs, and its plan."""

    schema: GraphQLSchema
    document: DocumentNode
    node: OperationDefinitionNode
    fragments: Mapping[str, FragmentDefinitionNode]
    deciding: tuple[str, ...]  # the variables of @skip and @include
    plans: dict[tuple[Any, ...], Plan | None] = field(default_factory=dict)

    @cached_property
    def label(self) -> str:
        """What runs, of a bounded set: the root field, or `several` of them."""
        names = {root.name.value for root in self._roots}
        return names.pop() if len(names) == 1 else "several"

    @cached_property
    def _roots(self) -> list[FieldNode]:
        return list(_root_fields(self.node.selection_set, self.fragments, set()))

    @cached_property
    def name(self) -> str | None:
        """What the client calls the operation, cut off where it is long."""
        return self.node.name.value[:_LONGEST_NAME] if self.node.name else None

    def variables(self, raw: Mapping[str, Any], *, hide_suggestions: bool) -> VariableValues | list[GraphQLError]:
        """Coerce what was sent; the errors where it is wrong."""
        definitions = self.node.variable_definitions
        if not definitions:
            return _NO_VARIABLES
        return get_variable_values(
            self.schema, definitions, dict(raw), max_errors=MOST_ERRORS, hide_suggestions=hide_suggestions
        )

    def cost(self, variables: VariableValues) -> int:
        """Tell what the operation costs with these variables."""
        return self._cost(variables) if self._asks_by_variable else self._constant_cost

    @cached_property
    def _asks_by_variable(self) -> bool:
        """Whether a variable says how many rows are asked for: nothing else of the variables is a part of the cost."""
        arguments = (argument for root in self._roots for argument in root.arguments or ())
        return any(one.name.value in ROWS and isinstance(one.value, VariableNode) for one in arguments)

    @cached_property
    def _constant_cost(self) -> int:
        return self._cost(_NO_VARIABLES)

    def _cost(self, variables: VariableValues) -> int:
        return operation_cost(self.schema, self.node, self.fragments, variables.coerced)

    def plan(self, variables: VariableValues, raw: Mapping[str, Any]) -> Plan | None:
        """The plan for these variables (`raw` as they were sent); None where there is none."""
        choice = tuple(variables.coerced.get(name) for name in self.deciding)
        if choice not in self.plans:
            if len(self.plans) >= _MOST_CHOICES:
                return None
            self.plans[choice] = compile_plan(self.schema, self.document, self.node, raw)
        return self.plans[choice]


@dataclass(frozen=True)
class KnownDocument:
    """A valid document."""

    schema: GraphQLSchema
    document: DocumentNode
    operations: dict[str | None, KnownOperation] = field(default_factory=dict)

    def operation(self, name: str | None) -> KnownOperation | None:
        """The operation that a request names; None where there is none, or where it must name one."""
        known = self.operations.get(name)
        if known is None:
            node = get_operation_ast(self.document, name)
            if node is None:
                return None
            known = self.operations[name] = self._read(node)
        return known

    def _read(self, node: OperationDefinitionNode) -> KnownOperation:
        fragments = {
            one.name.value: one for one in self.document.definitions if isinstance(one, FragmentDefinitionNode)
        }
        deciding = _Deciding()
        visit(self.document, deciding)
        return KnownOperation(self.schema, self.document, node, fragments, tuple(sorted(deciding.names)))


class _Deciding(Visitor):
    """Collects the variables that decide which fields are skipped and included."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        """Note the variables of a directive."""
        self.names.update(
            argument.value.name.value for argument in node.arguments or () if isinstance(argument.value, VariableNode)
        )


def _root_fields(
    selections: SelectionSetNode, fragments: Mapping[str, FragmentDefinitionNode], seen: set[str]
) -> Iterator[FieldNode]:
    for node in selections.selections:
        match node:
            case FieldNode():
                yield node
            case InlineFragmentNode():
                yield from _root_fields(node.selection_set, fragments, seen)
            case FragmentSpreadNode() if node.name.value not in seen:
                seen.add(node.name.value)
                yield from _root_fields(fragments[node.name.value].selection_set, fragments, seen)


class Documents:
    """The documents that one process keeps, by their text: at most `most` of PLANNED_CHARACTERS in all.

    Where a bound is passed, the one used longest ago goes.
    """

    def __init__(self, most: int) -> None:
        self.most = most
        self._known: OrderedDict[str, KnownDocument] = OrderedDict()
        self.characters = 0
        self.hits = 0
        self.misses = 0

    def __len__(self) -> int:
        return len(self._known)

    def get(self, text: str) -> KnownDocument | None:
        """Find a document by its text."""
        known = self._known.get(text)
        if known is None:
            self.misses += 1
        else:
            self.hits += 1
            self._known.move_to_end(text)
        return known

    def keep(self, text: str, known: KnownDocument) -> None:
        """Keep a document, where one is kept at all; a long one would take the room of too many others."""
        if not self.most or len(text) > _LONGEST or text in self._known:
            return
        self._known[text] = known
        self.characters += len(text)
        while len(self._known) > self.most or self.characters > PLANNED_CHARACTERS.value:
            dropped, _ = self._known.popitem(last=False)
            self.characters -= len(dropped)
