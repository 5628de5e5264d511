"""From a credential to a scope."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from time import monotonic
from types import TracebackType
from typing import Self

from app.access.credentials import REFUSED, Credential, read_credential, same_secret
from app.access.lookups import KeyLookups
from app.access.state import is_live
from app.access.usage import KeyUsage
from app.errors import Unauthenticated
from app.scope import Permission, Scope
from app.store.client import Document
from app.store.keys import KeyStore

REMEMBERED_SECONDS = 20.0  # a revocation is seen after at most this long (the contract allows a minute)
REMEMBERED_KEYS = 10_000

Headers = Iterable[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Remembered:
    """A key's document and what it allows, for so long on the monotonic clock."""

    until: float
    key: Document
    scope: Scope


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
        self._remembered: OrderedDict[str, Remembered] = OrderedDict()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._lookups.close()
        await self._usage.close()

    def remembered(self, headers: Headers) -> Scope | None:
        """Tell whose data the request may touch, without waiting for anything; None where the key is not remembered.

        Raises Unauthenticated for no key, a wrong or expired one.
        """
        return self._remembered_scope(read_credential(headers))

    async def admit(self, headers: Headers) -> Scope:
        """Tell whose data the request may touch. A key that is remembered is let in without waiting for anything.

        Raises Unauthenticated for no key, a wrong, revoked or expired one; Unavailable where keys cannot be read;
        Overloaded where too many unknown keys are being looked up.
        """
        credential = read_credential(headers)
        scope = self._remembered_scope(credential)
        if scope is not None:
            return scope
        self.misses += 1
        return self._let_in(credential, await self._find(credential.key_id))

    def _remembered_scope(self, credential: Credential) -> Scope | None:
        known = self._remembered.get(credential.key_id)
        if known is None or known.until <= monotonic():
            return None
        self.hits += 1
        return self._let_in(credential, known)

    def _let_in(self, credential: Credential, known: Remembered | None) -> Scope:
        if known is None or not same_secret(credential.secret, known.key.get("secretHash")) or not is_live(known.key):
            raise Unauthenticated(REFUSED)
        self._usage.note(credential.key_id)
        return known.scope

    async def _find(self, key_id: str) -> Remembered | None:
        key = await self._lookups.find(key_id, known=key_id in self._remembered)
        if key is None:
            self._remembered.pop(key_id, None)
            return None
        found = Remembered(monotonic() + REMEMBERED_SECONDS, key, _scope(key))
        self._remembered[key_id] = found
        self._remembered.move_to_end(key_id)
        if len(self._remembered) > REMEMBERED_KEYS:
            self._remembered.popitem(last=False)
        return found


_PERMISSIONS = {permission.value: permission for permission in Permission}


def _scope(key: Document) -> Scope:
    return Scope(
        organization_id=key["organizationId"],
        org_name=key["orgName"],
        key_id=key["_id"],
        key_name=key.get("name") or "",
        permissions=frozenset(_PERMISSIONS[scope] for scope in key.get("scopes", ()) if scope in _PERMISSIONS),
    )
