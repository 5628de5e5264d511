"""`/metrics`: who may read it, what it counts, and that its labels are names of the gateway."""

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as read_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from app.main import create_app
from app.scope import Permission
from app.server.metrics import Metrics
from tests.gateways import Gateway
from tests.seed_records import seed_connection_events

README = (Path(__file__).parents[2] / "README.md").read_text()
LIGHT = "{ connectionEvents(first: 2) { nodes { eventId } } }"
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


@pytest.fixture
async def admin(gateway: Gateway) -> str:
    """A key that may read metrics, and connections."""
    return await gateway.key(permissions=(Permission.ADMIN, Permission.CONNECTIONS_READ))


async def scraped(gateway: Gateway, key: str) -> Samples:
    """All samples by name and labels."""
    answer = await gateway.get(key, "/metrics")
    assert answer.status_code == 200, answer.text
    families = text_string_to_metric_families(answer.text)
    return {(one.name, frozenset(one.labels.items())): one.value for family in families for one in family.samples}


def sample(samples: Samples, name: str, **labels: str) -> float:
    """The value of one sample; 0 where there is none."""
    return samples.get((name, frozenset(labels.items())), 0.0)


async def test_metrics_need_a_key(gateway: Gateway) -> None:
    """Who has none is told so as everywhere."""
    answer = await gateway.client.get("/metrics")
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
    assert answer.headers["content-type"] == "application/problem+json"


async def test_metrics_need_the_scope_admin(gateway: Gateway) -> None:
    """They tell of all organizations."""
    answer = await gateway.get(await gateway.key(), "/metrics")
    assert (answer.status_code, answer.json()["code"]) == (403, "FORBIDDEN")
    assert "admin" in answer.json()["detail"]


async def test_the_client_chooses_the_format(gateway: Gateway, admin: str) -> None:
    """Plain text, or OpenMetrics for who asks for it, as Prometheus does."""
    plain = await gateway.get(admin, "/metrics")
    assert plain.headers["content-type"].startswith("text/plain; version=0.0.4")
    headers = {"X-API-Key": admin, "Accept": "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}
    other = await gateway.client.get("/metrics", headers=headers)
    assert other.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    names = {family.name for family in read_openmetrics(other.text)}  # type: ignore[no-untyped-call]
    assert names == {family.name for family in text_string_to_metric_families(plain.text)}


async def test_the_readme_lists_every_metric(gateway: Gateway, admin: str) -> None:
    """Each with its type, labels and description, and no other."""
    await gateway.post(admin, LIGHT)
    text = (await gateway.get(admin, "/metrics")).text
    served = {}
    for family in text_string_to_metric_families(text):
        name = f"{family.name}_total" if family.type == "counter" else family.name
        labels = {label for one in family.samples for label in one.labels} - {"le"}
        served[name] = (family.type, labels, family.documentation)
    rows = re.findall(r"^\| `((?:gateway|process)_\w+)` \| (\w+) \| ?(.*?) ?\| (.*) \|$", README, re.MULTILINE)
    assert {name: (kind, set(labels.split(", ")) - {""}, said) for name, kind, labels, said in rows} == served


async def test_requests_are_counted_by_door_operation_and_code(gateway: Gateway, admin: str) -> None:
    """One of each kind, and each is counted where it belongs."""
    await gateway.load_connection_events(seed_connection_events())
    for query in (LIGHT, "{ a: connectionEvents(first: 1) { totalCount } connectionSummary { hosts: dataCenter } }"):
        await gateway.data(admin, query)
    await gateway.post(admin, "{ __schema { queryType { name } } viewer { keyId } }")
    await gateway.post(admin, "{ __schema { queryType { name } } }")
    await gateway.post(admin, "{ nonsense }")
    await gateway.post(admin, "{ summaryEvents { totalCount } }")
    await gateway.client.post("/graphql", json={"query": LIGHT})
    await gateway.get(admin, "/api/connection-analytics/query", limit=0)
    await gateway.get(admin, "/summary/secret-id")
    await gateway.get(admin, "/export/connections.csv")
    await gateway.client.get("/graphql", headers={"Accept": "text/html"})
    for path in ("/health/live", "/openapi.json", "/assets/nothing.js", "/nowhere/at/all", "/"):
        await gateway.client.get(path)
    await gateway.client.post("/health/live")
    samples = await scraped(gateway, admin)
    counted = {
        tuple(dict(labels)[name] for name in ("face", "operation", "code")): value
        for (name, labels), value in samples.items()
        if name == "gateway_requests_total" and dict(labels)["operation"] != "explorer"
    }
    assert counted == {
        ("graphql", "connectionEvents", "OK"): 1,
        ("graphql", "several", "OK"): 2,
        ("graphql", "__schema", "OK"): 1,
        ("graphql", "none", "GRAPHQL_VALIDATION_FAILED"): 1,
        ("graphql", "summaryEvents", "FORBIDDEN"): 1,
        ("graphql", "none", "UNAUTHENTICATED"): 1,
        ("rest", "connections", "BAD_USER_INPUT"): 1,
        ("rest", "summary_event", "FORBIDDEN"): 1,
        ("export", "export_connections_csv", "OK"): 1,
        ("health", "live", "OK"): 1,
        ("health", "live", "METHOD_NOT_ALLOWED"): 1,
        ("page", "openapi", "OK"): 1,
        ("page", "asset", "NOT_FOUND"): 1,
        ("page", "home", "OK"): 1,
        ("other", "unknown", "NOT_FOUND"): 1,
    }


async def test_what_a_request_took_is_observed(gateway: Gateway, admin: str) -> None:
    """Duration, wait, MongoDB's time, commands and rows, and the cost."""
    await gateway.load_connection_events(seed_connection_events())
    await gateway.data(admin, "{ connectionEvents(first: 2) { totalCount nodes { eventId } } }")
    samples = await scraped(gateway, admin)
    place = {"face": "graphql", "operation": "connectionEvents"}
    duration = sample(samples, "gateway_request_duration_seconds_sum", **place)
    assert 0 < sample(samples, "gateway_request_mongodb_seconds_sum", **place) <= 2 * duration  # two commands at once
    assert sample(samples, "gateway_turn_wait_seconds_count", face="graphql") == 1
    assert sample(samples, "gateway_request_mongodb_commands_sum", face="graphql") == 2
    assert sample(samples, "gateway_request_rows_sum", face="graphql") == 4  # one more than a page, and the count
    assert sample(samples, "gateway_cost_charged_total", face="graphql") >= 1
    assert sample(samples, "gateway_mongodb_connections_open") >= 1
    assert sample(samples, "process_resident_memory_bytes") > 1_000_000
    assert sample(samples, "process_cpu_seconds_total") > 0
    assert sample(samples, "gateway_processes") == 1


async def test_the_memory_of_keys_is_counted(gateway: Gateway, admin: str) -> None:
    """The first request with a key asks the database; later ones do not."""
    for _ in range(3):
        await gateway.post(admin, LIGHT)
    samples = await scraped(gateway, admin)
    assert sample(samples, "gateway_cache_lookups_total", cache="keys", outcome="miss") == 1
    assert sample(samples, "gateway_cache_lookups_total", cache="keys", outcome="hit") == 3


async def test_requests_that_run_and_wait_are_told_while_they_do(gateway: Gateway, admin: str) -> None:
    """A turn that is held shows in the gauges, and no longer afterwards."""
    assert gateway.settings.mongodb_uri is not None
    settings = gateway.settings.model_copy(update={"concurrency": 1, "manage_indexes": False})
    app = create_app(settings, gateway.settings.mongodb_uri.get_secret_value())
    transport = httpx2.ASGITransport(app=app)
    work = "{ " + " ".join(f"a{at}: connectionEvents {{ totalCount }}" for at in range(19)) + " %s: __typename }"
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://gateway.test") as client,
    ):
        other = Gateway(client, gateway.store, settings, app)
        await other.post(admin, LIGHT)
        asking = [
            asyncio.create_task(
                client.post("/graphql", json={"query": work % f"b{number}"}, headers={"X-API-Key": admin})
            )
            for number in range(20)
        ]
        most: dict[str, float] = {}
        while not all(task.done() for task in asking):
            samples = await scraped(other, admin)
            for (name, _), value in samples.items():
                most[name] = max(most.get(name, 0), value)
        samples = await scraped(other, admin)
    assert most["gateway_turns_running"] == 1
    assert 1 <= most["gateway_turns_waiting"] <= 19
    assert 2 <= most["gateway_requests_in_flight"] <= 21  # the scrape is one too
    assert most["gateway_mongodb_connections_in_use"] >= 1
    assert (sample(samples, "gateway_turns_running"), sample(samples, "gateway_turns_waiting")) == (0, 0)
    assert sample(samples, "gateway_requests_in_flight") == 1


async def test_what_a_refused_request_would_cost_is_not_charged(gateway: Gateway, admin: str) -> None:
    """The counter is what the budget lost."""
    assert gateway.settings.mongodb_uri is not None
    settings = gateway.settings.model_copy(update={"cost_per_minute": 1, "manage_indexes": False})
    app = create_app(settings, gateway.settings.mongodb_uri.get_secret_value())
    transport = httpx2.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=transport, base_url="http://gateway.test") as client,
    ):
        other = Gateway(client, gateway.store, settings, app)
        body = await other.post(admin, "{ connectionEvents(first: 1000) { nodes { eventId host } } }")
        assert body["errors"][0]["extensions"]["code"] == "LIMIT_EXCEEDED"
        assert sample(await scraped(other, admin), "gateway_cost_charged_total", face="graphql") == 0


async def test_a_count_that_is_kept_elsewhere_is_followed() -> None:
    """Also the counters of a cache that is added later: it needs `hits` and `misses`."""

    class Cache:
        hits, misses = 0, 0

    cache, metrics = Cache(), Metrics()
    metrics.watch_cache("documents", cache)
    for hits in (2, 5):
        cache.hits = hits
        text, _ = await metrics.exposed("")
        assert f'gateway_cache_lookups_total{{cache="documents",outcome="hit"}} {float(hits)}' in text.decode()
    assert 'gateway_cache_lookups_total{cache="documents",outcome="miss"} 0.0' in text.decode()


@pytest.mark.parametrize("made_up", ["secret", "a" * 300], ids=["short", "long"])
async def test_no_label_is_a_callers_text(gateway: Gateway, admin: str, made_up: str) -> None:
    """Whatever is asked for: paths, ids, names, aliases, methods, variables."""
    document = (
        f'query {made_up} {{ {made_up}: connectionEvents(filter: {{host: {{eq: "{made_up}"}}}}) {{ totalCount }} }}'
    )
    await gateway.post(admin, document)
    await gateway.post(admin, f"{{ {made_up} }}")
    for path in (f"/{made_up}", f"/summary/{made_up}", f"/assets/{made_up}", f"/health/{made_up}"):
        await gateway.get(admin, path, **{made_up: made_up})
    await gateway.client.request(made_up.upper(), "/graphql")
    text: Any = (await gateway.get(admin, "/metrics")).text
    assert made_up not in text.lower()
