"""Commands that run at once. Where one fails, the others are waited for, and none is left running.

They are not broken off: where several that look for a server were (PyMongo 4.20), the client did not find it again when
it had come back. Who is cancelled breaks them off all the same.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

T = TypeVar("T")


async def together(*asking: Coroutine[Any, Any, Any]) -> list[Any]:
    """Run commands that have the same time budget; raises what the first of those that failed raised."""
    found = await asyncio.gather(*asking, return_exceptions=True)
    for one in found:
        if isinstance(one, BaseException):
            raise one
    return found


async def some_at_once(
    most: int, items: AsyncGenerator[T, None], work: Callable[[T], Coroutine[Any, Any, None]]
) -> None:
    """Work on the items, so many at once at most; once one has failed no more is begun. Raises what it raised."""
    running: list[asyncio.Task[None]] = []
    try:
        async with aclosing(items):
            async for item in items:
                if any(one.done() and one.exception() for one in running):
                    break
                running = [one for one in running if not one.done()]
                running.append(asyncio.create_task(work(item)))
                if len(running) >= most:
                    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    except BaseException as error:
        if isinstance(error, asyncio.CancelledError):
            for one in running:
                one.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        raise
    for found in await asyncio.gather(*running, return_exceptions=True):
        if isinstance(found, BaseException):
            raise found
