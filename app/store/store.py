"""The store as the rooms above see it: one open connection to one database."""

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from app.errors import Unavailable
from app.query.dataset import Dataset
from app.scope import Scope
from app.settings import MongoDriver, Settings
from app.store.changes import Changes
from app.store.client import SOCKET_GRACE_MS, close_client, open_client, open_database
from app.store.deadlines import Deadline
from app.store.demo import DemoRecord
from app.store.diagnosis import Diagnosis
from app.store.failures import translated_failures
from app.store.indexes import IndexReport, Upkeep, ensure_indexes, wanted_indexes
from app.store.keys import KeyStore
from app.store.pool import PoolCounts
from app.store.reader import Reader
from app.store.retentions import Retentions
from app.store.rollup_rebuild import Rebuilding
from app.store.rollups import Rollups
from app.store.slow_queries import SlowQueries
from app.store.wire import Wire
from app.store.writer import Writer

_AT_ONCE = 2  # commands of most requests


class Store:
    """An open database. Use as an async context manager; it must be opened in the loop that uses it."""

    def __init__(self, settings: Settings, uri: str, *, patient: bool = False) -> None:
        """Raises BadAddress where the URI cannot be read; whether a server answers shows at the first use.

        A `patient` store waits for an answer as long as it takes: for operators' commands, never for requests.
        """
        self._settings = settings
        self.pool = PoolCounts()
        self._client = open_client(settings, uri, patient=patient, pool=self.pool)
        self._database = open_database(self._client, settings)
        has_wire = settings.wire_reads and settings.mongo_driver is MongoDriver.PYMONGO
        self.wire = Wire(self._client, self.pool, _AT_ONCE * settings.concurrency) if has_wire else None
        self.keys = KeyStore(self._database, settings.query_timeout_ms + SOCKET_GRACE_MS)
        self.writer = Writer(self._database)
        self.rollups = Rollups(self._database, self.writer)
        self.rebuilding = Rebuilding(self._database, self.writer)
        self.changes = Changes(self._database)
        self.retentions = Retentions(self._database, settings.query_timeout_ms + SOCKET_GRACE_MS)
        self.demo = DemoRecord(self._database)
        self.diagnosis = Diagnosis(self._database, settings.query_timeout_ms + SOCKET_GRACE_MS)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Closing takes a moment, and a cancellation meanwhile must not leave it half-way.
        await asyncio.shield(self._close())

    async def _close(self) -> None:
        if self.wire is not None:
            await self.wire.close()
        await close_client(self._client)

    @property
    def connections_in_use(self) -> int:
        """How many of the pool's connections a command uses now."""
        return self.pool.in_use - (0 if self.wire is None else self.wire.free)

    def reader(self, scope: Scope, deadline: Deadline | None = None) -> Reader:
        """Make a reader that sees the scope's organization only, and is given no time beyond the deadline."""
        slow_queries = SlowQueries(self._settings.slow_query_ms)
        retentions = self.retentions if self._settings.rollups else None
        return Reader(
            self._database,
            scope,
            self._settings.query_timeout_ms,
            deadline,
            slow_queries,
            retentions=retentions,
            compiled=self._settings.compiled_rows,
            wire=self.wire,
        )

    async def ping(self) -> None:
        """Raise Unavailable where the database does not answer within the connect timeout."""
        try:
            async with asyncio.timeout(self._settings.connect_timeout_ms / 1000):
                with translated_failures():
                    await self._database.command({"ping": 1})
        except TimeoutError:
            raise Unavailable("The database does not answer.") from None

    async def ensure_indexes(self, datasets: Iterable[Dataset], upkeep: Upkeep) -> list[IndexReport]:
        """Compare the indexes with what the datasets and the retention settings want, and mend as far as said."""
        return await ensure_indexes(self._database, wanted_indexes(datasets, self._settings), upkeep)
