"""Hostile values for every argument and every operator of GraphQL, walked from the schema."""

import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from graphql import GraphQLField, GraphQLInputObjectType, GraphQLObjectType, get_named_type

from app.server.graphql.schema import build_schema
from tests.abuse.attacks import Attack, asking, faults
from tests.abuse.bounded_gateway import BoundedGateway
from tests.abuse.values import JSON, TEXTS
from tests.answers.test_errors_everywhere import selection_of

QUERY = build_schema()._schema.query_type  # noqa: SLF001 - the graphql-core schema under Strawberry's
assert QUERY is not None
ROOTS: dict[str, GraphQLField] = {name: field for name, field in QUERY.fields.items() if name != "viewer"}
GROUPED = "{ nodes { dimensions { %s } count %s } }"


def attack_on(root: str, argument: str, name: str, value: Any) -> Attack:
    """Ask a root field with one argument, given as a variable."""
    field = ROOTS[root]
    text = f"query($v: {field.args[argument].type}) {{ {root}({argument}: $v) {selection_of(field)} }}"
    return asking(f"{root}.{argument} {name}", text, {"v": value})


def arguments() -> Iterator[tuple[str, str]]:
    """Each argument of the root fields; of those of one name and type, the first."""
    seen: set[tuple[str, str]] = set()
    for root, field in ROOTS.items():
        for name, argument in field.args.items():
            if (name, str(argument.type)) not in seen:
                seen.add((name, str(argument.type)))
                yield root, name


def operators() -> Iterator[tuple[str, str, str]]:
    """Each operator of the filters, with a root field and a field; of operators of one input, the first."""
    seen: set[str] = set()
    for root, field in ROOTS.items():
        kind = get_named_type(field.args["filter"].type) if "filter" in field.args else None
        for name, part in kind.fields.items() if isinstance(kind, GraphQLInputObjectType) else ():
            inner = get_named_type(part.type)
            if isinstance(inner, GraphQLInputObjectType) and inner is not kind and inner.name not in seen:
                seen.add(inner.name)
                yield from ((root, name, operator) for operator in inner.fields)


ARGUMENTS = list(arguments())
OPERATORS = list(operators())


@pytest.mark.parametrize(("root", "argument"), ARGUMENTS, ids=[".".join(one) for one in ARGUMENTS])
async def test_no_argument_does_harm(
    client: httpx2.AsyncClient, abused: BoundedGateway, root: str, argument: str
) -> None:
    """With each value, of its type or not."""
    attacks = (attack_on(root, argument, *value) for value in JSON.items())
    assert await faults(client, abused.mine.key, attacks) == []


@pytest.mark.parametrize(("root", "field", "operator"), OPERATORS, ids=[".".join(one) for one in OPERATORS])
async def test_no_operator_does_harm(
    client: httpx2.AsyncClient, abused: BoundedGateway, root: str, field: str, operator: str
) -> None:
    """With each value, alone or in a list."""
    attacks = (
        attack_on(root, "filter", f"{field}.{operator} {name}", {field: {operator: shaped}})
        for name, value in JSON.items()
        for shaped in ([value] if operator in {"in", "notIn"} else value,)
    )
    assert await faults(client, abused.mine.key, attacks) == []


@pytest.mark.parametrize("root", ["connectionSummary", "connectionEvents", "connectionGroups", "summaryEvents"])
@pytest.mark.parametrize("edge", ["start", "end"])
async def test_windows_at_the_ends_of_time(
    client: httpx2.AsyncClient, abused: BoundedGateway, root: str, edge: str
) -> None:
    """Every field is computed with a window that begins or ends there."""
    kind = get_named_type(ROOTS[root].type)
    assert isinstance(kind, GraphQLObjectType)
    selection = selection_of(ROOTS[root])
    if root == "connectionSummary":
        selection = f"{{ {' '.join(kind.fields)} }}"
    if root == "connectionGroups":
        selection = "{ nodes { count activeCount connectionDurationSeconds { max } } window { start end } }"
    times = [
        *(TEXTS[name] for name in ("first instant", "first seconds", "year 9999")),
        -62135596800000,
        253402300799999,
    ]
    attacks = [
        asking(
            f"{edge} {time}",
            f"query($t: DateTime) {{ {root}(filter: {{time: {{{edge}: $t}}}}) {selection} }}",
            {"t": time},
        )
        for time in times
    ]
    assert await faults(client, abused.mine.key, attacks) == []


async def test_no_key_of_a_variable_does_harm(client: httpx2.AsyncClient, abused: BoundedGateway) -> None:
    """Whatever a filter's fields and operators are called, and whatever the variables are."""
    attacks = [
        made
        for name, text in TEXTS.items()
        for made in (
            attack_on("connectionEvents", "filter", f"field {name}", {text: {"eq": "a"}}),
            attack_on("connectionEvents", "filter", f"operator {name}", {"host": {text: "a"}}),
            asking(f"variable {name}", "query($a: Int) { connections(first: $a) { totalCount } }", {text: 1, "a": 0}),
            asking(f"operation {name}", "query a { __typename } query b { __typename }", None, operationName=text),
        )
    ]
    assert await faults(client, abused.mine.key, attacks) == []


async def test_no_argument_of_groups_does_harm(client: httpx2.AsyncClient, abused: BoundedGateway) -> None:
    """Of time buckets and quantiles, by value and in the document."""
    attacks = []
    for name, value in JSON.items():
        for argument, kind in (("bin", "Int"), ("timezone", "String"), ("every", "TimeUnit!")):
            more = "" if argument == "every" else "every: DAY, "
            selected = GROUPED % (f"time({more}{argument}: $v)", "")
            text = f"query($v: {kind}) {{ summaryEventGroups {selected} }}"
            attacks.append(asking(f"time.{argument} {name}", text, {"v": value}))
        text = "query($v: Float!) { summaryEventGroups " + GROUPED % ("apiRef", "bytesSent { quantile(p: $v) }") + " }"
        attacks.append(asking(f"quantile.p {name}", text, {"v": value}))
    for name, value in TEXTS.items():
        written = json.dumps(value)
        arguments = f"having: [{{by: {written}, gt: 0}}], orderBy: [{{by: {written}}}]"
        text = f"{{ summaryEventGroups({arguments}) {GROUPED % ('apiRef', '')} }}"
        attacks.append(asking(f"having.by {name}", text))
    assert await faults(client, abused.mine.key, attacks) == []
