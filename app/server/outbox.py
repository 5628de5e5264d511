"""Large answers on their way out: what clients have not taken yet is bounded, for all and for each organization."""

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.errors import Overloaded, RateLimited
from app.query.limits import UNREAD_BYTES

PIECE_BYTES = 262_144  # an answer no larger than this is not counted
_SHARES = 2  # organizations that may take all that one of them may


class Outbox:
    """Counts the bytes of large answers until their clients have taken them.

    A client that reads slowly, or not at all, keeps its answer in memory all the while.
    """

    def __init__(self, most_of_one: int = UNREAD_BYTES.value) -> None:
        self._most_of_one = most_of_one
        self._held: Counter[str] = Counter()

    @property
    def held(self) -> int:
        """How many bytes are on their way out now."""
        return self._held.total()

    def answer(self, organization: str, body: bytes, status: int, headers: Mapping[str, str]) -> Response:
        """Make the answer of a body. Raises RateLimited or Overloaded where too much waits to be read already."""
        size = len(body)
        if size <= PIECE_BYTES:
            return Response(body, status, headers)
        if self._held[organization] + size > self._most_of_one:
            raise RateLimited(
                f"{self._held[organization]} bytes of answers to this organization wait to be read (unreadBytes); "
                "read each answer to its end before you ask for more.",
                retry_after=1,
            )
        if self.held + size > _SHARES * self._most_of_one:
            raise Overloaded("Too many answers wait to be read by their clients just now; try again in a moment.")
        return _LargeResponse(self, organization, body, status, headers)

    @contextmanager
    def holding(self, organization: str, size: int) -> Iterator[None]:
        """Count an answer for as long as it is on its way."""
        self._held[organization] += size
        try:
            yield
        finally:
            self._held[organization] -= size
            if not self._held[organization]:
                del self._held[organization]


class _LargeResponse(Response):
    """Goes out piece by piece, each when the one before has been taken."""

    def __init__(self, outbox: Outbox, organization: str, body: bytes, status: int, headers: Mapping[str, str]) -> None:
        super().__init__(body, status, headers)
        self._outbox = outbox
        self._organization = organization

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - as Starlette has it
        body = bytes(self.body)
        with self._outbox.holding(self._organization, len(body)):
            await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
            for start in range(0, len(body), PIECE_BYTES):
                end = start + PIECE_BYTES
                await send({"type": "http.response.body", "body": body[start:end], "more_body": end < len(body)})
