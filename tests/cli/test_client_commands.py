"""`gateway summary` and `gateway connections` ask a running gateway over HTTP."""

import csv
import io
import json
import os
import pty
import subprocess
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from tests.gateways import gateway_command
from tests.seed_records import seed_connection_events, seed_summary_events


def ask(url: str, key: str | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command against the gateway; the key is in the environment."""
    environment = {**os.environ, "GATEWAY_SERVER": url} | ({"GATEWAY_API_KEY": key} if key else {})
    return subprocess.run(
        gateway_command(*arguments), env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def test_lists_come_as_json_into_a_pipe(gateway_url: str, gateway_key: str) -> None:
    """The records of the REST lists, as they are there."""
    answer = ask(gateway_url, gateway_key, "connections", "events", "--event-type", "connect")
    assert (answer.returncode, json.loads(answer.stdout)) == (0, seed_connection_events()[:1])
    answer = ask(gateway_url, gateway_key, "summary", "list", "--status-code", "20x")
    assert json.loads(answer.stdout) == seed_summary_events()
    answer = ask(gateway_url, gateway_key, "connections", "list", "--no-active-only")
    assert [row["connectionId"] for row in json.loads(answer.stdout)] == ["conn_7f9a8b2c1d3e4f5a"]
    answer = ask(gateway_url, gateway_key, "connections", "summary")
    assert [row["totalConnections"] for row in json.loads(answer.stdout)] == [1]
    assert json.loads(ask(gateway_url, gateway_key, "summary", "count").stdout) == {"total": 1}


def test_one_event_is_got_by_its_id(gateway_url: str, gateway_key: str) -> None:
    """`get` gives the record; an id that is not there ends with status 1 and says so."""
    record = seed_summary_events()[0]
    answer = ask(gateway_url, gateway_key, "summary", "get", record["summary_event_id"])
    assert json.loads(answer.stdout) == record
    missing = ask(gateway_url, gateway_key, "summary", "get", "no/such?id")
    assert missing.returncode == 1
    assert "no such summary event" in missing.stderr


def test_other_formats(gateway_url: str, gateway_key: str) -> None:
    """NDJSON has a record a line, CSV a header and empty fields for null."""
    lines = ask(gateway_url, gateway_key, "connections", "events", "--output", "ndjson").stdout.splitlines()
    assert [json.loads(line) for line in lines] == seed_connection_events()[::-1]
    rows = list(csv.DictReader(io.StringIO(ask(gateway_url, gateway_key, "summary", "list", "--output", "csv").stdout)))
    expected = {name: "" if value is None else str(value) for name, value in seed_summary_events()[0].items()}
    assert rows == [expected]
    listed = ask(gateway_url, gateway_key, "connections", "list", "--output", "csv").stdout
    assert [row["isActive"] for row in csv.DictReader(io.StringIO(listed))] == ["false"], "as an export writes it"


def test_a_terminal_gets_a_table(gateway_url: str, gateway_key: str) -> None:
    """Written to a terminal, records stand in a table."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "GATEWAY_SERVER": gateway_url, "GATEWAY_API_KEY": gateway_key, "COLUMNS": "200"}
    with subprocess.Popen(gateway_command("summary", "count"), env=environment, stdout=follower) as process:
        assert process.wait(60) == 0
    os.close(follower)
    shown = os.read(leader, 65_536).decode()
    os.close(leader)
    assert "total" in shown
    assert "┃" in shown


@pytest.mark.parametrize(
    ("key", "arguments", "status", "said"),
    [
        (None, ("summary", "count"), 2, "GATEWAY_API_KEY"),
        ("gw_wrong", ("summary", "count"), 2, "not valid"),
        ("gw_\n", ("summary", "count"), 2, "GATEWAY_API_KEY"),
        ("any", ("summary", "count", "--server", "http://127.0.0.1:9"), 3, "cannot be reached"),
        ("any", ("summary", "count", "--server", "nonsense"), 3, "nonsense"),
    ],
)
def test_what_goes_wrong_is_said(
    gateway_url: str, key: str | None, arguments: tuple[str, ...], status: int, said: str
) -> None:
    """Status 2 for wrong use, 3 for a gateway out of reach; the message names what to mend."""
    answer = ask(gateway_url, key, *arguments)
    assert answer.returncode == status
    assert said in answer.stderr
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("body", [b"<html>Log in</html>", b'{"hello": "world"}', b"[1]", b"3"])
def test_a_server_that_is_no_gateway_is_named(body: bytes) -> None:
    """A wrong port, or a proxy's page: status 2 and the option to mend."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Page) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        answer = ask(f"http://127.0.0.1:{server.server_port}", "any", "summary", "list")
        thread.join()
    assert (answer.returncode, answer.stdout) == (2, "")
    assert "--server: " in answer.stderr
    assert "is no gateway" in answer.stderr
    assert "Traceback" not in answer.stderr


def test_an_error_of_the_server_is_shown(gateway_url: str, gateway_key: str) -> None:
    """The problem's detail, which names the parameter."""
    answer = ask(gateway_url, gateway_key, "summary", "list", "--limit", "501")
    assert answer.returncode == 2
    assert "limit: 501 passes the limit of 500" in answer.stderr
