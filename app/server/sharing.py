"""Identical questions that wait at the same time are answered once."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from app.errors import GatewayError, Internal, Overloaded, QueryTimeout
from app.server.budget import Exhausted
from app.store.deadlines import Deadline

T = TypeVar("T")
PATIENCE_SECONDS = 0.25  # for an answer to the same question that is being made already
_OF_ONE_ATTEMPT = (Internal, QueryTimeout, Overloaded)  # another one may fare better


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """What a question came to: a value, or an error that is the same for all who wait.

    In place of an answer, None says that the attempt failed and each goes on by itself, `LEFT` that it was given up and
    one of the others takes over.
    """

    value: T | None = None
    error: Exception | None = None


LEFT: Answer[Any] = Answer()
Begin = Callable[[], None]


class Sharing(Generic[T]):
    """Answers identical questions together, as long as nothing has been read for them yet.

    So nobody gets an answer that is older than the question. While one answer is being made, those who ask the same
    gather for the next, which begins when it is there, or after `PATIENCE_SECONDS`.
    """

    def __init__(self, is_for_all: Callable[[T], bool] = lambda _value: True) -> None:
        """`is_for_all` tells whether a value is the answer for everybody, not a fault of one attempt."""
        self._is_for_all = is_for_all
        self._gathering: dict[Hashable, asyncio.Future[Answer[T] | None]] = {}
        self._reading: dict[Hashable, asyncio.Future[Answer[T] | None]] = {}

    async def answer(
        self, question: Hashable, deadline: Deadline, work: Callable[[Begin], Awaitable[T]]
    ) -> tuple[T, bool]:
        """Tell the answer, and whether another request made it.

        `work` makes it; it calls what it is given once it is about to read, from where on nobody joins. Raises what it
        raises, and Overloaded where nobody began to make the answer before the deadline.
        """
        takes_over = False
        while (gathering := self._gathering.get(question)) is not None:
            found = await self._of_another(gathering, deadline)
            if found is None:
                return await work(lambda: None), False
            if found is not LEFT:
                if found.error is not None:
                    raise found.error
                return found.value, True  # type: ignore[return-value] # there is one where there is no error
            takes_over = True
        return await self._make(question, work, takes_over=takes_over), False

    @staticmethod
    async def _of_another(gathering: asyncio.Future[Answer[T] | None], deadline: Deadline) -> Answer[T] | None:
        try:
            async with asyncio.timeout(max(deadline.seconds_left, 0)):
                return await asyncio.shield(gathering)
        except TimeoutError:
            raise Overloaded("Too much is asked of this gateway just now; try again in a moment.") from None

    async def _make(self, question: Hashable, work: Callable[[Begin], Awaitable[T]], *, takes_over: bool) -> T:
        own: asyncio.Future[Answer[T] | None] = asyncio.get_running_loop().create_future()
        self._gathering[question] = own
        answer: Answer[T] | None = LEFT
        try:
            if takes_over:
                await asyncio.sleep(0)  # the others who waited wake in this moment too, and join
            reading = self._reading.get(question)
            if reading is not None:
                await asyncio.wait([reading], timeout=PATIENCE_SECONDS)
            value = await work(lambda: self._begin(question, own))
        except Exhausted:  # of the one key: the others may have their budgets left
            raise
        except Exception as error:
            is_shared = isinstance(error, GatewayError) and not isinstance(error, _OF_ONE_ATTEMPT)
            answer = Answer(error=error) if is_shared else None
            raise
        else:
            answer = Answer(value) if self._is_for_all(value) else None
            return value
        finally:
            for rounds in (self._gathering, self._reading):
                if rounds.get(question) is own:
                    del rounds[question]
            own.set_result(answer)

    def _begin(self, question: Hashable, own: asyncio.Future[Answer[T] | None]) -> None:
        if self._gathering.get(question) is own:
            del self._gathering[question]
        self._reading[question] = own
