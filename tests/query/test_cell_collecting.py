"""Cells collected record by record are those that MongoDB accumulates."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from bson import Decimal128
from hypothesis import given
from hypothesis import settings as running
from hypothesis import strategies as st

from app.datasets.summary_events.groups import SUMMARY_EVENT_GROUPS
from app.query.cell_collecting import CellCollector, record_stage
from app.query.cells import cell_of, packed, parts
from app.query.group_pipelines import accumulated
from app.query.instants import Instant
from app.store.client import Database
from tests.store.databases import database_settings, opened_database

WHOLE = st.integers(-300, 300) | st.sampled_from((2**40, 2**61, -(2**61)))
ODD = st.sampled_from((2**62, -(2**63), 1.5, 3.0, True, "12", [7], Decimal128("0.1")))
PARTS = parts(dict.fromkeys(SUMMARY_EVENT_GROUPS.numbers, True), SUMMARY_EVENT_GROUPS.ratios)
FIELDS = ("bytes_received", "bytes_sent", "time_to_serve_request")


@pytest.fixture(scope="module")
async def database(mongodb_uri: str) -> AsyncIterator[Database]:
    """A database to compute in; nothing is stored."""
    async with opened_database(database_settings(mongodb_uri)) as database:
        yield database


@st.composite
def records(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Draw records whose numbers are whole, missing, null, or now and then something else."""
    numbers = st.one_of(WHOLE, WHOLE, WHOLE, ODD) if draw(st.booleans()) else WHOLE
    statuses = st.sampled_from(("200 OK", "404", "500", "", None, 7))
    fields = {name: numbers | st.none() for name in FIELDS}
    return draw(st.lists(st.fixed_dictionaries({"status_code": statuses}, optional=fields), max_size=12))


@given(found=records())
@running(max_examples=60, deadline=None)
async def test_collected_cells_are_accumulated_cells(database: Database, found: list[dict[str, Any]]) -> None:
    """What is kept, and of which numbers nothing is."""

    async def run(*stages: dict[str, Any]) -> list[dict[str, Any]]:
        documents = {"$documents": [{"$literal": one} for one in found]}
        return await (await database.aggregate([documents, *stages])).to_list(None)

    collector = CellCollector(SUMMARY_EVENT_GROUPS)
    for row in await run(record_stage(SUMMARY_EVENT_GROUPS, None)):
        collector.add(row)
    rows = await run(*accumulated(SUMMARY_EVENT_GROUPS, {}, PARTS, Instant(0), None))
    assert collector.cells() == [packed(cell_of(row)) for row in rows]
