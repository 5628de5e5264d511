"""The parts of a run, each of which gives tables."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from tests.bench.agreement import check_agreement
from tests.bench.fairness import measure_fairness
from tests.bench.ground import Ground
from tests.bench.loading import loading_table
from tests.bench.memory import memory_table
from tests.bench.records import GREEDY
from tests.bench.rounds import Cell, Timings, cells, time_cells
from tests.bench.scenarios import Scenario, scenarios
from tests.bench.sizes import Size
from tests.bench.tables import Table
from tests.bench.targets import GRAPHQL, MONGOD, targets
from tests.bench.timing_tables import brief_tables, growth_table, target_table

QUESTIONS = ("rows", "page", "summary", "summary-7d", "five", "five-same", "viewer", "one", "series", "totals")
GROWTH, LOADING, MEMORY, FAIRNESS = "growth", "loading", "memory", "fairness"
PARTS = (*QUESTIONS, GROWTH, LOADING, MEMORY, FAIRNESS)
_MODEST_ANSWERS = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run does: `rounds` of `seconds` for each target.

    Questions are asked of the largest of the `sizes`, mixed loads of the smallest.
    """

    sizes: tuple[Size, ...]
    rounds: int
    seconds: float
    parts: tuple[str, ...]
    requests: int
    records: int
    brief: bool = False  # tables of a line for each question


def tables(ground: Ground, plan: Plan, tell: Callable[[str], None]) -> Iterator[Table]:
    """Run the parts of the plan; each table comes when it is ready."""
    smallest = plan.sizes[0]
    if asked := [one for one in QUESTIONS if one in plan.parts]:
        timings = _targets(ground, plan, asked, tell)
        yield from brief_tables(timings) if plan.brief else (target_table(timings),)
    if GROWTH in plan.parts:
        yield _growth(ground, plan, tell)
    if LOADING in plan.parts:
        yield loading_table(ground, plan.records, plan.rounds, tell)
    if MEMORY in plan.parts:
        tell(f"{plan.requests} mixed requests")
        yield memory_table(ground, smallest, plan.requests)
    if FAIRNESS in plan.parts:
        tell("a modest organization, alone and beside a greedy one")
        yield measure_fairness(ground, smallest, _MODEST_ANSWERS).table()


def _targets(ground: Ground, plan: Plan, names: Iterable[str], tell: Callable[[str], None]) -> Timings:
    size = plan.sizes[-1]
    asked = [one for one in questions(ground, size, tell) if one.name in names]
    for one in asked:
        tell(f"comparing answers: {one.title}")
        check_agreement(ground, size, one, targets())
    return time_cells(ground, list(cells(asked, targets(), size)), plan.rounds, plan.seconds, tell)


def _growth(ground: Ground, plan: Plan, tell: Callable[[str], None]) -> Table:
    compared = (GRAPHQL, MONGOD)
    timed: list[Cell] = []
    for size in plan.sizes:
        (summary,) = (one for one in questions(ground, size, tell) if one.name == "summary")
        check_agreement(ground, size, summary, compared)
        timed += cells([summary], compared, size)
    return growth_table(time_cells(ground, timed, plan.rounds, plan.seconds, tell))


def questions(ground: Ground, size: Size, tell: Callable[[str], None]) -> tuple[Scenario, ...]:
    """Fill the size's database, if it is not yet, and make the scenarios over it."""
    tell(f"filling the database {size.database}, unless it is there")
    seeded = ground.seeded(size)
    with ground.client() as client:
        call = client[size.database]["summaryEvents"].find_one({"org_name": GREEDY.org_name})
    assert call is not None
    return scenarios(seeded.end, call["summary_event_id"])
