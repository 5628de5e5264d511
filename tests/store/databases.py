"""Databases of a test's own, opened as the application opens them, and the scopes to read them with."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from copy import deepcopy
from typing import Any, cast
from uuid import uuid4

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient
from pymongo.monitoring import CommandFailedEvent, CommandListener, CommandStartedEvent, CommandSucceededEvent

from app.scope import Permission, Scope
from app.settings import MongoDriver, Settings
from app.store.client import Client, Database, Document, close_client, open_client, open_database
from app.store.reader import Reader
from tests.gateways import ORG_NAME, ORGANIZATION_ID, make_settings

OTHER_ORGANIZATION_ID = "b2c3d4e5-f6a7-8901-bcde-f12345678901"
OTHER_ORG_NAME = "acme"


def database_settings(mongodb_uri: str, **changes: Any) -> Settings:
    """Make settings on a new database."""
    return make_settings(mongodb_uri=mongodb_uri, database=f"test_{uuid4().hex[:16]}", **changes)


@asynccontextmanager
async def opened_database(settings: Settings) -> AsyncIterator[Database]:
    """Open the settings' database with the settings' driver; drop it afterwards."""
    assert settings.mongodb_uri is not None
    client = open_client(settings, settings.mongodb_uri.get_secret_value())
    try:
        yield open_database(client, settings)
        await client.drop_database(settings.database)
    finally:
        await close_client(client)


class Recorder(CommandListener):
    """Keeps the commands that a client sends, as they are sent."""

    def __init__(self) -> None:
        self.commands: list[Document] = []

    def started(self, event: CommandStartedEvent) -> None:
        """Keep one command."""
        self.commands.append(deepcopy(dict(event.command)))

    def succeeded(self, event: CommandSucceededEvent) -> None:
        """Nothing is kept of answers."""

    def failed(self, event: CommandFailedEvent) -> None:
        """Nothing is kept of failures."""

    def named(self, *names: str) -> list[Document]:
        """The commands of these names."""
        return [command for command in self.commands if next(iter(command)) in names]


@asynccontextmanager
async def recorded_database(settings: Settings) -> AsyncIterator[tuple[Database, Recorder]]:
    """Open the settings' database with a recorder of its commands; drop it afterwards."""
    assert settings.mongodb_uri is not None
    uri, recorder = settings.mongodb_uri.get_secret_value(), Recorder()
    make = AsyncIOMotorClient if settings.mongo_driver is MongoDriver.MOTOR else AsyncMongoClient
    client = cast("Client", make(uri, event_listeners=[recorder]))
    try:
        yield open_database(client, settings), recorder
        await client.drop_database(settings.database)
    finally:
        await close_client(client)


def scope_of(
    organization_id: str = ORGANIZATION_ID,
    org_name: str = ORG_NAME,
    permissions: frozenset[Permission] = frozenset(Permission),
) -> Scope:
    """Make a scope as a key would give it."""
    return Scope(organization_id, org_name, key_id="test", key_name="", permissions=permissions)


def reader_of(database: Database, scope: Scope | None = None, budget_ms: int = 10_000) -> Reader:
    """Make a reader; by default of the tests' own organization."""
    return Reader(database, scope or scope_of(), budget_ms)


async def matched(database: Database, documents: Sequence[Document], match: Mapping[str, Any]) -> list[Any]:
    """Let mongod match these documents, which are stored nowhere; tell the `_id`s of those that match, in order."""
    stages: list[dict[str, Any]] = [
        {"$documents": [{"$literal": document} for document in documents]},
        {"$match": match},
        {"$project": {"_id": 1}},
    ]
    cursor = await database.aggregate(stages)
    return [row["_id"] for row in await cursor.to_list(None)]
