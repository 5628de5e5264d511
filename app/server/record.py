"""What is noted of one request while it is answered: for its headers, the log, the metrics and the traces."""

from dataclasses import dataclass, field

from starlette.requests import HTTPConnection
from starlette.types import Scope as ConnectionScope

from app.server.budget import Allowance
from app.server.places import Place
from app.store.reader import Spent

_STATE = "record"


@dataclass(slots=True)
class RequestRecord:
    """Filled in as far as the request comes.

    `place` is where it came in and what runs, of a bounded set (root fields, routes); `operation_name` what the client
    calls it. `cost` is what was asked for, `charged` what of it the key's budget was charged.
    """

    request_id: str
    place: Place
    operation_name: str | None = None
    organization_id: str | None = None
    key_id: str | None = None
    code: str | None = None
    cost: int = 0
    charged: int = 0
    waited_seconds: float = 0.0
    allowance: Allowance | None = None
    spent: Spent = field(default_factory=Spent)

    def note_wait(self, seconds: float) -> None:
        """Add to how long the request waited for its turn."""
        self.waited_seconds += seconds


def keep_record(scope: ConnectionScope, record: RequestRecord) -> None:
    """Put the record where `record_of` finds it."""
    scope.setdefault("state", {})[_STATE] = record


def record_of(request: HTTPConnection) -> RequestRecord:
    """Find the record of the request that is being answered."""
    record: RequestRecord = request.scope["state"][_STATE]
    return record
