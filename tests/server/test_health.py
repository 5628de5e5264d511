"""Health: what an orchestrator asks, without a key."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from app.main import create_app
from tests.gateways import Gateway, free_port, make_settings
from tests.server.test_bad_graphql_input import INTERNALS

# PyMongo leaves a socket to the garbage collector when its client is closed while it is just connecting.
leaves_a_socket = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@asynccontextmanager
async def a_gateway_without_a_database(data_dir: Path) -> AsyncIterator[httpx2.AsyncClient]:
    """A client of a gateway whose MongoDB does not listen."""
    settings = make_settings(connect_timeout_ms=200, data_dir=data_dir)
    app = create_app(settings, f"mongodb://127.0.0.1:{free_port()}/")
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://gateway.test") as client,
    ):
        yield client
    gc.collect()  # now, so that it is not counted against a later test


@pytest.mark.parametrize(("path", "status"), [("/health/live", "live"), ("/health/ready", "ready")])
async def test_a_gateway_with_its_database_is_live_and_ready(gateway: Gateway, path: str, status: str) -> None:
    """Without a key, for GET and HEAD."""
    answer = await gateway.client.get(path)
    assert (answer.status_code, answer.json()) == (200, {"status": status})
    assert (await gateway.client.head(path)).status_code == 200


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_health_is_only_read(gateway: Gateway, path: str, method: str) -> None:
    """405 for everything else."""
    answer = await gateway.client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (405, "METHOD_NOT_ALLOWED")
    assert "GET" in answer.headers["allow"]


@leaves_a_socket
async def test_a_gateway_that_never_saw_its_database_is_live_but_not_ready(tmp_path: Path) -> None:
    """It starts, says so, and refuses everything else with 503 in both doors."""
    async with a_gateway_without_a_database(tmp_path) as client:
        assert (await client.get("/health/live")).status_code == 200
        ready = await client.get("/health/ready")
        assert (ready.status_code, ready.json()["status"]) == (503, "unavailable")
        assert not INTERNALS.search(ready.text)
        key = {"X-API-Key": f"gw_{'0' * 12}_{'A' * 43}"}
        rest = await client.get("/summary", headers=key)
        assert (rest.status_code, rest.json()["code"]) == (503, "UNAVAILABLE")
        graphql = await client.post("/graphql", json={"query": "{ viewer { keyId } }"}, headers=key)
        assert graphql.status_code == 503
        assert graphql.json()["errors"][0]["extensions"] == {"code": "UNAVAILABLE"}


@leaves_a_socket
async def test_who_has_no_key_is_told_so_even_then(tmp_path: Path) -> None:
    """A missing or malformed key needs no database to be refused."""
    async with a_gateway_without_a_database(tmp_path) as client:
        for headers in ({}, {"X-API-Key": "nonsense"}):
            assert (await client.get("/summary", headers=headers)).status_code == 401
            assert (await client.post("/graphql", content=b"{", headers=headers)).status_code == 401
