"""Assembles the gateway. Nothing happens at import time."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import structlog
from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from app.access.gate import Gate
from app.errors import GatewayError, Unavailable
from app.registry import DATASETS, Registered
from app.server.cors import cors
from app.server.exports import mount_exports
from app.server.graphql.documents import Documents
from app.server.graphql.endpoint import GraphQLEndpoint
from app.server.graphql.execution import Executor
from app.server.graphql.persisted import PersistedQueries
from app.server.graphql.schema import build_schema, settled_fields
from app.server.health import health_routes
from app.server.masking import Masking
from app.server.metrics import Metrics
from app.server.observer import Observer
from app.server.openapi import describe_common_parts
from app.server.pages.page import page_routes
from app.server.paths import PartedRoute, Shortcut
from app.server.problems import code_of_status, problem_response
from app.server.process_metrics import watch_process
from app.server.reception import Reception
from app.server.rest import mount_routes
from app.server.scrape import mount_metrics
from app.server.tracing import traces_sent
from app.settings import Settings
from app.store.indexes import IndexState, Upkeep
from app.store.store import Store

log = structlog.get_logger(__name__)

GRAPHQL_PATH = "/graphql"
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 1, 30  # between looks for a database that was away at the start


def create_app(
    settings: Settings,
    mongodb_uri: str,
    datasets: Sequence[Registered] = DATASETS,
    metrics_directory: Path | None = None,
) -> FastAPI:
    """Make the ASGI application on a MongoDB. Indexes are made in the background once it starts.

    Worker processes of one server share their metrics in the `metrics_directory`.
    """
    store = Store(settings, mongodb_uri)
    gate = Gate(store.keys, settings.connect_timeout_ms)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        making = asyncio.create_task(_make_indexes(settings, mongodb_uri, datasets))
        async with store, gate, traces_sent(settings), metrics.kept_fresh():
            yield
            making.cancel()
            with suppress(asyncio.CancelledError):
                await making

    reception, persisted = Reception(settings, gate, store), PersistedQueries()
    documents = Documents(settings.plan_cache)
    metrics = Metrics(metrics_directory)
    metrics.watch_cache("keys", gate)
    _watch(metrics, store, reception, persisted, documents)
    executor = Executor(build_schema(datasets), documents, introspection=settings.introspection)
    endpoint = GraphQLEndpoint(executor, reception, persisted, settled_fields(datasets))
    app = FastAPI(
        title="Analytics gateway",
        version="0.1.0",
        summary="REST over connection and API-call analytics; the same questions as GraphQL at /graphql.",
        docs_url=None,
        redoc_url=None,
        # A redirect names the host and scheme that the request came by: behind a proxy with TLS that is the plain one.
        redirect_slashes=False,
        lifespan=lifespan,
        middleware=[
            Middleware(Observer, metrics=metrics),
            *cors(settings.cors_origins),
            Middleware(Masking),
            Middleware(Shortcut, path=GRAPHQL_PATH, own=endpoint),
        ],
        # Its spans hold paths and query strings; ours are in app/server/tracing.py.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        exception_handlers={HTTPException: _http_problem},
    )
    app.router.route_class = PartedRoute
    app.router.routes += [
        Route("/", _home, methods=["GET"], include_in_schema=False),
        # The shortcut leads past it, but where this application is mounted below a path of another one.
        Route(GRAPHQL_PATH, endpoint, include_in_schema=False),
        *page_routes(),
        *health_routes(store),
    ]
    for registered in datasets:
        mount_routes(app, registered.dataset, registered.routes, reception)
        mount_exports(app, registered.exports, reception)
    mount_metrics(app, metrics, reception)
    describe_common_parts(app)
    return app


def _watch(
    metrics: Metrics, store: Store, reception: Reception, persisted: PersistedQueries, documents: Documents
) -> None:
    """Let the metrics watch what is counted elsewhere."""
    turns, pool = reception.turns, store.pool
    metrics.watch("gateway_turns_running", "Requests for data that are worked on.", lambda: turns.running)
    metrics.watch("gateway_turns_waiting", "Requests for data that wait for their turn.", lambda: turns.waiting)
    metrics.watch("gateway_mongodb_connections_open", "Connections to MongoDB that are open.", lambda: pool.opened)
    metrics.watch("gateway_mongodb_connections_in_use", "Those that a command uses.", lambda: store.connections_in_use)
    metrics.watch_count(
        "gateway_mongodb_check_out_failures", "Connections that could not be had in time.", lambda: pool.failures
    )
    metrics.watch("gateway_persisted_queries", "Documents that are kept by their hash.", lambda: persisted.entries)
    metrics.watch_cache("persisted_queries", persisted)
    metrics.watch("gateway_plans", "Documents whose plans are kept.", lambda: len(documents))
    metrics.watch_cache("plans", documents)
    watch_process(metrics)


async def _make_indexes(settings: Settings, mongodb_uri: str, datasets: Sequence[Registered]) -> None:
    if not settings.manage_indexes:
        return
    pause = _FIRST_PAUSE_SECONDS
    while True:
        try:
            async with Store(settings, mongodb_uri, patient=True) as store:
                reports = await store.ensure_indexes((one.dataset for one in datasets), Upkeep.FULL)
                break
        except Unavailable as error:
            log.warning("indexes_not_checked", reason=error.message, again_in_seconds=pause)
        except GatewayError as error:
            log.warning("indexes_not_checked", reason=error.message)
            return
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
    for report in reports:
        if report.state in {IndexState.DIFFERS, IndexState.FAILED}:
            log.warning(
                "index", state=report.state, collection=report.collection, index=report.name, detail=report.detail
            )
        elif report.state is not IndexState.PRESENT:
            log.info("index", state=report.state, collection=report.collection, index=report.name)


async def _home(_request: Request) -> Response:
    return RedirectResponse(GRAPHQL_PATH)


async def _http_problem(_request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = str(error.detail) if isinstance(error, HTTPException) else "Internal error"
    headers = dict(error.headers or {}) if isinstance(error, HTTPException) else {}
    return problem_response(status, detail, f"{detail}.", code_of_status(status) or "", headers=headers)
