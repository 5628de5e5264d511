"""When keys were last used: noted by requests, written in the background."""

import asyncio
from collections import OrderedDict
from contextvars import Context
from datetime import UTC, datetime
from time import monotonic

import structlog

from app.errors import GatewayError
from app.store.keys import KeyStore

log = structlog.get_logger(__name__)

NOTED_EVERY_SECONDS = 60.0
NOTED_KEYS = 10_000  # of so many keys the uses are noted in a minute
CLOSING_SECONDS = 1.0


class KeyUsage:
    """Keeps `lastUsedAt` of keys up to date, each at most once in `NOTED_EVERY_SECONDS`.

    A failure to write is logged and never shown; nothing is tried for `NOTED_EVERY_SECONDS` then. A user of MongoDB
    that may not write is logged once.
    """

    def __init__(self, keys: KeyStore) -> None:
        self._keys = keys
        self._noted: OrderedDict[str, float] = OrderedDict()  # when, on the monotonic clock; oldest first
        self._unwritten: dict[str, datetime] = {}
        self._writing: asyncio.Task[None] | None = None
        self._rests_until = 0.0
        self._refused = False

    def note(self, key_id: str) -> None:
        """Note that a key is used now. Never waits."""
        at = monotonic()
        if at - self._noted.get(key_id, -NOTED_EVERY_SECONDS) < NOTED_EVERY_SECONDS:
            return
        while self._noted and at - next(iter(self._noted.values())) >= NOTED_EVERY_SECONDS:
            self._noted.popitem(last=False)
        if at < self._rests_until or len(self._noted) >= NOTED_KEYS:
            return
        self._noted[key_id] = at
        self._unwritten[key_id] = datetime.now(UTC)
        if self._writing is None or self._writing.done():
            # In a context of its own: what it logs is not of the request that began it.
            self._writing = asyncio.create_task(self._write(), context=Context())

    async def close(self) -> None:
        """Give what is being written `CLOSING_SECONDS`, then end it."""
        if self._writing is None:
            return
        try:
            await asyncio.wait({self._writing}, timeout=CLOSING_SECONDS)
        finally:
            self._writing.cancel()
            await asyncio.wait({self._writing})

    async def _write(self) -> None:
        while self._unwritten:
            uses, self._unwritten = self._unwritten, {}
            try:
                allowed = await self._keys.record_uses(uses)
            except GatewayError as error:
                log.warning("key_uses_not_written", reason=error.message)
                self._rest()
            else:
                if not allowed:
                    self._rest()
                    if not self._refused:
                        log.warning("key_uses_not_written", reason="this user of MongoDB may not write to apiKeys")
                self._refused = not allowed

    def _rest(self) -> None:
        self._rests_until = monotonic() + NOTED_EVERY_SECONDS
        self._unwritten.clear()
