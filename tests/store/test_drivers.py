"""The whole store works on either driver: keys, loading, statuses, rebuilds, pages, groups, the summary."""

from uuid import UUID

import httpx2

from app.access.administration import NewKey, create_key, revoke_key
from app.ingest.rebuild import rebuild_connections
from app.ingest.sources import CONNECTION_EVENT_SOURCE, SUMMARY_EVENT_SOURCE
from app.main import create_app
from app.settings import Settings
from tests.gateways import ORG_NAME, ORGANIZATION_ID, load_records, open_test_store
from tests.seed_records import seed_connection_events, seed_summary_events

_QUERY = (
    "{ connectionEvents(first: 2) { totalCount nodes { eventTimestamp } } "
    "connectionSummary { totalConnections uniqueApiKeys } "
    'summaryEventGroups(filter: {time: {start: "2025-06-10T00:00:00Z", end: "2025-06-13T00:00:00Z"}}, fill: true) '
    "{ nodes { dimensions { at: time(every: DAY) } count timeToServeRequest { p50: quantile(p: 0.5) } } } }"
)
_ANSWER = {
    "data": {
        "connectionEvents": {
            "totalCount": 3,
            "nodes": [
                {"eventTimestamp": "2026-04-20T19:58:38.5509701Z"},
                {"eventTimestamp": "2026-04-20T19:55:38.5509695Z"},
            ],
        },
        "connectionSummary": [{"totalConnections": 1, "uniqueApiKeys": 1}],
        "summaryEventGroups": {
            "nodes": [
                {
                    "dimensions": {"at": f"2025-06-{day}T00:00:00.000Z"},
                    "count": count,
                    "timeToServeRequest": {"p50": median},
                }
                for day, count, median in ((10, 0, None), (11, 1, 571.0), (12, 0, None))
            ]
        },
    }
}


async def test_a_gateway_on_each_driver_gives_the_same_answers(both_drivers: Settings) -> None:
    """Everything that a gateway asks of the store, with PyMongo and with Motor."""
    settings = both_drivers
    assert settings.mongodb_uri is not None
    async with await open_test_store(settings) as store:
        await store.ping()
        for _ in range(2):
            assert await load_records(store, CONNECTION_EVENT_SOURCE, seed_connection_events()) == []
            assert await load_records(store, SUMMARY_EVENT_SOURCE, seed_summary_events()) == []
        assert (await rebuild_connections(store.writer)).connections == 1
        key = await create_key(store.keys, NewKey(UUID(ORGANIZATION_ID), ORG_NAME))
        assert [one["_id"] for one in await store.keys.list()] == [key.key_id]
        app = create_app(settings, settings.mongodb_uri.get_secret_value())
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://gateway.test") as client,
        ):
            answer = await client.post("/graphql", json={"query": _QUERY}, headers={"X-API-Key": str(key)})
            assert answer.json() == _ANSWER
            assert (await client.get("/health/ready")).status_code == 200
        assert await revoke_key(store.keys, key.key_id)
