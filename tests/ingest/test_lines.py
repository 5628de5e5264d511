"""Lines of an input: plain or packed, whole or broken, each with its number."""

import gzip
import os
import random
import threading
import zlib
from contextlib import closing
from pathlib import Path

import pytest

from app.ingest.lines import LONGEST_LINE, Lines, TooLong

THREE = [(1, b"one\n"), (2, b"two\n"), (3, b"three\n")]
TEXT = b"one\ntwo\nthree\n"


def gzipped(content: bytes) -> bytes:
    """Gzip without the time of day: a test's name holds its parameters, and each worker must find the same names."""
    return gzip.compress(content, mtime=0)


def read(path: Path) -> list[tuple[int, bytes | TooLong]]:
    """Read all lines of a file."""
    with Lines(str(path)) as lines:
        return list(lines)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("plain.ndjson", TEXT),
        ("plain.gz", TEXT),
        ("packed.ndjson.gz", gzipped(TEXT)),
        ("packed.ndjson", gzipped(TEXT)),
        ("packed-in-parts.gz", gzipped(TEXT[:6]) + gzipped(TEXT[6:])),
    ],
)
def test_a_file_is_read_by_its_content_not_its_name(tmp_path: Path, name: str, content: bytes) -> None:
    """Plain and gzip, with and without .gz, give the same numbered lines."""
    path = tmp_path / name
    path.write_bytes(content)
    assert read(path) == THREE


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"\n", [(1, b"\n")]),
        (b"one\ntwo", [(1, b"one\n"), (2, b"two")]),
        (b"one\r\ntwo\r\n", [(1, b"one\r\n"), (2, b"two\r\n")]),
        (b"one\n\n\ntwo\n", [(1, b"one\n"), (2, b"\n"), (3, b"\n"), (4, b"two\n")]),
        (b"one\x0btwo\x0c\xc2\x85\xe2\x80\xa8\n", [(1, b"one\x0btwo\x0c\xc2\x85\xe2\x80\xa8\n")]),
    ],
)
def test_line_ends_are_those_of_ndjson(tmp_path: Path, content: bytes, lines: list[tuple[int, bytes]]) -> None:
    """Only a line feed ends a line; the last one may lack it; blank lines are counted."""
    path = tmp_path / "input"
    path.write_bytes(content)
    assert read(path) == lines


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("length", [LONGEST_LINE + 1, 3 * LONGEST_LINE, 3 * LONGEST_LINE + 1])
def test_a_line_without_end_is_passed_over(tmp_path: Path, length: int, *, packed: bool) -> None:
    """It is told as too long, is kept on disk and not in memory, and what follows keeps its number."""
    content = b"one\n" + b"x" * length + b"\nthree\n"
    path = tmp_path / "input"
    path.write_bytes(gzip.compress(content, 1) if packed else content)
    first, second, third = read(path)
    assert (first, third) == ((1, b"one\n"), (3, b"three\n"))
    assert second[0] == 2
    assert isinstance(second[1], TooLong)
    with closing(second[1]) as long:
        assert max(map(len, long.pieces())) < LONGEST_LINE
        assert b"".join(long.pieces()) == b"x" * length + b"\n"
    path.write_bytes(content[: 4 + length])
    _, (number, unended) = read(path)
    assert number == 2
    assert isinstance(unended, TooLong)
    with closing(unended) as long:
        assert b"".join(long.pieces()) == b"x" * length


@pytest.mark.parametrize("packed", [False, True])
def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path, *, packed: bool) -> None:
    """Programs on Windows write one; anywhere else it stays."""
    path = tmp_path / "input"
    content = b"\xef\xbb\xbfone\n\xef\xbb\xbftwo\n"
    path.write_bytes(gzipped(content) if packed else content)
    assert read(path) == [(1, b"one\n"), (2, b"\xef\xbb\xbftwo\n")]


def test_the_longest_line_is_taken(tmp_path: Path) -> None:
    """Its line end does not count."""
    path = tmp_path / "input"
    path.write_bytes(b"x" * LONGEST_LINE + b"\n" + b"y" * LONGEST_LINE)
    assert read(path) == [(1, b"x" * LONGEST_LINE + b"\n"), (2, b"y" * LONGEST_LINE)]


def test_a_truncated_gzip_file_gives_its_lines_and_then_eof_error(tmp_path: Path) -> None:
    """What can be read of it is given first."""
    whole = b"".join(b"%d %d\n" % (number, random.Random(number).getrandbits(99)) for number in range(20_000))  # noqa: S311 - not for secrets
    packed = gzip.compress(whole)
    path = tmp_path / "cut.gz"
    path.write_bytes(packed[: len(packed) // 2])
    lines: list[bytes | TooLong] = []
    with pytest.raises(EOFError), Lines(str(path)) as opened:
        lines.extend(line for _, line in opened)
    assert len(lines) > 5_000
    assert lines == whole.splitlines(keepends=True)[: len(lines)]


def test_a_damaged_gzip_file_raises_os_error(tmp_path: Path) -> None:
    """Wherever the damage is: in the head, the packed data or the checksum."""
    packed = gzip.compress(b"".join(b"%x\n" % random.Random(n).getrandbits(256) for n in range(300)))  # noqa: S311
    path = tmp_path / "damaged.gz"
    others = []
    for at in [2, *range(10, len(packed), len(packed) // 150)]:
        damaged = bytearray(packed)
        damaged[at] ^= 0xFF
        path.write_bytes(damaged)
        try:
            read(path)
        except (OSError, EOFError):
            continue
        except zlib.error as error:
            others.append((at, error))
    assert others == []


def test_the_position_counts_bytes_of_the_file(tmp_path: Path) -> None:
    """Packed bytes where it is packed, up to the size of the file."""
    path = tmp_path / "input.gz"
    path.write_bytes(gzip.compress(TEXT * 1000))
    with Lines(str(path)) as lines:
        assert lines.size == path.stat().st_size
        assert lines.position == 0
        assert len(list(lines)) == 3000
        assert lines.position == lines.size


def test_a_pipe_is_read_to_its_end(tmp_path: Path) -> None:
    """An input that cannot be looked at twice (a shell's <(…)) has no size, and all its lines are there."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    writer = threading.Thread(target=path.write_bytes, args=(TEXT,))
    writer.start()
    with Lines(str(path)) as lines:
        assert lines.size is None
        assert list(lines) == THREE
        assert lines.position == 0
    writer.join()


def test_a_missing_file_raises_os_error(tmp_path: Path) -> None:
    """So does a folder."""
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(OSError, match=path.name):
            read(path)
