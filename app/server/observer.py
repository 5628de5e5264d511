"""Sees every request from outside: gives it an id, a line in the log, its part of the metrics, and a span."""

import logging
import re
from secrets import token_hex
from time import perf_counter

import structlog
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.server.exchange import REQUEST_ID, Exchange
from app.server.metrics import Metrics
from app.server.places import Face, place_of
from app.server.record import RequestRecord, keep_record
from app.server.tracing import describe_request, request_span

log = structlog.get_logger(__name__)

_PLAIN_ID = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})


class Observer:
    """ASGI middleware around all of the application.

    A request keeps the id that a client or proxy gave it, where that is 1 to 64 plain characters.
    """

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        asked = headers.get(REQUEST_ID, "")
        record = RequestRecord(asked if _PLAIN_ID.fullmatch(asked) else token_hex(8), place_of(scope["path"]))
        keep_record(scope, record)
        exchange, begun = Exchange(record, receive, send), perf_counter()
        method = scope["method"] if scope["method"] in _METHODS else "_OTHER"
        try:
            with (
                structlog.contextvars.bound_contextvars(request_id=record.request_id),
                self._metrics.in_flight(),
                request_span(headers, record) as span,
            ):
                try:
                    await self._app(scope, exchange.receive, exchange.send)
                except BaseException as failure:
                    exchange.settle(failure)
                    raise
                else:
                    exchange.settle(None)
                finally:
                    seconds = perf_counter() - begun
                    _log(method, exchange.status, seconds, record)
                    self._metrics.note(record, seconds)
                    describe_request(span, method, exchange.status, record)
        except Exception:
            # The server logs that the transfer broke off, from this same task.
            structlog.contextvars.bind_contextvars(request_id=record.request_id)
            raise


def _log(method: str, status: int, seconds: float, record: RequestRecord) -> None:
    """Write the request's line: what was asked by whom and what it took, nothing of what it said."""
    log.log(
        logging.DEBUG if record.place.face is Face.HEALTH else logging.INFO,
        "request",
        method=method,
        face=record.place.face,
        operation=record.place.operation,
        operation_name=record.operation_name,
        status=status,
        code=record.code,
        organization_id=record.organization_id,
        key_id=record.key_id,
        duration_ms=round(seconds * 1000, 1),
        waited_ms=round(record.waited_seconds * 1000, 1),
        mongo_ms=round(record.spent.milliseconds, 1),
        commands=record.spent.commands,
        rows=record.spent.rows,
        cost=record.cost,
    )
