"""Tables of what was timed: each target against the base of its scenario, and each size against the smallest."""

from collections.abc import Sequence

from tests.bench.figures import ratios, spread
from tests.bench.rounds import Cell, Timing, Timings
from tests.bench.tables import Table, spread_text

_NONE = "-"


def target_table(timings: Timings) -> Table:
    """Tell throughput and latency as ratios to the scenario's base, and processor time for one answer."""
    rows = []
    for cell, own in timings.items():
        base = _base(timings, cell)
        rows.append(
            (
                _question(cell),
                cell.target.name,
                spread_text(ratios([one.per_second for one in own], [one.per_second for one in base])),
                spread_text(ratios([one.latency_ms for one in own], [one.latency_ms for one in base])),
                _cpu([one.server_cpu_ms for one in own]),
                _cpu([one.mongod_cpu_ms for one in own]),
            )
        )
    header = ("question", "target", "throughput", "median latency", "server CPU, ms", "mongod CPU, ms")
    return Table("Relative to the target that has 1.00; medians of the rounds (least..greatest)", header, rows)


def brief_tables(timings: Timings) -> tuple[Table, Table]:
    """Tell the same with a line for each question and a column for each target, without the spread of the rounds."""
    names = tuple(dict.fromkeys(cell.target.name for cell in timings))
    throughput: dict[str, dict[str, str]] = {}
    processors: dict[str, dict[str, str]] = {}
    for cell, own in timings.items():
        against = ratios([one.per_second for one in own], [one.per_second for one in _base(timings, cell)])
        throughput.setdefault(_question(cell), {})[cell.target.name] = f"{against.middle:.2f}"
        used = (_cpu([one.server_cpu_ms for one in own]), _cpu([one.mongod_cpu_ms for one in own]))
        processors.setdefault(_question(cell), {})[cell.target.name] = " + ".join(used)
    return (
        Table(
            "Answers a second, relative to the target that has 1.00", ("question", *names), _lines(throughput, names)
        ),
        Table("Processor time of one answer in ms, server + mongod", ("question", *names), _lines(processors, names)),
    )


def _lines(found: dict[str, dict[str, str]], names: Sequence[str]) -> list[tuple[str, ...]]:
    return [(question, *(cells.get(name, "") for name in names)) for question, cells in found.items()]


def _question(cell: Cell) -> str:
    return f"{cell.scenario.title}; {cell.concurrency} at once"


def _base(timings: Timings, cell: Cell) -> list[Timing]:
    return next(one for at, one in timings.items() if _same_question(at, cell) and at.target == cell.scenario.base)


def _same_question(one: Cell, other: Cell) -> bool:
    return one.scenario is other.scenario and one.concurrency == other.concurrency and one.size == other.size


def _cpu(values: Sequence[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{spread(known).middle:.2f}" if known else _NONE


def growth_table(timings: Timings) -> Table:
    """Tell the median latency at each size as a ratio to that at the smallest size, by target."""
    rows = []
    for cell, own in timings.items():
        smallest = next(one for at, one in timings.items() if at.target == cell.target)
        growth = ratios(_latencies(own), _latencies(smallest))
        rows.append((f"{cell.size.events:,}", cell.target.name, spread_text(growth)))
    header = ("connection events", "target", "time")
    return Table("connectionSummary over all time, by how much there is", header, rows)


def _latencies(timings: Sequence[Timing]) -> list[float]:
    return [timing.latency_ms for timing in timings]
