"""A modest organization alone, and beside one that asks for four times what the gateway works on at once."""

from collections import Counter
from dataclasses import dataclass, field
from time import sleep

from app.settings import Settings
from tests.bench.client import load_process, run_http
from tests.bench.consumption import resident_mb
from tests.bench.figures import quantile
from tests.bench.ground import Ground
from tests.bench.loads import FINE, Extent, HttpLoad, Outcome, Seen
from tests.bench.mix import GREEDY_MIX, MODEST_MIX, graphql_requests
from tests.bench.servers import Server, serving
from tests.bench.sizes import Size
from tests.bench.tables import Table

PHASE_SECONDS = 10.0
_SETTLE_SECONDS = 1.0  # before the modest one is looked at, the load beside it is there
_TIMES_CAPACITY = 4
_FIRST_ANSWERS = 30  # before anything is looked at
_MODEST_PAUSE_SECONDS, _REFUSED_PAUSE_SECONDS = 0.05, 0.2
# Its limits as they are by default.
_BOUND = Server(
    "gateway",
    tuple(
        (f"GATEWAY_{name.upper()}", str(Settings.model_fields[name].default))
        for name in ("cost_per_minute", "log_level")
    ),
)


@dataclass(frozen=True)
class Phases:
    """What came of one organization's requests over all phases of a kind, and the server's memory after each (MiB)."""

    latencies: list[float] = field(default_factory=list)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    memory: list[float] = field(default_factory=list)

    def add(self, seen: Seen, memory: float) -> None:
        """Add a phase."""
        self.latencies.extend(seen.latencies)
        self.outcomes.update(seen.outcomes)
        self.memory.append(memory)


@dataclass(frozen=True)
class Fairness:
    """The modest organization alone and beside the greedy one, and the greedy one."""

    alone: Phases = field(default_factory=Phases)
    beside: Phases = field(default_factory=Phases)
    greedy: Phases = field(default_factory=Phases)

    @property
    def answers(self) -> int:
        """Answers to the modest one, of the kind of phase that has fewer."""
        return min(len(self.alone.latencies), len(self.beside.latencies))

    @property
    def ratio(self) -> float:
        """How much longer the modest one's p99 is beside the greedy one."""
        return quantile(self.beside.latencies, 0.99) / quantile(self.alone.latencies, 0.99)

    def table(self) -> Table:
        """Tell counts, latencies and memory of each."""
        rows = [
            _row("modest, alone", self.alone, "1.00"),
            _row("modest, beside", self.beside, f"{self.ratio:.2f}"),
            _row("greedy", self.greedy, "-"),
        ]
        header = ("organization", "answers", "p50, ms", "p99, ms", "longest, ms", "p99, alone = 1.00", "memory, MiB")
        return Table("A mixed load at four times capacity", header, rows)


def _row(name: str, phases: Phases, ratio: str) -> tuple[str, ...]:
    counts = ", ".join(
        f"{count:,}" if outcome == FINE else f"{count:,} {outcome[0]} {outcome[1]}"
        for outcome, count in phases.outcomes.most_common()
    )
    times = (f"{quantile(phases.latencies, p) * 1000:,.0f}" for p in (0.5, 0.99, 1.0))
    return (name, counts, *times, ratio, f"{phases.memory[0]:.0f}..{phases.memory[-1]:.0f}")


def measure_fairness(ground: Ground, size: Size, answers: int, seconds: float = PHASE_SECONDS) -> Fairness:
    """Alternate phases with and without the greedy organization, until the modest one has so many answers of each."""
    seeded, fairness = ground.seeded(size), Fairness()
    modest_requests = graphql_requests(MODEST_MIX, seeded.modest_key)
    # In the words of many clients: hardly any two of them wait for the same answer, which would be made once for both.
    greedy_requests = tuple(
        one for client, key in enumerate(seeded.greedy_keys) for one in graphql_requests(GREEDY_MIX, key, client)
    )
    at_once = _TIMES_CAPACITY * int(Settings.model_fields["concurrency"].default)
    with serving(_BOUND, ground.uri, size.database, ground.folder) as running, load_process() as other:
        modest = HttpLoad(running.port, modest_requests, Extent(1, seconds), _MODEST_PAUSE_SECONDS)
        greedy = HttpLoad(
            running.port,
            greedy_requests,
            Extent(at_once, seconds + _SETTLE_SECONDS),
            refused_pause_seconds=_REFUSED_PAUSE_SECONDS,
        )
        everything = HttpLoad(
            running.port, modest_requests + greedy_requests, Extent(1, seconds=0, least=_FIRST_ANSWERS)
        )
        ground.loads.submit(run_http, everything).result()
        while fairness.answers < answers:
            fairness.alone.add(ground.loads.submit(run_http, modest).result(), resident_mb(running.process))
            pressing = other.submit(run_http, greedy)
            sleep(_SETTLE_SECONDS)
            fairness.beside.add(ground.loads.submit(run_http, modest).result(), resident_mb(running.process))
            fairness.greedy.add(pressing.result(), resident_mb(running.process))
            # What the greedy one left behind has been given up before the modest one is alone again.
            sleep(_SETTLE_SECONDS)
    return fairness
