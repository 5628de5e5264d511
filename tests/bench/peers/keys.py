"""The peers' check of API keys: against the collection, remembered for a while."""

import hashlib
import hmac
from time import monotonic

from fastapi import HTTPException
from pymongo.asynchronous.database import AsyncDatabase

from tests.bench.peers.questions import Document

_REMEMBERED_SECONDS = 20.0


class Keys:
    """Knows the keys of a database."""

    def __init__(self, database: AsyncDatabase[Document]) -> None:
        self._database = database
        self._remembered: dict[str, tuple[float, Document]] = {}

    async def check(self, presented: str | None) -> Document:
        """Give the document of a key that is right; anything else is answered with 401."""
        _, _, rest = (presented or "").partition("_")
        key_id, _, secret = rest.partition("_")
        until, key = self._remembered.get(key_id, (0.0, None))
        if until < monotonic():
            key = await self._database["apiKeys"].find_one({"_id": key_id, "revokedAt": None})
            if key is not None:
                self._remembered[key_id] = (monotonic() + _REMEMBERED_SECONDS, key)
        digest = hashlib.sha256(secret.encode()).digest()
        if key is None or not hmac.compare_digest(digest, key["secretHash"]):
            raise HTTPException(401)
        return key
