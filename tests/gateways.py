"""A gateway as a test holds it: in this process, or in a process of its own."""

import asyncio
import os
import socket
import sys
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import httpx2
import orjson
from fastapi import FastAPI

from app.access.administration import NewKey, create_key
from app.ingest.checking import Refusal
from app.ingest.holds import Holds
from app.ingest.loader import Loader
from app.ingest.sources import CONNECTION_EVENT_SOURCE, SUMMARY_EVENT_SOURCE, Source
from app.registry import DATASETS
from app.settings import Settings
from app.store.indexes import Upkeep
from app.store.rollups import BUCKETS, STATES
from app.store.store import Store

ORGANIZATION_ID = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
ORG_NAME = "ibm"


def make_settings(**changes: Any) -> Settings:
    """Make settings that keep everything for ever and read no file; `changes` win."""
    defaults: dict[str, Any] = {
        "retention_connection_events_days": 0,
        "retention_connections_days": 0,
        "retention_summary_events_days": 0,
    }
    return Settings(_env_file=None, **{**defaults, **changes})


async def open_test_store(settings: Settings) -> Store:
    """Open a store with all indexes made."""
    assert settings.mongodb_uri is not None
    store = Store(settings, settings.mongodb_uri.get_secret_value())
    await store.ensure_indexes((one.dataset for one in DATASETS), Upkeep.FULL)
    return store


@dataclass
class Gateway:
    """A gateway in this process, as a client sees it."""

    client: httpx2.AsyncClient
    store: Store
    settings: Settings
    app: FastAPI

    async def key(self, organization_id: str = ORGANIZATION_ID, org_name: str = ORG_NAME, **more: Any) -> str:
        """Make a key."""
        return str(await create_key(self.store.keys, NewKey(UUID(organization_id), org_name, **more)))

    async def post(self, key: str, query: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """Ask GraphQL; the whole answer."""
        answer = await self.client.post(
            "/graphql", json={"query": query, "variables": variables}, headers={"X-API-Key": key}
        )
        body: dict[str, Any] = answer.json()
        return body

    async def data(self, key: str, query: str, variables: dict[str, Any] | None = None) -> Any:
        """Ask GraphQL; the data of an answer without errors."""
        body = await self.post(key, query, variables)
        assert "errors" not in body, body
        return body["data"]

    async def get(self, key: str, path: str, **parameters: Any) -> httpx2.Response:
        """Ask REST."""
        return await self.client.get(path, params=parameters, headers={"Authorization": f"Bearer {key}"})

    async def load_connection_events(self, records: list[dict[str, Any]]) -> list[Refusal]:
        """Load connection events as `gateway load` does; tells the refusals."""
        return await load_records(self.store, CONNECTION_EVENT_SOURCE, records)

    async def load_summary_events(self, records: list[dict[str, Any]]) -> list[Refusal]:
        """Load summary events as `gateway load` does; tells the refusals."""
        return await load_records(self.store, SUMMARY_EVENT_SOURCE, records)

    async def clear(self) -> None:
        """Remove all records, and what rollups know of them."""
        for collection in (*(one.dataset.collection for one in DATASETS), STATES, BUCKETS):
            await self.store.writer.delete(collection, {})


async def load_records(store: Store, source: Source, records: list[dict[str, Any]]) -> list[Refusal]:
    """Load records through the loader's own checks."""
    refusals: list[Refusal] = []
    holds = Holds(store.rollups, store.rebuilding)
    loader = Loader(store.writer, holds, source, lambda refusal, _line: refusals.append(refusal))
    lines = [(number, orjson.dumps(record)) for number, record in enumerate(records, start=1)]
    await loader.load(lines, lambda _tally: None)
    return refusals


def free_port() -> int:
    """Find a loopback port that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def gateway_command(*arguments: str) -> list[str]:
    """The command line of the gateway under test."""
    return [sys.executable, "-c", "from app.cli import main; main()", *arguments]


def serve_environment(settings: Settings, port: int) -> dict[str, str]:
    """The environment of a `gateway serve` on the test's database."""
    assert settings.mongodb_uri is not None
    return {
        **os.environ,
        "GATEWAY_MONGODB_URI": settings.mongodb_uri.get_secret_value(),
        "GATEWAY_DATABASE": settings.database,
        "GATEWAY_PORT": str(port),
    }


async def wait_until_ready(url: str, seconds: float = 30) -> None:
    """Wait until the server says that it is ready."""
    async with httpx2.AsyncClient() as client, asyncio.timeout(seconds):
        while True:
            try:
                if (await client.get(f"{url}/health/ready")).status_code == 200:
                    return
            except httpx2.HTTPError:
                pass
            await asyncio.sleep(0.1)
