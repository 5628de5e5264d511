"""What operations cost: rows x fields, as if every fragment were copied into its places, in linear time."""

from collections.abc import Iterator
from math import prod
from typing import Any

import pytest
from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLInt,
    GraphQLList,
    GraphQLNonNull,
    GraphQLObjectType,
    GraphQLSchema,
    IntValueNode,
    Undefined,
    VariableNode,
    parse,
)
from hypothesis import given
from hypothesis import strategies as st
from strawberry.utils.str_converters import to_camel_case

from app.datasets.summary_events.fields import SUMMARY_EVENTS
from app.query.limits import REQUEST_COST
from app.server.graphql.costs import ASSUMED_ROWS, operation_cost
from app.server.graphql.documents import Documents
from app.server.graphql.execution import Executor, Prepared
from app.server.graphql.request import GraphQLRequest
from app.server.graphql.schema import build_schema
from tests.server.graphql.documents import (
    Expanded,
    count_visits,
    documents,
    doubled,
    expand,
    fragments_of,
    operation_of,
)
from tests.server.graphql.test_document_limits import compiled_page


def amount(name: str, default: Any = Undefined) -> dict[str, GraphQLArgument]:
    """Make the argument that says how many rows."""
    return {name: GraphQLArgument(GraphQLInt, default_value=default)}


TYPE = GraphQLObjectType("T", {"a": GraphQLField(GraphQLInt)})
ROOTS = {
    "page": GraphQLField(TYPE, amount("first", 50)),
    "list": GraphQLField(GraphQLNonNull(GraphQLList(TYPE)), amount("limit")),
    "groups": GraphQLField(TYPE, amount("limit", 5)),
    "one": GraphQLField(TYPE),
}
SCHEMA = GraphQLSchema(GraphQLObjectType("Query", ROOTS))
EXECUTOR = Executor(build_schema(), Documents(0))
DEFAULTS = {"page": 50, "list": ASSUMED_ROWS, "groups": 5}
FIELDS = [
    *("a", "b", "nodes", "edges", "uniq", "quantile", "page", "list", "groups", "one"),
    *("page(first: 3)", "page(first: $n)", "page(first: $m)", "list(limit: 0)", "list(limit: $n)", "groups(limit: 7)"),
]


def cost(text: str, **variables: Any) -> int:
    """Tell the cost of a document's only operation."""
    document = parse(text)
    return operation_cost(SCHEMA, operation_of(document), fragments_of(document), variables)


def prepared_cost(query: str, variables: dict[str, Any] | None = None) -> int:
    """Tell the cost that a request to the gateway's own schema is charged."""
    prepared = EXECUTOR.prepare(GraphQLRequest(query, variables))
    assert isinstance(prepared, Prepared), prepared
    return prepared.cost


def leaves(expanded: Expanded) -> Iterator[tuple[str, ...]]:
    """List the way down to each leaf, as the names of the fields."""
    for node, below in expanded.fields:
        if node.selection_set is None:
            yield (node.name.value,)
        else:
            yield from ((node.name.value, *rest) for rest in leaves(below))


def rows(node: FieldNode, variables: dict[str, Any]) -> int:
    """Tell how many rows a root field asks for."""
    asked = DEFAULTS.get(node.name.value, 1)
    for argument in node.arguments or ():
        if isinstance(argument.value, IntValueNode):
            asked = int(argument.value.value)
        elif isinstance(argument.value, VariableNode):
            asked = variables.get(argument.value.name.value, asked)
    return asked


def by_hand(text: str, variables: dict[str, Any]) -> int:
    """Add up every leaf of the document with its fragments copied in."""
    document = parse(text)
    total = 0
    for node, below in expand(operation_of(document).selection_set, fragments_of(document)).fields:
        if node.selection_set is None:
            total += 1
        for way in leaves(below):
            each = prod(10 for name in way if name in {"uniq", "quantile"})
            in_list = node.name.value == "list" or way[0] in {"nodes", "edges"}
            # The lists themselves are weightless; so `nodes` without a selection is a leaf of each row.
            total += each * (rows(node, variables) if in_list else 1)
    return total


@given(documents(FIELDS), st.integers(0, 10_000))
def test_an_operation_costs_what_its_copies_cost(text: str, first: int) -> None:
    """Whatever is spread where: the same as adding up leaf by leaf."""
    assert cost(text, n=first) == by_hand(text, {"n": first})


def test_doubled_fragments_are_gone_through_once() -> None:
    """2 ** 60 leaves cost 2 ** 60 times one, and no selection is looked at more than once at the top and once below."""
    for inner in ("page(first: 1) { nodes { a } } NEXT NEXT", "one { NEXT NEXT }"):
        document = parse("query { ...F0 } " + doubled(inner, "page(first: 1) { nodes { a } }", 60))
        visits = count_visits(document)
        total = operation_cost(SCHEMA, operation_of(document), fragments_of(document), {})
        assert total >= 2**60
        assert max(one.times for one in visits) <= 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{ viewer { orgName keyId } }", 2),
        ("{ __typename }", 1),
        ("{ connectionEvents { nodes { eventId } } }", 100),
        ("{ connectionEvents(first: 0) { totalCount nodes { eventId } } }", 1),
        ("{ connectionEvents(first: 100) { totalCount nodes { a: eventId b: host c: host d: host e: host } } }", 501),
        ("{ connectionEvents(first: 10) { edges { cursor node { eventId } } pageInfo { endCursor } } }", 21),
        ("{ summaryEvent(id: 1) { apiRef appName } }", 2),
        ("{ connectionSummary { serviceName totalConnections } }", 200),
        ("{ connectionSummary(limit: 3) { serviceName totalConnections } }", 6),
        ("{ summaryEventGroups(limit: 5) { truncated nodes { count dimensions { apiRef } uniq { appName } } } }", 61),
        ("{ summaryEventGroups(limit: 2) { nodes { timeToServeRequest { avg p99: quantile(p: 0.99) } } } }", 22),
        ("{ a: viewer { keyId } ... { b: viewer { keyId } } }", 2),
    ],
)
def test_the_gateways_questions_cost(text: str, expected: int) -> None:
    """Rows times fields, heavy measures ten times, what stands outside of lists once."""
    assert prepared_cost(text) == expected


@pytest.mark.parametrize("variables", [{}, {"n": None}, {"n": 10_000}], ids=str)
def test_an_amount_in_a_variable_counts(variables: dict[str, Any]) -> None:
    """As it is coerced, defaults included; null is what the field assumes."""
    query = "query($n: Int = 7) { connectionEvents(first: $n) { nodes { eventId } } }"
    assert prepared_cost(query, variables) == {(): 7, (None,): 100, (10_000,): 10_000}[tuple(variables.values())]


def test_a_large_page_of_a_client_fits() -> None:
    """A full page of all fields, and a compiled page with 40 components, stay below the cost of one request."""
    assert prepared_cost(compiled_page(), {"first": 100}) < REQUEST_COST.value
    fields = " ".join(to_camel_case(field.name) for field in SUMMARY_EVENTS.fields)
    every = f"{{ summaryEvents(first: 10000) {{ totalCount nodes {{ {fields} }} }} }}"
    assert prepared_cost(every) == 10_000 * len(SUMMARY_EVENTS.fields) + 1 < REQUEST_COST.value
