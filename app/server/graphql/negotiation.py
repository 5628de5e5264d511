"""Which media type an answer goes out as (RFC 9110, section 12.5.1)."""

import re
from functools import lru_cache

from app.server.graphql.refusals import NotAcceptable

GRAPHQL = "application/graphql-response+json"
JSON = "application/json"
HTML = "text/html"
_USUAL = 200  # characters of a header that is remembered
_QUALITY = re.compile(r"0(\.[0-9]*)?|1(\.0*)?", re.ASCII)


def wants_page(accept: str) -> bool:
    """Tell whether HTML is preferred over both JSON types, as browsers do."""
    ranges = _ranges(accept)
    return _quality(ranges, HTML) > max(_quality(ranges, JSON), _quality(ranges, GRAPHQL))


def answer_type(accept: str) -> str:
    """Choose the JSON type the client likes better; plain JSON where it has no preference.

    Raises NotAcceptable where it takes neither.
    """
    return _usual_type(accept) if len(accept) <= _USUAL else _answer_type(accept)


def _answer_type(accept: str) -> str:
    ranges = _ranges(accept)
    plain, own = _quality(ranges, JSON), _quality(ranges, GRAPHQL)
    if max(plain, own) == 0:
        raise NotAcceptable(f"This answers {GRAPHQL} or {JSON}; accept one of them.")
    if own == plain:
        named = [media for media, _ in ranges if media in {GRAPHQL, JSON}]
        return named[0] if named else JSON
    return GRAPHQL if own > plain else JSON


_usual_type = lru_cache(maxsize=64)(_answer_type)


def _ranges(accept: str) -> list[tuple[str, float]]:
    ranges: list[tuple[str, float]] = []
    for part in (accept or "*/*").split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = 1.0
        for parameter in parameters:
            name, _, value = parameter.partition("=")
            if name.strip() == "q":
                value = value.strip()
                quality = float(value) if _QUALITY.fullmatch(value) else 0.0
            elif name.strip() == "charset" and value.strip('" ') not in {"utf-8", "utf8"}:
                quality = 0.0
        ranges.append((media, quality))
    return ranges


def _quality(ranges: list[tuple[str, float]], media: str) -> float:
    """The quality of the most specific range that the type falls into."""
    for candidate in (media, media.partition("/")[0] + "/*", "*/*"):
        found = [quality for name, quality in ranges if name == candidate]
        if found:
            return max(found)
    return 0.0
