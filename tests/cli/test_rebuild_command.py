"""`gateway rebuild connections` leaves rollups that tell of the statuses as they are then."""

from app.datasets.connections.operations import summarize
from app.datasets.connections.summary import SUMMARY_FIELDS, SummaryQuery
from app.ingest.sources import CONNECTION_EVENT_SOURCE
from app.query.instants import now
from app.store.store import Store
from tests.cli.processes import CommandLine
from tests.gateways import load_records
from tests.ingest.making import database_of, made_events
from tests.store.databases import reader_of, scope_of

ALL = frozenset(field.name for field in SUMMARY_FIELDS)


async def test_rebuilding_connections_builds_their_rollup(command_line: CommandLine, store: Store) -> None:
    """A status that no event supports is gone from the rollup too."""
    assert await load_records(store, CONNECTION_EVENT_SOURCE, made_events(50)) == []
    await database_of(store)["connectionEvents"].delete_many({"connectionId": "conn-00003"})
    outcome = await command_line.run_beside("rebuild", "connections")
    assert outcome.status == 0, outcome.err
    assert "9 connections; 1 removed" in outcome.err
    rolled = await summarize(store.reader(scope_of()), SummaryQuery(now(), ALL))
    assert rolled.used is not None
    assert rolled.rows[0]["totalConnections"] == 9
    assert rolled.rows == (await summarize(reader_of(database_of(store)), SummaryQuery(now(), ALL))).rows
