"""Rotation: a new key in place of an old one, both live meanwhile, and nothing lasts longer than it would have."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from app.access.administration import NewKey, create_key, revoke_key, rotate_key
from app.access.credentials import Credential, same_secret
from app.access.state import is_live
from app.errors import InvalidInput, NotFound
from app.scope import Permission
from app.settings import Settings
from app.store.client import Document
from app.store.keys import KeyStore
from app.store.store import Store
from tests.gateways import ORG_NAME, ORGANIZATION_ID
from tests.store.databases import opened_database

INHERITED = ("organizationId", "orgName", "name", "scopes", "expiresAt")


def in_days(days: float) -> datetime:
    """A time so many days from now, to the millisecond as MongoDB keeps it."""
    return (datetime.now(UTC) + timedelta(days=days)).replace(microsecond=0)


async def make(keys: KeyStore, expires: datetime | None = None) -> str:
    """Make a key with a name and one scope; its id."""
    permissions = (Permission.SUMMARY_READ, Permission.ADMIN)
    new = NewKey(UUID(ORGANIZATION_ID), ORG_NAME, "dashboard", expires, permissions)
    return (await create_key(keys, new)).key_id


async def stored(keys: KeyStore, key_id: str) -> Document:
    """Read a key that is there."""
    key = await keys.find(key_id)
    assert key is not None
    return key


async def rotate(keys: KeyStore, key_id: str, end: datetime) -> tuple[Credential, datetime]:
    """Rotate a key; the new one, and when the old one ends."""
    shown: list[Credential] = []
    ended = await rotate_key(keys, key_id, end, shown.append)
    (credential,) = shown
    return credential, ended.replace(tzinfo=UTC)


@pytest.mark.parametrize("days", [None, 30], ids=["no-expiry", "expiry"])
async def test_the_new_key_may_do_what_the_old_one_may(both_drivers: Settings, days: int | None) -> None:
    """Same organization, names, scopes and absolute expiry; a secret of its own; it says which key it replaces."""
    async with opened_database(both_drivers) as database:
        keys = KeyStore(database, 10_000)
        old_id = await make(keys, None if days is None else in_days(days))
        before, end = await stored(keys, old_id), in_days(7)
        credential, ended = await rotate(keys, old_id, end)
        old, new = await stored(keys, old_id), await stored(keys, credential.key_id)
        assert ended == end
        assert {**before, "expiresAt": end.replace(tzinfo=None)} == old
        assert {name: new[name] for name in INHERITED} == {name: before[name] for name in INHERITED}
        assert (new["replaces"], new["revokedAt"], new["lastUsedAt"]) == (old_id, None, None)
        assert same_secret(credential.secret, new["secretHash"])
        assert new["secretHash"] != old["secretHash"]
        assert is_live(old)
        assert is_live(new)


async def test_an_overlap_of_nothing_ends_the_old_key(store: Store) -> None:
    """Where the end is now, only the new key is live."""
    old_id = await make(store.keys)
    credential, _ = await rotate(store.keys, old_id, datetime.now(UTC))
    assert not is_live(await stored(store.keys, old_id))
    assert is_live(await stored(store.keys, credential.key_id))


async def test_rotating_extends_nothing(store: Store) -> None:
    """An earlier end stays, a second rotation may bring it nearer, and no new key outlasts its old one."""
    expires, soon = in_days(3), in_days(1)
    old_id = await make(store.keys, expires)
    first, ended = await rotate(store.keys, old_id, in_days(7))
    assert ended == expires
    second, ended = await rotate(store.keys, old_id, soon)
    assert ended == soon
    third, ended = await rotate(store.keys, old_id, in_days(7))
    assert ended == soon
    latest = [(await stored(store.keys, one.key_id))["expiresAt"].replace(tzinfo=UTC) for one in (first, second, third)]
    assert latest == [expires, expires, soon]


@pytest.mark.parametrize("state", ["unknown", "revoked", "expired"])
async def test_a_key_that_is_not_live_is_not_rotated(store: Store, state: str) -> None:
    """The refusal says why, no key is made, and the old one stays as it was."""
    old_id = "0" * 12 if state == "unknown" else await make(store.keys, in_days(-1) if state == "expired" else None)
    if state == "revoked":
        await revoke_key(store.keys, old_id)
    before = await store.keys.list()
    with pytest.raises(NotFound if state == "unknown" else InvalidInput) as refusal:
        await rotate_key(store.keys, old_id, in_days(7), lambda _new: pytest.fail("a key was shown"))
    assert old_id in refusal.value.message
    assert ("there is no key" if state == "unknown" else f"is {state}") in refusal.value.message
    assert await store.keys.list() == before


async def test_the_old_key_lives_until_the_new_one_is_in_hand(store: Store) -> None:
    """The new key is stored when it is shown; what breaks off there leaves the old one without an end."""
    old_id = await make(store.keys)

    def break_off(_new: Credential) -> None:
        raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        await rotate_key(store.keys, old_id, datetime.now(UTC), break_off)
    old, new = await store.keys.list()
    assert (old["_id"], old["expiresAt"], is_live(old)) == (old_id, None, True)
    assert (new["replaces"], is_live(new)) == (old_id, True)


async def test_a_key_of_an_older_version_can_be_rotated(store: Store) -> None:
    """A document without what came later: no name, no expiry, no last use."""
    old = {"_id": "a" * 12, "organizationId": ORGANIZATION_ID, "orgName": ORG_NAME, "secretHash": b"x" * 32}
    assert await store.keys.add({**old, "scopes": ["summary:read"], "createdAt": datetime.now(UTC)})
    end = in_days(7)
    credential, ended = await rotate(store.keys, "a" * 12, end)
    assert ended == end
    assert (await stored(store.keys, credential.key_id))["scopes"] == ["summary:read"]
