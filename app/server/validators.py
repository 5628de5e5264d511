"""Answers that a client may keep for a moment: those over windows that closed a while ago."""

import re
from collections.abc import Mapping
from hashlib import sha256

from starlette.requests import Request
from starlette.responses import Response

from app.query.instants import TICKS_PER_SECOND, Instant, now

CLOSED_SECONDS = 3_600  # after its end a window counts as closed: later records of it are rare
MAX_AGE_SECONDS = 60
_TAG = re.compile(r'(?:W/)?"[^"]*"')


def is_closed(end: Instant | None) -> bool:
    """Whether a window that ends there (None: it does not) has been over for `CLOSED_SECONDS`."""
    return end is not None and end <= now() - CLOSED_SECONDS * TICKS_PER_SECOND


def keepable(said: bytes, headers: Mapping[str, str]) -> dict[str, str]:
    """Make the headers of an answer over a closed window; `said` is what it says, the same for the same records.

    The client may use it for `MAX_AGE_SECONDS` without asking, and compare it later (RFC 9110, section 13.1.2).
    """
    tag = f'W/"{sha256(said).hexdigest()[:32]}"'
    vary = ", ".join(filter(None, (headers.get("Vary"), "Authorization", "X-API-Key")))
    return {**headers, "ETag": tag, "Cache-Control": f"private, max-age={MAX_AGE_SECONDS}", "Vary": vary}


def is_held(request: Request, headers: Mapping[str, str]) -> bool:
    """Whether the client has the very answer that has these headers."""
    held = ", ".join(request.headers.getlist("if-none-match"))
    tags = {one.removeprefix("W/") for one in _TAG.findall(held)}
    return held.strip() == "*" or headers["ETag"].removeprefix("W/") in tags


def not_modified(headers: Mapping[str, str]) -> Response:
    """Tell the client that what it has is still so."""
    return Response(status_code=304, headers={name: headers[name] for name in ("ETag", "Cache-Control", "Vary")})
