"""Times the scenarios: in each round every target in turn, so that noise hits all alike."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.asks import Command
from tests.bench.client import run_command, run_http
from tests.bench.ground import Ground
from tests.bench.loads import CommandLoad, Extent, HttpLoad, Seen
from tests.bench.scenarios import Scenario
from tests.bench.sizes import Size
from tests.bench.targets import Target


@dataclass(frozen=True, slots=True)
class Cell:
    """One thing that is timed in each round."""

    scenario: Scenario
    concurrency: int
    target: Target
    size: Size


@dataclass(frozen=True, slots=True)
class Timing:
    """One round's figures: answers a second, the median latency, processor time for one answer.

    Times are in milliseconds; mongod alone has no server.
    """

    per_second: float
    latency_ms: float
    server_cpu_ms: float | None
    mongod_cpu_ms: float


Timings = dict[Cell, list[Timing]]


class FailedRequests(Exception):
    """Some answers were errors: their times would mean nothing."""


def cells(scenarios: Sequence[Scenario], targets: Sequence[Target], size: Size) -> Iterator[Cell]:
    """List what is timed, the targets of one scenario next to each other."""
    for scenario in scenarios:
        for concurrency in scenario.concurrency:
            for target in targets:
                if target.form in scenario.asks:
                    yield Cell(scenario, concurrency, target, size)


def time_cells(
    ground: Ground, timed: Sequence[Cell], rounds: int, seconds: float, tell: Callable[[str], None]
) -> Timings:
    """Time each cell in each round, for so many seconds."""
    timings: Timings = {cell: [] for cell in timed}
    for number in range(rounds):
        for cell in timed:
            tell(
                f"round {number + 1} of {rounds}: {cell.scenario.title}, {cell.concurrency} at once, {cell.target.name}"
            )
            timings[cell].append(time_cell(ground, cell, seconds))
    return timings


def time_cell(ground: Ground, cell: Cell, seconds: float) -> Timing:
    """Time one cell once. Raises FailedRequests."""
    seen = _put(ground, cell, seconds)
    if seen.failures:
        raise FailedRequests(f"{cell.scenario.title}: {cell.target.name} answered {seen.failures}")
    answers = len(seen.latencies)
    *server, mongod = (used * 1000 / answers for used in seen.cpu_seconds)
    return Timing(seen.per_second, median(seen.latencies) * 1000, server[0] if server else None, mongod)


def _put(ground: Ground, cell: Cell, seconds: float) -> Seen:
    ask, target, size = cell.scenario.asks[cell.target.form], cell.target, cell.size
    extent = Extent(cell.concurrency, seconds, least=max(2, cell.concurrency), warm=cell.concurrency)
    if isinstance(ask, Command):
        load = CommandLoad(ground.uri, size.database, ask.document, extent, (ground.mongod,))
        return ground.loads.submit(run_command, load).result()
    assert target.server is not None
    running = ground.server(target.server, size)
    keys = ground.seeded(size).greedy_keys[: cell.concurrency]
    requests = tuple(ask.written(key, 0 if cell.scenario.same else client) for client, key in enumerate(keys))
    http = HttpLoad(running.port, requests, extent, watched=(running.process, ground.mongod), own=True)
    return ground.loads.submit(run_http, http).result()
