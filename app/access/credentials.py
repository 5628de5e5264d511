"""API keys as text: `gw_<id>_<secret>`, 256 random bits in the secret."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass

from app.errors import Unauthenticated

_ID = re.compile(r"[0-9a-z]{12}", re.ASCII)
_KEY = re.compile(rf"gw_({_ID.pattern})_([A-Za-z0-9_-]{{43}})", re.ASCII)
_ID_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
MISSING = "An API key is needed: send it as `Authorization: Bearer <key>` or `X-API-Key: <key>`."
REFUSED = "This API key is not valid. Keys are made with `gateway keys create`."


@dataclass(frozen=True, slots=True)
class Credential:
    """A key as it was presented: its public id and its secret."""

    key_id: str
    secret: str

    def __str__(self) -> str:
        return f"gw_{self.key_id}_{self.secret}"

    def __repr__(self) -> str:
        return f"Credential({self.key_id})"


def new_credential() -> Credential:
    """Draw a new key: 62 random bits of id, 256 random bits of secret."""
    key_id = "".join(secrets.choice(_ID_ALPHABET) for _ in range(12))
    return Credential(key_id, secrets.token_urlsafe(32))


def is_key_id(text: str) -> bool:
    """Tell whether a text has the form of a key's public id."""
    return _ID.fullmatch(text) is not None


def secret_hash(secret: str) -> bytes:
    """SHA-256 of a secret. The secret has 256 random bits, so no salt and no slow hash are needed."""
    return hashlib.sha256(secret.encode()).digest()


def same_secret(secret: str, stored: object) -> bool:
    """Compare in constant time."""
    return isinstance(stored, bytes) and hmac.compare_digest(secret_hash(secret), stored)


def read_credential(headers: Iterable[tuple[bytes, bytes]]) -> Credential:
    """Find the key in a request's headers: `Authorization: [Bearer] <key>` or `X-API-Key: <key>`.

    Raises Unauthenticated where there is none, one that no key looks like, or two that differ.
    """
    presented = {_bare(name, value) for name, value in headers if name in {b"authorization", b"x-api-key"}}
    if not presented:
        raise Unauthenticated(MISSING)
    if len(presented) > 1:
        raise Unauthenticated("Two different API keys were sent; send one.")
    match = _KEY.fullmatch(presented.pop().decode("latin-1"))
    if match is None:
        raise Unauthenticated(REFUSED)
    return Credential(match[1], match[2])


def _bare(name: bytes, value: bytes) -> bytes:
    value = value.strip()
    if name == b"authorization" and value[:7].lower() == b"bearer ":
        return value[7:].strip()
    return value
