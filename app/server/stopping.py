"""A stop that does not wait for ever: what is cut off is no error of ours."""

import asyncio

from starlette.types import ASGIApp, Receive, Scope, Send


class CutOffQuietly:
    """ASGI middleware for the server alone: a request that is cancelled by the stop ends without a traceback.

    The answer has been given by then (see the masking), or the server breaks the transfer off.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request through."""
        try:
            await self._app(scope, receive, send)
        except asyncio.CancelledError:
            if scope["type"] != "http":
                raise
