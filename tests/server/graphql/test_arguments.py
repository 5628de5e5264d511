"""Arguments of root fields: what Strawberry would call the resolvers with, kept where it is constant."""

from collections.abc import Mapping
from typing import Any

import pytest
import strawberry
from graphql import FieldNode, NameNode, OperationDefinitionNode, parse
from graphql.execution.values import get_variable_values
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import Mode, queries
from strawberry.types.arguments import convert_arguments
from strawberry.types.info import Info

from app.server.graphql.arguments import Arguments, Call
from app.server.graphql.completion import CannotCompile
from app.server.graphql.schema import build_schema
from tests.abuse.drawn_from_schema import SCHEMA as PRINTED
from tests.abuse.drawn_from_schema import VALID

SCHEMA = build_schema()
CORE = SCHEMA._schema  # noqa: SLF001 - the graphql-core schema under Strawberry's has no other door


def _both(query: str, variables: dict[str, Any] | None = None) -> list[tuple[Mapping[str, Any], dict[str, Any]]]:
    """For each root field: what the resolver is called with, and what Strawberry would call it with."""
    operation = parse(query).definitions[0]
    assert isinstance(operation, OperationDefinitionNode)
    given_values = get_variable_values(CORE, operation.variable_definitions or (), variables or {})
    assert not isinstance(given_values, list)
    found = []
    for node in operation.selection_set.selections:
        if not isinstance(node, FieldNode) or node.name.value.startswith("__"):
            continue
        assert CORE.query_type is not None
        definition = CORE.query_type.fields[node.name.value]
        arguments = Arguments.of(definition, node)
        values = arguments.values(given_values)
        field, converter = definition.extensions["strawberry-definition"], SCHEMA.schema_converter
        expected = convert_arguments(
            dict(values), field.arguments, scalar_registry=converter.scalar_registry, config=converter.config
        )
        call = Call(definition, arguments)
        found.append((call.given(values), expected))
    return found


@given(queries(PRINTED, custom_scalars=VALID, mode=Mode.POSITIVE))
@settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
def test_constants_are_what_strawberry_makes_of_them(query: str) -> None:
    """Filters within filters, lists, enums, nulls, whatever the schema takes."""
    for made, expected in _both(query):
        assert made == expected


@settings(deadline=None)
@given(st.none() | st.sampled_from(["A", "B"]), st.integers(0, 5) | st.none(), st.booleans())
def test_variables_are_too(text: str | None, first: int | None, all_of: bool) -> None:  # noqa: FBT001 - drawn
    """Whole inputs as variables, and variables inside of them."""
    query = """
        query($filter: SummaryEventFilter, $name: String, $first: Int, $order: [SummaryEventOrder!]) {
            summaryEvents(filter: $filter, first: $first, orderBy: $order) { totalCount }
            other: summaryEvents(filter: {and: [{appName: {eq: $name}}], or: null}, first: $first) { totalCount }
        }
    """
    order = [{"by": "DATETIME", "direction": "DESC"}, {"by": "API_REF"}]
    filter_ = {"and" if all_of else "or": [{"appName": {"in": [text] if text else []}, "not": {}}]}
    for variables in ({"filter": filter_, "name": text, "first": first, "order": order}, {}, {"filter": None}):
        for made, expected in _both(query, variables):
            assert made == expected


def _call(resolver: Any, **more: Any) -> Call:
    members = {"__annotations__": {"one": str}, "one": strawberry.field(resolver=resolver, **more)}
    schema = strawberry.Schema(query=strawberry.type(type("Query", (), members)))
    query_type = schema._schema.query_type  # noqa: SLF001 - as above
    assert query_type is not None
    return Call(
        query_type.fields["one"], Arguments(query_type.fields["one"], FieldNode(name=NameNode(value="one")), None)
    )


@strawberry.input
class Loose:
    """An input that may be left out in part, and has another one within it."""

    plain: int | None
    given: int = 7
    below: "Loose | None" = None


async def test_what_is_left_out_is_none_or_its_default() -> None:
    """Also inside of an input that holds itself; lists are copied, as graphql-core gives the same one each time."""

    async def resolve(info: Info[None, None], loose: Loose, many: list[Loose | None], texts: list[str]) -> str:
        return f"{info}{loose}{many}{texts}"

    call = _call(resolve)
    texts = ["a"]
    given = call.given({"loose": {"below": {"plain": 1}}, "many": [{}, None], "texts": texts})
    inner = Loose(plain=1, given=7, below=None)
    assert given == {
        "loose": Loose(plain=None, given=7, below=inner),
        "many": [Loose(plain=None), None],
        "texts": ["a"],
    }
    assert given["texts"] is not texts


class _Extension(strawberry.extensions.FieldExtension):
    def resolve(self, next_: Any, source: Any, info: Any, **arguments: Any) -> Any:
        return next_(source, info, **arguments)

    async def resolve_async(self, next_: Any, source: Any, info: Any, **arguments: Any) -> Any:
        return await next_(source, info, **arguments)


async def test_what_is_more_than_a_call_is_left_to_strawberry() -> None:
    """Resolvers that wait for nothing, take no info or the object above, and fields with extensions."""

    async def plain(info: Info[None, None]) -> str:
        return info.field_name

    async def without() -> str:
        return ""

    async def with_root(info: Info[None, None], root: Any) -> str:
        return f"{info}{root}"

    def at_once(info: Info[None, None]) -> str:
        return info.field_name

    assert _call(plain)
    for resolver in (without, with_root, at_once):
        with pytest.raises(CannotCompile):
            _call(resolver)
    with pytest.raises(CannotCompile):
        _call(plain, extensions=[_Extension()])
