"""Rows of a reply that nobody has looked at yet: decoded where somebody does, written as JSON where nobody does."""

from collections.abc import Iterator, Sequence
from typing import Any, Self, overload

from bson import decode
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument

from app.store.client import CODEC, Document
from app.store.compiled import FoundRows, RowWriter, all_ticks

UNREAD: CodecOptions[Any] = CodecOptions(document_class=RawBSONDocument)


class UnreadRows(Sequence[Document]):
    """The rows of the reply to a `find`; a part of them that begins at the first one is such rows again."""

    def __init__(self, reply: bytes, found: FoundRows) -> None:
        self._reply = reply
        self._places = found.places
        self._count = found.count
        self._decoded: list[Document] | None = None

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Document]:
        return iter(self.decoded())

    @overload
    def __getitem__(self, index: int) -> Document: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Document]: ...
    def __getitem__(self, index: int | slice) -> Document | Sequence[Document]:
        if isinstance(index, slice):
            begin, end, step = index.indices(self._count)
            return self._first(end) if (begin, step) == (0, 1) else self.decoded()[index]
        if self._decoded is None:
            begin = self._places[range(self._count)[index]]
            size = int.from_bytes(self._reply[begin : begin + 4], "little")
            return decode(self._reply[begin : begin + size], CODEC)
        return self._decoded[index]

    def _first(self, count: int) -> Self:
        return type(self)(self._reply, FoundRows(count, self._places, 0))

    def decoded(self) -> list[Document]:
        """Decode all of them: the same list each time."""
        if self._decoded is None:
            rows: list[Document] = decode(self._reply, CODEC)["cursor"]["firstBatch"]
            self._decoded = rows[: self._count]
        return self._decoded

    def all_ticks(self, field: str) -> bool:
        """Whether each row holds 0 to 9999 in this field: ticks as they are to be stored."""
        return all_ticks(self._reply, self._places, self._count, field)

    def written(self, writer: RowWriter, most: int) -> bytes | None:
        """Write the rows as a JSON array; None where they have to be decoded for it, as `RowWriter.write` says."""
        return writer.write(self._reply, self._places, self._count, most)
