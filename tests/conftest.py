"""One real mongod for the whole run, a database of its own for each test, and gateways on it."""

import os
import subprocess
import zoneinfo
from collections.abc import AsyncIterator, Iterator
from uuid import UUID, uuid4

import httpx2
import pytest

from app.access.administration import NewKey, create_key
from app.ingest.sources import CONNECTION_EVENT_SOURCE, SUMMARY_EVENT_SOURCE
from app.main import create_app
from app.settings import MongoDriver, Settings
from app.store.embedded import embedded_mongod
from app.store.store import Store
from tests.gateways import (
    ORG_NAME,
    ORGANIZATION_ID,
    Gateway,
    free_port,
    gateway_command,
    load_records,
    make_settings,
    open_test_store,
    serve_environment,
    wait_until_ready,
)
from tests.seed_records import seed_connection_events, seed_summary_events


def pytest_configure() -> None:
    """Give the oracle the package's rules of time zones: a machine's own may be years older."""
    zoneinfo.reset_tzpath(())
    zoneinfo.ZoneInfo.clear_cache()


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> Iterator[None]:
    """Keep the tests apart from GATEWAY_* variables of whoever runs them."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("GATEWAY_")}
    yield
    os.environ.update(kept)


@pytest.fixture(scope="session")
def mongodb_uri(tmp_path_factory: pytest.TempPathFactory, _no_settings_from_outside: None) -> Iterator[str]:
    """A real mongod, a replica set of one member; stopped at the end of the run."""
    with embedded_mongod(make_settings(data_dir=tmp_path_factory.mktemp("mongod"))) as uri:
        yield uri


@pytest.fixture
def settings(mongodb_uri: str) -> Settings:
    """Settings on a database of this test's own."""
    return make_settings(mongodb_uri=mongodb_uri, database=f"test_{uuid4().hex[:16]}")


@pytest.fixture(params=[MongoDriver.PYMONGO, MongoDriver.MOTOR])
def both_drivers(request: pytest.FixtureRequest, settings: Settings) -> Settings:
    """The settings with each driver in turn."""
    return settings.model_copy(update={"mongo_driver": request.param})


@pytest.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    """An open store on an empty database with all indexes; the database is dropped afterwards."""
    async with await open_test_store(settings) as store:
        yield store
        await store.writer._database.client.drop_database(settings.database)  # noqa: SLF001 - tests clean up behind the doors


@pytest.fixture
async def gateway(settings: Settings, store: Store) -> AsyncIterator[Gateway]:
    """A gateway on an empty database."""
    assert settings.mongodb_uri is not None
    app = create_app(settings.model_copy(update={"manage_indexes": False}), settings.mongodb_uri.get_secret_value())
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://gateway.test") as client,
    ):
        yield Gateway(client, store, settings, app)


@pytest.fixture(scope="session")
async def served(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[str, str]]:
    """A `gateway serve` with the seeds' records loaded: its URL and a key."""
    settings = make_settings(mongodb_uri=mongodb_uri, database="served")
    async with await open_test_store(settings) as store:
        for source, records in (
            (CONNECTION_EVENT_SOURCE, seed_connection_events()),
            (SUMMARY_EVENT_SOURCE, seed_summary_events()),
        ):
            assert await load_records(store, source, records) == []
        key = str(await create_key(store.keys, NewKey(UUID(ORGANIZATION_ID), ORG_NAME)))
    port = free_port()
    log = tmp_path_factory.mktemp("served") / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: ASYNC220 - starting it takes no time
            gateway_command("serve"), env=serve_environment(settings, port), stdout=output, stderr=output
        )
    try:
        url = f"http://127.0.0.1:{port}"
        await wait_until_ready(url)
        yield url, key
    finally:
        process.terminate()
        process.wait(30)


@pytest.fixture
def gateway_url(served: tuple[str, str]) -> str:
    """The URL of the gateway in a process of its own."""
    return served[0]


@pytest.fixture
def gateway_key(served: tuple[str, str]) -> str:
    """A key of that gateway."""
    return served[1]
