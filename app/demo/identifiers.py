"""Ids in the forms of the sources, made of 16 bytes each."""

from base64 import urlsafe_b64encode


def uuid_text(raw: bytes) -> str:
    """Write 16 bytes as a random (version 4) UUID; 6 bits give way to its version and variant."""
    digits = raw.hex()
    variant = "89ab"[int(digits[16], 16) & 3]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def connection_id(raw: bytes) -> str:
    """Write the first 8 bytes as `conn_` and 16 hexadecimal digits."""
    return f"conn_{raw[:8].hex()}"


def summary_event_id(raw: bytes) -> str:
    """Write 16 bytes as 22 characters of base64url, without padding."""
    return urlsafe_b64encode(raw)[:22].decode("ascii")
