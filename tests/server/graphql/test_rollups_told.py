"""`extensions.rollups` tells what an answer was made of, and the answer is the same."""

from typing import Any

from tests.gateways import Gateway
from tests.ingest.making import made_call

QUERY = """{
  groups: summaryEventGroups { nodes { count } }
  page: summaryEvents(first: 1) { totalCount }
  summaryEvents(filter: {statusCode: {outcome: ERROR}}) { totalCount }
  viewer { keyId }
}"""


async def ask(gateway: Gateway, key: str, extensions: Any) -> dict[str, Any]:
    """Ask with extensions."""
    body = {"query": QUERY, "extensions": extensions}
    answer = await gateway.client.post("/graphql", json=body, headers={"X-API-Key": key})
    told: dict[str, Any] = answer.json()
    return told


async def test_each_root_field_is_told_by_its_response_key(gateway: Gateway) -> None:
    """Null where only records were read; nothing is told to who does not ask."""
    await gateway.load_summary_events([made_call(number) for number in range(10)])
    key = await gateway.key()
    answer = await ask(gateway, key, {"rollups": True})
    used = {"days": 1, "hours": 0, "raw": 0}
    expected = {"groups": used, "page": used, "summaryEvents": None, "viewer": None}
    assert answer["extensions"] == {"rollups": expected}
    assert answer["data"]["groups"] == {"nodes": [{"count": 10}]}
    assert answer["data"]["page"] == {"totalCount": 10}
    plain = await ask(gateway, key, {})
    assert "extensions" not in plain
    assert plain["data"] == answer["data"]
    both = await ask(gateway, key, {"rollups": True, "cost": True})
    assert both["extensions"].keys() == {"cost", "rollups"}


async def test_rest_totals_come_from_rollups_too(gateway: Gateway) -> None:
    """`/summary/count` and the total of `/summary`: what rollups say is told, so a cell changed by hand shows."""
    await gateway.load_summary_events([made_call(number) for number in range(10)])
    database = gateway.store.writer._database  # noqa: SLF001 - no program does this
    await database["rollups"].update_many({}, {"$set": {"cells.0.n": 77}})
    key = await gateway.key()
    assert (await gateway.get(key, "/summary/count")).json() == {"total": 77}
    assert (await gateway.get(key, "/summary", limit=1)).json()["total"] == 77
    assert (await gateway.get(key, "/summary/count", start="2000-01-01T00:00:00Z")).json() == {"total": 77}
    assert (await gateway.get(key, "/summary/count", status_code="200 OK")).json() == {"total": 10}


async def test_the_extension_must_be_true_or_false(gateway: Gateway) -> None:
    """The message names it."""
    answer = await ask(gateway, await gateway.key(), {"rollups": "yes"})
    assert answer["errors"][0]["message"] == "extensions.rollups: must be true or false."
