"""Commands that run at once."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from app.errors import QueryTimeout, Unavailable
from app.store.at_once import some_at_once, together


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


class Works:
    """Works that end when they are told to, and what became of each."""

    def __init__(self, count: int) -> None:
        self.ends = [asyncio.Event() for _ in range(count)]
        self.begun: list[int] = []
        self.ended: list[int] = []
        self.broken_off: list[int] = []
        self.failing: set[int] = set()
        self.closed = False

    async def items(self) -> AsyncGenerator[int, None]:
        """All of them."""
        try:
            for number in range(len(self.ends)):
                yield number
        finally:
            self.closed = True

    async def work(self, number: int) -> None:
        """Wait for the end."""
        self.begun.append(number)
        try:
            await self.ends[number].wait()
        except asyncio.CancelledError:
            self.broken_off.append(number)
            raise
        self.ended.append(number)
        if number in self.failing:
            raise Unavailable(f"{number}")


async def _settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_so_many_run_at_once() -> None:
    """The next begins when one has ended, whichever it is."""
    works = Works(5)
    doing = asyncio.create_task(some_at_once(3, works.items(), works.work))
    await _settle()
    assert works.begun == [0, 1, 2]
    works.ends[1].set()
    await _settle()
    assert works.begun == [0, 1, 2, 3]
    for end in works.ends:
        end.set()
    await doing
    assert sorted(works.ended) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("count", [2, 3, 5])
async def test_once_one_has_failed_no_more_is_begun(count: int) -> None:
    """Those that run are waited for, and not broken off."""
    works = Works(count)
    works.failing = {1}
    doing = asyncio.create_task(some_at_once(3, works.items(), works.work))
    await _settle()
    works.ends[1].set()
    await _settle()
    assert not doing.done()
    for end in works.ends:
        end.set()
    with pytest.raises(Unavailable, match="1"):
        await doing
    assert works.begun == sorted(works.ended) == list(range(min(count, 3)))
    assert (works.broken_off, works.closed) == ([], True)


async def test_a_failure_is_seen_before_the_next_one_begins() -> None:
    """Also where there is room for more; of several that fail, the first of those that began is told."""
    works = Works(3)
    works.failing = {0, 1}

    async def items() -> AsyncGenerator[int, None]:
        for number in range(3):
            yield number
            await _settle()
            if number:
                works.ends[1].set()
                works.ends[0].set()
                await _settle()

    with pytest.raises(Unavailable, match="0"):
        await some_at_once(3, items(), works.work)
    assert works.begun == [0, 1]


@pytest.mark.parametrize("count", [2, 5])
async def test_who_cancels_breaks_all_off(count: int) -> None:
    """While more are to come, and when all have begun."""
    works = Works(count)
    doing = asyncio.create_task(some_at_once(3, works.items(), works.work))
    await _settle()
    doing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await doing
    assert sorted(works.broken_off) == works.begun == list(range(min(count, 3)))
    assert works.closed


async def test_where_the_items_fail_what_runs_is_waited_for() -> None:
    """Then their failure is told."""
    works = Works(2)

    async def items() -> AsyncGenerator[int, None]:
        yield 0
        yield 1
        raise Unavailable("items")

    doing = asyncio.create_task(some_at_once(3, items(), works.work))
    await _settle()
    assert not doing.done()
    for end in works.ends:
        end.set()
    with pytest.raises(Unavailable, match="items"):
        await doing
    assert works.ended == [0, 1]
