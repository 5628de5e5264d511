"""`gateway load`: files in, refusals out, and exit statuses that scripts can trust."""

import gzip
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.registry import DATASETS
from app.store.indexes import IndexState, Upkeep
from app.store.store import Store
from tests.cli.processes import CommandLine, lines_of, ndjson
from tests.ingest.making import (
    made_call,
    made_event,
    made_events,
    right_statuses,
    seen_statuses,
    stored_ids,
    write_ndjson,
)
from tests.seed_records import CONNECTION_EVENTS_FILE, SUMMARY_EVENTS_FILE, seed_connection_events

EVENTS = ("load", "connection-events")


async def test_the_seeds_load_and_load_again(command_line: CommandLine, store: Store) -> None:
    """Status 0 both times; the second time says that they are there already."""
    first = command_line.run(*EVENTS, str(CONNECTION_EVENTS_FILE))
    assert (first.status, first.out) == (0, "")
    assert first.err == f"{CONNECTION_EVENTS_FILE}: 3 stored, 0 there already, 0 refused\n"
    again = command_line.run(*EVENTS, str(CONNECTION_EVENTS_FILE))
    assert (again.status, again.err) == (0, f"{CONNECTION_EVENTS_FILE}: 0 stored, 3 there already, 0 refused\n")
    assert command_line.run("load", "summary-events", str(SUMMARY_EVENTS_FILE)).status == 0
    assert await seen_statuses(store) == right_statuses(seed_connection_events())


async def test_refused_lines_are_named_kept_and_can_be_mended(command_line: CommandLine, store: Store) -> None:
    """Status 1; file, line and field on standard error; the refused lines as they were, beside the file."""
    bad = [made_event(1, host=5), made_event(2, colour="red")]
    content = lines_of([made_event(0), bad[0], made_event(3)]) + b"no JSON\r\n" + lines_of([bad[1]])[:-1]
    (command_line.folder / "events.ndjson").write_bytes(content)
    outcome = command_line.run(*EVENTS, "events.ndjson")
    rejected = command_line.folder / "events.ndjson.rejected.ndjson"
    assert (outcome.status, outcome.out) == (1, "")
    *named, summary, where = outcome.err.splitlines()
    assert [line.split(": ")[:2] for line in named] == [
        ["events.ndjson:2", "host"],
        ["events.ndjson:4", "is not JSON"],
        ["events.ndjson:5", "colour"],
    ]
    assert summary == "events.ndjson: 2 stored, 0 there already, 3 refused"
    assert where == "events.ndjson: the refused lines are in events.ndjson.rejected.ndjson"
    assert rejected.read_bytes() == lines_of([bad[0]]) + b"no JSON\r\n" + lines_of([bad[1]])
    rejected.write_bytes(lines_of([made_event(1), made_event(2)]))
    mended = command_line.run(*EVENTS, rejected.name)
    assert (mended.status, mended.err) == (0, f"{rejected.name}: 2 stored, 0 there already, 0 refused\n")
    assert await stored_ids(store) == [f"event-{number:06}" for number in range(4)]
    # A load without refusals leaves no file of an earlier one.
    (command_line.folder / "events.ndjson").write_bytes(lines_of(made_events(4)))
    assert command_line.run(*EVENTS, "events.ndjson").status == 0
    assert not rejected.exists()


async def test_several_files_packed_ones_and_standard_input(command_line: CommandLine, store: Store) -> None:
    """One command takes them all; each is reported; a refused line of one does not keep the others back."""
    write_ndjson(command_line.folder / "one", made_events(2))
    (command_line.folder / "two.gz").write_bytes(gzip.compress(lines_of(made_events(4))))
    given = lines_of([made_event(4), {"eventId": 1}, made_event(5)])
    outcome = command_line.run(*EVENTS, "-", "one", "two.gz", given=given)
    assert outcome.status == 1
    assert outcome.err.splitlines()[-4:] == [
        "-: 2 stored, 0 there already, 1 refused",
        "-: the refused lines are in stdin.rejected.ndjson",
        "one: 2 stored, 0 there already, 0 refused",
        "two.gz: 2 stored, 2 there already, 0 refused",
    ]
    assert ndjson(command_line.folder / "stdin.rejected.ndjson") == [{"eventId": 1}]
    assert await stored_ids(store) == [f"event-{number:06}" for number in range(6)]


async def test_an_id_with_another_content_is_refused(command_line: CommandLine) -> None:
    """It is named by its id field, and kept like any refused line."""
    write_ndjson(command_line.folder / "calls", [made_call(1), made_call(1), made_call(1, status_code="404")])
    outcome = command_line.run("load", "summary-events", "calls")
    assert outcome.status == 1
    assert outcome.err.splitlines()[:2] == [
        "calls:3: summary_event_id: another record with this id is stored already",
        "calls: 1 stored, 1 there already, 1 refused",
    ]


async def test_a_missing_file_is_wrong_use(command_line: CommandLine, store: Store) -> None:
    """Status 2 before anything is loaded; so is no file at all."""
    write_ndjson(command_line.folder / "one", made_events(2))
    outcome = command_line.run(*EVENTS, "one", "none")
    assert (outcome.status, outcome.err) == (2, "gateway: none: there is no such file\n")
    assert await stored_ids(store) == []
    assert command_line.run(*EVENTS).status == 2


@pytest.mark.parametrize("answering", [False, True])
def test_a_database_out_of_reach_is_told_within_seconds(tmp_path: Path, *, answering: bool) -> None:
    """Status 3 and a sentence for the operator, whether the port is closed or stays silent."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        if answering:
            silent.listen()
        line = CommandLine(tmp_path, {"GATEWAY_MONGODB_URI": f"mongodb://127.0.0.1:{silent.getsockname()[1]}"})
        started = time.monotonic()
        outcome = line.run(*EVENTS, str(CONNECTION_EVENTS_FILE), GATEWAY_CONNECT_TIMEOUT_MS="1000")
        assert time.monotonic() - started < 20  # the driver alone waits 30
    assert (outcome.status, outcome.out) == (3, "")
    assert "The database cannot be reached" in outcome.err.splitlines()[-1]
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"GATEWAY_PORT": "abc"}, "GATEWAY_PORT: "),
        ({"GATEWAY_RETENTION_CONNECTIONS_DAYS": "-1"}, "GATEWAY_RETENTION_CONNECTIONS_DAYS: "),
        ({"GATEWAY_MONGODB_URI": "postgres://localhost/db"}, "GATEWAY_MONGODB_URI: "),
    ],
)
def test_a_wrong_setting_is_wrong_use(tmp_path: Path, settings: dict[str, str], named: str) -> None:
    """Status 2; the setting is named, in one line."""
    outcome = CommandLine(tmp_path, settings).run_here(*EVENTS, str(CONNECTION_EVENTS_FILE))
    assert outcome.status == 2
    assert named in outcome.err
    assert len(outcome.err.splitlines()) == 1


def test_progress_is_shown_on_a_terminal_only(command_line: CommandLine) -> None:
    """A bar with the rows and their rate, redrawn in place; elsewhere no control sequences."""
    write_ndjson(command_line.folder / "events", made_events(3_000))
    on_terminal = command_line.run_on_terminal(*EVENTS, "events")
    assert "\x1b[" in on_terminal
    assert " rows " in on_terminal
    assert "events: 3000 stored, 0 there already, 0 refused" in on_terminal
    elsewhere = command_line.run(*EVENTS, "events")
    assert (elsewhere.out, elsewhere.err) == ("", "events: 0 stored, 3000 there already, 0 refused\n")


def test_what_the_retention_will_remove_is_told(command_line: CommandLine) -> None:
    """As the database has it, with the setting that decides it; the status is 0 all the same."""
    write_ndjson(command_line.folder / "events", made_events(3))
    assert command_line.run("indexes", GATEWAY_RETENTION_CONNECTION_EVENTS_DAYS="1").status == 0
    outcome = command_line.run(*EVENTS, "events", GATEWAY_RETENTION_CONNECTION_EVENTS_DAYS="0")
    assert outcome.status == 0
    assert outcome.err.splitlines()[1:] == [
        "events: 3 of them are older than the retention of 1 days and will be removed; "
        "the server's GATEWAY_RETENTION_CONNECTION_EVENTS_DAYS sets it (0: for ever)"
    ]


@pytest.mark.parametrize("command", [(*EVENTS, "events"), ("rebuild", "connections")])
async def test_the_retention_is_for_servers_to_change(
    command_line: CommandLine, store: Store, command: tuple[str, ...]
) -> None:
    """A command with other settings than the server's leaves it as it is: a shorter one would remove records."""
    write_ndjson(command_line.folder / "events", made_events(3))
    assert command_line.run(*command, GATEWAY_RETENTION_CONNECTIONS_DAYS="3").status == 0
    reports = await store.ensure_indexes((one.dataset for one in DATASETS), Upkeep.LOOK)
    assert {report.state for report in reports} == {IndexState.PRESENT}


async def test_nothing_is_loaded_where_records_would_not_stay_unique(command_line: CommandLine, store: Store) -> None:
    """An index of a foreign collection stands in the way: status 1, its name, and nothing written."""
    database = store.writer._database  # noqa: SLF001 - a collection as another service may leave it
    await database.command({"dropIndexes": "connectionEvents", "index": "unique_event"})
    keys = {"organizationId": 1, "eventId": 1}
    await database.command({"createIndexes": "connectionEvents", "indexes": [{"name": "theirs", "key": keys}]})
    write_ndjson(command_line.folder / "events", made_events(3))
    for command in ((*EVENTS, "events"), ("rebuild", "connections")):
        outcome = command_line.run(*command)
        assert outcome.status == 1
        assert "nothing was written" in outcome.err
        assert "connectionEvents.unique_event" in outcome.err
    assert await stored_ids(store) == []


async def test_a_load_looks_after_what_it_writes(command_line: CommandLine, store: Store) -> None:
    """Its own indexes are made; another collection's that cannot be are nothing to it."""
    database = store.writer._database  # noqa: SLF001 - a collection as another service may leave it
    await database["summaryEvents"].drop_indexes()
    twice = {"org_name": "ibm", "summary_event_id": "twice"}
    await database["summaryEvents"].insert_many([{**twice}, {**twice}])
    for collection in ("connectionEvents", "connections"):
        await database[collection].drop_indexes()
    write_ndjson(command_line.folder / "events", made_events(3))
    assert command_line.run(*EVENTS, "events").status == 0
    reports = await store.ensure_indexes((one.dataset for one in DATASETS), Upkeep.LOOK)
    missing = {report.collection for report in reports if report.state is not IndexState.PRESENT}
    assert missing == {"summaryEvents"}


def test_a_load_starts_without_what_only_others_need() -> None:
    """Reading those modules takes longer than many a load."""
    code = (
        "import sys; from app.cli import main\n"
        "try: main()\n"
        "finally: print(*sys.modules.keys() & {'strawberry', 'fastapi', 'uvicorn', 'httpx2', 'app.cli.load'})"
    )
    shown = subprocess.run([sys.executable, "-c", code, "load", "--help"], capture_output=True, check=True)
    assert shown.stdout.splitlines()[-1] == b"app.cli.load"


def test_refused_lines_of_a_pipe_stay_until_somebody_takes_them(command_line: CommandLine) -> None:
    """They are nowhere else: a later load adds its own, and one without refusals removes nothing."""
    kept = command_line.folder / "stdin.rejected.ndjson"
    long = b"x" * 1_048_577
    assert command_line.run(*EVENTS, "-", given=b"bad1\n" + lines_of(made_events(1))).status == 1
    assert command_line.run(*EVENTS, "-", given=lines_of(made_events(2))).status == 0
    assert command_line.run(*EVENTS, "-", given=b"bad2\n" + long).status == 1
    assert kept.read_bytes() == b"bad1\nbad2\n" + long + b"\n"


def test_gzip_is_recognized_on_standard_input(command_line: CommandLine) -> None:
    """By its content: standard input has no name to tell it by."""
    outcome = command_line.run(*EVENTS, "-", given=gzip.compress(lines_of(made_events(3))))
    assert (outcome.status, outcome.err) == (0, "-: 3 stored, 0 there already, 0 refused\n")
