"""What one request brings to an operation."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.query.instants import Instant
from app.query.limits import LIMITS, Limit
from app.query.rollups import Used
from app.scope import Scope
from app.store.reader import Reader


@dataclass(frozen=True, slots=True)
class RequestContext:
    """The caller's scope, a reader inside it, the one `now` of the whole request, and every limit that applies.

    `used` is what rollups its root fields were answered from, by their response keys; filled in as they are.
    """

    scope: Scope
    reader: Reader
    now: Instant
    limits: Sequence[Limit] = LIMITS
    used: dict[str, Used] = field(default_factory=dict)

    def tell_used(self, key: str | int, used: Used | None) -> None:
        """Note what the root field under this response key was made of; None: of records alone."""
        if used is not None:
            self.used[str(key)] = used
