"""What every request for data goes through: key, deadline, turn, budget."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import TypeVar

from starlette.requests import Request

from app.access.gate import Gate
from app.errors import Forbidden, QueryTimeout
from app.faces.context import RequestContext
from app.query.instants import now
from app.query.limits import LIMITS, Limit
from app.scope import Permission, Scope
from app.server.budget import Budget, Exhausted
from app.server.outbox import Outbox
from app.server.presence import while_present
from app.server.record import record_of
from app.server.sharing import Sharing
from app.server.turns import Turn, Turns
from app.settings import Settings
from app.store.deadlines import Deadline
from app.store.failures import unavailable
from app.store.store import Store

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request whose key is right."""

    request: Request
    scope: Scope
    deadline: Deadline

    def check_permission(self, permission: Permission) -> None:
        """Raise Forbidden where the key lacks it."""
        if permission not in self.scope.permissions:
            raise Forbidden(f"This key lacks the scope {permission}.")


class Reception:
    """Lets requests in, whichever face they ask."""

    def __init__(self, settings: Settings, gate: Gate, store: Store) -> None:
        self._settings = settings
        self._gate = gate
        self._store = store
        self._budget = Budget(settings.cost_per_minute)
        self.outbox = Outbox()
        self.turns = Turns(settings.concurrency, settings.queue_per_organization)
        self.limits = (*LIMITS, *limits_of(settings))

    async def admit(self, request: Request) -> Admitted:
        """Check the key. The request's time runs from here on.

        Raises Unauthenticated for no key or a wrong one; Unavailable where keys cannot be read (in time).
        """
        deadline = Deadline.within(self._settings.request_timeout_ms)
        scope = self._gate.remembered(request.headers.raw)
        if scope is None:
            try:
                async with asyncio.timeout(self._settings.request_timeout_ms / 1000):
                    scope = await self._gate.admit(request.headers.raw)
            except TimeoutError:
                raise unavailable() from None
        record = record_of(request)
        record.organization_id, record.key_id = scope.organization_id, scope.key_id
        return Admitted(request, scope, deadline)

    async def answer(
        self,
        admitted: Admitted,
        question: Hashable,
        sharing: Sharing[T],
        make: Callable[[RequestContext], Awaitable[T]],
    ) -> tuple[T, bool]:
        """Answer in a turn until the deadline, while the client is there; tell too whether it was made for another.

        `question` is all that the answer depends on, but for the organization and what the key may read. Raises
        RateLimited, Overloaded, QueryTimeout, ClientGone.
        """

        async def work(begin: Callable[[], None]) -> T:
            reader = self._store.reader(admitted.scope, admitted.deadline)
            record_of(admitted.request).spent = reader.spent
            async with self._turn(admitted, admitted.deadline), in_time(admitted):
                begin()
                return await make(RequestContext(admitted.scope, reader, now(), self.limits))

        scope = admitted.scope
        whole = (scope.organization_id, scope.org_name, scope.permissions, question)
        async with while_present(admitted.request):
            return await sharing.answer(whole, admitted.deadline, work)

    def unhurried(self, admitted: Admitted) -> RequestContext:
        """Make the context of an answer that is written batch by batch, each with its own `batch_turn`."""
        reader = self._store.reader(admitted.scope)
        record_of(admitted.request).spent = reader.spent
        return RequestContext(admitted.scope, reader, now(), self.limits)

    def batch_turn(self, admitted: Admitted) -> Turn:
        """Wait for a turn to read one batch. Raises RateLimited or Overloaded."""
        return self._turn(admitted, Deadline.within(self._settings.request_timeout_ms))

    def _turn(self, admitted: Admitted, deadline: Deadline) -> Turn:
        record = record_of(admitted.request)
        return self.turns.taken(admitted.scope.organization_id, deadline, record.note_wait)

    async def check_again(self, admitted: Admitted) -> None:
        """Raise Unauthenticated where the key has expired or been revoked meanwhile."""
        await self._gate.admit(admitted.request.headers.raw)

    async def charge(self, admitted: Admitted, cost: int) -> None:
        """Take the request's cost from the key's budget. Raises LimitExceeded or RateLimited."""
        record = record_of(admitted.request)
        record.cost = cost
        try:
            record.allowance = await self._budget.charge(admitted.scope.key_id, cost)
            record.charged = cost
        except Exhausted as error:
            record.allowance = error.allowance
            raise


def in_time(admitted: Admitted) -> "InTime":
    """Cancel the block at the request's deadline, and raise QueryTimeout in its place."""
    return InTime(admitted.deadline)


class InTime:
    """The context of `in_time`."""

    def __init__(self, deadline: Deadline) -> None:
        self._timeout = asyncio.timeout(max(deadline.seconds_left, 0))

    async def __aenter__(self) -> None:
        await self._timeout.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._timeout.__aexit__(kind, error, trace)
        except TimeoutError as late:
            error = late
        if isinstance(error, TimeoutError):
            raise QueryTimeout("The request took longer than its time budget; ask for less at once.") from None


def limits_of(settings: Settings) -> Sequence[Limit]:
    """Name the limits that settings decide."""
    limits = [
        Limit("queryMilliseconds", settings.query_timeout_ms, "Milliseconds that one MongoDB command may take."),
        Limit("requestMilliseconds", settings.request_timeout_ms, "Milliseconds that one request may take."),
        Limit("concurrentRequests", settings.concurrency, "Requests that one process works on at once."),
        Limit(
            "queuedRequests", settings.queue_per_organization, "Requests of one organization that wait in one process."
        ),
    ]
    if settings.cost_per_minute:
        limits.append(Limit("costPerMinute", settings.cost_per_minute, "Cost of one key's requests in a minute."))
    return limits
