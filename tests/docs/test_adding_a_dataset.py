"""The README's recipe for a dataset of one's own works as it stands there."""

import re
import sys
from datetime import datetime
from types import ModuleType
from typing import Any

import httpx2
import pytest

from app.main import create_app
from app.registry import DATASETS, Registered
from app.store.indexes import Upkeep
from tests.docs.test_readme import blocks
from tests.gateways import ORG_NAME, ORGANIZATION_ID, Gateway

_PLACE = re.compile(r"# app/(\S+)\.py\n")


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Run the recipe's files as the modules they are named; gives their names by module."""
    package = "app.datasets.logins"
    monkeypatch.setitem(sys.modules, package, ModuleType(package))
    modules: dict[str, Any] = {}
    for block in blocks("python"):
        place = _PLACE.match(block)
        if place is not None:
            name = f"app.{place[1].replace('/', '.')}"
            module = ModuleType(name)
            monkeypatch.setitem(sys.modules, name, module)
            exec(compile(block, name, "exec"), module.__dict__)  # noqa: S102 - our own README
            modules[name.rsplit(".", 1)[1]] = module
    return modules


async def test_the_recipe_serves_a_new_dataset(gateway: Gateway, recipe: dict[str, Any]) -> None:
    """Pages, filters, groups, isolation and indexes come with the table of fields."""
    logins = Registered(recipe["fields"].LOGINS, recipe["graphql"].ROOT_FIELDS, ())
    assert gateway.settings.mongodb_uri is not None
    app = create_app(gateway.settings, gateway.settings.mongodb_uri.get_secret_value(), (*DATASETS, logins))
    reports = await gateway.store.ensure_indexes([logins.dataset], Upkeep.FULL)
    assert {report.state for report in reports if report.collection == logins.dataset.collection} == {"created"}
    rows = [
        {
            "loginId": f"l{number}",
            "organizationId": ORGANIZATION_ID if number < 4 else "c0000000-0000-0000-0000-000000000000",
            "user": "ada" if number % 2 else "ben",
            "seconds": number,
            "at": datetime(2026, 1, 1, number),  # noqa: DTZ001 - as BSON dates are, in UTC
        }
        for number in range(6)
    ]
    assert await gateway.store.writer.insert_new(logins.dataset, rows) == []
    key = await gateway.key(ORGANIZATION_ID, ORG_NAME)
    query = (
        "{ logins(filter: {seconds: {gte: 1}}, first: 2) { totalCount nodes { loginId user at } } "
        "loginGroups { nodes { dimensions { user } count seconds { sum } } } }"
    )
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://gateway.test") as client,
    ):
        answer = await client.post("/graphql", json={"query": query}, headers={"X-API-Key": key})
    assert answer.json() == {
        "data": {
            "logins": {
                "totalCount": 3,
                "nodes": [
                    {"loginId": "l3", "user": "ada", "at": "2026-01-01T03:00:00.000Z"},
                    {"loginId": "l2", "user": "ben", "at": "2026-01-01T02:00:00.000Z"},
                ],
            },
            "loginGroups": {
                "nodes": [
                    {"dimensions": {"user": "ada"}, "count": 2, "seconds": {"sum": 4}},
                    {"dimensions": {"user": "ben"}, "count": 2, "seconds": {"sum": 2}},
                ]
            },
        }
    }
