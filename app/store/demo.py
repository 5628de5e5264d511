"""What the database remembers of the demo: when its data ends, and whether it is complete."""

from datetime import UTC, datetime

from pymongo import ReturnDocument
from pymongo.write_concern import WriteConcern

from app.store.client import Database
from app.store.failures import translated_failures


class DemoRecord:
    """One document in the collection `demo`."""

    def __init__(self, database: Database) -> None:
        self._collection = database.get_collection("demo", write_concern=WriteConcern("majority"))

    async def begin(self, anchor: datetime) -> tuple[datetime, bool]:
        """Tell the end of the demo data (aware UTC; `anchor` where it is new), and whether it is complete."""
        with translated_failures():
            found = await self._collection.find_one_and_update(
                {"_id": "data"},
                {"$setOnInsert": {"anchor": anchor, "complete": False}},
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        assert found is not None  # noqa: S101 - an upsert that returns the document after it finds one
        return found["anchor"].replace(tzinfo=UTC), found["complete"]

    async def complete(self) -> None:
        """Remember that all demo data is loaded."""
        with translated_failures():
            await self._collection.update_one({"_id": "data"}, {"$set": {"complete": True}})
