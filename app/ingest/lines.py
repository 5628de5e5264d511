"""Lines of NDJSON from a file, a gzip file or standard input."""

import sys
import zlib
from collections.abc import Iterator
from contextlib import ExitStack
from gzip import BadGzipFile, GzipFile
from io import BufferedReader
from pathlib import Path
from tempfile import TemporaryFile
from typing import Self

STANDARD_INPUT = "-"
_GZIP = b"\x1f\x8b"
LONGEST_LINE = 1_048_576  # bytes; a record is far below, and a file without line ends must not fill the memory


_BYTE_ORDER_MARK = b"\xef\xbb\xbf"  # programs on Windows begin files in UTF-8 with it
_PIECE = 65_536


class TooLong:
    """A line longer than `LONGEST_LINE` bytes, kept on disk until it is closed."""

    def __init__(self) -> None:
        self._kept = TemporaryFile()  # noqa: SIM115 - it outlives this call, and goes with the object

    def add(self, piece: bytes) -> None:
        """Keep the next piece."""
        self._kept.write(piece)

    def pieces(self) -> Iterator[bytes]:
        """Give all of the line, in pieces."""
        self._kept.seek(0)
        while piece := self._kept.read(_PIECE):
            yield piece

    def close(self) -> None:
        """Forget the line; again does no harm."""
        self._kept.close()


class Lines:
    """The lines of one input, numbered from 1. A context manager; `position` tells how many bytes were read of it.

    Raises OSError where the file cannot be read or a gzip file is damaged (EOFError where it is cut off).
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.size: int | None = None
        self._stack = ExitStack()
        self._raw: BufferedReader
        self._lines: GzipFile | BufferedReader | None = None

    def __enter__(self) -> Self:
        if self.name == STANDARD_INPUT:
            # A reader of our own: one that is blocked in a read at the exit holds the lock of sys.stdin's.
            self._raw = open(sys.stdin.fileno(), "rb", closefd=False)
            return self
        path = Path(self.name)
        self._raw = self._stack.enter_context(path.open("rb"))
        self.size = path.stat().st_size if path.is_file() else None
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def position(self) -> int:
        """Bytes read so far, as they are in the file (packed ones where it is packed)."""
        return self._raw.tell() if self.size is not None else 0

    def __iter__(self) -> Iterator[tuple[int, bytes | TooLong]]:
        number = 0
        while line := self._readline(LONGEST_LINE + 1):
            number += 1
            if number == 1:
                line = line.removeprefix(_BYTE_ORDER_MARK)
            if len(line) <= LONGEST_LINE or line.endswith(b"\n"):
                yield number, line
                continue
            long = TooLong()
            while line:
                long.add(line)
                line = b"" if line.endswith(b"\n") else self._readline(_PIECE)
            yield number, long

    def _readline(self, limit: int) -> bytes:
        if self._lines is None:
            packed = self._raw.peek(2)[:2] == _GZIP
            self._lines = self._stack.enter_context(GzipFile(fileobj=self._raw)) if packed else self._raw
        try:
            return self._lines.readline(limit)
        except zlib.error as error:
            raise BadGzipFile(str(error)) from error
