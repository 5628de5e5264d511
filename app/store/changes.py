"""What any program writes into collections, as MongoDB tells it, from where it was left off."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any

from pymongo.errors import OperationFailure
from pymongo.write_concern import WriteConcern

from app.store.client import Database, Document
from app.store.failures import translated_failures
from app.store.rollups import STATES

_TOKEN = "changes"  # noqa: S105 - the name of a document
_HISTORY_LOST = {280, 286, 260}
_TOGETHER = 1_000
_AWAIT_MS = 1_000


class HistoryLost(Exception):
    """MongoDB no longer knows what happened since the place that was left off at."""


@dataclass(frozen=True, slots=True)
class Changed:
    """Documents that were written, each with its collection, in order; `token` is the place behind them."""

    documents: list[tuple[str, Document]]
    token: Document | None


class Changes:
    """Follows collections. Needs a replica set or a sharded cluster."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._states = database.get_collection(STATES, write_concern=WriteConcern("majority"))

    async def place(self) -> Document | None:
        """Tell where following was left off; None where it never began."""
        with translated_failures():
            found = await self._states.find_one({"_id": _TOKEN})
        return None if found is None else found["token"]

    async def begin(self, collections: Collection[str]) -> bool:
        """Remember now as the place to follow from, where none is known; tell whether that was so."""
        if await self.place() is not None:
            return False
        async for changed in self.follow(collections):
            if changed.token is not None:
                await self.leave_off(changed.token)
                break
        return True

    async def leave_off(self, token: Document) -> None:
        """Remember that everything up to here has been dealt with."""
        with translated_failures():
            await self._states.update_one({"_id": _TOKEN}, {"$set": {"token": token}}, upsert=True)

    async def forget(self) -> None:
        """Begin anew the next time."""
        with translated_failures():
            await self._states.delete_one({"_id": _TOKEN})

    async def keep_before(self, collections: Collection[str]) -> None:
        """Have MongoDB keep, for as long as its log, what documents were before a change, and tell it to who follows.

        For collections whose documents move: where one was must be known too. They must be there.
        """
        for collection in collections:
            with translated_failures():
                await self._database.command({"collMod": collection, "changeStreamPreAndPostImages": {"enabled": True}})

    async def follow(self, collections: Collection[str]) -> AsyncIterator[Changed]:
        """Tell what is inserted or changed from the place left off at, or from now on; at least once a second.

        A document that is changed comes as it is now, and as it was where that is kept. Nothing is told of deletions.
        Raises HistoryLost.
        """
        wanted = {"ns.coll": {"$in": list(collections)}, "operationType": {"$in": ["insert", "update", "replace"]}}
        options: dict[str, Any] = {
            "full_document": "updateLookup",
            "full_document_before_change": "whenAvailable",
            "max_await_time_ms": _AWAIT_MS,
            "resume_after": await self.place(),
        }
        with translated_failures():
            try:
                watching: Any = self._database.watch([{"$match": wanted}], **options)
                stream = await watching if isawaitable(watching) else watching
                async with stream:
                    while True:
                        yield await _next(stream)
            except OperationFailure as error:
                if error.code in _HISTORY_LOST:
                    raise HistoryLost from error
                raise


async def _next(stream: Any) -> Changed:
    documents: list[tuple[str, Document]] = []
    while len(documents) < _TOGETHER:
        change = await stream.try_next()
        if change is None:
            break
        both = (change.get("fullDocumentBeforeChange"), change.get("fullDocument"))  # it may be gone again
        documents += [(change["ns"]["coll"], document) for document in both if document is not None]
    return Changed(documents, stream.resume_token)
