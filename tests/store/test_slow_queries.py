"""The slow-query log: which commands are in it, and what is told of them."""

from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from app.datasets.connection_events.fields import CONNECTION_EVENTS
from app.errors import QueryTimeout
from app.query.ordering import complete_order
from app.settings import Settings
from app.store.client import Database
from app.store.reader import Reader
from app.store.slow_queries import SlowQueries
from tests.gateways import ORGANIZATION_ID
from tests.store.databases import opened_database, scope_of

_SLOW: list[dict[str, Any]] = [{"$match": {"host": {"$in": ["secret-a", "secret-b"]}}}, {"$limit": 5}]


@pytest.fixture
def logged() -> Iterator[list[EventDict]]:
    """What is logged meanwhile."""
    with capture_logs() as lines:
        yield lines


def reading(database: Database, threshold_ms: int, budget_ms: int = 10_000) -> Reader:
    """A reader that logs commands from `threshold_ms` on."""
    return Reader(database, scope_of(), budget_ms, slow_queries=SlowQueries(threshold_ms))


async def test_a_slow_command_is_logged_by_its_shape(both_drivers: Settings, logged: list[EventDict]) -> None:
    """With what it is, how long it took of what it had, and how many rows came; with no value."""
    async with opened_database(both_drivers) as database:
        stored = [{"organizationId": ORGANIZATION_ID, "host": "secret-a"} for _ in range(3)]
        await database["connectionEvents"].insert_many(stored)
        reader = reading(database, 1)
        work = {"$range": [0, 60_000]}
        await reader.aggregate(
            CONNECTION_EVENTS, [*_SLOW, {"$set": {"work": {"$size": {"$map": {"input": work, "in": 1}}}}}]
        )
    (line,) = [line for line in logged if line["event"] == "slow_query"]
    assert line["log_level"] == "warning"
    assert (line["command"], line["collection"]) == ("aggregate", "connectionEvents")
    assert (line["rows"], line["budget_ms"]) == (3, 10_000)
    assert line["duration_ms"] >= 1
    pipeline = line["shape"]["pipeline"]
    assert pipeline[:3] == [
        {"$match": {"organizationId": {"$eq": "?"}}},
        {"$match": {"host": {"$in": ["?"]}}},
        {"$limit": "?"},
    ]
    assert b"secret" not in orjson.dumps(line)
    assert ORGANIZATION_ID.encode() not in orjson.dumps(line)


async def test_a_command_that_failed_is_logged_without_rows(settings: Settings, logged: list[EventDict]) -> None:
    """The slowest of all are those that ran out of their time."""
    async with opened_database(settings) as database:
        # Each row is worked on for a while; mongod looks at the time between two.
        rows = [{"organizationId": ORGANIZATION_ID, "size": 20_000} for _ in range(1_000)]
        await database["connectionEvents"].insert_many(rows)
        work = {"$size": {"$map": {"input": {"$range": [0, "$size"]}, "in": {"$add": ["$$this", "$size"]}}}}
        with pytest.raises(QueryTimeout):
            await reading(database, 10, budget_ms=50).aggregate(CONNECTION_EVENTS, [{"$set": {"work": work}}])
    (line,) = [line for line in logged if line["event"] == "slow_query"]
    assert (line["rows"], line["budget_ms"]) == (None, 50)


@pytest.mark.parametrize("threshold_ms", [0, 600_000])
async def test_other_commands_are_not_logged(settings: Settings, logged: list[EventDict], threshold_ms: int) -> None:
    """Those that are quick enough; and with 0, none."""
    async with opened_database(settings) as database:
        order = complete_order(CONNECTION_EVENTS, None)
        await reading(database, threshold_ms).find(CONNECTION_EVENTS, {}, sort=order, limit=1)
    assert logged == []


async def test_a_find_is_told_by_filter_and_sort(logged: list[EventDict]) -> None:
    """The fields that are sorted by decide about the index."""
    command = {"find": "connections", "filter": {"host": {"$eq": "secret"}}, "sort": {"host": 1}, "limit": 3}
    SlowQueries(5).note(command, 5.0, 1, 100)
    assert logged[0]["shape"] == {"filter": {"host": {"$eq": "?"}}, "sort": {"host": "?"}}
