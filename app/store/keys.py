"""API keys in MongoDB: the id and the SHA-256 of the secret, never the secret."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import ReturnDocument, UpdateOne
from pymongo.errors import DuplicateKeyError, OperationFailure
from pymongo.write_concern import WriteConcern

from app.store.client import Database, Document
from app.store.deadlines import answered_within
from app.store.failures import translated_failures
from app.store.spans import command_span

API_KEYS = "apiKeys"
_UNAUTHORIZED = 13  # MongoDB's error_codes.yml


class KeyStore:
    """The collection of keys. A document's `_id` is the key's public id."""

    def __init__(self, database: Database, budget_ms: int) -> None:
        self._budget_ms = budget_ms
        self._keys = database.get_collection(API_KEYS, write_concern=WriteConcern("majority"))
        # A use that a failover loses is noted again with the next one.
        self._uses = database.get_collection(API_KEYS, write_concern=WriteConcern(1))

    async def find(self, key_id: str) -> Document | None:
        """Read one key, revoked and expired ones too."""
        finding = self._keys.find_one({"_id": {"$eq": key_id}}, max_time_ms=self._budget_ms)
        with command_span(self._keys.database.name, "find", API_KEYS):
            return await answered_within(self._budget_ms, finding)

    async def list(self) -> list[Document]:
        """Read all keys, oldest first, without the hashes of their secrets."""
        with translated_failures():
            return await self._keys.find({}, {"secretHash": 0}).sort([("createdAt", 1), ("_id", 1)]).to_list(None)

    async def add(self, document: Document) -> bool:
        """Store a new key; False where the id is taken."""
        with translated_failures():
            try:
                await self._keys.insert_one(document)
            except DuplicateKeyError:
                return False
            return True

    async def end(self, key_id: str, at: datetime) -> datetime | None:
        """Let a key expire at a time, or when it would have anyway, if that is earlier.

        Tells when that is (naive UTC); None where there is no such key.
        """
        # `$min` passes over null: a key without an expiry gets one.
        change: list[dict[str, Any]] = [{"$set": {"expiresAt": {"$min": ["$expiresAt", at]}}}]
        with translated_failures():
            ended: Document | None = await self._keys.find_one_and_update(
                {"_id": {"$eq": key_id}}, change, {"expiresAt": 1}, return_document=ReturnDocument.AFTER
            )
        return ended["expiresAt"] if ended is not None else None

    async def revoke(self, key_id: str, at: datetime) -> bool:
        """Mark a key as revoked (the first time counts); False where there is no such key."""
        change: list[dict[str, Any]] = [{"$set": {"revokedAt": {"$ifNull": ["$revokedAt", at]}}}]
        with translated_failures():
            result = await self._keys.update_one({"_id": {"$eq": key_id}}, change)
        return result.matched_count == 1

    async def record_uses(self, uses: Mapping[str, datetime]) -> bool:
        """Write when keys were used last, by their ids; never moves a time back.

        False where this user of MongoDB may not write.
        """
        changes = [UpdateOne({"_id": {"$eq": key_id}}, {"$max": {"lastUsedAt": at}}) for key_id, at in uses.items()]
        return await answered_within(self._budget_ms, self._allowed(changes))

    async def _allowed(self, changes: Sequence[UpdateOne]) -> bool:
        try:
            await self._uses.bulk_write(changes, ordered=False)
        except OperationFailure as error:
            if error.code != _UNAUTHORIZED:
                raise
            return False
        return True
