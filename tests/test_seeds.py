"""The sources' own records come back field for field, digit for digit, through both doors."""

from app.datasets.connection_events.fields import CONNECTION_EVENTS
from app.datasets.summary_events.fields import SUMMARY_EVENTS
from app.query.dataset import Dataset
from tests.gateways import Gateway
from tests.seed_records import seed_connection_events, seed_summary_events


def all_fields(dataset: Dataset) -> str:
    """Select every field, under its stored name."""
    return " ".join(f"{field.name}: {field.public_name}" for field in dataset.fields)


async def test_connection_events_come_back_as_they_were_loaded(gateway: Gateway) -> None:
    """Through GraphQL and REST, newest first, with all seven digits."""
    assert await gateway.load_connection_events(seed_connection_events()) == []
    key = await gateway.key()
    newest_first = seed_connection_events()[::-1]
    data = await gateway.data(key, f"{{ connectionEvents {{ nodes {{ {all_fields(CONNECTION_EVENTS)} }} }} }}")
    assert data["connectionEvents"]["nodes"] == newest_first
    answer = await gateway.get(key, "/api/connection-analytics/events/query")
    assert answer.json() == newest_first
    assert [list(record) for record in answer.json()] == [list(record) for record in newest_first]


async def test_the_summary_event_comes_back_as_it_was_loaded(gateway: Gateway) -> None:
    """Through GraphQL, the list and by id; null stays null."""
    assert await gateway.load_summary_events(seed_summary_events()) == []
    key = await gateway.key()
    record = seed_summary_events()[0]
    identifier = record["summary_event_id"]
    data = await gateway.data(
        key,
        "query($id: ID!) { summaryEvents { nodes { ...all } } summaryEvent(id: $id) { ...all } } "
        f"fragment all on SummaryEvent {{ {all_fields(SUMMARY_EVENTS)} }}",
        {"id": identifier},
    )
    assert data == {"summaryEvents": {"nodes": [record]}, "summaryEvent": record}
    listed = (await gateway.get(key, "/summary")).json()
    assert (listed["total"], listed["events"]) == (1, [record])
    assert isinstance(listed["search_time"], int)
    one = await gateway.get(key, f"/summary/{identifier}")
    assert one.json() == record
    assert list(one.json()) == list(record)
    assert (await gateway.get(key, "/summary/count")).json() == {"total": 1}


async def test_the_connection_of_the_seed_events_is_summarized(gateway: Gateway) -> None:
    """The REST summary has the source's fields in the source's order."""
    await gateway.load_connection_events(seed_connection_events())
    key = await gateway.key()
    answer = await gateway.get(key, "/api/connection-analytics/summary")
    assert answer.text == (
        '[{"organizationId":"a1b2c3d4-e5f6-7890-abcd-ef1234567890","serviceName":"coinapi-ws",'
        '"protocolName":"WebSocket","dataCenter":"us-east-1","totalConnections":1,"newConnectionsInPeriod":1,'
        '"uniqueApiKeys":1,"averageConnectionDurationSeconds":1680,"totalConnectionTimeSeconds":1680,'
        '"firstConnection":"2026-04-20T19:30:38.5500000Z","lastConnection":"2026-04-20T19:30:38.5500000Z",'
        '"lastActivity":"2026-04-20T19:58:38.5500000Z"}]'
    )
