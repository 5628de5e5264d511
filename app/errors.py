"""What can go wrong, as the outside sees it.

    GatewayError
    ├── InvalidInput        BAD_USER_INPUT      400   something asked for cannot be meant
    │   └── LimitExceeded   LIMIT_EXCEEDED      400   it can, but passes a bound that `viewer` states
    ├── Unauthenticated     UNAUTHENTICATED     401   no key, or one that is not valid now
    ├── Forbidden           FORBIDDEN           403   the key lacks a scope
    ├── NotFound            NOT_FOUND           404   no such record in the caller's organization
    ├── RateLimited         RATE_LIMITED        429   the key's budget is used up, or its organization's queue is full
    ├── QueryTimeout        TIMEOUT             504   MongoDB stopped the query at its time budget
    ├── Unavailable         UNAVAILABLE         503   MongoDB cannot be reached
    │   └── Overloaded      UNAVAILABLE         503   too much is asked of this gateway just now
    └── Internal            INTERNAL            500   anything else; the reason is in the log only

Messages are written for the caller: they name the argument and what would be right, and never hold
anything of Python or MongoDB.
"""

from typing import ClassVar


class GatewayError(Exception):
    """An error that may be shown to the caller: a message, a stable code, an HTTP status."""

    code: ClassVar[str] = "INTERNAL"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Internal error"
    retry_after: int | None = None  # seconds after which to try again, where that is known

    def __init__(self, message: str, *, argument: str | None = None) -> None:
        """`argument` is the caller's own name of what is wrong, where one argument is."""
        super().__init__(message)
        self.message = message
        self.argument = argument


class InvalidInput(GatewayError):
    """What was asked cannot be meant; the message names the argument and the remedy."""

    code = "BAD_USER_INPUT"
    status = 400
    title = "Bad input"


class LimitExceeded(InvalidInput):
    """What was asked is clear but passes a stated bound."""

    code = "LIMIT_EXCEEDED"
    title = "Limit exceeded"


class Unauthenticated(GatewayError):
    """No key came, or it is unknown, expired or revoked."""

    code = "UNAUTHENTICATED"
    status = 401
    title = "Not authenticated"


class Forbidden(GatewayError):
    """The key is valid but lacks the scope that the operation needs."""

    code = "FORBIDDEN"
    status = 403
    title = "Forbidden"


class NotFound(GatewayError):
    """No such record in the caller's organization."""

    code = "NOT_FOUND"
    status = 404
    title = "Not found"


class RateLimited(GatewayError):
    """The key's budget is used up, or too many requests of its organization wait already."""

    code = "RATE_LIMITED"
    status = 429
    title = "Too many requests"

    def __init__(self, message: str, *, retry_after: int) -> None:
        """`retry_after` in seconds."""
        super().__init__(message)
        self.retry_after = retry_after


class QueryTimeout(GatewayError):
    """MongoDB stopped the query at its time budget."""

    code = "TIMEOUT"
    status = 504
    title = "Timed out"


class Unavailable(GatewayError):
    """MongoDB cannot be reached; the request may be sent again."""

    code = "UNAVAILABLE"
    status = 503
    title = "Unavailable"


class Overloaded(Unavailable):
    """No place in the queue came free in time."""

    retry_after = 1


class Internal(GatewayError):
    """Anything unforeseen. The reason is logged, never shown."""

    def __init__(self) -> None:
        super().__init__("Something went wrong on our side. The server's log has the reason.")
