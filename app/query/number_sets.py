"""Sets of small whole numbers as bytes: a bitmap or a list, whichever is shorter, and their union."""

import struct
from collections.abc import Iterable

_LIST, _BITMAP = b"l", b"b"
_ITEM_BYTES = 4


def packed(numbers: Iterable[int]) -> bytes:
    """Write a set of numbers, each from 0 to 2**32 - 1; an empty one takes one byte."""
    items = sorted(set(numbers))
    if not items or len(items) * _ITEM_BYTES <= items[-1] // 8:
        return _LIST + struct.pack(f"<{len(items)}I", *items)
    bitmap = bytearray(items[-1] // 8 + 1)
    for number in items:
        bitmap[number >> 3] |= 1 << (number & 7)
    return _BITMAP + bytes(bitmap)


class NumberSet:
    """The union of packed sets and of single numbers; `len` counts each number once."""

    def __init__(self) -> None:
        self._mapped = 0
        self._listed: set[int] = set()

    def add_packed(self, sets: Iterable[bytes]) -> None:
        """Take in sets that `packed` has written."""
        lists: list[bytes] = []
        for data in sets:
            if data[:1] == _BITMAP:
                self._mapped |= int.from_bytes(data[1:], "little")
            else:
                lists.append(data[1:])
        items = b"".join(lists)
        self._listed.update(struct.unpack(f"<{len(items) // _ITEM_BYTES}I", items))

    def add(self, numbers: Iterable[int]) -> None:
        """Take in numbers, each from 0 to 2**32 - 1."""
        self._listed.update(numbers)

    def packed(self) -> bytes:
        """Write all of them."""
        return packed({*self._listed, *_bits(self._bitmap())})

    def __len__(self) -> int:
        bitmap = self._bitmap()
        end = len(bitmap) * 8
        beside = [one for one in self._listed if one >= end or not bitmap[one >> 3] >> (one & 7) & 1]
        return self._mapped.bit_count() + len(beside)

    def _bitmap(self) -> bytes:
        return self._mapped.to_bytes((self._mapped.bit_length() + 7) // 8, "little")


def _bits(bitmap: bytes) -> Iterable[int]:
    return (at * 8 + bit for at, byte in enumerate(bitmap) if byte for bit in range(8) if byte >> bit & 1)
