"""Answers as JSON, of a bounded size: an alias repeats a long value at no cost to the caller."""

from typing import Any

import orjson

from app.errors import LimitExceeded
from app.faces.rendering import Written
from app.query.limits import ANSWER_BYTES

_PIECE_ROWS = 20


def write_json(body: Any, most: int = ANSWER_BYTES.value) -> bytes:
    """Write a body as JSON in UTF-8; what cannot be written as JSON raises TypeError.

    Its longer lists are written piece by piece, so that memory stays near `most` bytes whatever they would come to.
    Raises LimitExceeded where they come to more.
    """
    return orjson.dumps(_Writer(most).part(body))


class _Writer:
    def __init__(self, most: int) -> None:
        self._most = most
        self._size = 0

    def part(self, value: Any) -> Any:
        """Write the long lists inside of a part; the rest is left as it is."""
        match value:
            case dict():
                return {key: self.part(inner) for key, inner in value.items()}
            case list() if len(value) > _PIECE_ROWS:
                return orjson.Fragment(b"[" + b",".join(self._pieces(value)) + b"]")
            case Written():
                self._count(len(value.json))
                return orjson.Fragment(value.json)
        return value

    def _pieces(self, rows: list[Any]) -> list[bytes]:
        pieces: list[bytes] = []
        for start in range(0, len(rows), _PIECE_ROWS):
            piece = orjson.dumps(rows[start : start + _PIECE_ROWS])[1:-1]
            self._count(len(piece))
            pieces.append(piece)
        return pieces

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > self._most:
            raise LimitExceeded(
                f"The answer passes the limit of {self._most} bytes ({ANSWER_BYTES.name}); "
                "ask for fewer rows or fields at once."
            )
