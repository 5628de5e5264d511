"""Writes that follow each other at once go out as one."""

import asyncio
from collections.abc import Iterable
from typing import Any

_MOST_BYTES = 65_536  # of what is joined; more goes out as it comes


class JoiningTransport:
    """A transport that holds a write until the running callback of the loop is over, or until another one follows it.

    uvicorn writes an answer's head and body apart. Each write is a system call and a packet that wakes the client.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._held: list[bytes | bytearray | memoryview] = []
        self._size = 0

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Hold what is written, for a moment."""
        if not self._held:
            self._loop.call_soon(self._flush)
        self._held.append(data)
        self._size += len(data)
        if self._size > _MOST_BYTES:
            self._flush()

    def writelines(self, list_of_data: Iterable[Any]) -> None:
        """Write one after another."""
        for data in list_of_data:
            self.write(data)

    def write_eof(self) -> None:
        """End, after all that was written."""
        self._flush()
        self._transport.write_eof()

    def close(self) -> None:
        """Close, after all that was written."""
        self._flush()
        self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._held.clear()
        self._transport.abort()

    def get_write_buffer_size(self) -> int:
        """How many bytes wait to be taken."""
        self._flush()
        return self._transport.get_write_buffer_size()

    def _flush(self) -> None:
        held, self._held, self._size = self._held, [], 0
        if len(held) == 1:
            self._transport.write(held[0])
        elif held:
            self._transport.writelines(held)

    def __getattr__(self, name: str) -> Any:
        """Everything else is as the transport below has it."""
        return getattr(self._transport, name)
