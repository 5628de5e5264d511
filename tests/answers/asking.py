"""Asks a gateway through both doors, in the words of the oracle."""

from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, settings

from app.query.instants import now
from tests.gateways import Gateway
from tests.oracle.datasets import CONNECTION_EVENTS, Dataset, Record
from tests.oracle.pages import Order
from tests.oracle.specimens import ORG_NAMES, ORGANIZATIONS

# Each example fills an emptied database of the one test's gateway.
on_a_database = settings(
    max_examples=80,
    deadline=None,
    # Shrinking an example that asks a server takes minutes; the failing one is printed as it was drawn.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
NOW = int(now())
_TYPES = {"connectionEvents": "ConnectionEvent", "summaryEvents": "SummaryEvent"}


async def keys_of(gateway: Gateway) -> list[str]:
    """Make a key for each of the two organizations; every id, name and time of theirs may be the same."""
    return [
        await gateway.key(organization_id, org_name)
        for organization_id, org_name in zip(ORGANIZATIONS, ORG_NAMES, strict=True)
    ]


async def fill(gateway: Gateway, dataset: Dataset, records: list[Record]) -> None:
    """Replace all records by these, through the loader."""
    await gateway.clear()
    load = gateway.load_connection_events if dataset is CONNECTION_EVENTS else gateway.load_summary_events
    assert await load(records) == []


def constant(name: str) -> str:
    """Write a field's name as its value in an order enum."""
    return "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in name)


def order_input(orders: Sequence[Order]) -> list[dict[str, str]]:
    """Write an order as GraphQL's variables have it."""
    return [{"by": constant(name), "direction": direction} for name, direction in orders]


def page_query(root: str, dataset: Dataset) -> str:
    """Write the query for a page of all fields, under their stored names."""
    fields = " ".join(f"{stored}: {name}" for name, stored in dataset.stored.items())
    kind = _TYPES[root]
    return (
        f"query($filter: {kind}Filter, $orderBy: [{kind}Order!], $first: Int, $after: String) "
        f"{{ page: {root}(filter: $filter, orderBy: $orderBy, first: $first, after: $after) "
        f"{{ totalCount pageInfo {{ hasNextPage endCursor }} nodes {{ {fields} }} }} }}"
    )


async def walk(gateway: Gateway, key: str, query: str, variables: dict[str, Any], first: int) -> list[dict[str, Any]]:
    """Follow the cursors to the end; the pages as they came (at most 200 of them)."""
    pages: list[dict[str, Any]] = []
    after: str | None = None
    while len(pages) < 200:
        page = (await gateway.data(key, query, {**variables, "first": first, "after": after}))["page"]
        pages.append(page)
        after = page["pageInfo"]["endCursor"]
        if not page["pageInfo"]["hasNextPage"]:
            break
    return pages
