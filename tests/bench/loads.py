"""What the load process is asked to do, and what it saw."""

from collections import Counter
from dataclasses import dataclass, field

Outcome = tuple[int, str]  # HTTP status, and the code of the first error or OK
FINE: Outcome = (200, "OK")


@dataclass(frozen=True, slots=True)
class Extent:
    """How long a load lasts: `seconds`, and until there are `least` answers.

    `concurrency` requests are in flight all the while. Nothing is counted before `warm` answers have come.
    """

    concurrency: int
    seconds: float
    least: int = 1
    warm: int = 0


@dataclass(frozen=True, slots=True)
class HttpLoad:
    """Requests, whole as bytes, to a port of the loopback interface, over one connection for each in flight.

    Several requests are drawn from at random, the same in each run; or, where they are `own`, each client has its own
    and asks nothing else. A client pauses after each answer, and longer after one that says that there is too much
    (429, 503).
    """

    port: int
    requests: tuple[bytes, ...]
    extent: Extent
    pause_seconds: float = 0.0
    refused_pause_seconds: float = 0.0
    watched: tuple[int, ...] = ()
    own: bool = False


@dataclass(frozen=True, slots=True)
class CommandLoad:
    """One command to MongoDB, again and again. Its answer is not decoded."""

    uri: str
    database: str
    command: dict[str, object]
    extent: Extent
    watched: tuple[int, ...] = ()


@dataclass(frozen=True)
class Seen:
    """What came of a load: its time, each answer's latency, and the processor time of the watched processes."""

    seconds: float
    latencies: list[float]
    outcomes: Counter[Outcome]
    cpu_seconds: tuple[float, ...] = ()
    bodies: list[bytes] = field(default_factory=list)

    @property
    def per_second(self) -> float:
        """Answers in a second."""
        return len(self.latencies) / self.seconds

    @property
    def failures(self) -> dict[Outcome, int]:
        """How many answers were not as they should be."""
        return {outcome: count for outcome, count in self.outcomes.items() if outcome != FINE}
