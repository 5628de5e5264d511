"""Whether a key may be used."""

from datetime import UTC, datetime
from enum import StrEnum

from app.store.client import Document


class KeyState(StrEnum):
    """What has become of a key. Only a live one lets anybody in."""

    LIVE = "live"
    EXPIRED = "expired"
    REVOKED = "revoked"


def state_of(key: Document) -> KeyState:
    """Tell the state of a stored key now. It expires at the very instant of its expiry."""
    if key.get("revokedAt") is not None:
        return KeyState.REVOKED
    expires = key.get("expiresAt")
    if expires is not None and expires <= datetime.now(UTC).replace(tzinfo=None):
        return KeyState.EXPIRED
    return KeyState.LIVE


def is_live(key: Document) -> bool:
    """Tell whether a stored key may be used now."""
    return state_of(key) is KeyState.LIVE
