"""The shape of a query: what it looks like, without a value of it."""

from collections.abc import Mapping
from typing import Any

VALUE = "?"
MORE = "…"
MOST_NODES = 400  # names, lists and values looked at
MOST_ITEMS = 50  # of one list
_DEEPEST = 50


def shape_of(query: Any) -> Any:
    """Give the same structure with every value replaced by `?`, and only the different shapes of a list's items.

    The names of mappings stay: operators and stored fields. A string is a value too, also where it names a field, since
    a caller's text may look the same. At most `MOST_NODES` are looked at; the rest is `…`.
    """
    return _Shaping().shape(query, 0)


class _Shaping:
    """Counts what has been looked at."""

    def __init__(self) -> None:
        self._left = MOST_NODES

    def shape(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > _DEEPEST:
            return MORE
        if isinstance(value, Mapping):
            return self._named(value, depth)
        if isinstance(value, list | tuple | set | frozenset):
            return self._listed(list(value), depth)
        return VALUE

    def _named(self, value: Mapping[Any, Any], depth: int) -> dict[str, Any]:
        shapes: dict[str, Any] = {}
        for name, inner in value.items():
            if self._left <= 0:
                shapes[MORE] = MORE
                break
            shapes[str(name)] = self.shape(inner, depth + 1)
        return shapes

    def _listed(self, items: list[Any], depth: int) -> list[Any]:
        shapes: list[Any] = []
        for item in items[:MOST_ITEMS]:
            if self._left <= 0:
                break
            shape = self.shape(item, depth + 1)
            if shape not in shapes:
                shapes.append(shape)
        else:
            if len(items) <= MOST_ITEMS:
                return shapes
        return shapes if MORE in shapes else [*shapes, MORE]
