"""A database for what only a real mongod can say about a question."""

from collections.abc import AsyncIterator

import pytest

from app.store.client import Database
from tests.store.databases import database_settings, opened_database


@pytest.fixture(scope="module")
async def database(mongodb_uri: str) -> AsyncIterator[Database]:
    """An empty database for the tests of one file."""
    async with opened_database(database_settings(mongodb_uri)) as database:
        yield database
