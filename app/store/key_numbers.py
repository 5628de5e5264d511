"""Small numbers for the API keys of an organization, given out once and for ever: what sets of keys are packed by."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import islice

from pymongo import ReadPreference, ReturnDocument
from pymongo.errors import BulkWriteError, DuplicateKeyError
from pymongo.write_concern import WriteConcern

from app.errors import Internal
from app.store.client import Database, Document
from app.store.failures import log, translated_failures

KEYS = "rollupKeys"
_TOGETHER = 10_000  # names in one command
_DUPLICATE_KEY = 11000
_COUNTER = -1  # the number of the document that counts what was given out


class KeyNumbers:
    """Numbers the keys of any organization: for loads and operators' commands, never reachable from a request.

    Needs the collection's unique indexes: a key then has one number, and a number one key.
    """

    def __init__(self, database: Database) -> None:
        self._keys = database.with_options(
            read_preference=ReadPreference.PRIMARY, write_concern=WriteConcern("majority")
        )[KEYS]

    async def number(self, dataset: str, tenant: str, keys: Collection[str]) -> dict[str, int]:
        """Tell the numbers of these keys, of which those that have none are given one."""
        known = await self._known(dataset, tenant, keys)
        missing = sorted(set(keys) - known.keys())
        if missing:
            first = await self._take(dataset, tenant, len(missing))
            await self._insert(
                [
                    {"dataset": dataset, "tenant": tenant, "key": key, "number": number}
                    for number, key in enumerate(missing, start=first)
                ]
            )
            # Another may have numbered some of them meanwhile: theirs count, and ours are nobody's.
            known |= await self._known(dataset, tenant, missing)
        return known

    async def _known(self, dataset: str, tenant: str, keys: Iterable[str]) -> dict[str, int]:
        found: dict[str, int] = {}
        with translated_failures():
            for some in _pieces(keys):
                query = {"dataset": dataset, "tenant": tenant, "key": {"$in": some}}
                rows = await self._keys.find(query, {"_id": 0, "key": 1, "number": 1}).to_list(None)
                found.update({row["key"]: row["number"] for row in rows})
        return found

    async def _take(self, dataset: str, tenant: str, count: int) -> int:
        """Reserve so many numbers; tell the first."""
        query = {"dataset": dataset, "tenant": tenant, "number": _COUNTER}
        change = {"$inc": {"next": count}, "$setOnInsert": {"key": None}}
        with translated_failures():
            while True:
                try:
                    row = await self._keys.find_one_and_update(
                        query, change, upsert=True, return_document=ReturnDocument.AFTER
                    )
                except DuplicateKeyError:  # another made the counter just now
                    continue
                if row is None:
                    raise Internal
                return int(row["next"]) - count

    async def _insert(self, documents: Sequence[Document]) -> None:
        with translated_failures():
            try:
                await self._keys.insert_many(documents, ordered=False)
            except BulkWriteError as error:
                details = error.details or {}
                failed = details.get("writeErrors", [])
                if details.get("writeConcernErrors") or any(one["code"] != _DUPLICATE_KEY for one in failed):
                    log.error("mongodb_refused_write", errors=[one.get("code") for one in failed][:5])
                    raise Internal from error


def _pieces(keys: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(keys)
    while some := list(islice(rest, _TOGETHER)):
        yield some
