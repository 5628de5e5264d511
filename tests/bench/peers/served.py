"""How a peer is served: uvicorn in a process of its own, on the database that the environment names.

python -m tests.bench.peers.served plain|naive PORT
"""

import os
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import PlainTextResponse
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase

from tests.bench.peers.naive import add_naive_routes
from tests.bench.peers.plain import add_plain_routes
from tests.bench.peers.questions import Document

PEERS: dict[str, Callable[[FastAPI, AsyncDatabase[Document]], None]] = {
    "plain": add_plain_routes,
    "naive": add_naive_routes,
}


def make_app(peer: str, uri: str, name: str) -> FastAPI:
    """Make a peer's application on a database."""
    client: AsyncMongoClient[Document] = AsyncMongoClient(uri)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with client:
            yield

    app = FastAPI(lifespan=lifespan)
    PEERS[peer](app, client[name])

    @app.get("/health/ready")
    async def ready(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("ready")

    return app


def main(peer: str, port: int) -> None:
    """Serve until stopped."""
    app = make_app(peer, os.environ["GATEWAY_MONGODB_URI"], os.environ["GATEWAY_DATABASE"])
    uvicorn.run(app, port=port, loop="uvloop", http="httptools", access_log=False, log_level="warning")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
