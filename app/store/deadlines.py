"""A bound on the wait for an answer, whatever the driver does meanwhile."""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from time import monotonic
from typing import Any, Self, TypeVar

from app.store.failures import log, translated_failures, unavailable

T = TypeVar("T")
_INSIST_SECONDS = 0.2


@dataclass(frozen=True, slots=True)
class Deadline:
    """When a request must be answered, on the clock of `time.monotonic`."""

    at: float

    @classmethod
    def within(cls, milliseconds: int) -> Self:
        """Set a deadline from now on."""
        return cls(monotonic() + milliseconds / 1000)

    @property
    def seconds_left(self) -> float:
        """How long there is still, in seconds; 0 or less once it has passed."""
        return self.at - monotonic()


async def answered_within(milliseconds: int, asking: Awaitable[T]) -> T:
    """Await a command of the driver and translate its failures; Unavailable where no answer came in time.

    The driver's own bounds add up (handshake, retries, pool): so it is cancelled once the time is over or nobody waits
    any more, but not waited for.
    """
    task = asyncio.ensure_future(asking)
    task.add_done_callback(_forget)
    try:
        done, _ = await asyncio.wait({task}, timeout=milliseconds / 1000)
    finally:
        _insist(task)
    if not done:
        log.warning("mongodb_silent", reason="deadline")
        raise unavailable()
    with translated_failures():
        return task.result()


def _insist(task: asyncio.Future[Any]) -> None:
    """Cancel until it is heeded.

    `asyncio.wait_for`, which the driver sends with, swallows a cancellation that comes just when the sending is done
    (until Python 3.12); MongoDB would then work on for nobody.
    """
    if not task.done():
        task.cancel()
        task.get_loop().call_later(_INSIST_SECONDS, _insist, task)


def _forget(task: asyncio.Future[Any]) -> None:
    """Take note of a late failure that nobody waits for."""
    if not task.cancelled():
        task.exception()
