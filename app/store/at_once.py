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
    running: set[asyncio.Task[None]] = set()
    ended: set[asyncio.Task[None]] = set()
    try:
        async with aclosing(items):
            async for item in items:
                running.add(asyncio.create_task(work(item)))
                if len(running) >= most:
                    ended, running = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
                    if any(one.exception() for one in ended):
                        break
        if running:
            await asyncio.wait(running)
    except BaseException as error:
        if isinstance(error, asyncio.CancelledError):
            for one in running:
                one.cancel()
        if running:
            await asyncio.wait(running)
        raise
    for one in (*ended, *running):
        one.result()
