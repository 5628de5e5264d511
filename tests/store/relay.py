"""A relay between a client and its MongoDB: it notes what is asked, and can spoil replies or cut them off."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from bson import decode
from pymongo.uri_parser import parse_uri

Document = dict[str, Any]
Spoil = Callable[[bytes], bytes | None]
_READS = ("find", "aggregate", "getMore")


def is_short(command: Document) -> bool:
    """Whether a read came over a connection of the wire: the driver gives each a session."""
    return next(iter(command)) in _READS and "lsid" not in command


class Relay:
    """Passes messages on. `spoil` makes another reply of each to a short read; None cuts the connection off."""

    def __init__(self, uri: str) -> None:
        self._host, self._port = parse_uri(uri)["nodelist"][0]
        self.commands: list[Document] = []
        self.spoil: Spoil = lambda reply: reply
        self.held = asyncio.Event()  # until it is set, replies to short reads are kept back
        self.held.set()
        self.came = asyncio.Event()  # a short read has
        self.uri = ""

    @property
    def short(self) -> list[Document]:
        """The reads that went the short way."""
        return [command for command in self.commands if is_short(command)]

    @property
    def ordinary(self) -> list[Document]:
        """The reads that the driver made."""
        return [one for one in self.commands if next(iter(one)) in _READS and not is_short(one)]

    @asynccontextmanager
    async def listening(self) -> AsyncIterator["Relay"]:
        """Listen on loopback; `uri` is where."""
        serving: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            serving.add(task)
            with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
                await self._serve(reader, writer)
            writer.close()
            serving.discard(task)

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        self.uri = f"mongodb://127.0.0.1:{server.sockets[0].getsockname()[1]}/?directConnection=true"
        try:
            yield self
        finally:
            server.close()
            for task in tuple(serving):
                task.cancel()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opening = asyncio.open_unix_connection(self._host) if self._port is None else None
        theirs, mine = await (opening or asyncio.open_connection(self._host, self._port))
        try:
            while True:
                message = await _message(reader)
                command = _command(message)
                self.commands.append(command)
                if is_short(command):
                    self.came.set()
                mine.write(message)
                reply = await _message(theirs)
                if is_short(command):
                    await self.held.wait()
                    spoiled = self.spoil(reply)
                    if spoiled is None:
                        return
                    reply = spoiled
                writer.write(reply)
        finally:
            mine.close()


def _command(message: bytes) -> Document:
    """Read the command of an OP_MSG, whose first section it is."""
    if int.from_bytes(message[12:16], "little") != 2013:
        return {"other": 1}
    return decode(message[21 : 21 + int.from_bytes(message[21:25], "little")])


async def _message(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readexactly(4)
    return head + await reader.readexactly(int.from_bytes(head, "little") - 4)
