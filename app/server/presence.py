"""Whether the client is still there: what nobody waits for is not worked on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import Request

CLIENT_CLOSED_REQUEST = 499  # as nginx logs it; nobody reads this answer
_FIRST_LOOK_SECONDS = 0.05  # most answers are out by then, and need no second task


class ClientGone(Exception):
    """The client went away before it was answered."""


@asynccontextmanager
async def while_present(request: Request) -> AsyncIterator[None]:
    """Cancel the block once the client has gone, and raise ClientGone in its place.

    The body must have been read. The driver closes the connection of a command that is cancelled, and MongoDB ends a
    command whose client is gone.
    """
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    if task is None:
        raise RuntimeError("requests are answered in tasks")
    watching: asyncio.Task[None] | None = None
    gone = False

    async def watch() -> None:
        nonlocal gone
        while (await request.receive())["type"] != "http.disconnect":
            pass
        gone = True
        task.cancel()

    def begin() -> None:
        nonlocal watching
        watching = loop.create_task(watch())

    timer = loop.call_later(_FIRST_LOOK_SECONDS, begin)
    try:
        yield
    except asyncio.CancelledError:
        if gone and task.uncancel() == 0:
            raise ClientGone from None
        raise
    finally:
        timer.cancel()
        if watching is not None:
            watching.cancel()
