"""The schema: the viewer, and what the registered datasets add."""

from collections.abc import Iterable
from typing import Any

import strawberry
from strawberry.schema.config import StrawberryConfig
from strawberry.utils.str_converters import to_camel_case

from app.faces.graphql.nodes import row_value
from app.faces.graphql.scalars import SCALARS
from app.registry import DATASETS, Registered
from app.server.graphql.viewer import VIEWER, resolve_viewer


def build_schema(datasets: Iterable[Registered] = DATASETS) -> strawberry.Schema:
    """Make the schema of these datasets."""
    members: dict[str, Any] = {
        VIEWER: strawberry.field(resolver=resolve_viewer, description="Who asks, and within which limits.")
    }
    for registered in datasets:
        members.update(registered.root_fields)
    query = strawberry.type(type("Query", (), members), name="Query", description="What can be asked.")
    return strawberry.Schema(query=query, config=StrawberryConfig(default_resolver=row_value, scalar_map=SCALARS))


def settled_fields(datasets: Iterable[Registered]) -> frozenset[str]:
    """Name the root fields whose records never change, as the schema has them."""
    return frozenset(
        to_camel_case(name) for registered in datasets if registered.dataset.settled for name in registered.root_fields
    )


def print_schema() -> str:
    """Print the schema as `schema.graphql` holds it."""
    return build_schema().as_str() + "\n"
