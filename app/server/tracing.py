"""Traces: a span for each request, with those of its MongoDB commands inside, sent out as OTLP over HTTP.

Without OpenTelemetry's SDK, which the extra `tracing` brings, there are none.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from threading import Thread
from urllib.parse import urlsplit

from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import INVALID_SPAN, Span, SpanKind, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from starlette.datastructures import Headers

from app.errors import Internal
from app.server.places import Face
from app.server.record import RequestRecord
from app.settings import Settings
from app.store.spans import is_traced

SERVICE = "analytics-gateway"
_EXPORT_SECONDS = 5.0  # of one attempt to send
_FLUSH_SECONDS = 5.0  # for what is left when the server stops
_tracer = trace.get_tracer(__name__)
_propagator = TraceContextTextMapPropagator()


class TracingMissing(Exception):
    """Traces are wanted, and what sends them is not installed."""


def check_tracing(settings: Settings) -> None:
    """Raise TracingMissing where `otlp_endpoint` is set without the extra `tracing`."""
    if settings.otlp_endpoint is None:
        return
    try:
        import opentelemetry.exporter.otlp.proto.http.trace_exporter  # noqa: PLC0415 - an extra
        import opentelemetry.sdk.trace.export  # noqa: F401, PLC0415
    except ImportError:
        raise TracingMissing(
            "GATEWAY_OTLP_ENDPOINT needs the extra `tracing`: pip install 'analytics-gateway[tracing]', or unset it"
        ) from None


@asynccontextmanager
async def traces_sent(settings: Settings) -> AsyncIterator[None]:
    """Send this process's spans to `otlp_endpoint` meanwhile, if there is one; in the end, what is left, for 5 s."""
    if settings.otlp_endpoint is None:
        yield
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 - an extra
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    provider = TracerProvider(resource=Resource.create({"service.name": SERVICE}), shutdown_on_exit=False)
    exporter = OTLPSpanExporter(_traces_address(settings.otlp_endpoint), timeout=_EXPORT_SECONDS)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    try:
        yield
    finally:
        # The SDK's own bound is half a minute.
        flushing = Thread(target=provider.shutdown, daemon=True)
        flushing.start()
        await asyncio.shield(asyncio.to_thread(flushing.join, _FLUSH_SECONDS))


def _traces_address(endpoint: str) -> str:
    """Add the path of the protocol where the endpoint has none."""
    return endpoint if urlsplit(endpoint).path.strip("/") else f"{endpoint.rstrip('/')}/v1/traces"


@contextmanager
def request_span(headers: Headers, record: RequestRecord) -> Iterator[Span]:
    """Span a request as a part of the trace that its `traceparent` names, if it has one. Health has no spans."""
    if record.place.face is Face.HEALTH or not is_traced():
        yield INVALID_SPAN
        return
    above = Context()  # not that of a request before on the same connection
    if "traceparent" in headers:
        carrier = {name: headers[name] for name in ("traceparent", "tracestate") if name in headers}
        above = _propagator.extract(carrier, above)
    with _tracer.start_as_current_span(
        "request",
        context=above,
        kind=SpanKind.SERVER,
        record_exception=False,  # its message could hold values
        set_status_on_exception=False,
    ) as span:
        yield span


def describe_request(span: Span, method: str, status: int, record: RequestRecord) -> None:
    """Name the span, and tell what the log's line tells: nothing of what the request said."""
    if not span.is_recording():
        return
    place = record.place
    span.update_name(f"{method} {place.route or place.face}")
    span.set_attribute("http.request.method", method)
    span.set_attribute("gateway.face", place.face.value)
    span.set_attribute("gateway.operation", place.operation)
    span.set_attribute("gateway.request.id", record.request_id)
    if status:
        span.set_attribute("http.response.status_code", status)
    if place.route is not None:
        span.set_attribute("http.route", place.route)
    if record.organization_id is not None:
        span.set_attribute("gateway.organization.id", record.organization_id)
    if record.code is not None:
        span.set_attribute("error.type", record.code)
    if status >= 500 or record.code == Internal.code:
        span.set_status(StatusCode.ERROR)
