"""The servers that are measured, each in a process of its own."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2

from tests.gateways import free_port, gateway_command

_START_SECONDS, _STOP_SECONDS = 60.0, 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """What is started: `gateway`, or a peer by its name; with settings of its own."""

    kind: str
    environment: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Running:
    """A server that is ready."""

    port: int
    process: int


GATEWAY = Server("gateway")
# What would be in the way of a measurement: a key's budget, a line of log for each request, as the peers write none.
_UNBOUND = {"GATEWAY_COST_PER_MINUTE": "0", "GATEWAY_LOG_LEVEL": "warning", "GATEWAY_MANAGE_INDEXES": "false"}


@contextmanager
def serving(server: Server, uri: str, database: str, folder: Path) -> Iterator[Running]:
    """Start a server on a free port, and stop it in the end; its output goes to a file in the folder."""
    port = free_port()
    peer = [sys.executable, "-m", "tests.bench.peers.served", server.kind, str(port)]
    command = gateway_command("serve") if server.kind == "gateway" else peer
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    place = {"GATEWAY_MONGODB_URI": uri, "GATEWAY_DATABASE": database, "GATEWAY_PORT": str(port)}
    environment = inherited | _UNBOUND | place | dict(server.environment)
    log = folder / f"{server.kind}-{port}.log"
    with log.open("wb") as output, subprocess.Popen(command, env=environment, stdout=output, stderr=output) as process:
        try:
            _await_ready(process, port, log)
            yield Running(port, process.pid)
        finally:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(_STOP_SECONDS)
            process.kill()


def _await_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(httpx2.HTTPError):
            if httpx2.get(f"http://127.0.0.1:{port}/health/ready").status_code == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"a server did not start; its last words: {log.read_text('utf-8')[-2000:]}")
