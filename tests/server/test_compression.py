"""Compression on the way: who gets it, and that each piece can be unpacked when it comes."""

import gzip
import zlib
from collections.abc import AsyncIterator

import pytest

from app.server.compression import accepts_gzip, gzipped

PIECES = [b"one line\n", b"", b"another\n" * 10_000, bytes(range(256))]


@pytest.mark.parametrize(
    ("accept_encoding", "accepted"),
    [
        ("", False),
        ("gzip", True),
        ("GZip", True),
        ("x-gzip", True),
        ("br, gzip;q=0.5", True),
        (" deflate ,gzip ; q = 1.0", True),
        ("*", True),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip;q=0.000", False),
        ("gzip;q=0, *", False),
        ("*;q=0", False),
        ("identity;q=0.5, gzip;q=0.4", False),
        ("identity;q=0.5, gzip;q=0.5", True),
        ("identity, *;q=0.1", False),
        ("gzip;q=nonsense", False),
        ("gzip;q=nan", False),
        ("gzippo", False),
        (",;q=1,", False),
    ],
)
def test_gzip_goes_to_those_who_accept_it(accept_encoding: str, accepted: bool) -> None:  # noqa: FBT001 - a table
    """By quality: not with 0, and not where no encoding is liked better."""
    assert accepts_gzip(accept_encoding) is accepted


async def test_each_piece_can_be_unpacked_when_it_comes() -> None:
    """And all of them together are one whole gzip file, which a part of them is not."""
    unpack, packed = zlib.decompressobj(31), b""
    stream = gzipped(_pieces())
    for piece in PIECES:
        came = await anext(stream)
        packed += came
        assert unpack.decompress(came) == piece
        assert not unpack.eof
    with pytest.raises(EOFError):
        gzip.decompress(packed)
    packed += b"".join([piece async for piece in stream])
    assert gzip.decompress(packed) == b"".join(PIECES)


async def _pieces() -> AsyncIterator[bytes]:
    for piece in PIECES:
        yield piece
