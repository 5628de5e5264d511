"""Requests from pages of other origins: refused by the browser, unless the settings list the origin."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from app.main import create_app
from app.settings import Settings
from tests.gateways import Gateway, make_settings

LISTED, OTHER = "https://app.example.com", "https://evil.example.com"
DOORS = [
    ("GET", "/summary/count"),
    ("POST", "/graphql"),
    ("GET", "/export/connections.ndjson"),
    ("GET", "/health/live"),
]


def preflight(origin: str, method: str = "POST", headers: str = "authorization,content-type") -> dict[str, str]:
    """The headers by which a browser asks whether it may."""
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": headers,
    }


@asynccontextmanager
async def opened(gateway: Gateway, **changes: Any) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a gateway on the same database, with other settings and a route that fails."""
    settings = gateway.settings.model_copy(update={"manage_indexes": False, **changes})
    assert settings.mongodb_uri is not None
    app = create_app(settings, settings.mongodb_uri.get_secret_value())

    async def fail(_request: Request) -> Response:
        raise RuntimeError("planted")

    app.add_route("/fails", fail)
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://gateway.test") as client,
    ):
        yield client


def allowed(answer: httpx2.Response) -> str | None:
    """The origin that may read the answer."""
    return answer.headers.get("access-control-allow-origin")


async def test_off_by_default(gateway: Gateway) -> None:
    """No answer says anything of CORS, and OPTIONS is a method like any other that is not served."""
    for method, path in DOORS:
        asked = await gateway.client.options(path, headers=preflight(LISTED, method))
        assert asked.status_code == 405, path
        answer = await gateway.client.request(method, path, headers={"Origin": LISTED})
        for one in (asked, answer):
            assert not [name for name in one.headers if name.startswith("access-control-")]
            assert "origin" not in one.headers.get("vary", "").lower()


@pytest.mark.parametrize(("method", "path"), DOORS, ids=[path for _, path in DOORS])
async def test_a_listed_origin_may_ask(gateway: Gateway, method: str, path: str) -> None:
    """The browser's question needs no key; the answer names this origin, the headers it may send, no credentials."""
    async with opened(gateway, cors_origins=(LISTED, "http://localhost:3000")) as client:
        sent = "authorization,content-type,traceparent,x-api-key,x-request-id"
        asked = await client.options(path, headers=preflight(LISTED, method, sent))
        assert (asked.status_code, allowed(asked)) == (200, LISTED)
        assert method in asked.headers["access-control-allow-methods"].split(", ")
        assert set(sent.split(",")) <= set(asked.headers["access-control-allow-headers"].lower().split(", "))
        assert int(asked.headers["access-control-max-age"]) > 0
        assert "access-control-allow-credentials" not in asked.headers
        assert asked.headers["x-request-id"]
        assert asked.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "headers",
    [
        preflight(OTHER),
        preflight("null"),
        preflight(LISTED + ".evil.example.com"),
        preflight("http://app.example.com"),
    ],
    ids=["other", "null", "longer", "scheme"],
)
async def test_another_origin_may_not(gateway: Gateway, headers: dict[str, str]) -> None:
    """Neither the browser's question nor the answer itself names it."""
    async with opened(gateway, cors_origins=(LISTED,)) as client:
        asked = await client.options("/graphql", headers=headers)
        assert (asked.status_code, allowed(asked)) == (400, None)
        answer = await client.get("/health/live", headers={"Origin": headers["Origin"]})
        assert (answer.status_code, allowed(answer)) == (200, None)


@pytest.mark.parametrize(
    "headers", [preflight(LISTED, "DELETE"), preflight(LISTED, headers="cookie")], ids=["method", "header"]
)
async def test_no_more_is_allowed_than_the_gateway_takes(gateway: Gateway, headers: dict[str, str]) -> None:
    """Other methods and other headers are refused in the browser's question already."""
    async with opened(gateway, cors_origins=(LISTED,)) as client:
        assert (await client.options("/graphql", headers=headers)).status_code == 400


async def test_every_answer_can_be_read_by_the_page(gateway: Gateway) -> None:
    """Data, refusals and failures alike, with the headers that tell about limits, and never from a shared cache."""
    async with opened(gateway, cors_origins=(LISTED,), cost_per_minute=20) as client:
        key = await gateway.key()
        ours = {"Origin": LISTED, "X-API-Key": key}
        statuses = {}
        for path, headers in {
            "/summary/count": ours,
            "/summary": ours,
            "/summary?limit=1": ours,
            "/summary/x": {"Origin": LISTED},
            "/nothing": ours,
            "/fails": ours,
        }.items():
            answer = await client.get(path, headers=headers)
            statuses[path] = answer.status_code
            assert allowed(answer) == LISTED, path
            assert "Origin" in answer.headers["vary"]
            assert answer.headers["access-control-expose-headers"] == (
                "RateLimit, RateLimit-Policy, Retry-After, X-Request-ID"
            )
        assert list(statuses.values()) == [200, 400, 200, 401, 404, 500]
        spent = await client.get("/summary?limit=1", headers=ours)
        assert (spent.status_code, allowed(spent)) == (429, LISTED)


@pytest.mark.parametrize(
    ("given", "origins"),
    [
        ("", ()),
        (" , ", ()),
        (f" {LISTED} , http://localhost:3000,", (LISTED, "http://localhost:3000")),
        ("http://[::1]:8080,http://127.0.0.1", ("http://[::1]:8080", "http://127.0.0.1")),
    ],
    ids=["empty", "blank", "two", "addresses"],
)
def test_origins_are_read_from_a_list_with_commas(
    monkeypatch: pytest.MonkeyPatch, given: str, origins: tuple[str, ...]
) -> None:
    """As they stand in the environment."""
    monkeypatch.setenv("GATEWAY_CORS_ORIGINS", given)
    assert make_settings().cors_origins == origins


@pytest.mark.parametrize(
    "wrong",
    [
        "*",
        "null",
        "app.example.com",
        "https://app.example.com/",
        "https://App.example.com",
        "https://*.example.com",
        "https://app.example.com:443",
        "http://app.example.com:80",
        "https://user@app.example.com",
        "ftp://app.example.com",
        "https://app.example.com https://b.example.com",
    ],
)
def test_what_is_no_origin_is_refused_by_name(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    """An origin that no browser sends would silently never match; `*` would let every page ask."""
    monkeypatch.setenv("GATEWAY_CORS_ORIGINS", f"{LISTED},{wrong}")
    with pytest.raises(ValidationError) as refused:
        Settings(_env_file=None)
    (problem,) = refused.value.errors()
    assert problem["loc"] == ("cors_origins",)
    assert wrong in problem["msg"]
    assert "such as https://app.example.com" in problem["msg"]
