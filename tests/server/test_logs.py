"""The log of a real server: one line for each request, and nothing of what a request said."""

import asyncio
import logging
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import orjson
import pytest
import structlog

from app.access.administration import revoke_key
from app.scope import Permission
from app.server.logs import configure_logs
from app.server.tracebacks import places_only
from app.settings import Settings
from app.store.store import Store
from tests.gateways import (
    ORG_NAME,
    ORGANIZATION_ID,
    Gateway,
    free_port,
    gateway_command,
    serve_environment,
    wait_until_ready,
)

SECRET = "s3cr3t"  # noqa: S105 - no password
LIGHT = "{ connectionEvents(first: 1) { nodes { eventId } } }"
ROWS = 600  # more than a batch of an export
SECONDS = 20.0
BY_HOST = "query A($host: String) { connectionEvents(filter: {host: {eq: $host}}) { totalCount } }"
TELLING: list[Any] = [
    {"query": BY_HOST, "variables": {"host": SECRET}},
    {"query": LIGHT, "operationName": SECRET},
    {"query": LIGHT, "extensions": {SECRET: SECRET}},
    *(
        {"query": query.replace("SECRET", SECRET)}
        for query in (
            '{ connectionEvents(filter: {host: {contains: "SECRET"}}, first: 3) { totalCount nodes { eventId } } }',
            '{ connectionEvents(filter: {host: {in: ["SECRET", "b"]}}, first: 1000) { nodes { host } } }',
            "{ SECRET: connectionEvents(first: 1000) { SECRET: nodes { SECRET: host } } }",
            '{ connectionEvents(after: "SECRET") { totalCount } }',
            '{ connectionEvents(filter: {time: {last: "SECRET"}}) { totalCount } }',
            '{ connectionEventGroups { nodes { dimensions { at: time(every: DAY, timezone: "SECRET") } count } } }',
            '{ connectionEventGroups(filter: {host: {startsWith: "SECRET"}}) { nodes { dimensions { host } count } } }',
            "{ SECRET } # SECRET",
            "not a document: SECRET",
            "{ summaryEvents { nodes { bytesSent } } }",
            "{ connectionEvents(first: 1000) { nodes { host eventTimestamp } } }",
        )
    ),
    SECRET,
]


@dataclass
class Server:
    """A server, a client of it, and its log."""

    client: httpx2.AsyncClient
    log: Path
    key: str

    def lines(self, event: str | None = None) -> list[dict[str, Any]]:
        """The log's lines; all of them are JSON but for the address."""
        texts = [text for text in self.log.read_text().splitlines() if not text.startswith("Serving on ")]
        lines = [orjson.loads(text) for text in texts]
        return [line for line in lines if event is None or line["event"] == event]

    async def line(self, event: str, request_id: str) -> dict[str, Any]:
        """The one line of a request, which is written after its answer."""
        async with asyncio.timeout(SECONDS):
            while True:
                found = [line for line in self.lines(event) if line.get("request_id") == request_id]
                if found:
                    assert len(found) == 1
                    return found[0]
                await asyncio.sleep(0.02)

    async def post(self, body: Any, request_id: str, **headers: str) -> httpx2.Response:
        """Ask GraphQL."""
        all_headers = {"X-API-Key": self.key, "X-Request-ID": request_id, **headers}
        return await self.client.post("/graphql", json=body, headers=all_headers)

    async def get(self, path: str, request_id: str, **parameters: Any) -> httpx2.Response:
        """Ask REST."""
        headers = {"X-API-Key": self.key, "X-Request-ID": request_id}
        return await self.client.get(path, params=parameters, headers=headers)


@pytest.fixture
async def server(settings: Settings, store: Store, tmp_path: Path) -> AsyncIterator[Server]:
    """A `gateway serve` that finds every query slow, on events two of which are spoiled, the oldest in time too."""
    events = store.writer._database["connectionEvents"]  # noqa: SLF001 - tests plant behind the doors
    rows: list[dict[str, Any]] = [
        {
            "organizationId": ORGANIZATION_ID,
            "eventId": f"e{at}",
            "eventTimestamp": datetime(2026, 4, 1, tzinfo=UTC) + timedelta(seconds=at),
            "eventTimestampTicks": 1,
            "host": f"{SECRET}-{at}",
            "eventDescription": "x" * 50_000,  # so that a batch is more than the sockets between take in
        }
        for at in range(ROWS)
    ]
    rows[0]["eventTimestampTicks"] = "spoiled"
    rows[1]["eventTimestamp"] = None
    await events.insert_many(rows)
    await events.database["summaryEvents"].insert_one(
        {
            "org_name": ORG_NAME,
            "summary_event_id": "a",
            "datetime": datetime(2026, 4, 1, tzinfo=UTC),
            "bytes_sent": SECRET,
        }
    )
    gateway = Gateway(httpx2.AsyncClient(), store, settings, None)  # type: ignore[arg-type] # for its keys only
    key = await gateway.key(permissions=(Permission.CONNECTIONS_READ, Permission.SUMMARY_READ))
    environment = {**serve_environment(settings, port := free_port()), "GATEWAY_SLOW_QUERY_MS": "1"}
    log = tmp_path / "log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: ASYNC220 - starting it takes no time
            gateway_command("serve"), env=environment, stdout=output, stderr=output
        )
    url = f"http://127.0.0.1:{port}"
    try:
        await wait_until_ready(url)
        async with httpx2.AsyncClient(base_url=url, timeout=SECONDS) as client:
            yield Server(client, log, key)
    finally:
        process.terminate()
        process.wait(SECONDS)


async def test_a_request_has_one_line(server: Server) -> None:
    """Who asked what in which way, what came of it, and what it took."""
    document = "query Newest { connectionEvents(first: 2) { totalCount nodes { eventId } } }"
    answer = await server.post({"query": document}, "asked-by-me")
    assert answer.headers["X-Request-ID"] == "asked-by-me"
    line = await server.line("request", "asked-by-me")
    took = [line.pop(name) for name in ("duration_ms", "waited_ms", "mongo_ms", "cost")]
    assert all(isinstance(number, float | int) for number in took)
    assert took[0] > 0
    assert took[2] > 0
    assert line.pop("timestamp").endswith("Z")
    assert line == {
        "event": "request",
        "level": "info",
        "request_id": "asked-by-me",
        "method": "POST",
        "face": "graphql",
        "operation": "connectionEvents",
        "operation_name": "Newest",
        "status": 200,
        "code": None,
        "organization_id": ORGANIZATION_ID,
        "key_id": server.key.split("_")[1],
        "commands": 2,
        "rows": 4,
    }


async def test_nothing_that_a_request_says_is_logged(server: Server, store: Store) -> None:
    """Not from documents, variables, filters, paths, parameters, headers or keys; not in tracebacks; nor of records."""
    for number, document in enumerate(TELLING):
        await server.post(document, f"document-{number}", **{"X-Other": SECRET, "User-Agent": SECRET})
    lists = ("/api/connection-analytics/events/query", "/api/connection-analytics/query", "/export/connections.csv")
    for path in (*lists, f"/summary/{SECRET}", f"/{SECRET}", f"/assets/{SECRET}", "/graphql"):
        for name in ("host", "serviceName", "dataCenter", "timeStart", "after", "query", SECRET):
            await server.get(path, "", **{name: SECRET})
    await server.get(lists[0], "", limit=1000)
    wrong = f"{server.key[:-8]}{SECRET}AA"
    for headers in ({"X-API-Key": wrong}, {"Authorization": f"Bearer {SECRET}"}, {"X-Request-ID": f"{SECRET} !"}):
        await server.client.get("/summary", headers=headers)
    await server.get("/health/live", "")
    await revoke_key(store.keys, server.key.split("_")[1])
    await server.get("/nowhere", "the-last")
    await server.line("request", "the-last")
    text = server.log.read_text()
    assert len(server.lines("slow_query")) > 3
    assert len([line for line in server.lines() if "exception" in line]) > 1
    assert SECRET not in text
    assert server.key.split("_", 2)[2] not in text
    assert wrong not in text


async def test_every_line_of_a_request_has_its_id(server: Server) -> None:
    """Slow queries, failures, and what the server itself says about a transfer that broke off."""
    answer = await server.get("/api/connection-analytics/events/query", "rest-fails", limit=1000)
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL")
    assert answer.json()["requestId"] == answer.headers["X-Request-ID"] == "rest-fails"
    body = (
        await server.post({"query": "{ connectionEvents(first: 1000) { nodes { eventTimestamp } } }"}, "graphql-fails")
    ).json()
    assert body["errors"][0]["extensions"] == {"code": "INTERNAL", "requestId": "graphql-fails"}
    with pytest.raises(httpx2.RemoteProtocolError):
        await server.get("/export/connection-events.ndjson", "export-fails")
    for request_id, code, status in (("rest-fails", "INTERNAL", 500), ("graphql-fails", "INTERNAL", 200)):
        line = await server.line("request", request_id)
        assert (line["code"], line["status"]) == (code, status)
        assert (await server.line("slow_query", request_id))["collection"] == "connectionEvents"
    assert "TypeError" in (await server.line("rest_request_failed", "rest-fails"))["exception"]
    await server.line("graphql_field_failed", "graphql-fails")
    broken = await server.line("request", "export-fails")
    assert (broken["code"], broken["status"], broken["face"]) == ("INTERNAL", 200, "export")
    assert "TypeError" in (await server.line("export_failed", "export-fails"))["exception"]
    said = await server.line("Exception in ASGI application", "export-fails")
    assert (said["level"], said["logger"]) == ("error", "uvicorn.error")


async def test_a_client_that_leaves_in_mid_answer_is_logged_as_gone(server: Server) -> None:
    """With the status 499, though the answer had begun with 200."""
    headers = {"X-API-Key": server.key, "X-Request-ID": "left"}
    async with server.client.stream("GET", "/export/connection-events.ndjson", headers=headers) as answer:
        assert answer.status_code == 200
        async for _ in answer.aiter_raw():
            break
    line = await server.line("request", "left")
    assert (line["status"], line["code"], line["level"]) == (499, "CLIENT_CLOSED_REQUEST", "info")


async def test_health_is_not_logged_at_the_level_info(server: Server) -> None:
    """It is asked again and again."""
    for path in ("/health/live", "/health/ready", "/metrics"):
        await server.get(path, "monitor")
    await server.get("/nowhere", "the-last")
    await server.line("request", "the-last")
    assert [line for line in server.lines() if line.get("request_id") == "monitor"] == []


ASKED = {"abc-1_2.Z": True, "a" * 64: True, "a" * 65: False, "": False, "a b": False, "a\tb": False, "é": False}


@pytest.mark.parametrize(("asked", "kept"), ASKED.items())
async def test_every_answer_has_an_id(gateway: Gateway, asked: str, kept: bool) -> None:  # noqa: FBT001 - a case
    """The client's own where it is plain, else a new one; on all doors, and also where nobody is served."""
    for path in ("/graphql", "/summary", "/health/live", "/nowhere", "/", "/openapi.json"):
        answer = await gateway.client.get(path, headers=[(b"X-Request-ID", asked.encode())])
        given = answer.headers["X-Request-ID"]
        assert (given == asked) is kept
        assert kept or (len(given) == 16 and given.isalnum())


def test_a_traceback_tells_kinds_and_places_only() -> None:
    """Of causes, contexts and groups too; a cycle ends."""

    def fail() -> None:
        try:
            int(SECRET)
        except ValueError as error:
            raise ExceptionGroup(SECRET, [KeyError(SECRET), error]) from error

    with pytest.raises(ExceptionGroup) as failed:
        fail()
    told = places_only((failed.type, failed.value, failed.tb))
    assert SECRET not in told
    for part in ("ValueError", "KeyError", "ExceptionGroup", "test_logs.py", "in fail", "which led to"):
        assert part in told


@pytest.fixture
def _logs_as_before() -> Any:
    """Take the set-up of logs back afterwards."""
    root, kept = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers, root.level = handlers, level
    structlog.configure(**kept)


@pytest.mark.usefixtures("_logs_as_before")
@pytest.mark.parametrize(("level", "shown"), [("info", False), ("debug", True)])
async def test_messages_of_errors_are_shown_to_who_debugs(
    capsys: pytest.CaptureFixture[str], level: str, shown: bool  # noqa: FBT001 - a case
) -> None:  # fmt: skip
    """A library's lines are JSON as ours, and their further lines are dropped."""
    configure_logs(level)
    configure_logs(level)  # again, as each command does: no line comes twice
    try:
        int(SECRET)
    except ValueError:
        structlog.get_logger().exception("ours")
        logging.getLogger("library").exception("%s\nException: %s", "theirs", SECRET)
    lines = [orjson.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert [line["event"] for line in lines] == ["ours", "theirs"]
    assert all((SECRET in line["exception"]) is shown for line in lines)
    assert all("ValueError" in line["exception"] for line in lines)
    assert sys.stderr is not sys.__stderr__  # the lines went to where standard error is now
