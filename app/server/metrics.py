"""The metrics of one application, for Prometheus. All labels are of bounded sets; none is a caller's text."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Protocol, TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from app.server.places import Face
from app.server.record import RequestRecord

OK = "OK"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_ROWS = (0, 1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
_COMMANDS = (0, 1, 2, 3, 5, 10, 100, 1_000)
_SAMPLE_SECONDS = 1.0
_DATA = frozenset({Face.GRAPHQL, Face.REST, Face.EXPORT})


Labelled = TypeVar("Labelled", Counter, Histogram)


class Lookups(Protocol):
    """A cache that counts how often it was asked for what it held, and for what it did not."""

    hits: int
    misses: int


class Metrics:
    """Counts requests as they end, and samples what others count.

    With a `directory`, its workers' processes share what they count there, and each gives the sums of all; the
    directory must be in the environment as PROMETHEUS_MULTIPROC_DIR before prometheus_client is imported.
    """

    def __init__(self, directory: Path | None = None) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._directory = directory
        self._registry = CollectorRegistry()
        self._samples: list[Callable[[], None]] = []
        self._child = cache(_labelled)  # of bounded sets, as all labels are
        place = ("face", "operation")
        self._requests = self._counter(
            "gateway_requests", "Requests that have ended, by OK or the code of their first error.", (*place, "code")
        )
        self._duration = self._histogram(
            "gateway_request_duration_seconds", "From a request's arrival to the end of its answer.", place, _SECONDS
        )
        self._waited = self._histogram(
            "gateway_turn_wait_seconds", "How long requests for data waited for their turn.", ("face",), _SECONDS
        )
        self._mongodb = self._histogram(
            "gateway_request_mongodb_seconds", "Time of a request's MongoDB commands, added up.", place, _SECONDS
        )
        self._commands = self._histogram(
            "gateway_request_mongodb_commands", "MongoDB commands of a request.", ("face",), _COMMANDS
        )
        self._rows = self._histogram("gateway_request_rows", "Rows that MongoDB gave to a request.", ("face",), _ROWS)
        self._cost = self._counter("gateway_cost_charged", "Cost that keys' budgets were charged.", ("face",))
        self._in_flight = self._gauge("gateway_requests_in_flight", "Requests that are being answered.")
        self._lookups = self._counter(
            "gateway_cache_lookups", "Lookups in a cache, by `hit` or `miss`.", ("cache", "outcome")
        )
        self._gauge("gateway_processes", "Server processes.").set(1)

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """Count a request as being answered."""
        self._in_flight.inc()
        try:
            yield
        finally:
            self._in_flight.dec()

    def note(self, record: RequestRecord, seconds: float) -> None:
        """Count a request that has ended."""
        face, operation, child = record.place.face.value, record.place.operation, self._child
        child(self._requests, face, operation, record.code or OK).inc()
        child(self._duration, face, operation).observe(seconds)
        if record.charged:
            child(self._cost, face).inc(record.charged)
        if record.place.face in _DATA and record.organization_id is not None:
            child(self._waited, face).observe(record.waited_seconds)
            child(self._mongodb, face, operation).observe(record.spent.milliseconds / 1000)
            child(self._commands, face).observe(record.spent.commands)
            child(self._rows, face).observe(record.spent.rows)

    def watch(self, name: str, description: str, read: Callable[[], float]) -> None:
        """Give a gauge the value of `read` whenever it is sampled."""
        gauge = self._gauge(name, description)
        self._samples.append(lambda: gauge.set(read()))

    def watch_count(self, name: str, description: str, read: Callable[[], float]) -> None:
        """Let a counter follow a count that is kept elsewhere and only grows; `name` is without `_total`."""
        self._samples.append(_following(self._counter(name, description), read))

    def watch_cache(self, cache: str, lookups: Lookups) -> None:
        """Let `gateway_cache_lookups_total` follow a cache's hits and misses."""
        self._samples.append(_following(self._lookups.labels(cache, "hit"), lambda: lookups.hits))
        self._samples.append(_following(self._lookups.labels(cache, "miss"), lambda: lookups.misses))

    @asynccontextmanager
    async def kept_fresh(self) -> AsyncIterator[None]:
        """Sample now and then, where other processes are asked for this one's samples."""
        sampling = asyncio.create_task(self._sample_on()) if self._directory is not None else None
        try:
            yield
        finally:
            if sampling is not None:
                sampling.cancel()
                with suppress(asyncio.CancelledError):
                    await sampling
                self._sample()

    async def exposed(self, accept: str) -> tuple[bytes, str]:
        """Write all metrics in the text format that an Accept header prefers, and tell its media type."""
        self._sample()
        encode, media = choose_encoder(accept)
        registry = self._registry
        if self._directory is not None:
            registry = CollectorRegistry()
            MultiProcessCollector(registry, path=str(self._directory))  # type: ignore[no-untyped-call]
        return await asyncio.to_thread(encode, registry), media

    def _gauge(self, name: str, description: str) -> Gauge:
        """Make a gauge, which is summed up over living processes."""
        return Gauge(name, description, registry=self._registry, multiprocess_mode="livesum")

    def _counter(self, name: str, description: str, labels: tuple[str, ...] = ()) -> Counter:
        return Counter(name, description, labels, registry=self._registry)

    def _histogram(self, name: str, description: str, labels: tuple[str, ...], buckets: tuple[float, ...]) -> Histogram:
        return Histogram(name, description, labels, registry=self._registry, buckets=buckets)

    def _sample(self) -> None:
        for sample in self._samples:
            sample()

    async def _sample_on(self) -> None:
        while True:
            self._sample()
            await asyncio.sleep(_SAMPLE_SECONDS)


def _labelled(metric: Labelled, *labels: str) -> Labelled:
    return metric.labels(*labels)


def _following(counter: Counter, read: Callable[[], float]) -> Callable[[], None]:
    """Make a sample that adds to the counter what the count has grown by."""
    seen = 0.0

    def sample() -> None:
        nonlocal seen
        count = read()
        counter.inc(max(count - seen, 0))
        seen = count

    return sample
