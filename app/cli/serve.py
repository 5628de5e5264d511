"""`gateway serve`: the server."""

import gc
import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path

import uvicorn

from app.cli.parent import end_with_parent, name_parent
from app.cli.session import WRONG_USE, fail, mongodb, read_settings, say
from app.cli.workers import run_workers, shared_metrics_directory
from app.main import create_app
from app.server.connection import BoundedConnection
from app.server.stopping import CutOffQuietly
from app.server.tracing import TracingMissing, check_tracing
from app.settings import Settings

_URI = "GATEWAY_MONGODB_URI"
_BACKLOG = 2048


def serve() -> None:
    """Serve GraphQL at /graphql, REST at its paths, health at /health/live and /health/ready.

    A stop (SIGTERM, Ctrl-C) lets running requests end within GATEWAY_SHUTDOWN_SECONDS.
    """
    settings = read_settings()
    listening = listen(settings)
    with mongodb(settings) as uri:
        say(f"Serving on {address_of(listening)}")
        run_server(settings, uri, listening)


def listen(settings: Settings) -> socket.socket:
    """Take the address and port, before anything else is started; leaves with status 2 where they cannot be had.

    So it does where traces are wanted and cannot be sent.
    """
    try:
        check_tracing(settings)
    except TracingMissing as error:
        fail(str(error), WRONG_USE)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    try:
        return socket.create_server((settings.host, settings.port), family=family, backlog=_BACKLOG)
    except OSError as error:
        fail(
            f"cannot listen on {settings.host} port {settings.port} ({error.strerror}); "
            "set GATEWAY_HOST and GATEWAY_PORT to an address of this machine and a free port",
            WRONG_USE,
        )


def address_of(listening: socket.socket) -> str:
    """Tell the address to open in a browser."""
    host, port, *_ = listening.getsockname()
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def run_server(settings: Settings, uri: str, listening: socket.socket) -> None:
    """Serve until stopped. Several workers are processes of their own, which find the database in the environment."""
    several = settings.workers > 1
    config = uvicorn.Config(
        "app.cli.serve:worker" if several else _made(settings, uri),
        factory=several,
        http=BoundedConnection,
        limit_concurrency=settings.max_connections,
        workers=settings.workers,
        timeout_graceful_shutdown=settings.shutdown_seconds,
        log_level=settings.log_level,
        access_log=False,
        log_config=None,  # its lines are ours: see app/server/logs.py
        server_header=False,
    )
    if several:
        os.environ[_URI] = uri
        name_parent()
        run_workers(config, listening)
    else:
        # uvicorn raises the signal again once it has stopped; the way out then waits for the embedded mongod's stop.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        with suppress(KeyboardInterrupt):
            uvicorn.Server(config).run(sockets=[listening])


def worker() -> CutOffQuietly:
    """Make the application of one worker process."""
    end_with_parent()
    return _made(read_settings(), os.environ[_URI], shared_metrics_directory())


def _made(settings: Settings, uri: str, metrics_directory: Path | None = None) -> CutOffQuietly:
    """Make the application, and keep the garbage collector from going through all that stays for good.

    Going through it took up to 0.4 s at a time, in which nobody was answered.
    """
    app = CutOffQuietly(create_app(settings, uri, metrics_directory=metrics_directory))
    gc.collect()
    gc.freeze()
    return app
