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
from time import monotonic

import structlog
from bson import decode, encode
from pymongo.errors import OperationFailure, PyMongoError
from pymongo.topology_description import TopologyDescription

from app.store.channel import Channel, Lost
from app.store.client import CODEC, Client, Document
from app.store.failures import UNAVAILABLE, unavailable
from app.store.pool import Address, PoolCounts

log = structlog.get_logger(__name__)

_NUMBERS = 2**31  # of requests: then they begin anew
_LEFT = UNAVAILABLE | {391}  # not the right server (any more), or to be authenticated anew


class LeftToDriver(Exception):
    """MongoDB refused in a way that the driver knows how to go on from."""


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
