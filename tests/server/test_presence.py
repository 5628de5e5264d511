"""The presence of a client: work ends with it, and only with it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from starlette.requests import Request

from app.server.presence import ClientGone, while_present

Receive = Callable[[], Awaitable[dict[str, Any]]]


def request_of(receive: Receive) -> Request:
    """Make a request whose body has been read."""
    return Request({"type": "http", "method": "GET", "headers": []}, receive)


def leaving(gone: asyncio.Event) -> Receive:
    """Receive the empty body of a GET, then nothing until the client goes."""
    messages = iter([{"type": "http.request", "body": b"", "more_body": False}])

    async def receive() -> dict[str, Any]:
        for message in messages:
            return message
        await gone.wait()
        return {"type": "http.disconnect"}

    return receive


async def test_work_ends_when_the_client_goes() -> None:
    """The block is cancelled wherever it waits, and ClientGone says why; the task itself goes on."""
    gone, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        async with while_present(request_of(leaving(gone))):
            try:
                await asyncio.sleep(60)
            finally:
                ended.set()

    asyncio.get_running_loop().call_later(0.1, gone.set)
    with pytest.raises(ClientGone):
        await work()
    assert ended.is_set()
    await asyncio.sleep(0)
    task = asyncio.current_task()
    assert task is not None
    assert task.cancelling() == 0


async def test_a_client_that_stays_is_answered() -> None:
    """However long it takes, and nobody looks any more once the block is over."""
    gone = asyncio.Event()
    async with while_present(request_of(leaving(gone))):
        await asyncio.sleep(0.15)
    gone.set()
    await asyncio.sleep(0.05)


async def test_a_cancellation_from_elsewhere_stays_one() -> None:
    """A stop of the server, or a time-out around the request, is not taken for a client that went away."""

    async def work() -> None:
        async with while_present(request_of(leaving(asyncio.Event()))):
            await asyncio.sleep(60)

    task = asyncio.create_task(work())
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await work()


async def test_an_error_of_the_work_is_its_own() -> None:
    """What the block raises goes out as it is."""

    async def work() -> None:
        async with while_present(request_of(leaving(asyncio.Event()))):
            raise ValueError("its own")

    with pytest.raises(ValueError, match="its own"):
        await work()
