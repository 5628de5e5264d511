"""Spans of MongoDB commands, as OpenTelemetry names them. Without its SDK they cost next to nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry import trace
from opentelemetry.trace import SpanKind, StatusCode

from app.errors import GatewayError

_tracer = trace.get_tracer(__name__)


def is_traced() -> bool:
    """Whether anything takes spans: without OpenTelemetry's SDK nothing does."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


@contextmanager
def command_span(database: str, operation: str, collection: str | None) -> Iterator[None]:
    """Span the block, which sends one command; it tells where the command went, nothing of what it asked.

    An error's code is kept, its message and traceback are not: they could hold values.
    """
    if not is_traced():
        yield
        return
    attributes = {"db.system.name": "mongodb", "db.namespace": database, "db.operation.name": operation}
    if collection is not None:
        attributes["db.collection.name"] = collection
    with _tracer.start_as_current_span(
        f"{operation} {collection or database}",
        kind=SpanKind.CLIENT,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        try:
            yield
        except BaseException as error:
            span.set_attribute("error.type", error.code if isinstance(error, GatewayError) else type(error).__name__)
            span.set_status(StatusCode.ERROR)
            raise
