"""Plans: what an operation does, compiled once and run for every request that asks the same document.

A plan is of one operation and one choice of what its `@skip` and `@include` leave. It resolves the root fields as
graphql-core would, at once, and completes their values by compiled steps. It has no way of its own for errors: where a
field fails, or a value is not what the schema promises, what the fields came to is handed to graphql-core, which makes
the answer of it. So an answer is the same with a plan and without.
"""

from collections.abc import Awaitable, Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any, cast

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLField,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
)
from graphql.execution.collect_fields import collect_fields
from graphql.execution.values import VariableValues
from graphql.pyutils import Path, gather_with_cancel
from graphql.type.definition import GraphQLResolveInfoHelpers
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.faces.context import RequestContext
from app.faces.graphql.selection import PlannedInfo
from app.query.instants import Instant
from app.query.windows import read_instant
from app.server.graphql.arguments import Arguments, Call
from app.server.graphql.completion import CannotCompile, Compiler, Selected, Step


@dataclass(frozen=True, slots=True)
class Resolved:
    """What a root field came to: a value, or what was raised."""

    value: Any = None
    error: Exception | None = None

    def get(self) -> Any:
        """Give the value, or raise."""
        if self.error is not None:
            raise self.error
        return self.value


class LeftToExecutor(Exception):
    """The plan cannot make the answer. `resolved` are the root fields that must not be resolved again, by their keys.

    None stands for one that was given up because another one failed. Where `resolved` is empty, nothing has run.
    """

    def __init__(self, resolved: Mapping[str, Resolved | None]) -> None:
        super().__init__()
        self.resolved = resolved


@dataclass(frozen=True, slots=True)
class RootField:
    """One field at the top: how it is resolved, and how its value is completed."""

    key: str
    definition: GraphQLField
    nodes: list[FieldNode]
    path: Path
    arguments: Arguments
    call: Call
    complete: Step
    kept: dict[str, Any] = field(default_factory=dict)

    @property
    def required(self) -> bool:
        """Whether a failure of this field leaves no data."""
        return isinstance(self.definition.type, GraphQLNonNull)

    @property
    def definition_name(self) -> str:
        """The field's name in the schema."""
        return self.nodes[0].name.value

    def window_end(self, variables: VariableValues) -> Instant | None:
        """Tell where the window ends that is asked for by its end; None where it is not. Raises InvalidInput."""
        window = (self.arguments.values(variables).get("filter") or {}).get("time") or {}
        return None if window.get("end") is None else read_instant(window["end"], "end")


@dataclass(frozen=True, slots=True)
class Plan:
    """What an operation does. `keys` are the response keys in their order, those of `__typename` included.

    `inner` are the arguments below the top: resolvers read them from the selection, so here they are only checked.
    """

    schema: GraphQLSchema
    query: GraphQLObjectType
    operation: OperationDefinitionNode
    fragments: dict[str, FragmentDefinitionNode]
    keys: Sequence[str]
    roots: Sequence[RootField]
    inner: Sequence[Arguments]

    def window_end(self, settled: Collection[str], variables: VariableValues) -> Instant | None:
        """Tell where the last window ends that the root fields ask for; None where one of them has no end.

        `settled` are the root fields whose records do not change once their window is over.
        """
        ends = [root.window_end(variables) if root.definition_name in settled else None for root in self.roots]
        known = [end for end in ends if end is not None]
        return max(known) if known and len(known) == len(ends) else None

    async def run(self, context: RequestContext, variables: VariableValues) -> dict[str, Any]:
        """Make the answer's data. Raises LeftToExecutor."""
        try:
            arguments = [root.arguments.values(variables) for root in self.roots]
            for inner in self.inner:
                inner.values(variables)
        except GraphQLError:
            raise LeftToExecutor({}) from None
        running = (
            self._resolve(root, given, context, variables) for root, given in zip(self.roots, arguments, strict=True)
        )
        resolved = await _all(self.roots, list(running))
        try:
            made = {root.key: root.complete([_value(resolved[root.key])])[0] for root in self.roots}
        except Exception:  # noqa: BLE001 - whatever it is, graphql-core makes the errors
            raise LeftToExecutor(resolved) from None
        return {key: made.get(key, self.query.name) for key in self.keys}

    async def _resolve(
        self, root: RootField, arguments: Mapping[str, Any], context: RequestContext, variables: VariableValues
    ) -> Any:
        info = PlannedInfo(
            field_name=root.definition_name,
            field_nodes=root.nodes,
            return_type=root.definition.type,
            parent_type=self.query,
            path=root.path,
            schema=self.schema,
            fragments=self.fragments,
            root_value=None,
            operation=self.operation,
            variable_values=variables.coerced,  # type: ignore[arg-type] # as Strawberry gives it to its resolvers
            context=context,
            is_awaitable=isawaitable,  # type: ignore[arg-type] # narrower than graphql-core declares
            abort_signal=None,
            async_helpers=_NO_HELPERS,
        )
        info.kept = root.kept
        return await root.call(info, arguments)


def _value(resolved: Resolved | None) -> Any:
    if resolved is None:
        raise _Failed
    return resolved.get()


async def _all(roots: Sequence[RootField], running: Sequence[Coroutine[Any, Any, Any]]) -> dict[str, Resolved | None]:
    """Run the root fields at once. Where one that is required fails, the others are given up."""
    resolved: dict[str, Resolved | None] = dict.fromkeys(root.key for root in roots)

    async def settle(root: RootField, work: Coroutine[Any, Any, Any]) -> None:
        try:
            resolved[root.key] = Resolved(await work)
        except Exception as error:  # noqa: BLE001 - it is raised again where graphql-core makes the answer
            resolved[root.key] = Resolved(error=error)
            if root.required:
                raise _Failed from None

    settling = [settle(root, work) for root, work in zip(roots, running, strict=True)]
    with suppress(_Failed):
        if len(settling) == 1:
            await settling[0]
        else:
            await gather_with_cancel(*settling)
    return resolved


class _Failed(Exception):
    """A root field that is required has failed."""


def compile_plan(
    schema: GraphQLSchema, document: DocumentNode, operation: OperationDefinitionNode, variables: Mapping[str, Any]
) -> Plan | None:
    """Compile the plan of a valid operation, as these (raw) variables skip and include fields.

    None where it holds what only graphql-core knows how to do, such as introspection.
    """
    if operation.directives or operation.operation is not OperationType.QUERY or schema.query_type is None:
        return None
    name = operation.name.value if operation.name else None
    executor = StrawberryGraphQLCoreExecutionContext.build(
        schema, document, raw_variable_values=dict(variables), operation_name=name
    )
    if isinstance(executor, list):
        return None
    try:
        return _Planner(schema, schema.query_type, cast("StrawberryGraphQLCoreExecutionContext", executor)).plan()
    except (CannotCompile, GraphQLError, RecursionError):
        return None


@dataclass(frozen=True, slots=True)
class _Planner:
    schema: GraphQLSchema
    query: GraphQLObjectType
    executor: StrawberryGraphQLCoreExecutionContext

    def plan(self) -> Plan:
        executor = self.executor
        grouped = collect_fields(
            self.schema, executor.fragments, executor.variable_values, self.query, executor.operation
        ).grouped_field_set
        compiler = Compiler(executor)
        roots = [
            self._root(compiler, key, selected)
            for key, selected in grouped.items()
            if selected[0].node.name.value != "__typename"
        ]
        return Plan(
            schema=self.schema,
            query=self.query,
            operation=executor.operation,
            fragments=executor.fragment_definitions,
            keys=tuple(grouped),
            roots=roots,
            inner=[Arguments.of(definition, node) for definition, node in compiler.with_arguments],
        )

    def _root(self, compiler: Compiler, key: str, selected: Selected) -> RootField:
        nodes = [details.node for details in selected]
        definition = self.query.fields.get(nodes[0].name.value)
        if definition is None:
            raise CannotCompile(key)
        arguments = Arguments.of(definition, nodes[0])
        return RootField(
            key=key,
            definition=definition,
            nodes=nodes,
            path=Path(None, key, self.query.name),
            arguments=arguments,
            call=Call(definition, arguments),
            complete=compiler.step(definition.type, selected),
        )


async def _gather(awaitables: Sequence[Awaitable[Any]]) -> list[Any]:
    return await gather_with_cancel(*awaitables)


_NO_HELPERS = GraphQLResolveInfoHelpers(gather=_gather, track=lambda _values: None)
