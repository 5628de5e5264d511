"""What the requests of one key may cost in a minute."""

from dataclasses import dataclass
from math import ceil
from time import time

from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import FixedWindowRateLimiter

from app.errors import LimitExceeded, RateLimited

WINDOW_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Allowance:
    """How much of a budget is left, and in how many seconds it is whole again."""

    limit: int
    remaining: int
    reset_seconds: int

    def headers(self) -> dict[str, str]:
        """Tell it in the fields of the IETF's draft "RateLimit header fields for HTTP" (version 10)."""
        return {
            "RateLimit-Policy": f'"cost";q={self.limit};w={WINDOW_SECONDS}',
            "RateLimit": f'"cost";r={self.remaining};t={self.reset_seconds}',
        }


class Budget:
    """Counts the cost of each key's requests in this process, by minutes that begin with a request.

    A request that is refused costs nothing.
    """

    def __init__(self, cost_per_minute: int) -> None:
        """`cost_per_minute` 0: nothing is counted."""
        self._item = RateLimitItemPerMinute(cost_per_minute) if cost_per_minute else None
        self._window = FixedWindowRateLimiter(MemoryStorage())

    async def charge(self, key_id: str, cost: int) -> Allowance | None:
        """Take the cost from the key's budget and tell what is left; None where there is no bound.

        Raises LimitExceeded where one request costs more than a whole minute's budget; RateLimited where too little
        is left.
        """
        if self._item is None:
            return None
        if cost > self._item.amount:
            raise LimitExceeded(
                f"The request's cost: {cost} passes what a key may spend in a minute, {self._item.amount} "
                "(costPerMinute); ask for fewer rows or fields at once."
            )
        taken = await self._window.test(self._item, key_id, cost=cost)
        if taken:
            await self._window.hit(self._item, key_id, cost=cost)
        stats = await self._window.get_window_stats(self._item, key_id)
        allowance = Allowance(self._item.amount, stats.remaining, max(ceil(stats.reset_time - time()), 0))
        if not taken:
            raise Exhausted(cost, allowance)
        return allowance


class Exhausted(RateLimited):
    """The key's budget of this minute does not suffice."""

    def __init__(self, cost: int, allowance: Allowance) -> None:
        super().__init__(
            f"This request costs {cost}; {allowance.remaining} of the key's {allowance.limit} for a minute are left. "
            "Try again later, or ask for fewer rows or fields.",
            retry_after=max(allowance.reset_seconds, 1),
        )
        self.allowance = allowance
