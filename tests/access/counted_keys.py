"""A store of keys on a real MongoDB that counts what it is asked, and can be held up."""

import asyncio
from collections.abc import Mapping
from datetime import datetime

from app.store.client import Database, Document
from app.store.keys import KeyStore


class CountedKeys(KeyStore):
    """Counts look-ups and writes of uses. While `open_` is not set, nothing it is asked goes on to MongoDB."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, 10_000)
        self.open_ = asyncio.Event()
        self.open_.set()
        self.found: list[str] = []
        self.under_way = 0
        self.written: list[dict[str, datetime]] = []

    async def find(self, key_id: str) -> Document | None:
        """Read one key, once the way is open."""
        self.found.append(key_id)
        self.under_way += 1
        try:
            await self.open_.wait()
            return await super().find(key_id)
        finally:
            self.under_way -= 1

    async def record_uses(self, uses: Mapping[str, datetime]) -> bool:
        """Write uses, once the way is open."""
        self.written.append(dict(uses))
        await self.open_.wait()
        return await super().record_uses(uses)
