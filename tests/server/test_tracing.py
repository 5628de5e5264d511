"""Traces: a span for each request with its commands inside, below the caller's, and no values."""

import asyncio
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest
from opentelemetry import trace
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from app.settings import Settings
from app.store.store import Store
from tests.cli.processes import SECONDS, CommandLine, on_database
from tests.gateways import ORG_NAME, ORGANIZATION_ID, Gateway, free_port
from tests.seed_records import seed_connection_events

CALLER = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
SECRET = "s3cr3t"  # noqa: S105 - no password
STOP_SECONDS = 12.0  # the server's bound for traces, and some


@pytest.fixture(scope="module")
def exporter() -> InMemorySpanExporter:
    """Where this process's spans go from now on: a process has one provider, for good."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    return exporter


@pytest.fixture
async def key(gateway: Gateway, exporter: InMemorySpanExporter) -> str:
    """A key that the gateway remembers; no span was sent yet."""
    await gateway.load_connection_events(seed_connection_events())
    key = await gateway.key()
    await gateway.post(key, "{ viewer { keyId } }")
    exporter.clear()
    return key


def spans_of(exporter: InMemorySpanExporter) -> tuple[ReadableSpan, list[ReadableSpan]]:
    """The one request's span, and those inside of it, in their order."""
    spans: Sequence[ReadableSpan] = exporter.get_finished_spans()
    (server,) = [span for span in spans if span.kind is SpanKind.SERVER]
    return server, [span for span in spans if span.kind is not SpanKind.SERVER]


async def test_a_request_is_a_span_with_its_commands_inside(
    gateway: Gateway, key: str, exporter: InMemorySpanExporter
) -> None:
    """It names the route, operation and organization; they name what was asked of which collection."""
    answer = await gateway.client.post(
        "/graphql",
        json={
            "query": f'{{ connectionEvents(filter: {{host: {{ne: "{SECRET}"}}}}) {{ totalCount nodes {{ host }} }} }}'
        },
        headers={"X-API-Key": key, "X-Request-ID": "mine"},
    )
    assert answer.status_code == 200
    server, inside = spans_of(exporter)
    assert server.name == "POST /graphql"
    assert dict(server.attributes or {}) == {
        "http.request.method": "POST",
        "http.route": "/graphql",
        "http.response.status_code": 200,
        "gateway.face": "graphql",
        "gateway.operation": "connectionEvents",
        "gateway.organization.id": ORGANIZATION_ID,
        "gateway.request.id": "mine",
    }
    assert sorted(span.name for span in inside) == ["aggregate connectionEvents", "find connectionEvents"]
    for span in inside:
        assert span.kind is SpanKind.CLIENT
        assert span.parent is not None
        assert span.parent.span_id == server.context.span_id
        assert dict(span.attributes or {}) == {
            "db.system.name": "mongodb",
            "db.namespace": gateway.settings.database,
            "db.operation.name": span.name.split()[0],
            "db.collection.name": "connectionEvents",
        }
    assert all(SECRET not in span.to_json() for span in (server, *inside))


async def test_the_key_is_looked_up_inside_too(gateway: Gateway, key: str, exporter: InMemorySpanExporter) -> None:
    """With a key that is not remembered."""
    del key
    await gateway.get(await gateway.key(), "/summary/count", status_code="error")
    server, inside = spans_of(exporter)
    assert server.name == "GET /summary/count"
    assert [span.name for span in inside] == ["find apiKeys", "aggregate summaryEvents"]


async def test_the_callers_trace_is_continued(gateway: Gateway, key: str, exporter: InMemorySpanExporter) -> None:
    """`traceparent` names the span above; its decision not to record holds."""
    await gateway.client.get("/summary/count", headers={"X-API-Key": key, "traceparent": CALLER})
    server, inside = spans_of(exporter)
    assert server.parent is not None
    assert server.parent.span_id == 0xB7AD6B7169203331
    assert {span.context.trace_id for span in (server, *inside)} == {0x0AF7651916CD43DD8448EB211C80319C}
    exporter.clear()
    await gateway.client.get("/summary/count", headers={"X-API-Key": key, "traceparent": f"{CALLER[:-1]}0"})
    assert exporter.get_finished_spans() == ()


@pytest.mark.parametrize("header", ["nonsense", "", "00-0-0-01", CALLER.upper(), f"{CALLER},{CALLER}"])
async def test_a_traceparent_that_is_none_begins_a_trace(
    gateway: Gateway, key: str, exporter: InMemorySpanExporter, header: str
) -> None:
    """It harms nothing."""
    answer = await gateway.client.get("/summary/count", headers={"X-API-Key": key, "traceparent": header})
    assert answer.status_code == 200
    assert spans_of(exporter)[0].parent is None


async def test_errors_are_told_by_their_codes(gateway: Gateway, key: str, exporter: InMemorySpanExporter) -> None:
    """Of requests that were refused; without messages or tracebacks."""
    await gateway.get(key, f"/summary/{SECRET}", fields=SECRET)
    server, _ = spans_of(exporter)
    assert server.attributes is not None
    assert server.attributes["error.type"] == "BAD_USER_INPUT"
    assert (server.attributes["http.route"], server.attributes["http.response.status_code"]) == ("/summary/{id}", 400)
    assert server.status.status_code is StatusCode.UNSET  # the caller's fault, not ours
    assert SECRET not in server.to_json()


async def test_commands_that_fail_are_marked(gateway: Gateway, key: str, exporter: InMemorySpanExporter) -> None:
    """The request's span too, where the fault is on this side."""
    events = gateway.store.writer._database["summaryEvents"]  # noqa: SLF001 - behind the doors
    await events.insert_one({"org_name": ORG_NAME, "datetime": SECRET, "summary_event_id": "a"})
    body = await gateway.post(
        key,
        "{ summaryEventGroups(filter: {planId: {isNull: true}}) { nodes { dimensions { time(every: DAY) } count } } }",
    )
    assert body["errors"][0]["extensions"]["code"] == "INTERNAL"
    server, (command,) = spans_of(exporter)
    for span in (server, command):
        assert span.attributes is not None
        assert span.attributes["error.type"] == "INTERNAL"
        assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, None)
        assert span.events == ()


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/metrics"])
async def test_health_has_no_spans(gateway: Gateway, key: str, exporter: InMemorySpanExporter, path: str) -> None:
    """It would drown the others."""
    await gateway.get(key, path)
    assert exporter.get_finished_spans() == ()


@contextmanager
def sink(status: int = 200, delay: float = 0.0) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """A collector on loopback: its address, and what it was sent by path."""
    sent: list[tuple[str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            sent.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            time.sleep(delay)
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
            del format, args

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", sent
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def line(tmp_path: Path, settings: Settings, store: Store) -> CommandLine:  # noqa: ARG001 - the store makes and drops
    """Commands on the database of this test."""
    return on_database(tmp_path, settings)


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_traces_are_sent_and_flushed_at_the_end(line: CommandLine, workers: str) -> None:
    """What was traced before a stop has arrived after it, from each process."""
    with sink() as (address, sent):
        await asyncio.to_thread(_ask_and_stop, line, workers, address)
    assert {path for path, _ in sent} == {"/v1/traces"}
    spans = [
        (resource.resource.attributes, span)
        for _, body in sent
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert sorted(span.name for _, span in spans) == ["GET other"] * 5
    names = {one.value.string_value for attributes, _ in spans for one in attributes if one.key == "service.name"}
    assert names == {"analytics-gateway"}


def _ask_and_stop(line: CommandLine, workers: str, address: str) -> None:
    with line.serving(GATEWAY_OTLP_ENDPOINT=address, GATEWAY_WORKERS=workers) as (server, url):
        for _ in range(5):
            assert httpx2.get(f"{url}/nowhere", timeout=SECONDS).status_code == 404
        server.terminate()
        assert server.wait(STOP_SECONDS) == 0
    assert "Traceback" not in line.output, line.output


@pytest.mark.parametrize("kind", ["away", "silent", "refusing"])
def test_a_collector_that_does_not_answer_keeps_nobody(line: CommandLine, kind: str) -> None:
    """Requests are answered, and a stop is not held up beyond its bound."""
    with sink(503 if kind == "refusing" else 200, delay=60 if kind == "silent" else 0) as (address, _):
        endpoint = f"http://127.0.0.1:{free_port()}" if kind == "away" else address
        with line.serving(GATEWAY_OTLP_ENDPOINT=endpoint) as (server, url):
            assert httpx2.get(f"{url}/nowhere", timeout=SECONDS).status_code == 404
            server.terminate()
            assert server.wait(STOP_SECONDS) == 0


@pytest.mark.parametrize("command", ["serve", "demo"])
def test_a_missing_extra_is_said(line: CommandLine, monkeypatch: pytest.MonkeyPatch, command: str) -> None:
    """Status 2 and the remedy, before anything is started."""
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.trace_exporter", None)
    outcome = line.run_here(command, GATEWAY_OTLP_ENDPOINT="http://127.0.0.1:4318")
    assert outcome.status == 2
    assert "pip install 'analytics-gateway[tracing]'" in outcome.err
    assert "GATEWAY_OTLP_ENDPOINT" in outcome.err


@pytest.mark.parametrize("endpoint", ["collector:4318", "ftp://collector", "http://", "http://a b"])
def test_an_endpoint_that_is_no_address_is_said(line: CommandLine, endpoint: str) -> None:
    """Status 2, with the setting's name."""
    outcome = line.run_here("serve", GATEWAY_OTLP_ENDPOINT=endpoint)
    assert (outcome.status, "GATEWAY_OTLP_ENDPOINT" in outcome.err) == (2, True)
