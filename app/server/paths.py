"""What paths lead to: parts may hold a slash of their own, percent-encoded, as in `/catalogs/acme/c%2F3/summary`."""

from collections.abc import MutableMapping
from typing import Any
from urllib.parse import unquote

from fastapi.routing import APIRoute
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

_SLASH = "\udfff"  # stands for a slash inside of a part; a path that was decoded from UTF-8 never holds it


class PartedRoute(APIRoute):
    """Matches the parts of the path as they were sent, and decodes each by itself."""

    def matches(self, scope: MutableMapping[str, Any]) -> tuple[Match, MutableMapping[str, Any]]:
        """Tell whether the route fits, and with which path parameters."""
        sent: bytes = scope.get("raw_path") or b""
        if b"%2f" not in sent.lower():
            return super().matches(scope)
        parts = sent.decode("ascii", "replace").split("/")
        path = "/".join(unquote(part).replace("/", _SLASH) for part in parts)
        match, found = super().matches({**scope, "path": path})
        for name, value in found.get("path_params", {}).items():
            if isinstance(value, str):
                found["path_params"][name] = value.replace(_SLASH, "/")
        return match, found


class Shortcut:
    """ASGI middleware that leads one path to its own application, past all routes."""

    def __init__(self, app: ASGIApp, path: str, own: ASGIApp) -> None:
        self._app = app
        self._path = path
        self._own = own

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request through."""
        led = self._own if scope["type"] == "http" and scope["path"] == self._path else self._app
        await led(scope, receive, send)
