"""The headers that every answer carries, whichever route gave it, and whatever went wrong."""

from collections.abc import AsyncIterator

import httpx2
import pytest
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from app.main import create_app
from app.server.pages.assets import ASSETS, asset_address
from app.server.pages.page import CONTENT_SECURITY_POLICY
from tests.gateways import ORG_NAME, Gateway, make_settings

PARTS = {
    "service": "any",
    "org": ORG_NAME,
    "catalog": "c",
    "space": "s",
    "id:path": "A11ybP3Dnla5jttwIQuGjA",
    "name:path": "bar.css",
}
# What holds nothing of any organization, and may be kept by a browser that asks whether it is still right.
KEPT = ("/docs", "/assets/")


def paths() -> list[str]:
    """Every path that the gateway routes, its parts filled in."""
    routes = create_app(make_settings(), "mongodb://127.0.0.1:1/").routes
    found = [route.path for route in routes if isinstance(route, Route)]
    assert len(found) == len(routes)
    for name, value in PARTS.items():
        found = [path.replace(f"{{{name}}}", value) for path in found]
    return found


PATHS = paths()


@pytest.fixture(scope="module")
async def client(served: tuple[str, str]) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of the gateway in a process of its own: with the headers that its server adds."""
    async with httpx2.AsyncClient(base_url=served[0], timeout=30) as client:
        yield client


def check(answer: httpx2.Response, *, kept: bool = False) -> None:
    """See what holds for every answer."""
    headers = answer.headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["x-request-id"]
    assert "server" not in headers
    assert "set-cookie" not in headers
    assert not [name for name in headers if name.startswith(("access-control-", "x-powered-by"))]
    if headers.get("content-type", "").startswith("text/html"):
        assert headers["content-security-policy"] == CONTENT_SECURITY_POLICY
    assert kept == (headers["cache-control"] != "no-store"), headers["cache-control"]


@pytest.mark.parametrize("path", PATHS)
async def test_every_route(client: httpx2.AsyncClient, gateway_key: str, path: str) -> None:
    """With a key, without one, and by a method that it has not: data are stored nowhere, and no cookie is set."""
    kept = path.startswith(KEPT)
    with_key = await client.get(path, headers={"X-API-Key": gateway_key})
    assert with_key.status_code < 500
    check(with_key, kept=kept)
    check(await client.get(path), kept=kept)
    check(await client.head(path), kept=kept and "HEAD" in allowed(await client.request("PUT", path)))
    wrong = await client.request("PUT", path)
    assert wrong.status_code == 405
    assert "GET" in allowed(wrong)
    if path != "/graphql":  # which answers in its own form
        assert wrong.headers["content-type"] == "application/problem+json"
        assert wrong.json()["code"] == "METHOD_NOT_ALLOWED"
    check(wrong)


def allowed(answer: httpx2.Response) -> list[str]:
    """The methods that a 405 names."""
    assert answer.status_code == 405
    methods: list[str] = answer.headers["allow"].split(", ")
    return methods


@pytest.mark.parametrize("name", sorted(ASSETS))
async def test_every_file_of_the_pages(client: httpx2.AsyncClient, name: str) -> None:
    """Scripts and styles are sniffed for nothing, and the type that they have is named."""
    answer = await client.get(asset_address(name))
    assert answer.status_code == 200
    assert answer.headers["content-type"]
    check(answer, kept=True)


@pytest.mark.parametrize("path", ["/docs", "/graphql"])
async def test_every_page_has_the_policy(client: httpx2.AsyncClient, path: str) -> None:
    """Scripts of this host only, and no frame around it."""
    answer = await client.get(path, headers={"Accept": "text/html"})
    assert answer.headers["content-type"].startswith("text/html")
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    check(answer, kept=True)


@pytest.mark.parametrize("path", ["/nothing", "/graphql/", "/api", "/assets/nothing", "/%00", "/..%2f..%2fetc"])
async def test_an_unknown_path_is_a_problem(client: httpx2.AsyncClient, path: str) -> None:
    """404 as problem details, whether or not a key comes with it."""
    answer = await client.get(path)
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json()["code"] == "NOT_FOUND"
    check(answer)


async def test_a_failure_has_them_too(gateway: Gateway) -> None:
    """500 as problem details that tell nothing of the reason."""

    async def fail(_request: Request) -> Response:
        raise RuntimeError("planted")

    gateway.app.add_route("/fails", fail)
    answer = await gateway.client.get("/fails")
    assert (answer.status_code, answer.headers["content-type"]) == (500, "application/problem+json")
    assert answer.json()["code"] == "INTERNAL"
    assert "planted" not in answer.text
    check(answer)


@pytest.mark.parametrize("sent", ["trace-1.a_B", "x" * 64])
async def test_a_plain_request_id_is_kept(client: httpx2.AsyncClient, sent: str) -> None:
    """So that a proxy's log and the gateway's name a request alike."""
    answer = await client.get("/health/live", headers={"X-Request-ID": sent})
    assert answer.headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["", "x" * 65, "a b", "a;b", "<b>"])
async def test_another_request_id_is_replaced(client: httpx2.AsyncClient, sent: str) -> None:
    """What could forge a line of a log is not taken over."""
    answer = await client.get("/health/live", headers={"X-Request-ID": sent})
    assert answer.headers["x-request-id"] not in {"", sent}
