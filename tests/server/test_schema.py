"""The schema is published as it is, and explains itself."""

import json
from pathlib import Path

import pytest
from graphql import parse, specified_rules, validate
from graphql.type import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLObjectType,
    is_introspection_type,
    is_specified_scalar_type,
)

from app.server.graphql.schema import build_schema, print_schema
from app.server.pages.assets import HERE
from tests.gateways import Gateway
from tests.seed_records import seed_connection_events, seed_summary_events

ROOT = Path(__file__).parents[2]
EXAMPLES = json.loads((HERE / "explorer" / "examples.json").read_text())


def test_schema_graphql_is_this_schema() -> None:
    """The printed schema in the repository cannot drift from the code: `gateway schema --write` mends it."""
    assert (ROOT / "schema.graphql").read_text() == print_schema()


def test_everything_in_the_schema_has_a_description() -> None:
    """Types, fields, arguments, input fields and enum values."""
    bare: list[str] = []
    for name, kind in build_schema()._schema.type_map.items():  # noqa: SLF001 - the graphql-core schema
        if is_introspection_type(kind) or is_specified_scalar_type(kind):
            continue
        bare += [] if kind.description else [name]
        if isinstance(kind, GraphQLObjectType | GraphQLInputObjectType):
            bare += [f"{name}.{field}" for field, one in kind.fields.items() if not one.description]
        if isinstance(kind, GraphQLObjectType):
            bare += [
                f"{name}.{field}({argument})"
                for field, one in kind.fields.items()
                for argument, given in one.args.items()
                if not given.description
            ]
        if isinstance(kind, GraphQLEnumType):
            bare += [f"{name}.{value}" for value, one in kind.values.items() if not one.description]
    assert bare == []


@pytest.mark.parametrize("example", EXAMPLES, ids=[example["title"] for example in EXAMPLES])
async def test_every_example_of_the_explorer_runs(gateway: Gateway, example: dict[str, str]) -> None:
    """The tabs' queries are valid and give an answer without errors."""
    schema = build_schema()._schema  # noqa: SLF001 - the graphql-core schema
    assert validate(schema, parse(example["query"]), specified_rules) == []
    await gateway.load_connection_events(seed_connection_events())
    await gateway.load_summary_events(seed_summary_events())
    variables = example.get("variables") or "{}"
    given = json.loads(variables) if isinstance(variables, str) else variables
    assert await gateway.data(await gateway.key(), example["query"], given)


async def test_viewer_tells_who_asks_and_within_which_limits(gateway: Gateway) -> None:
    """The organization, the key, its scopes, and the limits with their values."""
    key = await gateway.key(name="dashboard")
    data = await gateway.data(
        key, "{ viewer { organizationId orgName keyId keyName scopes limits { name value description } } }"
    )
    viewer = data["viewer"]
    limits = {limit["name"]: limit["value"] for limit in viewer.pop("limits")}
    assert viewer == {
        "organizationId": "a1b2c3d4-e5f6-7890-abcd-ef1234567890",
        "orgName": "ibm",
        "keyId": key.split("_")[1],
        "keyName": "dashboard",
        "scopes": ["connections:read", "summary:read"],
    }
    assert limits["pageRows"] == 10_000
    assert limits["queryMilliseconds"] == gateway.settings.query_timeout_ms
