"""The summary interface below an organization, a catalog and a space."""

from typing import Any

import pytest

from tests.gateways import ORG_NAME, Gateway


def call(number: int, catalog: str | None, space: str | None, status: str = "200 OK") -> dict[str, Any]:
    """A summary event of a catalog and a space."""
    return {
        "summary_event_id": f"e{number}",
        "org_name": ORG_NAME,
        "datetime": f"2026-01-01T00:00:0{number}.000Z",
        "catalog_name": catalog,
        "space_name": space,
        "status_code": status,
    }


CALLS = [
    call(0, "prod", "eu"),
    call(1, "prod", "us", "404 Not Found"),
    call(2, "prod", None),
    call(3, "sand box", "eu"),
    call(4, None, None),
    call(5, "c/3", "a/b%2F"),
]
PATHS = [
    ("orgs/ibm", [5, 4, 3, 2, 1, 0]),
    ("catalogs/ibm/prod", [2, 1, 0]),
    ("catalogs/ibm/sand%20box", [3]),
    ("catalogs/ibm/none", []),
    ("spaces/ibm/prod/eu", [0]),
    ("spaces/ibm/sand%20box/us", []),
    ("catalogs/ibm/c%2F3", [5]),
    ("spaces/ibm/c%2f3/a%2Fb%252F", [5]),
    ("spaces/ibm/c%2f3/a%2Fb%2F", []),
]


@pytest.mark.parametrize("service", ["analytics", "analytics-2"])
async def test_a_path_narrows_to_its_organization_catalog_and_space(gateway: Gateway, service: str) -> None:
    """List, count and single record see what the path names, whatever the service's name; filters narrow further."""
    assert await gateway.load_summary_events(CALLS) == []
    key = await gateway.key()
    for path, numbers in PATHS:
        base = f"/analytics/{service}/{path}/summary"
        listed = (await gateway.get(key, base)).json()
        assert [event["summary_event_id"] for event in listed["events"]] == [f"e{number}" for number in numbers]
        assert listed["total"] == len(numbers)
        assert (await gateway.get(key, f"{base}/count")).json() == {"total": len(numbers)}
        errors = (await gateway.get(key, f"{base}/count", status_code="error")).json()
        assert errors == {"total": sum(number == 1 for number in numbers)}
        found = [(await gateway.get(key, f"{base}/e{number}")).status_code for number in range(len(CALLS))]
        assert found == [200 if number in numbers else 404 for number in range(len(CALLS))]


@pytest.mark.parametrize("path", ["orgs/other", "catalogs/other/prod", "spaces/other/prod/eu", "orgs/IBM"])
async def test_another_organization_in_a_path_is_as_if_it_were_not_there(gateway: Gateway, path: str) -> None:
    """404 with a problem, for list, count and single record alike."""
    await gateway.load_summary_events([*CALLS, {**CALLS[0], "org_name": "other"}])
    key = await gateway.key()
    for rest in ("", "/count", "/e0"):
        answer = await gateway.get(key, f"/analytics/analytics/{path}/summary{rest}")
        assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")
