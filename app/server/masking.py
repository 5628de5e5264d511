"""Answers what nobody foresaw, and what a stop cuts off: the reason goes into the log, the client learns of it."""

import asyncio

import structlog
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import Internal, Unavailable
from app.server.problems import problem
from app.server.record import record_of

log = structlog.get_logger(__name__)

_STOPPING = "The gateway is stopping; send the request again."


class Masking:
    """ASGI middleware right around the routes, so that its answers get all headers that others get.

    An error after the answer has begun is passed on: the server then breaks the transfer off.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request through."""
        begun = False

        async def watched_send(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched_send)
        except asyncio.CancelledError:
            # The server is stopping, and has waited for as long as it may.
            if scope["type"] == "http":
                record = record_of(HTTPConnection(scope))
                log.warning("request_cut_off", operation=record.place.operation)
                record.code = Unavailable.code
                if not begun:
                    await problem(Unavailable(_STOPPING), record.request_id)(scope, receive, send)
            raise
        except Exception:
            if begun or scope["type"] != "http":
                raise
            log.exception("request_failed")
            record = record_of(HTTPConnection(scope))
            record.code = Internal.code
            await problem(Internal(), record.request_id)(scope, receive, send)
