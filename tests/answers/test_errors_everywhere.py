"""Every operation of every registered dataset refuses alike: the tests walk the registry."""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import GraphQLField, GraphQLObjectType, get_named_type

from app.faces.rest.formats import FORMATS
from app.faces.rest.parameters import Parameter
from app.query.dataset import Dataset
from app.registry import DATASETS
from app.scope import Permission
from app.server.exports import export_path
from app.server.graphql.schema import build_schema
from tests.gateways import ORG_NAME, Gateway

_ANY = {"service": "analytics", "org": ORG_NAME, "catalog": "c", "space": "s", "id": "x"}


def rest_operations() -> Iterator[tuple[str, tuple[Parameter, ...], Dataset]]:
    """Every REST path with its parameters and its dataset: lists, single records, exports."""
    for one in DATASETS:
        for route in one.routes:
            yield route.path.format(**_ANY), route.parameters, one.dataset
        for export in one.exports:
            for form in FORMATS:
                yield export_path(export, form), export.parameters, one.dataset


OPERATIONS = list(rest_operations())
_WRONG = {"integer": "ten", "boolean": "yes", "date-time": "2026-01-01T00:00:00", "string": "a\0b"}


def wrong_value(parameter: Parameter) -> str:
    """A value that a parameter of this kind cannot mean."""
    return _WRONG.get(parameter.schema.get("format", parameter.schema["type"]), _WRONG["string"])


@pytest.mark.parametrize(
    ("path", "parameters", "dataset"), OPERATIONS, ids=[f"GET {path}" for path, _, _ in OPERATIONS]
)
async def test_every_rest_path_refuses_alike(
    gateway: Gateway, path: str, parameters: tuple[Parameter, ...], dataset: Dataset
) -> None:
    """401 without a key, 403 without the scope, and 400 with the name of any parameter that cannot be meant."""
    assert (await gateway.client.get(path)).status_code == 401
    others = tuple(permission for permission in Permission if permission is not dataset.permission)
    answer = await gateway.get(await gateway.key(permissions=others), path)
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
    key = await gateway.key()
    for name, value in [("no_such", "1"), *((parameter.name, wrong_value(parameter)) for parameter in parameters)]:
        answer = await gateway.get(key, path, **{name: value})
        assert answer.status_code == 400, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
        assert [error["parameter"] for error in answer.json()["errors"]] == [name]


def selection_of(field: GraphQLField) -> str:
    """Select one leaf of a root field's answer, through nodes where it has them."""
    kind = get_named_type(field.type)
    assert isinstance(kind, GraphQLObjectType)
    names = kind.fields
    if "nodes" in names:
        return f"{{ nodes {selection_of(names['nodes'])} }}"
    return "{ count }" if "count" in names else f"{{ {next(iter(names))} }}"


def root_fields() -> list[tuple[str, GraphQLField, Dataset]]:
    """Every root field of the registry's datasets."""
    found = []
    for one in DATASETS:
        query = build_schema([one])._schema.query_type  # noqa: SLF001 - the graphql-core schema under Strawberry's
        assert query is not None
        found += [(name, field, one.dataset) for name, field in query.fields.items() if name != "viewer"]
    return found


FIELDS = root_fields()


@pytest.mark.parametrize(("name", "field", "dataset"), FIELDS, ids=[name for name, _, _ in FIELDS])
async def test_every_root_field_refuses_alike(
    gateway: Gateway, name: str, field: GraphQLField, dataset: Dataset
) -> None:
    """FORBIDDEN without the scope; a zoneless time, NUL and a null operator are refused by name."""

    async def code_of(key: str, arguments: str) -> tuple[str, str]:
        body: dict[str, Any] = await gateway.post(key, f"{{ {name}{arguments} {selection_of(field)} }}")
        error = body["errors"][0]
        return error["extensions"]["code"], error["message"]

    others = tuple(permission for permission in Permission if permission is not dataset.permission)
    plain = '(id: "x")' if "id" in field.args else ""
    assert (await code_of(await gateway.key(permissions=others), plain))[0] == "FORBIDDEN"
    key = await gateway.key()
    bad = [('(id: "a\\u0000b")', "id")] if "id" in field.args else []
    if "filter" in field.args:
        tenant = dataset.by_name[dataset.tenant_field].public_name
        bad += [
            ('(filter: {time: {start: "2026-01-01T00:00:00"}})', "filter.time.start"),
            ("(filter: {time: {minutes: 0}})", "filter.time.minutes"),
            (f'(filter: {{not: {{{tenant}: {{eq: "a\\u0000b"}}}}}})', f"filter.not.{tenant}.eq"),
            (f"(filter: {{or: [{{{tenant}: {{eq: null}}}}]}})", f"filter.or[0].{tenant}.eq"),
        ]
    for argument in ("first", "limit"):
        if argument in field.args:
            bad.append((f"({argument}: -1)", argument))
    for arguments, named in bad:
        code, message = await code_of(key, arguments)
        assert code == "BAD_USER_INPUT", message
        assert message.startswith(f"{named}:"), message
