"""What an operator does with keys: create, rotate, list, revoke."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from app.access.credentials import Credential, new_credential, secret_hash
from app.access.state import KeyState, state_of
from app.errors import InvalidInput, NotFound
from app.scope import READING, Permission
from app.store.client import Document
from app.store.keys import KeyStore


@dataclass(frozen=True, slots=True)
class NewKey:
    """What a new key is for. `organization_id` is a UUID, kept in lower case; `expires` is aware or None."""

    organization_id: UUID
    org_name: str
    name: str = ""
    expires: datetime | None = None
    permissions: tuple[Permission, ...] = READING


async def create_key(keys: KeyStore, new: NewKey) -> Credential:
    """Store a new key and give it back; its secret exists nowhere else."""
    return await _store_key(
        keys,
        {
            "organizationId": str(new.organization_id),
            "orgName": new.org_name,
            "name": new.name,
            "scopes": [permission.value for permission in new.permissions],
            "expiresAt": new.expires,
            "replaces": None,
        },
    )


async def rotate_key(keys: KeyStore, key_id: str, end: datetime, show: Callable[[Credential], None]) -> datetime:
    """Replace a key: `show` a new one that may do the same until the same time, then let the old one expire.

    The old key ends at `end` (aware), or when it would have anyway, if that is earlier; tells when (naive UTC).
    Running servers see it within a minute. Whatever breaks off before the new key is stored and shown, leaves the old
    one as it was. Raises NotFound where there is no such key, InvalidInput where it is revoked or has expired.
    """
    old = await keys.find(key_id)
    if old is None:
        raise NotFound(_no_such_key(key_id))
    state = state_of(old)
    if state is not KeyState.LIVE:
        raise InvalidInput(f"{key_id} is {state} and cannot be rotated; make a new key with `gateway keys create`")
    same = {name: old.get(name) for name in ("organizationId", "orgName", "name", "scopes", "expiresAt")}
    show(await _store_key(keys, {**same, "replaces": key_id}))
    ended = await keys.end(key_id, end)
    if ended is None:
        raise NotFound(_no_such_key(key_id))
    return ended


async def revoke_key(keys: KeyStore, key_id: str) -> bool:
    """Revoke a key by its id; running servers refuse it within a minute. False where there is none."""
    return await keys.revoke(key_id, datetime.now(UTC))


def _no_such_key(key_id: str) -> str:
    return f"there is no key with the id {key_id}"


async def _store_key(keys: KeyStore, properties: Document) -> Credential:
    while True:
        credential = new_credential()
        own = {"_id": credential.key_id, "secretHash": secret_hash(credential.secret), "createdAt": datetime.now(UTC)}
        if await keys.add({**own, **properties, "revokedAt": None, "lastUsedAt": None}):
            return credential
