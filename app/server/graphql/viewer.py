"""Who asks, and within which limits."""

import strawberry
from strawberry.types import Info

from app.faces.context import RequestContext
from app.faces.graphql.scalars import Long
from app.faces.graphql.selection import selection_of

VIEWER = "viewer"  # the root field: the only one whose answer depends on the key, not just on what it may read


@strawberry.type(name="Limit", description="A bound that applies to requests.")
class LimitView:
    """One limit as GraphQL shows it."""

    name: str = strawberry.field(description="Name of the limit, as errors give it.")
    value: Long = strawberry.field(description="The greatest amount that is taken.")
    description: str = strawberry.field(description="What is counted.")


@strawberry.type(description="The caller: its organization, its key, and the limits that apply.")
class Viewer:
    """The scope of the request's key."""

    organization_id: str = strawberry.field(description="The organization that owns connections, a UUID.")
    org_name: str = strawberry.field(description="The same organization's name, which owns summary events.")
    key_id: str = strawberry.field(description="Id of the API key (not a secret).")
    key_name: str = strawberry.field(description="What the key was named when it was made.")
    scopes: list[str] = strawberry.field(description="What the key may do.")
    limits: list[LimitView] = strawberry.field(description="Every limit that applies.")


async def resolve_viewer(info: Info[RequestContext, None]) -> Viewer:
    """Describe the request's scope."""
    scope = info.context.scope
    limits = info.context.limits if "limits" in selection_of(info) else ()
    return Viewer(
        organization_id=scope.organization_id,
        org_name=scope.org_name,
        key_id=scope.key_id,
        key_name=scope.key_name,
        scopes=sorted(scope.permissions),
        limits=[LimitView(name=one.name, value=Long(one.value), description=one.description) for one in limits],
    )
