"""The bench itself: its targets answer alike, its records are what the gateway would keep, its figures are right."""

from collections.abc import Iterator
from datetime import datetime

import pytest
from pymongo import MongoClient

from app.datasets.connection_events.fields import CONNECTION_EVENTS
from app.ingest.rebuild import rebuild_connections
from app.store.store import Store
from tests.bench.agreement import Disagreement, check_agreement
from tests.bench.asks import Get, values
from tests.bench.client import outcome_of
from tests.bench.fairness import measure_fairness
from tests.bench.figures import Spread, quantile, ratios, spread
from tests.bench.ground import Ground, ground_on
from tests.bench.loading import loading_table
from tests.bench.loads import FINE, Extent
from tests.bench.parts import QUESTIONS, questions
from tests.bench.records import GREEDY, SPAN, Document, connections, summary_events
from tests.bench.rounds import cells, time_cells
from tests.bench.scenarios import Scenario
from tests.bench.sizes import Size
from tests.bench.tally import Tally
from tests.bench.targets import GRAPHQL, PLAIN, Form, targets
from tests.bench.timing_tables import brief_tables, target_table
from tests.gateways import make_settings

TINY = Size("tiny", 3_000)
END = datetime(2026, 4, 20, 12, 0, 0, 123_000)  # noqa: DTZ001 - as BSON dates are, in UTC


@pytest.fixture(scope="module")
def tiny(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """What the bench stands on, with very little in it."""
    folder = tmp_path_factory.mktemp("bench")
    with ground_on(make_settings(mongodb_uri=mongodb_uri), mongodb_uri, folder) as ground:
        yield ground
    with MongoClient[Document](mongodb_uri) as client:
        client.drop_database(TINY.database)


def test_all_targets_answer_alike_and_are_timed(tiny: Ground) -> None:
    """Every question of the table, before and without regard to how fast it is; each target then has its line."""
    asked = questions(tiny, TINY, lambda _text: None)
    assert [one.name for one in asked] == list(QUESTIONS)
    answers = {one.name: check_agreement(tiny, TINY, one, targets()) for one in asked}
    assert {
        name: len(rows) for name, rows in answers.items() if name in {"rows", "five", "viewer", "one", "totals"}
    } == {
        "rows": 1000,
        "five": 5,
        "viewer": 1,
        "one": 1,
        "totals": 1,
    }
    assert sum(row[4] for row in answers["summary"]) == TINY.events // 10
    timed = list(cells(asked[4:5], targets(), TINY))
    timings = time_cells(tiny, timed, rounds=1, seconds=0.05, tell=lambda _text: None)
    table, (throughput, processors) = target_table(timings), brief_tables(timings)
    assert [row[1] for row in table.rows] == [cell.target.name for cell in timed]
    assert next(row[2] for row in table.rows if row[1] == PLAIN.name) == "1.00 (1.00..1.00)"
    assert throughput.rows[0][throughput.header.index(PLAIN.name)] == "1.00"
    assert len(throughput.rows) == len(processors.rows) == 1


def test_another_answer_is_refused(tiny: Ground) -> None:
    """What is not the same answer is not timed."""
    rows = questions(tiny, TINY, lambda _text: None)[0]
    shorter = Scenario("rows", "rows", {**rows.asks, Form.PLAIN: Get("/events", values, {"limit": 999})}, (1,))
    with pytest.raises(Disagreement, match="plain FastAPI"):
        check_agreement(tiny, TINY, shorter, (GRAPHQL, PLAIN))


def test_a_modest_organization_is_measured_alone_and_beside(tiny: Ground) -> None:
    """Both kinds of phase bring answers, and the table tells them apart."""
    fairness = measure_fairness(tiny, TINY, answers=1, seconds=0.2)
    assert set(fairness.alone.outcomes) == set(fairness.beside.outcomes) == {FINE}
    assert [row[0] for row in fairness.table().rows] == ["modest, alone", "modest, beside", "greedy"]
    assert fairness.greedy.outcomes.total() >= len(fairness.greedy.memory) == 1


def test_loading_is_measured_with_its_memory(tiny: Ground) -> None:
    """Both sources are loaded whole, by the command itself; its memory is its own."""
    table = loading_table(tiny, records=300, rounds=1, tell=lambda _text: None)
    assert [row[0] for row in table.rows] == ["connection-events", "summary-events"]
    assert all(20 < float(row[3]) < 200 for row in table.rows)


async def test_connections_are_as_a_rebuild_makes_them(store: Store) -> None:
    """The statuses that are inserted directly are those that the gateway derives of the same events."""
    made = list(connections(GREEDY, 2_000, END))
    await store.writer.insert_new(CONNECTION_EVENTS, [event for _, events in made for event in events])
    await rebuild_connections(store.writer)
    stored = await store.writer._database["connections"].find({}, {"_id": 0}).to_list(None)  # noqa: SLF001 - as stored
    changing = {"updatedAt", "rebuiltAt", "mergedAt"}
    derived = {row["connectionId"]: {name: row[name] for name in row.keys() - changing} for row in stored}
    inserted = {status["connectionId"]: {name: status[name] for name in status.keys() - changing} for status, _ in made}
    assert derived == inserted


def test_records_are_the_same_each_time_and_within_the_span() -> None:
    """A seeding can be repeated; more records are denser, not longer ago."""
    made = [event for _, events in connections(GREEDY, 2_000, END) for event in events]
    assert made == [event for _, events in connections(GREEDY, 2_000, END) for event in events]
    calls = list(summary_events(GREEDY, 1_000, END))
    assert calls == list(summary_events(GREEDY, 1_000, END))
    assert 0.9 * 2_000 < len(made) <= 2_000
    times = [event["eventTimestamp"] for event in made] + [call["datetime"] for call in calls]
    assert min(times) >= END - SPAN
    assert max(times) < END
    assert len({event["eventId"] for event in made}) == len(made)


def test_figures() -> None:
    """Medians with their extremes, ratios within a round, and quantiles by rank."""
    assert spread([3, 1, 2]) == Spread(2, 1, 3)
    assert ratios([2, 30, 400], [1, 10, 100]) == Spread(3, 2, 4)
    assert [quantile([3, 1, 2, 4], p) for p in (0, 0.5, 0.51, 0.99, 1)] == [1, 2, 3, 4, 4]


async def test_a_tally_counts_after_the_warm_up() -> None:
    """Answers that warm up are not counted; the load ends with an answer once there are enough."""
    tally = Tally(Extent(concurrency=1, seconds=0, least=2, warm=1), ())
    for latency in (9.0, 1.0, 2.0, 7.0):
        tally.note(latency)
    seen = await tally.seen()
    assert seen.latencies == [1.0, 2.0]
    assert seen.outcomes == {FINE: 2}


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (200, b'{"data":{"a":1}}', (200, "OK")),
        (200, b'{"errors":[{"message":"m","extensions":{"code":"TIMEOUT"}}]}', (200, "TIMEOUT")),
        (200, b'{"data":null,"errors":[{"message":"m"}]}', (200, "?")),
        (429, b'{"errors":[{"message":"m","extensions":{"code":"RATE_LIMITED"}}]}', (429, "RATE_LIMITED")),
        (503, b'{"title":"t","code":"UNAVAILABLE"}', (503, "UNAVAILABLE")),
        (500, b"Internal Server Error", (500, "?")),
    ],
    ids=["fine", "graphql", "unnamed", "refused", "problem", "text"],
)
def test_outcomes(status: int, body: bytes, outcome: tuple[int, str]) -> None:
    """An answer with an error is never taken for a fine one."""
    assert outcome_of(status, body) == outcome
