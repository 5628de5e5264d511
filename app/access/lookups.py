"""Looking keys up in MongoDB: each id once at a time, and few unknown ids at once."""

import asyncio
from functools import partial

from app.errors import Overloaded
from app.store.client import Document
from app.store.keys import KeyStore

STRANGERS_AT_ONCE = 8  # what a flood of invented ids can ask of MongoDB at a time
LOOKUPS_AT_MOST = 1_000  # strangers beyond this are sent away at once
_BUSY = "Too many API keys are being checked just now; try again in a moment."


class KeyLookups:
    """Requests that ask for the same key at the same time share one look-up.

    Ids that nobody has vouched for wait for one of `STRANGERS_AT_ONCE` places, at most `patience_seconds`. Keys that
    were there before do not stand in that queue: a flood of invented ids does not keep them out.
    """

    def __init__(self, keys: KeyStore, patience_seconds: float) -> None:
        self._keys = keys
        self._patience_seconds = patience_seconds
        self._places = asyncio.Semaphore(STRANGERS_AT_ONCE)
        self._under_way: dict[str, asyncio.Task[Document | None]] = {}

    async def find(self, key_id: str, *, known: bool) -> Document | None:
        """Read one key, revoked and expired ones too; `known` where it was there before.

        Raises Overloaded where no place came free in time, Unavailable where keys cannot be read.
        """
        task = self._under_way.get(key_id)
        if task is None:
            if not known and len(self._under_way) >= LOOKUPS_AT_MOST:
                raise Overloaded(_BUSY)
            task = asyncio.create_task(self._keys.find(key_id) if known else self._in_turn(key_id))
            self._under_way[key_id] = task
            task.add_done_callback(partial(self._ended, key_id))
        return await asyncio.shield(task)  # one that leaves must not take the answer from the others

    async def close(self) -> None:
        """End what is under way."""
        tasks = list(self._under_way.values())
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _in_turn(self, key_id: str) -> Document | None:
        try:
            async with asyncio.timeout(self._patience_seconds):
                await self._places.acquire()
        except TimeoutError:
            raise Overloaded(_BUSY) from None
        try:
            return await self._keys.find(key_id)
        finally:
            self._places.release()

    def _ended(self, key_id: str, task: asyncio.Task[Document | None]) -> None:
        del self._under_way[key_id]
        if not task.cancelled():
            task.exception()  # everybody who asked may have left
