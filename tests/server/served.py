"""An ASGI application behind the gateway's own protocol, in this process."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.types import ASGIApp

from app.server.connection import BoundedConnection
from tests.gateways import free_port


@asynccontextmanager
async def served(application: ASGIApp, most_connections: int | None = None) -> AsyncIterator[int]:
    """Serve on a free port, without a keep-alive bound of uvicorn's own in the way; give the port."""
    config = uvicorn.Config(
        application,
        http=BoundedConnection,
        port=(port := free_port()),
        limit_concurrency=most_connections,
        lifespan="off",
        timeout_keep_alive=60,
        timeout_graceful_shutdown=1,
        log_level="error",
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve())  # noqa: SLF001 - `serve` takes the signals of the tests
    while not server.started:  # noqa: ASYNC110 - only asking it tells
        await asyncio.sleep(0.01)
    yield port
    server.should_exit = True
    await serving
