"""Which pages of other origins may ask (the Fetch standard's CORS protocol): none, unless the settings list them."""

from collections.abc import Sequence

from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware

_SENT = ("Authorization", "Content-Type", "traceparent", "X-API-Key", "X-Request-ID")
_SHOWN = ("RateLimit", "RateLimit-Policy", "Retry-After", "X-Request-ID")
_REMEMBERED_SECONDS = 600


def cors(origins: Sequence[str]) -> list[Middleware]:
    """Let pages of these origins ask with a key that they send themselves; nothing that a browser keeps is taken.

    A browser asks first whether it may (OPTIONS); that question needs no key.
    """
    if not origins:
        return []
    return [
        Middleware(
            CORSMiddleware,
            allow_origins=tuple(origins),
            allow_methods=("GET", "HEAD", "POST"),
            allow_headers=_SENT,
            expose_headers=_SHOWN,
            max_age=_REMEMBERED_SECONDS,
        )
    ]
