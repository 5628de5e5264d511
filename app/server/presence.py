"""Whether the client is still there: what nobody waits for is not worked on."""

import asyncio
from types import TracebackType
from typing import Any

from starlette.requests import Request

CLIENT_CLOSED_REQUEST = 499  # as nginx logs it; nobody reads this answer
_FIRST_LOOK_SECONDS = 0.05  # most answers are out by then, and need no second task


class ClientGone(Exception):
    """The client went away before it was answered."""


def while_present(request: Request) -> "Presence":
    """Cancel the block once the client has gone, and raise ClientGone in its place.

    The body must have been read. The connection of a command that is cancelled is closed, and MongoDB ends a command
    whose client is gone.
    """
    return Presence(request)


class Presence:
    """The context of `while_present`."""

    def __init__(self, request: Request) -> None:
        self._request = request
        self._task: asyncio.Task[Any] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._gone = False

    async def __aenter__(self) -> None:
        self._task, loop = asyncio.current_task(), asyncio.get_running_loop()
        if self._task is None:
            raise RuntimeError("requests are answered in tasks")
        self._timer = loop.call_later(_FIRST_LOOK_SECONDS, self._begin)

    def _begin(self) -> None:
        self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._request.receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        if self._task is not None:
            self._task.cancel()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()
        if self._watching is not None:
            self._watching.cancel()
        if isinstance(error, asyncio.CancelledError) and self._gone and self._task and self._task.uncancel() == 0:
            raise ClientGone from None
