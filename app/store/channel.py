"""One connection to MongoDB in the wire protocol: a command goes out as one OP_MSG, its reply comes back as one."""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack
from struct import Struct

from app.store.client import Document
from app.store.pool import Address

_MESSAGE = Struct("<iiiiIB")  # length, request, response to, OP_MSG, flags, kind of section (MongoDB wire protocol)
_OP_MSG = 2013
_FIRST_BYTES = 65_536  # what is received at first: most replies are smaller
_MOST_BYTES = 48_000_000  # of a message, as MongoDB has it
_LOOK_SECONDS = 0.5  # how often a command that takes long looks whether its server is still known


class Lost(Exception):
    """The connection ended before the reply came."""


class Channel(asyncio.BufferedProtocol):
    """One connection, for one command at a time. It stays usable as long as each got its reply."""

    def __init__(
        self,
        transport: asyncio.Transport,
        address: Address,
        wanted: Document,
        is_good: "Callable[[Channel], bool]",
        cleared: int = 0,
    ) -> None:
        """Each command says what is `wanted`. `cleared` is how often the driver had cleared its pool until now.

        `release` gives the connection back to the driver, once it is closed.
        """
        self.address = address
        self.wanted = wanted
        self.cleared = cleared
        self.release = AsyncExitStack()
        self._is_good = is_good
        self._transport = transport
        self._before = transport.get_protocol()
        self._first = memoryview(bytearray(_FIRST_BYTES))
        self._large: memoryview | None = None
        self._received = 0
        self._number = 0
        self._until = 0.0
        self.free_since = 0.0
        self._waiter: asyncio.Future[bytes] | None = None
        transport.set_protocol(self)
        transport.resume_reading()

    @property
    def usable(self) -> bool:
        """Whether another command may be sent."""
        return self._waiter is None and not self._transport.is_closing()

    async def ask(self, number: int, body: bytes, seconds: float) -> bytes:
        """Send a command, and give the document of its reply.

        Raises Lost; TimeoutError where no reply came in so many seconds. Whoever stops waiting leaves the connection
        closed, at which MongoDB ends the command.
        """
        loop = asyncio.get_running_loop()
        message = _MESSAGE.pack(_MESSAGE.size + len(body), number, 0, _OP_MSG, 0, 0) + body
        self._waiter, self._number, self._until = loop.create_future(), number, loop.time() + seconds
        self._look_later(seconds)
        try:
            self._transport.write(message)
            reply = await self._waiter
        except BaseException:
            self.close()
            raise
        finally:
            self._timer.cancel()
        self._waiter = None
        return reply

    def _look_later(self, seconds_left: float) -> None:
        self._timer = asyncio.get_running_loop().call_later(min(seconds_left, _LOOK_SECONDS), self._look)

    def _look(self) -> None:
        """Give up where the time is over, or nothing will come any more: a server may be gone without a word."""
        left = self._until - asyncio.get_running_loop().time()
        if left > 0 and self._is_good(self):
            self._look_later(left)
        else:
            self._fail(Lost() if left > 0 else TimeoutError())

    def _fail(self, error: Exception) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)

    def close(self) -> None:
        """Close the connection at once."""
        self._transport.abort()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - as asyncio has it
        """Say where the next bytes go."""
        return (self._first if self._large is None else self._large)[self._received :]

    def buffer_updated(self, nbytes: int) -> None:
        """Take note of bytes that were received."""
        self._received += nbytes
        if self._received < _MESSAGE.size:
            return
        length = int.from_bytes(self._first[:4], "little")
        if self._large is None and _FIRST_BYTES < length <= _MOST_BYTES:
            self._large = memoryview(bytearray(length))
            self._large[: self._received] = self._first[: self._received]
        received = self._first if self._large is None else self._large
        if self._received < length <= len(received):
            return
        _, _, answered, operation, flags, kind = _MESSAGE.unpack(received[: _MESSAGE.size])
        plain = (self._received, answered, operation, flags, kind) == (length, self._number, _OP_MSG, 0, 0)
        self._large, self._received, waiter = None, 0, self._waiter
        if plain and waiter is not None and not waiter.done():
            waiter.set_result(bytes(received[_MESSAGE.size : length]))
        else:
            self.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits, and the driver, which waits for this as it closes the connection."""
        self._fail(Lost())
        self._before.connection_lost(exc)
