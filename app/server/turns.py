"""Whose turn it is: a bounded number of requests at once, shared out fairly among organizations."""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Callable
from time import monotonic
from types import TracebackType

from app.errors import Overloaded, RateLimited
from app.store.deadlines import Deadline

_BUSY = "Too much is asked of this gateway just now; try again in a moment."


def _unnoted(_seconds: float) -> None:
    """Keep no note."""


class Turns:
    """At most `capacity` turns at once.

    A place that comes free goes to the waiting organization that has the fewest turns now; among equals, to the one
    that was served longest ago. Within an organization, first come, first served. Half of the places is kept for
    organizations that have no turn yet, so that one that asks for much does not make others wait for its own end.
    """

    def __init__(self, capacity: int, waiting_per_organization: int) -> None:
        self._capacity = capacity
        self._shared = capacity - capacity // 2
        self._most_waiting = waiting_per_organization
        self._running: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()

    @property
    def running(self) -> int:
        """How many turns are taken now."""
        return self._running.total()

    @property
    def waiting(self) -> int:
        """How many requests wait now."""
        return sum(map(len, self._waiting.values()))

    def taken(self, organization: str, deadline: Deadline, note: Callable[[float], None] = _unnoted) -> "Turn":
        """Wait for a turn, and give it back in the end. `note` is told how many seconds it took, in vain too.

        Raises RateLimited where too many requests of the organization wait already, Overloaded where none came before
        the deadline.
        """
        return Turn(self, organization, deadline, note)

    async def take(self, organization: str, deadline: Deadline) -> None:
        """Wait for a turn, as `taken` does; whoever has it gives it back."""
        queue = self._waiting.get(organization)
        if not queue and self._is_free_for(organization):
            self._running[organization] += 1
            return
        if queue is None:
            queue = self._waiting.setdefault(organization, deque())
        if len(queue) >= self._most_waiting:
            self._forget_if_idle(organization)
            raise RateLimited(
                f"{len(queue)} requests of this organization wait already (queuedRequests); "
                "wait for answers before you ask for more.",
                retry_after=1,
            )
        turn = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            async with asyncio.timeout(max(deadline.seconds_left, 0)):
                await turn
        except TimeoutError:
            self._leave(organization, turn)
            raise Overloaded(_BUSY) from None
        except asyncio.CancelledError:
            self._leave(organization, turn)
            raise

    def _leave(self, organization: str, turn: "asyncio.Future[None]") -> None:
        """Stop waiting; a turn that came at the same moment is passed on."""
        if turn.done() and not turn.cancelled():
            self.give_back(organization)
            return
        queue = self._waiting.get(organization, ())
        if turn in queue:  # else its place was passed over already
            self._waiting[organization].remove(turn)
            self._forget_if_idle(organization)

    def give_back(self, organization: str) -> None:
        """Let the next one have a turn that was taken."""
        self._running[organization] -= 1
        if not self._running[organization]:
            del self._running[organization]
        self._pass_on()

    def _pass_on(self) -> None:
        while self._waiting:
            organization = min(self._waiting, key=lambda one: self._running[one])
            if not self._is_free_for(organization):
                return
            turn = self._waiting[organization].popleft()
            self._waiting.move_to_end(organization)
            self._forget_if_idle(organization)
            if not turn.done():
                self._running[organization] += 1
                turn.set_result(None)

    def _is_free_for(self, organization: str) -> bool:
        return self.running < (self._shared if self._running[organization] else self._capacity)

    def _forget_if_idle(self, organization: str) -> None:
        if not self._waiting.get(organization, True):
            del self._waiting[organization]


class Turn:
    """The context of `taken`."""

    def __init__(self, turns: Turns, organization: str, deadline: Deadline, note: Callable[[float], None]) -> None:
        self._turns = turns
        self._organization = organization
        self._deadline = deadline
        self._note = note

    async def __aenter__(self) -> None:
        begun = monotonic()
        try:
            await self._turns.take(self._organization, self._deadline)
        finally:
            self._note(monotonic() - begun)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._turns.give_back(self._organization)
