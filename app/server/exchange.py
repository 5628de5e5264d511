"""What passes between the server and the application for one request, as seen from outside."""

import asyncio

from starlette.types import Message, Receive, Send

from app.errors import Internal
from app.server.presence import CLIENT_CLOSED_REQUEST
from app.server.problems import code_of_status
from app.server.record import RequestRecord

REQUEST_ID = "X-Request-ID"
_CANCELLED = "CANCELLED"  # the server stopped before the answer was whole
_REQUEST_ID = REQUEST_ID.lower().encode()
_EVERYWHERE = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


class Exchange:
    """Passes messages on, gives the answer the headers that all have, and sees how it ends."""

    def __init__(self, record: RequestRecord, receive: Receive, send: Send) -> None:
        self._record = record
        self._receive = receive
        self._send = send
        self._left = False
        self._ended = False
        self.status = 0  # of the answer, once it has begun

    async def receive(self) -> Message:
        """Pass a message of the client on."""
        message = await self._receive()
        self._left = self._left or message["type"] == "http.disconnect"
        return message

    async def send(self, message: Message) -> None:
        """Pass a message to the client on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = headers = list(message["headers"])
            _complete(headers, self._record)
        await self._send(message)
        if message["type"] == "http.response.body":
            self._ended = not message.get("more_body", False)

    def settle(self, failure: BaseException | None) -> None:
        """Note how it ended: the record gets a code, if it has none and needs one; the status is 499 if nobody read on.

        `failure` is what broke the application off.
        """
        record = self._record
        if record.code is None:
            if isinstance(failure, asyncio.CancelledError):
                record.code = _CANCELLED
            elif not self._ended and (self._left or failure is None):
                self.status = CLIENT_CLOSED_REQUEST
                record.code = code_of_status(self.status)
            else:
                record.code = Internal.code if failure is not None else code_of_status(self.status)


def _complete(headers: list[tuple[bytes, bytes]], record: RequestRecord) -> None:
    """Add what all answers have: the request's id and what is left of its budget, and what an answer may set itself."""
    own = {name for name, _ in headers}
    headers.append((_REQUEST_ID, record.request_id.encode("ascii")))
    headers += [header for header in _EVERYWHERE if header[0] not in own]
    if record.allowance is not None:
        headers += [(name.lower().encode(), value.encode()) for name, value in record.allowance.headers().items()]
