"""Whether fields can be merged is looked at with bounded effort."""

from typing import Any

import pytest
from graphql import parse, validate

from app.server.graphql.field_merging import BoundedFieldMerging
from app.server.graphql.schema import build_schema
from tests.gateways import Gateway
from tests.server.graphql.test_document_limits import compiled_page

SCHEMA = build_schema()._schema  # noqa: SLF001 - the graphql-core schema under Strawberry's
REPEATED = {
    "one list": "{ connectionEvents { " + "nodes { host } " * 450 + "} }",
    "two levels": "{ connectionEvents { " + "edges { node { host } } " * 320 + "} }",
    "one leaf": "{ connectionEvents { nodes { " + "host " * 990 + "} } }",
}


@pytest.mark.parametrize("name", REPEATED)
async def test_fields_repeated_without_end_are_refused(gateway: Gateway, name: str) -> None:
    """Within every other bound of documents; the message says what to do."""
    body: dict[str, Any] = await gateway.post(await gateway.key(), REPEATED[name])
    (error,) = body["errors"]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION_FAILED"
    assert error["message"] == "The document selects fields of the same name too often; select each once."


def test_what_clients_send_is_not_refused() -> None:
    """A compiled page of 40 components that repeat each other's fields, and a field asked for a hundred times."""
    for text in (compiled_page(), "{ connectionEvents { " + "nodes { host } " * 100 + "} }"):
        assert validate(SCHEMA, parse(text), [BoundedFieldMerging]) == []


def test_conflicts_are_still_found() -> None:
    """It is graphql-core's rule."""
    (error,) = validate(SCHEMA, parse("{ a: viewer { keyId } a: connections { totalCount } }"), [BoundedFieldMerging])
    assert error.message.startswith("Fields 'a' conflict")
