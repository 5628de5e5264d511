"""`gateway demo`: a running gateway with data, keys and a command to try, also after a first run that was cut off.

The tests share one data directory and run in this order: the first run takes most of the time.
"""

import json
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient

from app.demo.connection_events import connection_events
from app.demo.organizations import DEMO_ORGANIZATIONS
from app.demo.setting_up import set_up
from app.demo.summary_events import summary_events
from app.store.data_directory import DataDirectory
from app.store.launcher import uri_of
from app.store.store import Store
from tests.cli.processes import CommandLine, ask, embedded, end_all_of, eventually, is_ready, processes_of
from tests.gateways import free_port
from tests.ingest.making import database_of

FIRST_RUN_SECONDS, NEXT_RUN_SECONDS = 90.0, 12.0
TOTALS = "{ connectionEvents { totalCount } connections { totalCount } summaryEvents { totalCount } }"


@pytest.fixture(scope="session")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """Commands on one data directory for all tests here; nothing of it may run in the end."""
    folder = tmp_path_factory.mktemp("demo")
    yield embedded(folder)
    gone = eventually(lambda: not processes_of(folder), 10)
    end_all_of(folder)
    assert gone


@contextmanager
def demo(line: CommandLine, seconds: float) -> Iterator[str]:
    """Run the demo until it answers, then stop it; its URL."""
    port = free_port()
    with line.started("demo", GATEWAY_PORT=str(port)) as process:
        url = f"http://127.0.0.1:{port}"
        assert eventually(lambda: is_ready(url) or process.poll() is not None, seconds), line.output
        assert process.poll() is None, line.output
        yield url
        process.send_signal(signal.SIGINT)
        process.wait(10)


def keys_in(output: str) -> dict[str, str]:
    """Find the keys that the demo prints, by organization."""
    return dict(re.findall(r"^API key of (.+): (gw_\S+)$", output, re.MULTILINE))


def stored_events(line: CommandLine) -> int:
    """Count the connection events there, from behind; 0 before there is a database."""
    state = DataDirectory(line.folder / "data").state()
    if state is None or not state.ready:
        return 0
    with MongoClient[dict[str, Any]](uri_of(state.port), serverSelectionTimeoutMS=2000) as client:
        return client["analytics"]["connectionEvents"].estimated_document_count()


def test_a_first_run_that_was_killed_is_completed(line: CommandLine) -> None:
    """Its data is all there, once; it prints a key of each organization, and each opens that organization's records."""
    with line.started("demo", GATEWAY_PORT=str(free_port())) as process:
        assert eventually(lambda: stored_events(line) > 3_000 or process.poll() is not None)
        process.kill()
        process.wait(10)
    assert "API key" not in line.output
    with demo(line, FIRST_RUN_SECONDS) as url:
        found = re.search(r"14 days up to (\d{4}-\d\d-\d\d \d\d:\d\d) UTC", line.output)
        assert found is not None, line.output
        anchor = datetime.fromisoformat(found[1]).replace(tzinfo=UTC)
        keys = keys_in(line.output)
        assert set(keys) == {one.org_name for one in DEMO_ORGANIZATIONS}
        answers = [ask(url, key, TOTALS) for key in keys.values()]
        totals = {name: [answer[name]["totalCount"] for answer in answers] for name in answers[0]}
        assert sum(totals["connectionEvents"]) == sum(1 for _ in connection_events(anchor))
        assert sum(totals["summaryEvents"]) == sum(1 for _ in summary_events(anchor))
        assert all(count > 1_000 for counts in totals.values() for count in counts)
    (line.folder / "first.json").write_text(json.dumps([line.output.splitlines()[0], keys, totals]))


def test_a_second_run_serves_the_same_within_seconds(line: CommandLine) -> None:
    """The same keys, counts and end of the data; and the curl line does what it says, as it is printed."""
    anchor, keys, totals = json.loads((line.folder / "first.json").read_text())
    with demo(line, NEXT_RUN_SECONDS) as url:
        assert line.output.splitlines()[0] == anchor
        assert keys_in(line.output) == keys
        answers = [ask(url, key, TOTALS) for key in keys.values()]
        assert {name: [answer[name]["totalCount"] for answer in answers] for name in totals} == totals
        assert f"{url}/graphql#key={next(iter(keys.values()))}" in line.output
        command = next(shown for shown in line.output.splitlines() if shown.startswith("Try: "))
        done = subprocess.run(
            ["bash", "-c", command.removeprefix("Try: ")], capture_output=True, check=True, timeout=20
        )
        summary = json.loads(done.stdout)["data"]["connectionSummary"]
        assert len(summary) > 1
        assert all(row["totalConnections"] > 0 for row in summary)
    assert "Traceback" not in line.output


@pytest.mark.parametrize("left", [b"", b"{", b"[]", b'{"a1b2": 1}'])
async def test_keys_of_a_run_that_was_cut_off_are_made_anew(store: Store, tmp_path: Path, left: bytes) -> None:
    """A file of keys that was not written to its end does not stop the demo; the file is for its owner only."""
    await database_of(store)["demo"].insert_one(
        {"_id": "data", "anchor": datetime(2026, 1, 1, tzinfo=UTC), "complete": True}
    )
    (tmp_path / "demo-keys.json").write_bytes(left)
    _, made = await set_up(store, tmp_path, lambda *_: None)
    _, again = await set_up(store, tmp_path, lambda *_: None)
    assert [one.organization for one in made] == list(DEMO_ORGANIZATIONS)
    assert again == made


async def test_a_revoked_demo_key_is_made_anew(store: Store, tmp_path: Path) -> None:
    """The other one stays as it is; nobody but the owner can read them."""
    await database_of(store)["demo"].insert_one(
        {"_id": "data", "anchor": datetime(2026, 1, 1, tzinfo=UTC), "complete": True}
    )
    _, (first, second) = await set_up(store, tmp_path, lambda *_: None)
    assert (tmp_path / "demo-keys.json").stat().st_mode & 0o777 == 0o600
    await store.keys.revoke(first.key.split("_")[1], datetime.now(UTC))
    _, (other, same) = await set_up(store, tmp_path, lambda *_: None)
    assert other.key != first.key
    assert same == second
