"""Writes of the loader and of rebuilds, each acknowledged by a majority."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from pymongo import ReadPreference, UpdateOne
from pymongo.errors import BulkWriteError
from pymongo.write_concern import WriteConcern

from app.errors import Internal
from app.query.dataset import Dataset
from app.store.client import Database, Document
from app.store.failures import log, translated_failures

Update = Mapping[str, Any] | Sequence[Mapping[str, Any]]  # operators, or a pipeline as a list
Change = tuple[Mapping[str, Any], Update]  # what must match, and what is done to it

_DUPLICATE_KEY = 11000
_UPSERT_ATTEMPTS = 5


class Writer:
    """Writes to any organization: for operators' commands, never reachable from a request."""

    def __init__(self, database: Database) -> None:
        # What is about to be written must not be decided by what a secondary has not seen yet.
        self._database = database.with_options(
            write_concern=WriteConcern("majority"), read_preference=ReadPreference.PRIMARY
        )

    async def insert_new(self, dataset: Dataset, documents: Sequence[Document]) -> list[int]:
        """Insert documents; tell the positions of those whose tenant and id were there already (not written).

        Needs the dataset's unique index. Nothing that was there is changed.
        """
        if not documents:
            return []
        with translated_failures():
            try:
                await self._database[dataset.collection].insert_many(documents, ordered=False)
            except BulkWriteError as error:
                details = error.details or {}
                failed = details.get("writeErrors", [])
                if details.get("writeConcernErrors") or any(one["code"] != _DUPLICATE_KEY for one in failed):
                    log.error("mongodb_refused_write", errors=[one.get("code") for one in failed][:5])
                    raise Internal from error
                return sorted(one["index"] for one in failed)
        return []

    async def stored(self, dataset: Dataset, documents: Sequence[Document]) -> dict[tuple[str, str], Document]:
        """Read what is stored under the tenants and ids of these documents, by (tenant, id)."""
        tenants: dict[str, list[str]] = {}
        for document in documents:
            tenants.setdefault(document[dataset.tenant_field], []).append(document[dataset.id_field])
        found: dict[tuple[str, str], Document] = {}
        for tenant, ids in tenants.items():
            query = {dataset.tenant_field: tenant, dataset.id_field: {"$in": ids}}
            with translated_failures():
                rows = await self._database[dataset.collection].find(query, {"_id": 0}).to_list(None)
            found.update({(tenant, row[dataset.id_field]): row for row in rows})
        return found

    async def upsert(self, collection: str, changes: Sequence[Change]) -> None:
        """Update by exact keys, making what is missing. The updates must be safe to run twice."""
        for _ in range(_UPSERT_ATTEMPTS):
            # Two loaders may make the same document at once; the one that came second updates it.
            changes = [changes[index] for index in await self.upsert_as_read(collection, changes)]
            if not changes:
                return
        raise Internal from RuntimeError("a document that cannot be made is not there either")

    async def upsert_as_read(self, collection: str, changes: Sequence[Change]) -> list[int]:
        """Update by exact keys and more that must match, making what is missing.

        Tell the positions of those whose document is there and does not match: nothing was done about them.
        """
        if not changes:
            return []
        updates = [UpdateOne(match, update, upsert=True) for match, update in changes]
        with translated_failures():
            try:
                await self._database[collection].bulk_write(updates, ordered=False)
            except BulkWriteError as error:
                details = error.details or {}
                failed = details.get("writeErrors", [])
                if details.get("writeConcernErrors") or any(one["code"] != _DUPLICATE_KEY for one in failed):
                    raise
                return sorted(one["index"] for one in failed)
        return []

    async def update_each(self, collection: str, changes: Sequence[Change]) -> int:
        """Update what is there, each one document or none; tell how many there were."""
        if not changes:
            return 0
        updates = [UpdateOne(match, update) for match, update in changes]
        with translated_failures():
            return (await self._database[collection].bulk_write(updates, ordered=False)).matched_count

    async def update_all(self, collection: str, match: Mapping[str, Any], update: Update) -> None:
        """Update every document that matches."""
        with translated_failures():
            await self._database[collection].update_many(match, update)

    async def run(self, collection: str, pipeline: Sequence[Mapping[str, Any]]) -> None:
        """Run a pipeline that ends in `$merge`."""
        with translated_failures():
            cursor = await self._database.cursor_command(
                {
                    "aggregate": collection,
                    "pipeline": list(pipeline),
                    "cursor": {},
                    "allowDiskUse": True,
                    "writeConcern": {"w": "majority"},
                }
            )
            await cursor.to_list(None)

    async def delete(self, collection: str, match: Mapping[str, Any]) -> int:
        """Delete what matches; tell how many."""
        with translated_failures():
            return (await self._database[collection].delete_many(match)).deleted_count

    async def server_time(self) -> datetime:
        """Read the database server's clock (naive UTC)."""
        with translated_failures():
            answer = await self._database.command({"hello": 1})
        local_time: datetime = answer["localTime"]
        return local_time

    async def count(self, collection: str) -> int:
        """Count all documents of a collection."""
        with translated_failures():
            return int(await self._database[collection].count_documents({}))
