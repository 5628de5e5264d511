"""Commands that run at once."""

import asyncio

import pytest

from app.errors import QueryTimeout, Unavailable
from app.store.rollup_reading import together


async def test_what_fails_waits_for_the_others() -> None:
    """None is broken off, and none is left running; the first one's error is told."""
    done = []

    async def ask(name: str, seconds: float, error: Exception | None = None) -> str:
        await asyncio.sleep(seconds)
        done.append(name)
        if error is not None:
            raise error
        return name

    assert await together(ask("a", 0.01), ask("b", 0)) == ["a", "b"]
    with pytest.raises(Unavailable):
        await together(ask("c", 0.01), ask("d", 0, Unavailable("no")), ask("e", 0.02, QueryTimeout("late")))
    assert done == ["b", "a", "d", "c", "e"]


async def test_who_is_cancelled_leaves_none_running() -> None:
    """A client that has gone."""
    asking = asyncio.create_task(together(asyncio.sleep(60), asyncio.sleep(60)))
    await asyncio.sleep(0)
    before = asyncio.all_tasks()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    await asyncio.sleep(0)
    assert asyncio.all_tasks() < before
