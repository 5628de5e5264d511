"""What a client's connection may take: a bounded number of them, and a bounded wait for each request's head."""

import asyncio
import sys
from asyncio.events import TimerHandle
from contextlib import suppress
from dataclasses import dataclass
from fcntl import ioctl
from http import HTTPStatus
from secrets import token_hex
from termios import TIOCOUTQ
from typing import Any, cast

import orjson
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.server.joining import JoiningTransport

HEAD_SECONDS = 10.0  # for the head of a request: after connecting, and after an answer
LINGER_SECONDS = 1.0  # for a refusal to be read
READ_SECONDS, READ_BYTES = 30.0, 65_536  # a client that is sent more than it takes at once takes so much in that time
_LINGERING_SHARE = 4  # beyond the bound, at most a quarter as many connections wait to be read


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is written by hand: there is no application yet, or none that may be asked."""

    status: HTTPStatus
    detail: str
    code: str
    extra: bytes = b""

    def written(self) -> bytes:
        """Write all of it, with the headers that every answer has."""
        body = orjson.dumps(
            {
                "type": "about:blank",
                "title": self.status.phrase,
                "status": self.status,
                "detail": self.detail,
                "code": self.code,
            }
        )
        return (
            b"HTTP/1.1 %d %s\r\ncontent-type: application/problem+json\r\n%scache-control: no-store\r\n"
            b"x-content-type-options: nosniff\r\nreferrer-policy: no-referrer\r\nx-request-id: %s\r\n"
            b"connection: close\r\ncontent-length: %d\r\n\r\n%s"
        ) % (self.status, self.status.phrase.encode(), self.extra, token_hex(8).encode(), len(body), body)


_FULL = Refusal(
    HTTPStatus.SERVICE_UNAVAILABLE,
    "This gateway has as many connections as it takes; try again in a moment.",
    "UNAVAILABLE",
    b"retry-after: 1\r\n",
)
_UNREADABLE = Refusal(HTTPStatus.BAD_REQUEST, "The request is not valid HTTP.", "BAD_USER_INPUT")


class BoundedConnection(HttpToolsProtocol):
    """uvicorn's protocol, with what it lacks on the open internet.

    A connection beyond the configuration's `limit_concurrency` is answered with 503 and closed. One whose client owes
    a request's head for HEAD_SECONDS is closed, however many bytes it sends meanwhile; so is one that goes on with the
    body of a request that was answered. A refusal is not lost by what the client is still sending: that is read, to no
    end, for LINGER_SECONDS (RFC 9112, section 9.6). A client that hardly reads what it is sent is given up.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        # uvicorn's own check comes with the request, counts those that send none, and does not answer as we do.
        self._most, self.limit_concurrency = self.limit_concurrency, None
        self._owing: TimerHandle | None = None
        self._reading: TimerHandle | None = None
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Take the connection, or say that there are too many."""
        super().connection_made(cast("asyncio.Transport", JoiningTransport(transport, self.loop)))
        if self._most is not None and len(self.connections) > self._most:
            self._refuse(_FULL)
        else:
            self._await_head()

    def data_received(self, data: bytes) -> None:
        """Take what comes; of a connection that was refused, nothing."""
        if not self._refused:
            super().data_received(data)

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - ours says it as all other answers do
        """Refuse what is no HTTP."""
        self._refuse(_UNREADABLE)

    def on_response_complete(self) -> None:
        """From now on the client owes the next request."""
        super().on_response_complete()
        self._await_head()

    def pause_writing(self) -> None:
        """The client has to read before more is sent."""
        super().pause_writing()
        self._await_reading()

    def resume_writing(self) -> None:
        """It has read."""
        super().resume_writing()
        self._forget_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody owes anything any more."""
        self._forget()
        self._forget_reading()
        super().connection_lost(exc)

    def _refuse(self, answer: Refusal) -> None:
        """Write the last answer, and close when the client has, or after a moment."""
        self._refused = True
        if self.cycle is not None and not self.cycle.response_complete:
            # The request before it is given up, as the connection is.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self.transport.write(answer.written())
        if self._most is not None and len(self.connections) > self._most + max(self._most // _LINGERING_SHARE, 1):
            self._close()
            return
        self.transport.write_eof()
        self._forget()
        self._owing = self.loop.call_later(LINGER_SECONDS, self._close)

    def _await_head(self) -> None:
        self._forget()
        self._owing = self.loop.call_later(HEAD_SECONDS, self._close_if_owing)

    def _forget(self) -> None:
        if self._owing is not None:
            self._owing.cancel()
            self._owing = None

    def _close_if_owing(self) -> None:
        if (self.cycle is None or self.cycle.response_complete) and not self.transport.is_closing():
            self._close()

    def _close(self) -> None:
        """Close; what is not read by then is given up after a while."""
        self.transport.close()
        self._forget_reading()
        self._reading = self.loop.call_later(READ_SECONDS, self.transport.abort)

    def _await_reading(self) -> None:
        self._forget_reading()
        self._reading = self.loop.call_later(READ_SECONDS, self._abort_if_unread, self._unread())

    def _forget_reading(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _abort_if_unread(self, before: int) -> None:
        if before - self._unread() < READ_BYTES:
            self.transport.abort()
        else:
            self._await_reading()

    def _unread(self) -> int:
        """How many bytes the client has not taken: those too that the system holds, which may be megabytes."""
        unread: int = self.transport.get_write_buffer_size()
        queue = bytearray(4)
        with suppress(OSError):  # a system that does not tell
            ioctl(self.transport.get_extra_info("socket").fileno(), TIOCOUTQ, queue)
        return unread + int.from_bytes(queue, sys.byteorder)
