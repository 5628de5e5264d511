"""Reads over the wire: commands on connections of the driver, without what the driver does around each of them.

The driver chooses the server, connects and authenticates; a connection is then kept for reads alone, which takes a
fifth of the processor time. Whatever does not go well on it (it is lost, its server is no longer the one to read from)
is left to the driver, which is asked the same in the ordinary way: nothing of failover is decided here. So the answers
are the same with it and without.

What is used of PyMongo beyond its public API stands in `_connect`: where that is not as it was, all is left to it.
"""

import asyncio
from collections.abc import Callable, Collection
from contextlib import AsyncExitStack
from itertools import count
from math import inf
from struct import Struct
from time import monotonic

import structlog
from bson import decode, encode
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.topology_description import TopologyDescription

from app.store.client import CODEC, Client, Document
from app.store.failures import UNAVAILABLE, unavailable
from app.store.pool import Address, PoolCounts

log = structlog.get_logger(__name__)

_MESSAGE = Struct("<iiiiIB")  # length, request, response to, OP_MSG, flags, kind of section (MongoDB wire protocol)
_OP_MSG = 2013
_NUMBERS = 2**31  # of requests: then they begin anew
_FIRST_BYTES = 65_536  # what is received at first: most replies are smaller
_MOST_BYTES = 48_000_000  # of a message, as MongoDB has it
_LEFT = UNAVAILABLE | {391}  # not the right server (any more), or to be authenticated anew
_LOOK_SECONDS = 0.5  # how often a command that takes long looks whether its server is still known


class LeftToDriver(Exception):
    """MongoDB refused in a way that the driver knows how to go on from."""


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


class Wire:
    """Keeps connections for reads: one more is opened whenever none was free, up to `most`."""

    def __init__(self, client: Client, pool: PoolCounts, most: int) -> None:
        """Half of the driver's pool, which `pool` hears of, stays its own.

        `maxIdleTimeMS` in the address holds here too. With `timeoutMS` there are none: it changes budgets of commands.
        """
        self._client = client
        self._preference = client.read_preference
        self._pool = pool
        options = client.options.pool_options
        self._most = min(most, options.max_pool_size // 2) if options.max_pool_size else most
        if client.options.timeout is not None:
            self._most = 0
        self._most_idle = inf if options.max_idle_time_seconds is None else options.max_idle_time_seconds
        self._numbers = count(1)
        self._free: list[Channel] = []
        self._opened: set[Channel] = set()
        self._opening: asyncio.Task[None] | None = None
        self._releasing: set[asyncio.Task[None]] = set()
        self._known: TopologyDescription | None = None
        self._suitable: Collection[Address] = ()

    @property
    def free(self) -> int:
        """How many connections are kept that no command uses now."""
        return len(self._free)

    async def ask(
        self, database: str, command: Document, seconds: float, read: Callable[[bytes], Document | None]
    ) -> bool:
        """Send a command that only reads; False where the driver has to be asked the same instead.

        `read` is given the reply as BSON, and says what to ask next on the same connection, if anything; what it raises
        is passed on, but for LeftToDriver. Raises Unavailable where no reply came in so many seconds.
        """
        channel = self._take()
        if channel is None:
            return False
        following: Document | None = command
        try:
            while following is not None:
                body = encode({**following, "$db": database, **channel.wanted}, codec_options=CODEC)
                following = read(await channel.ask(next(self._numbers) % _NUMBERS, body, seconds))
        except (Lost, LeftToDriver):
            channel.close()
            return False
        except TimeoutError:
            log.warning("mongodb_silent", reason="deadline")
            raise unavailable() from None
        finally:
            self._give_back(channel)
        return True

    def _take(self) -> Channel | None:
        """Take a connection to a server that may be read from; see to it that there is one next time."""
        if not self._most:
            return None
        suitable, oldest = self._suitable_servers(), monotonic() - self._most_idle
        for channel in self._free[::-1]:
            good = channel.usable and channel.free_since >= oldest and self._is_of_pool(channel)
            if good and channel.address not in suitable:
                continue  # just now: the driver may choose its server again
            self._free.remove(channel)
            if good:
                return channel
            self._retire(channel)
        if self._opening is None:
            if self._free and len(self._opened) >= self._most:
                self._retire(self._free.pop(0))
            if len(self._opened) < self._most:
                self._opening = asyncio.get_running_loop().create_task(self._open())
        return None

    def _give_back(self, channel: Channel) -> None:
        if channel.usable and channel in self._opened:
            self._keep(channel)
        else:
            self._retire(channel)

    def _keep(self, channel: Channel) -> None:
        channel.free_since = monotonic()
        self._free.append(channel)

    def _suitable_servers(self) -> Collection[Address]:
        """The servers that the driver would read from, as it sees them now."""
        description = self._client.topology_description
        if description is not self._known:
            try:
                self._suitable = {server.address for server in description.apply_selector(self._preference)}
            except PyMongoError:  # what is asked for cannot be: the driver is asked, and tells
                self._suitable = ()
            self._known = description
        return self._suitable

    def _is_of_pool(self, channel: Channel) -> bool:
        """Whether the driver would keep the connection: it clears its pool of a server that it has lost sight of."""
        return channel.cleared == self._pool.cleared[channel.address]

    def _is_good(self, channel: Channel) -> bool:
        """Whether a reply may still come."""
        server = self._client.topology_description.server_descriptions().get(channel.address)
        return server is not None and server.is_server_type_known and self._is_of_pool(channel)

    async def _open(self) -> None:
        try:
            channel = await self._connect()
        except PyMongoError:
            return  # the driver is asked meanwhile, and tells
        except Exception:
            log.exception("wire_reads_off", reason="PyMongo is not as it was; reads take the ordinary way")
            self._most = 0
            return
        finally:
            self._opening = None
        self._opened.add(channel)
        self._keep(channel)

    async def _connect(self) -> Channel:
        """Take a connection out of the driver's pool, for good."""
        async with AsyncExitStack() as stack:
            reading = await self._client._conn_for_reads(self._preference, None, "find")  # noqa: SLF001 - see the module
            connection, preference = await stack.enter_async_context(reading)
            stack.push_async_callback(connection.close_conn, None)
            wanted = {"$readPreference": preference.document} if preference.mode else {}
            address, transport = connection.address, connection.conn.get_conn.transport
            channel = Channel(transport, address, wanted, self._is_good, self._pool.cleared[address])
            channel.release = stack.pop_all()
            return channel

    def _retire(self, channel: Channel) -> None:
        channel.close()
        if channel in self._opened:
            self._opened.discard(channel)
            releasing = asyncio.get_running_loop().create_task(channel.release.aclose())
            self._releasing.add(releasing)
            releasing.add_done_callback(self._releasing.discard)

    async def close(self) -> None:
        """Close the connections; from now on, the driver is asked."""
        self._most = 0
        if self._opening is not None:
            self._opening.cancel()
            await asyncio.wait([self._opening])
        for channel in tuple(self._opened):
            self._retire(channel)
        if self._releasing:
            await asyncio.wait(self._releasing)


def document_of(reply: bytes) -> Document:
    """Decode a reply. Raises LeftToDriver, or OperationFailure where MongoDB refused for good."""
    document = decode(reply, CODEC)
    if document.get("ok") == 1:
        return document
    code = document.get("code")
    if code in _LEFT or "errorLabels" in document:
        raise LeftToDriver
    raise OperationFailure(document.get("errmsg", ""), code, document)
