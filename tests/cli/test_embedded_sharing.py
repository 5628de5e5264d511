"""Commands on one data directory share one mongod; when the last of them ends, in any way, nothing stays behind."""

import signal
import socket
from contextlib import closing
from urllib.parse import urlsplit

import orjson
import pytest

from tests.cli.processes import CommandLine, ask, eventually, lines_of, mongods_of, processes_of
from tests.ingest.making import made_events

KEY = ("keys", "create", "--organization-id", made_events(1)[0]["organizationId"], "--org-name", "ibm")
COUNT = "{ connectionEvents { totalCount } connections { totalCount } }"
BODY = orjson.dumps({"query": COUNT})
STOP_SECONDS = 10


def begun_request(url: str, key: str) -> socket.socket:
    """Send the head of a request, and return when the server waits for the body: it is running then."""
    place = urlsplit(url)
    assert place.hostname is not None
    connection = socket.create_connection((place.hostname, place.port or 80), timeout=STOP_SECONDS)
    head = f"POST /graphql HTTP/1.1\r\nHost: {place.netloc}\r\nX-API-Key: {key}\r\nContent-Type: application/json\r\n"
    connection.sendall(f"{head}Content-Length: {len(BODY)}\r\nExpect: 100-continue\r\n\r\n".encode())
    assert connection.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
    return connection


def accepts(url: str) -> bool:
    """Whether anyone takes a new connection there."""
    place = urlsplit(url)
    try:
        socket.create_connection((place.hostname or "", place.port or 80), timeout=1).close()
    except OSError:
        return False
    return True


def test_load_and_keys_work_beside_a_server_and_a_stop_is_clean(embedded_line: CommandLine) -> None:
    """The server answers with what came in beside it; SIGTERM lets a running request end; status 0, no mongod is left.

    Also in a container, which ends with this process: mongod has stopped cleanly before it.
    """
    with embedded_line.serving() as (server, url):
        assert len(mongods_of(embedded_line.folder)) == 1
        loaded = embedded_line.run("load", "connection-events", "-", given=lines_of(made_events(100)))
        assert (loaded.status, loaded.err) == (0, "-: 100 stored, 0 there already, 0 refused\n")
        key = embedded_line.run_here(*KEY).out.strip()
        assert ask(url, key, COUNT) == {"connectionEvents": {"totalCount": 100}, "connections": {"totalCount": 20}}
        assert len(mongods_of(embedded_line.folder)) == 1
        with closing(begun_request(url, key)) as request:
            server.terminate()
            assert eventually(lambda: not accepts(url))
            assert not eventually(lambda: server.poll() is not None, 0.5)
            request.sendall(BODY)
            answer = b"".join(iter(lambda: request.recv(65_536), b""))
        assert answer.startswith(b"HTTP/1.1 200 ")
        assert b'"totalCount":100' in answer
        assert server.wait(STOP_SECONDS) == 0
        assert mongods_of(embedded_line.folder) == []
    assert "Traceback" not in embedded_line.output


def test_an_interrupt_waits_no_longer_than_it_is_told(embedded_line: CommandLine) -> None:
    """Ctrl-C while a request never ends: GATEWAY_SHUTDOWN_SECONDS later the server is gone, with its mongod."""
    with embedded_line.serving(GATEWAY_SHUTDOWN_SECONDS="1") as (server, url):
        key = embedded_line.run_here(*KEY).out.strip()
        with closing(begun_request(url, key)):
            server.send_signal(signal.SIGINT)
            assert server.wait(STOP_SECONDS) in {0, 128 + signal.SIGINT}
        assert mongods_of(embedded_line.folder) == []


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_killed_server_leaves_nothing(embedded_line: CommandLine, workers: str) -> None:
    """SIGKILL of the process that was started: its workers and its mongod are gone within seconds."""
    with embedded_line.serving(GATEWAY_WORKERS=workers) as (server, url):
        server.kill()
        server.wait(STOP_SECONDS)
        assert eventually(lambda: not processes_of(embedded_line.folder), STOP_SECONDS), processes_of(
            embedded_line.folder
        )
        assert not accepts(url)


def test_several_workers_serve_and_stop(embedded_line: CommandLine) -> None:
    """Two workers on one port and one mongod; SIGTERM of the first process ends all of it, with status 0."""
    with embedded_line.serving(GATEWAY_WORKERS="2") as (server, url):
        key = embedded_line.run_here(*KEY).out.strip()
        workers = [command for command in processes_of(embedded_line.folder).values() if "spawn_main" in command]
        assert len(workers) == 2
        for _ in range(10):
            assert ask(url, key, COUNT)["connections"] == {"totalCount": 0}
        server.terminate()
        assert server.wait(STOP_SECONDS) == 0
        assert eventually(lambda: not processes_of(embedded_line.folder), STOP_SECONDS)
    assert "Traceback" not in embedded_line.output
