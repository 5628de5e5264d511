"""Status codes as the gateway writes them, and how often they come."""

from dataclasses import dataclass

from app.demo.chance import Weighted


@dataclass(frozen=True, slots=True)
class Status:
    """A status with its words. Factors apply to the API's usual time and response size; an error has a short body."""

    text: str
    time_factor: float = 1.0
    size_factor: float = 1.0

    @property
    def is_error(self) -> bool:
        """Whether it is a 4xx or 5xx."""
        return self.text[0] in "45"


OK = Status("200 OK")
CREATED = Status("201 Created", size_factor=0.6)
NO_CONTENT = Status("204 No Content", size_factor=0.0)
MOVED = Status("301 Moved Permanently", time_factor=0.1, size_factor=0.02)
BAD_REQUEST = Status("400 Bad Request", time_factor=0.2)
UNAUTHORIZED = Status("401 Unauthorized", time_factor=0.06)
NOT_FOUND = Status("404 Not Found", time_factor=0.4)
TOO_MANY = Status("429 Too Many Requests", time_factor=0.04)
SERVER_ERROR = Status("500 Internal Server Error", time_factor=1.6)
BAD_GATEWAY = Status("502 Bad Gateway", time_factor=2.5)
UNAVAILABLE = Status("503 Service Unavailable", time_factor=1.3)

# Successes of 1,000 calls that succeed.
READS = ((OK, 992), (MOVED, 8))
WRITES = ((CREATED, 610), (OK, 270), (NO_CONTENT, 120))
MIXED = ((OK, 780), (CREATED, 160), (NO_CONTENT, 50), (MOVED, 10))

# Errors beside 100,000 calls that succeed.
_ERRORS = (
    (BAD_REQUEST, 600),
    (UNAUTHORIZED, 300),
    (NOT_FOUND, 750),
    (TOO_MANY, 250),
    (SERVER_ERROR, 260),
    (BAD_GATEWAY, 110),
    (UNAVAILABLE, 120),
)
_WITHOUT_KEY = ((UNAUTHORIZED, 9000),)
_SMALL_QUOTA = ((TOO_MANY, 3500),)


def outcomes(successes: tuple[tuple[Status, int], ...], *, keyless: bool, small_quota: bool) -> Weighted[Status]:
    """Mix an API's successes with the usual errors, and those of callers without a key or with a small quota."""
    mixed = [(status, weight * 100) for status, weight in successes]
    mixed += [*_ERRORS, *(_WITHOUT_KEY if keyless else ()), *(_SMALL_QUOTA if small_quota else ())]
    return Weighted(mixed)
