"""What a pipeline may hold: stages that read the given documents; nothing else is ever sent."""

import pytest

from app.datasets.connections.fields import CONNECTIONS
from app.settings import Settings
from app.store.client import Document
from app.store.reading_commands import UnsafePipeline, check_operators, check_pipeline
from tests.store.databases import reader_of, recorded_database


@pytest.mark.parametrize(
    "stage",
    [
        {"$lookup": {"from": "apiKeys", "pipeline": [], "as": "a"}},
        {"$graphLookup": {"from": "apiKeys"}},
        {"$unionWith": "apiKeys"},
        {"$unionWith": {"coll": "apiKeys", "pipeline": []}},
        {"$out": "connections"},
        {"$merge": {"into": "connections"}},
        {"$facet": {"a": [{"$lookup": {"from": "apiKeys"}}]}},
        {"$facet": {"a": [{"$match": {}}]}},
        {"$collStats": {}},
        {"$indexStats": {}},
        {"$currentOp": {}},
        {"$listSessions": {}},
        {"$documents": []},
        {"$changeStream": {}},
        {"$match": {}, "$out": "connections"},
        {"$match": {"$where": "true"}},
        {"$match": {"$or": [{"a": 1}, {"$and": [{"$where": "true"}]}]}},
        {"$match": {"$nor": ({"$where": "true"},)}},
        {"$match": {"$expr": {"$function": {"body": "", "args": [], "lang": "js"}}}},
        {"$group": {"_id": None, "a": {"$accumulator": {}}}},
        {"$project": {"a": {"$cond": [True, {"$map": {"input": [], "in": {"$function": {}}}}, 0]}}},
        {"$set": {"a": [[{"b": {"$function": {}}}]]}},
    ],
    ids=str,
)
async def test_a_stage_or_operator_beyond_reading_is_refused(settings: Settings, stage: Document) -> None:
    """Nothing that reads elsewhere, writes or runs code is sent, however deep it stands."""
    with pytest.raises(UnsafePipeline):
        check_pipeline([{"$match": {}}, stage])
    async with recorded_database(settings) as (database, recorder):
        with pytest.raises(UnsafePipeline):
            await reader_of(database).aggregate(CONNECTIONS, [stage])
        assert recorder.named("aggregate") == []


@pytest.mark.parametrize("operator", ["$where", "$function", "$accumulator"])
async def test_a_find_that_runs_code_is_refused(settings: Settings, operator: str) -> None:
    """The filter of a find is looked at as deeply as a pipeline."""
    match: Document = {"$and": [{"a": 1}, {"$or": [{"$expr": {operator: "true"}}]}]}
    with pytest.raises(UnsafePipeline, match=f"operator \\{operator} "):
        check_operators(match)
    async with recorded_database(settings) as (database, recorder):
        with pytest.raises(UnsafePipeline):
            await reader_of(database).find(CONNECTIONS, match, sort=(), limit=1)
        with pytest.raises(UnsafePipeline):
            await reader_of(database).count(CONNECTIONS, match)
        assert recorder.named("find", "aggregate") == []
