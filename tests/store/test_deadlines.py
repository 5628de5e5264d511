"""Commands that nobody waits for any more are given up, also by a driver that does not hear it at first."""

import asyncio
from contextlib import suppress

import pytest

from app.errors import Unavailable
from app.store.deadlines import answered_within

HANG_SECONDS = 10.0


class Deaf:
    """Work that swallows some cancellations, as `asyncio.wait_for` may."""

    def __init__(self, swallowed: int) -> None:
        self._left = swallowed
        self.given_up = asyncio.Event()

    async def work(self) -> None:
        """Never come to an end."""
        while True:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self._left -= 1
                if self._left < 0:
                    self.given_up.set()
                    raise


@pytest.mark.parametrize("swallowed", [0, 1, 3])
async def test_who_stops_waiting_ends_the_work(swallowed: int) -> None:
    """A cancellation is passed on until it is heeded."""
    deaf = Deaf(swallowed)
    waiting = asyncio.create_task(answered_within(60_000, deaf.work()))
    await asyncio.sleep(0.05)
    waiting.cancel()
    with suppress(asyncio.CancelledError):
        await waiting
    async with asyncio.timeout(HANG_SECONDS):
        await deaf.given_up.wait()


@pytest.mark.parametrize("swallowed", [0, 1, 3])
async def test_so_does_the_end_of_the_time(swallowed: int) -> None:
    """Unavailable at once; the work ends beside it."""
    deaf = Deaf(swallowed)
    async with asyncio.timeout(HANG_SECONDS):
        with pytest.raises(Unavailable):
            await answered_within(50, deaf.work())
        await deaf.given_up.wait()
