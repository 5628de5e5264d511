"""Indexes and retention: made once, never dropped; what differs or fails is reported, and the rest goes on."""

from collections.abc import Sequence

import pytest

from app.datasets.connection_events.fields import CONNECTION_EVENTS
from app.query.dataset import Dataset
from app.registry import DATASETS
from app.settings import Settings
from app.store.client import Database, Document
from app.store.indexes import (
    ROLLUP_INDEXES,
    IndexReport,
    IndexState,
    Upkeep,
    WantedIndex,
    ensure_indexes,
    wanted_indexes,
)
from tests.gateways import make_settings
from tests.store.databases import opened_database, recorded_database

FOR_EVER = 2_147_483_647
DAY = 86_400
ALL = [one.dataset for one in DATASETS]
PAGE = WantedIndex("things", "page", (("tenant", 1), ("at", -1)))
UNIQUE = WantedIndex("things", "unique_thing", (("tenant", 1), ("id", 1)), unique=True)
TTL = WantedIndex("things", "retention", (("at", 1),), expires=7 * DAY)
WANTED = (PAGE, UNIQUE, TTL)


async def _indexes(database: Database, collection: str = "things") -> dict[str, Document]:
    cursor = await database.cursor_command({"listIndexes": collection})
    return {index["name"]: index for index in await cursor.to_list(None)}


def _states(reports: Sequence[IndexReport]) -> dict[str, IndexState]:
    return {report.name: report.state for report in reports}


@pytest.mark.parametrize("dataset", ALL, ids=lambda one: one.name)
def test_each_dataset_wants_its_own_indexes_and_its_retention(dataset: Dataset) -> None:
    """The indexes of the dataset's table, and a TTL index on the field it expires by, in seconds of its setting."""
    settings = make_settings(**{dataset.retention_setting: 30})
    *own, retention = wanted_indexes([dataset], settings)[: -len(ROLLUP_INDEXES)]
    assert own == [WantedIndex(dataset.collection, one.name, one.keys, unique=one.unique) for one in dataset.indexes]
    assert retention == WantedIndex(dataset.collection, "retention", ((dataset.expires_by, 1),), expires=30 * DAY)


def test_a_retention_of_zero_days_keeps_for_ever() -> None:
    """0 is not "at once": the index gets the greatest number of seconds there is."""
    wanted = wanted_indexes(ALL, make_settings())
    assert {index.expires for index in wanted if index.name == "retention"} == {FOR_EVER}


def test_summary_events_live_longer_than_connection_events_by_default() -> None:
    """The contract's default."""
    settings = Settings(_env_file=None)
    assert settings.retention_summary_events_days > settings.retention_connection_events_days > 0


@pytest.mark.parametrize("dataset", ALL, ids=lambda one: one.name)
def test_a_dataset_has_one_unique_index_of_tenant_and_id(dataset: Dataset) -> None:
    """Ids are unique in the organization only; that index also keeps a repeated load from doubling."""
    assert [index.keys for index in dataset.indexes if index.unique] == [
        ((dataset.tenant_field, 1), (dataset.id_field, 1))
    ]
    assert all(index.keys[0] == (dataset.tenant_field, 1) for index in dataset.indexes)


async def test_all_indexes_are_made_once(both_drivers: Settings) -> None:
    """The first run makes them, a second one finds them and sends nothing but questions."""
    async with recorded_database(both_drivers) as (database, recorder):
        wanted = wanted_indexes(ALL, both_drivers)
        first = await ensure_indexes(database, wanted, Upkeep.FULL)
        assert {report.state for report in first} == {IndexState.CREATED}
        assert [(report.collection, report.name) for report in first] == [(one.collection, one.name) for one in wanted]
        made = len(recorder.named("createIndexes", "collMod", "dropIndexes"))
        second = await ensure_indexes(database, wanted, Upkeep.FULL)
        assert {report.state for report in second} == {IndexState.PRESENT}
        assert len(recorder.named("createIndexes", "collMod", "dropIndexes")) == made
        events = await _indexes(database, CONNECTION_EVENTS.collection)
        assert events["unique_event"]["unique"] is True
        assert list(events["page"]["key"].items()) == list(dict(CONNECTION_EVENTS.indexes[1].keys).items())


async def test_without_change_nothing_is_made(both_drivers: Settings) -> None:
    """A look only: what is missing is reported, and the collection does not come to be."""
    async with opened_database(both_drivers) as database:
        reports = await ensure_indexes(database, WANTED, Upkeep.LOOK)
        assert set(_states(reports).values()) == {IndexState.MISSING}
        assert "tenant 1, id 1}, unique" in next(report.detail for report in reports if report.name == "unique_thing")
        assert await database.list_collection_names() == []


@pytest.mark.parametrize(
    ("existing", "wanted"),
    [
        ({"name": "page", "key": {"tenant": 1, "at": 1}}, PAGE),
        ({"name": "page", "key": {"at": -1, "tenant": 1}}, PAGE),
        ({"name": "other", "key": {"tenant": 1, "at": -1}, "sparse": True}, PAGE),
        ({"name": "other", "key": {"tenant": 1, "at": -1}, "partialFilterExpression": {"tenant": "a"}}, PAGE),
        ({"name": "page", "key": {"tenant": 1, "at": -1}, "collation": {"locale": "de"}}, PAGE),
        ({"name": "page", "key": {"tenant": 1, "at": -1}, "hidden": True}, PAGE),
        ({"name": "page", "key": {"tenant": 1, "at": -1}, "unique": True}, PAGE),
        ({"name": "other", "key": {"tenant": 1, "id": 1}}, UNIQUE),
        ({"name": "retention", "key": {"at": 1}}, TTL),
        ({"name": "retention", "key": {"other": 1}, "expireAfterSeconds": 7 * DAY}, TTL),
    ],
    ids=str,
)
async def test_an_index_that_differs_is_reported_and_left_alone(
    both_drivers: Settings, existing: Document, wanted: WantedIndex
) -> None:
    """The same name with other keys, or the same keys with other options: the operator is told, nothing is changed."""
    async with opened_database(both_drivers) as database:
        await database.command({"createIndexes": "things", "indexes": [existing]})
        before = await _indexes(database)
        (report,) = await ensure_indexes(database, [wanted], Upkeep.FULL)
        assert report.state is IndexState.DIFFERS
        assert f"wanted: {{{wanted.keys[0][0]} 1" in report.detail
        assert await _indexes(database) == before


async def test_an_index_of_another_name_is_used_as_it_is(both_drivers: Settings) -> None:
    """Same keys and options under another name: present, and no second one is made."""
    async with opened_database(both_drivers) as database:
        existing = {"name": "theirs", "key": {"tenant": 1, "id": 1}, "unique": True}
        await database.command({"createIndexes": "things", "indexes": [existing]})
        assert _states(await ensure_indexes(database, [UNIQUE], Upkeep.FULL)) == {"unique_thing": IndexState.PRESENT}
        assert set(await _indexes(database)) == {"_id_", "theirs"}


@pytest.mark.parametrize(("before", "after"), [(7 * DAY, 30 * DAY), (30 * DAY, FOR_EVER), (FOR_EVER, DAY)])
async def test_a_changed_retention_changes_the_number_only(both_drivers: Settings, before: int, after: int) -> None:
    """`collMod`: nothing is dropped or built again. Without `change` it is reported as differing."""
    old, new = (WantedIndex("things", "retention", (("at", 1),), expires=seconds) for seconds in (before, after))
    async with recorded_database(both_drivers) as (database, recorder):
        await ensure_indexes(database, [old], Upkeep.FULL)
        (looked,) = await ensure_indexes(database, [new], Upkeep.LOOK)
        assert (looked.state, looked.detail) == (IndexState.DIFFERS, f"{before} s now, {after} s by the settings")
        assert (await _indexes(database))["retention"]["expireAfterSeconds"] == before
        (changed,) = await ensure_indexes(database, [new], Upkeep.FULL)
        assert changed.state is IndexState.RETENTION_CHANGED
        assert (await _indexes(database))["retention"]["expireAfterSeconds"] == after
        assert len(recorder.named("collMod")) == 1
        assert len(recorder.named("createIndexes")) == 1
        assert recorder.named("dropIndexes", "drop") == []


async def test_an_index_that_cannot_be_made_does_not_stop_the_others(both_drivers: Settings) -> None:
    """A unique index over data that holds duplicates fails and says why; every other one is made."""
    async with opened_database(both_drivers) as database:
        await database["things"].insert_many([{"tenant": "a", "id": "same"}, {"tenant": "a", "id": "same"}])
        reports = await ensure_indexes(database, [UNIQUE, PAGE, TTL], Upkeep.FULL)
        states = {"unique_thing": IndexState.FAILED, "page": IndexState.CREATED, "retention": IndexState.CREATED}
        assert _states(reports) == states
        assert reports[0].detail == "several documents have the same key (tenant: a, id: same); keep one of each"
        assert set(await _indexes(database)) == {"_id_", "page", "retention"}
        assert await database["things"].count_documents({}) == 2
