"""From a credential to a scope."""

from collections import OrderedDict
from collections.abc import Iterable
from time import monotonic
from types import TracebackType
from typing import Self

from app.access.credentials import REFUSED, read_credential, same_secret
from app.access.lookups import KeyLookups
from app.access.state import is_live
from app.access.usage import KeyUsage
from app.errors import Unauthenticated
from app.scope import Permission, Scope
from app.store.client import Document
from app.store.keys import KeyStore

REMEMBERED_SECONDS = 20.0  # a revocation is seen after at most this long (the contract allows a minute)
REMEMBERED_KEYS = 10_000


class Gate:
    """Checks keys, and remembers their documents for `REMEMBERED_SECONDS` so that most requests ask no database.

    `hits` and `misses` count how often a key was remembered, and how often it was not.

    Use as an async context manager where requests are let in: on leaving, nothing of it is left running.
    """

    def __init__(self, keys: KeyStore, connect_timeout_ms: int) -> None:
        """An unknown key waits at most `connect_timeout_ms` before it is looked up."""
        self._lookups = KeyLookups(keys, connect_timeout_ms / 1000)
        self._usage = KeyUsage(keys)
        self.hits = 0
        self.misses = 0
        self._remembered: OrderedDict[str, tuple[float, Document]] = OrderedDict()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._lookups.close()
        await self._usage.close()

    async def admit(self, headers: Iterable[tuple[bytes, bytes]]) -> Scope:
        """Tell whose data the request may touch. A key that is remembered is let in without waiting for anything.

        Raises Unauthenticated for no key, a wrong, revoked or expired one; Unavailable where keys cannot be read;
        Overloaded where too many unknown keys are being looked up.
        """
        credential = read_credential(headers)
        known = self._remembered.get(credential.key_id)
        fresh = known is not None and known[0] > monotonic()
        if known is not None and fresh:
            self.hits += 1
            key: Document | None = known[1]
        else:
            self.misses += 1
            key = await self._find(credential.key_id, known=known is not None)
        if key is None or not same_secret(credential.secret, key.get("secretHash")) or not is_live(key):
            raise Unauthenticated(REFUSED)
        self._usage.note(credential.key_id)
        return _scope(key)

    async def _find(self, key_id: str, *, known: bool) -> Document | None:
        key = await self._lookups.find(key_id, known=known)
        if key is None:
            self._remembered.pop(key_id, None)
            return None
        self._remembered[key_id] = (monotonic() + REMEMBERED_SECONDS, key)
        self._remembered.move_to_end(key_id)
        if len(self._remembered) > REMEMBERED_KEYS:
            self._remembered.popitem(last=False)
        return key


_PERMISSIONS = {permission.value: permission for permission in Permission}


def _scope(key: Document) -> Scope:
    return Scope(
        organization_id=key["organizationId"],
        org_name=key["orgName"],
        key_id=key["_id"],
        key_name=key.get("name") or "",
        permissions=frozenset(_PERMISSIONS[scope] for scope in key.get("scopes", ()) if scope in _PERMISSIONS),
    )
