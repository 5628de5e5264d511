"""Executes a GraphQL request: parse, choose the operation, validate, coerce variables, run."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any, cast

import strawberry
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLError,
    GraphQLResolveInfo,
    MiddlewareManager,
    NoSchemaIntrospectionCustomRule,
    OperationType,
    OverlappingFieldsCanBeMergedRule,
    execute,
    get_operation_ast,
    parse,
    specified_rules,
    validate,
)
from graphql.execution.values import VariableValues
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.schema.validation_rules.maybe_null import MaybeNullValidationRule
from strawberry.schema.validation_rules.one_of import OneOfInputValidationRule

from app.errors import GatewayError, LimitExceeded
from app.faces.context import RequestContext
from app.query.limits import DOCUMENT_TOKENS, REQUEST_COST
from app.query.rollups import Used
from app.server.graphql.document_limits import check_document
from app.server.graphql.documents import Documents, KnownDocument, KnownOperation
from app.server.graphql.failures import (
    MOST_ERRORS,
    PARSE_FAILED,
    VALIDATION_FAILED,
    error_body,
    format_execution_error,
    request_errors,
)
from app.server.graphql.field_merging import BoundedFieldMerging
from app.server.graphql.plans import LeftToExecutor, Plan, Resolved
from app.server.graphql.refusals import MutationByGet
from app.server.graphql.request import GraphQLRequest

_RULES = (
    *(BoundedFieldMerging if rule is OverlappingFieldsCanBeMergedRule else rule for rule in specified_rules),
    MaybeNullValidationRule,
    OneOfInputValidationRule,
)
_TOO_DEEP = GraphQLError("The document is nested too deeply.")


@dataclass(frozen=True, slots=True)
class Outcome:
    """An answer's body and the code of its first error.

    `refused` where GraphQL refused the request, `failure` where no root field was answered; the body has no data then.
    `used` tells what rollups root fields were answered from.
    """

    body: dict[str, Any]
    refused: bool = False
    failure: GatewayError | None = None
    used: Mapping[str, Used] = field(default_factory=dict)

    @property
    def code(self) -> str | None:
        """The code of the first error."""
        return self.body["errors"][0]["extensions"]["code"] if "errors" in self.body else None


@dataclass(frozen=True, slots=True)
class Prepared:
    """A request that can run."""

    request: GraphQLRequest
    known: KnownOperation
    variables: VariableValues
    cost: int
    plan: Plan | None


class Executor:
    """Prepares and runs requests against one schema; without `introspection` it tells no names of the schema.

    Valid documents are kept in `documents` with their plans; where it keeps none, graphql-core does all the work.
    """

    def __init__(self, schema: strawberry.Schema, documents: Documents, *, introspection: bool = True) -> None:
        self._schema = schema._schema  # noqa: SLF001 - the graphql-core schema under Strawberry's has no other door
        self._documents = documents
        self.introspection = introspection
        self._hides = not introspection  # suggestions, which tell names
        self._rules = _RULES if introspection else (*_RULES, NoSchemaIntrospectionCustomRule)

    def prepare(self, request: GraphQLRequest) -> Prepared | Outcome:
        """Check a request and tell what it costs, without reading anything; an Outcome says why it cannot run.

        Raises MutationByGet.
        """
        try:
            return self._prepare(request)
        except LimitExceeded as error:
            return Outcome(error_body(error), refused=True)

    def _prepare(self, request: GraphQLRequest) -> Prepared | Outcome:
        document = self._documents.get(request.query)
        if document is None:
            checked = self._checked(request)
            if isinstance(checked, Outcome):
                return checked
            document = KnownDocument(self._schema, checked)
            self._documents.keep(request.query, document)
        known = document.operation(request.operation_name)
        if known is None:
            return _refusal([_no_operation(request)])
        variables = known.variables(request.variables or {}, hide_suggestions=self._hides)
        if isinstance(variables, list):
            return _refusal(variables)
        cost = known.cost(variables)
        REQUEST_COST.check(cost, "The request's cost")
        plan = known.plan(variables, request.variables or {}) if self._documents.most else None
        return Prepared(request, known, variables, cost, plan)

    def _checked(self, request: GraphQLRequest) -> DocumentNode | Outcome:
        """Parse and validate. Raises MutationByGet and LimitExceeded."""
        try:
            document = parse(request.query, max_tokens=DOCUMENT_TOKENS.value)
        except GraphQLError as error:
            return _refusal([error], PARSE_FAILED)
        except RecursionError:
            return _refusal([_TOO_DEEP], PARSE_FAILED)
        operation = get_operation_ast(document, request.operation_name)
        if request.by_get and operation is not None and operation.operation is OperationType.MUTATION:
            raise MutationByGet("A GET runs queries only; send a mutation by POST.")
        try:
            check_document(document)
            errors = validate(self._schema, document, self._rules, MOST_ERRORS, hide_suggestions=self._hides)
        except RecursionError:
            errors = [_TOO_DEEP]
        return _refusal(errors, VALIDATION_FAILED) if errors else document

    async def run(self, prepared: Prepared, context: RequestContext) -> Outcome:
        """Answer a prepared request. Failures become entries of `errors`, each with a code."""
        resolved: Mapping[str, Resolved | None] = {}
        if prepared.plan is not None:
            try:
                data = await prepared.plan.run(context, prepared.variables)
                return Outcome({"data": data}, used=context.used)
            except LeftToExecutor as left:
                resolved = left.resolved
        return await self._execute(prepared, context, resolved)

    async def _execute(
        self, prepared: Prepared, context: RequestContext, resolved: Mapping[str, Resolved | None]
    ) -> Outcome:
        """Let graphql-core answer; what root fields came to already is taken as it is."""
        node = prepared.known.node
        running = execute(
            self._schema,
            prepared.known.document,
            context_value=context,
            variable_values=prepared.request.variables,
            operation_name=node.name.value if node.name else None,
            executor_class=cast("Any", StrawberryGraphQLCoreExecutionContext),
            hide_suggestions=self._hides,
            middleware=MiddlewareManager(_replaying(resolved)) if resolved else None,
        )
        result: ExecutionResult = await running if isawaitable(running) else running
        if not result.errors:
            return Outcome({"data": result.data}, used=context.used)
        shown = [format_execution_error(error) for error in result.errors[:MOST_ERRORS]]
        entries = [entry for _, entry in shown]
        failed = {error.path[0] for error in result.errors if error.path}
        if result.data is not None and not failed.issuperset(result.data):
            return Outcome({"data": result.data, "errors": entries}, used=context.used)
        return Outcome({"errors": entries}, failure=shown[0][0])


def _replaying(resolved: Mapping[str, Resolved | None]) -> Callable[..., Any]:
    """Make a middleware that gives what the root fields came to; one that was given up never comes."""

    async def replay(outcome: Resolved | None) -> Any:
        return await asyncio.Future() if outcome is None else outcome.get()

    def middleware(resolve: Callable[..., Any], source: Any, info: GraphQLResolveInfo[Any], **arguments: Any) -> Any:
        if info.path.prev is None and info.path.key in resolved:
            return replay(resolved[str(info.path.key)])
        return resolve(source, info, **arguments)

    return middleware


def _refusal(errors: list[GraphQLError], code: str = "BAD_USER_INPUT") -> Outcome:
    return Outcome(request_errors(errors, code), refused=True)


def _no_operation(request: GraphQLRequest) -> GraphQLError:
    if request.operation_name is not None:
        return GraphQLError("operationName: the document has no operation of that name.")
    return GraphQLError("operationName: the document has several operations (or none); name the one to run.")
