"""Two organizations with the same records: neither learns that the other is there."""

import re
from hashlib import sha256
from typing import Any

import httpx2
import pytest

from app.faces.rest.formats import FORMATS
from app.registry import DATASETS
from app.server.exports import export_path
from tests.abuse.bounded_gateway import CALLS, CONNECTIONS, EVENTS, BoundedGateway, Organization
from tests.abuse.test_values import ROOTS
from tests.answers.test_errors_everywhere import OPERATIONS, selection_of

EXPORTS = [export_path(export, form) for one in DATASETS for export in one.exports for form in FORMATS]
# Paths that name no organization: those of another one are not there (see test_rest.py).
UNSCOPED = sorted({path for path, _, _ in OPERATIONS if not path.startswith("/analytics")})
RECORDS = {"connections": CONNECTIONS, "connection-events": EVENTS, "summary-events": CALLS}
OPEN = ("/metrics", "/openapi.json", "/docs", "/health/live", "/health/ready", "/", "/nope")
_OWN_HEADERS = {"date", "x-request-id", "content-length"}


def neutral(text: str, owner: Organization) -> str:
    """An answer without the owner's own names, and without how long it took."""
    for name in (owner.organization_id, owner.org_name, owner.key.split("_")[1]):
        text = text.replace(f'"{name}"', '"-"').replace(f",{name},", ",-,")
    return re.sub(r'"search_time":\d+', "", text)


async def both(client: httpx2.AsyncClient, abused: BoundedGateway, path: str, **more: Any) -> list[httpx2.Response]:
    """Ask the same with the key of each."""
    method = "POST" if more else "GET"
    return [
        await client.request(method, path, headers={"X-API-Key": one.key}, **more)
        for one in (abused.mine, abused.theirs)
    ]


def check_alike(abused: BoundedGateway, mine: httpx2.Response, theirs: httpx2.Response) -> None:
    """See that two answers differ in their owner only, and that none names the other."""
    assert mine.status_code == theirs.status_code
    assert neutral(mine.text, abused.mine) == neutral(theirs.text, abused.theirs)
    heads = [{name: value for name, value in one.headers.items() if name not in _OWN_HEADERS} for one in (mine, theirs)]
    assert heads[0] == heads[1]
    for name in (abused.theirs.organization_id, f'"{abused.theirs.org_name}"', abused.theirs.key.split("_")[1]):
        assert name not in mine.text


@pytest.mark.parametrize("path", UNSCOPED)
async def test_rest_answers_each_alike(client: httpx2.AsyncClient, abused: BoundedGateway, path: str) -> None:
    """Lists, counts, exports, what is not there: the same but for the owner, headers included."""
    check_alike(abused, *await both(client, abused, path))


@pytest.mark.parametrize("root", [*ROOTS, "viewer"])
async def test_graphql_answers_each_alike(client: httpx2.AsyncClient, abused: BoundedGateway, root: str) -> None:
    """With the cost, which is of the question only."""
    field = f'{root}(id: "call-000001")' if root == "summaryEvent" else root
    query = f"{{ {field} {selection_of(ROOTS[root]) if root in ROOTS else '{ organizationId orgName keyId }'} }}"
    asked = {"query": query, "extensions": {"cost": True}}
    mine, theirs = await both(client, abused, "/graphql", json=asked)
    assert "errors" not in mine.json()
    assert mine.json()["extensions"]["cost"]["requested"] > 0
    check_alike(abused, mine, theirs)


@pytest.mark.parametrize("path", EXPORTS)
async def test_an_export_has_all_of_one_organization(
    client: httpx2.AsyncClient, abused: BoundedGateway, path: str
) -> None:
    """As many records as it has, each its own."""
    mine, _ = await both(client, abused, path)
    head = 1 if path.endswith("csv") else 0
    number = RECORDS[path.removeprefix("/export/").partition(".")[0]]
    assert len(mine.text.splitlines()) == number + head
    owner = abused.mine.org_name if "summary" in path else abused.mine.organization_id
    assert sum(owner in line for line in mine.text.splitlines()) == number


async def test_a_persisted_document_is_its_organizations_own(
    client: httpx2.AsyncClient, abused: BoundedGateway
) -> None:
    """That the other has kept a document does not show."""
    document = "{ persisted: __typename }"
    known = {"persistedQuery": {"version": 1, "sha256Hash": sha256(document.encode()).hexdigest()}}

    async def ask(owner: Organization, **body: Any) -> dict[str, Any]:
        answer = await client.post("/graphql", json={"extensions": known, **body}, headers={"X-API-Key": owner.key})
        found: dict[str, Any] = answer.json()
        return found

    assert "errors" not in await ask(abused.theirs, query=document)
    assert "errors" not in await ask(abused.theirs)
    (error,) = (await ask(abused.mine))["errors"]
    assert error["extensions"]["code"] == "PERSISTED_QUERY_NOT_FOUND"


@pytest.mark.parametrize("path", OPEN)
async def test_what_is_open_tells_of_nobody(client: httpx2.AsyncClient, abused: BoundedGateway, path: str) -> None:
    """Metrics, descriptions, pages, health: no organization, key or record, after all that was asked."""
    await both(client, abused, "/summary?limit=1")
    text = (await client.get(path, headers={"Accept": "text/html, */*;q=0.1"})).text
    for one in (abused.mine, abused.theirs):
        for name in (one.organization_id, one.key.split("_")[1], one.key, "acme", "call-000001", "host-1.example"):
            assert name not in text
