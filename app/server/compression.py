"""Answers that go out compressed while they are made."""

import zlib
from collections.abc import AsyncIterator

_GZIP = 16 + zlib.MAX_WBITS
# Measured on records of both formats: 1 gives within a fifth of the size that 6 gives, in less than half of the time.
_LEVEL = 1


def accepts_gzip(accept_encoding: str) -> bool:
    """Tell whether gzip is acceptable, and not less welcome than no encoding (RFC 9110, section 12.5.3)."""
    qualities: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        qualities[coding] = _quality(parameters)
    gzip = qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0.0)))
    return gzip > 0 and gzip >= qualities.get("identity", 0.0)


def _quality(parameters: list[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return float(value)
            except ValueError:
                return 0.0
    return 1.0


async def gzipped(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Compress pieces as they come: whatever has come can be unpacked up to the end of its last piece.

    The end mark comes after the last piece only: a stream that was cut off is no whole gzip file.
    """
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)
    async for piece in pieces:
        yield packer.compress(piece) + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()
