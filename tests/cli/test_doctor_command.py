"""`gateway doctor`: each thing that can be wrong is seen, named, and comes with what to do."""

import signal
import socket
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import pytest

from app.access.administration import NewKey, create_key
from app.cli.database_checks import (
    clock_finding,
    index_findings,
    keys_finding,
    records_finding,
    rights_finding,
    rollups_finding,
    topology_finding,
    version_finding,
    zones_finding,
)
from app.cli.findings import Finding, Level
from app.cli.machine_checks import disk_finding, pages_finding, port_finding, rows_finding, settings_findings
from app.datasets.connections.fields import CONNECTIONS
from app.ingest.sources import CONNECTION_EVENT_SOURCE
from app.query.zones import offset_changes
from app.server.pages import vendored
from app.settings import Settings
from app.store.diagnosis import ClockOffset, RollupHealth, Server, Topology
from app.store.indexes import IndexReport, IndexState
from app.store.store import Store
from tests.cli.processes import CommandLine, Outcome
from tests.faults.mongods import Mongod
from tests.gateways import ORG_NAME, free_port, load_records, make_settings
from tests.ingest.making import ORGANIZATION, database_of, made_events

OK, WARNING, PROBLEM = Level.OK, Level.WARNING, Level.PROBLEM
REPLICA_SET = Topology.REPLICA_SET


def found(outcome: Outcome) -> dict[str, tuple[str, str]]:
    """Read the lines: level and text of each check (the last one of its name)."""
    lines = [line.split(maxsplit=1) for line in outcome.out.splitlines()]
    return {check: (level, text) for level, rest in lines for check, text in [rest.split(": ", 1)]}


JUDGED: dict[str, tuple[Callable[[], Finding], Level, str]] = {
    "version old": (lambda: version_finding(Server("5.0.31", REPLICA_SET)), PROBLEM, "6.0 or newer"),
    "version right": (lambda: version_finding(Server("6.0.0", REPLICA_SET)), OK, "6.0.0"),
    "version new": (lambda: version_finding(Server("10.1.2", REPLICA_SET)), OK, "10.1.2"),
    "standalone": (
        lambda: topology_finding(Server("8", Topology.STANDALONE), embedded=False),
        WARNING,
        "replica set",
    ),
    "sharded": (lambda: topology_finding(Server("8", Topology.SHARDED), embedded=False), OK, "sharded"),
    "three members": (lambda: topology_finding(Server("8", REPLICA_SET, 3), embedded=False), OK, "3 members"),
    "one member": (lambda: topology_finding(Server("8", REPLICA_SET, 1), embedded=False), WARNING, "none takes over"),
    "embedded": (lambda: topology_finding(Server("8", REPLICA_SET, 1), embedded=True), OK, "embedded"),
    "no primary": (
        lambda: topology_finding(Server("8", REPLICA_SET, 3, has_primary=False), embedded=False),
        PROBLEM,
        "without a primary",
    ),
    "no users": (lambda: rights_finding(None, "a"), OK, "no user"),
    "all rights": (lambda: rights_finding([], "a"), OK, "may read, write"),
    "reading only": (lambda: rights_finding(["insert", "update"], "a"), WARNING, "readWrite and dbAdmin on a"),
    "not even reading": (lambda: rights_finding(["find"], "a"), PROBLEM, "role read on a"),
    "clock": (lambda: clock_finding(ClockOffset(0.9, 0.001)), OK, "0.90 s"),
    "clock in doubt": (lambda: clock_finding(ClockOffset(1.5, 0.6)), OK, "2.10 s"),
    "clock behind": (lambda: clock_finding(ClockOffset(1.2, 0.001)), WARNING, "1.2 s behind"),
    "clock ahead": (lambda: clock_finding(ClockOffset(-4.9, 0.001)), WARNING, "`last` and `minutes`"),
    "clock far behind": (lambda: clock_finding(ClockOffset(5.2, 0.1)), PROBLEM, "NTP"),
    "clock far ahead": (lambda: clock_finding(ClockOffset(-3600, 0.1)), PROBLEM, "3599.9 s ahead of"),
    "zones": (lambda: zones_finding([]), OK, "same rules"),
    "zones differ": (lambda: zones_finding(["Africa/Casablanca"]), WARNING, "Casablanca"),
    "no key": (lambda: keys_finding(0), WARNING, "gateway keys create"),
    "keys": (lambda: keys_finding(2), OK, "2 live"),
    "records": (lambda: records_finding({"connections": 1200}, 0), OK, "1,200 connections"),
    "no records": (lambda: records_finding({"connections": 0}, 0), WARNING, "gateway load"),
    "no rollups": (lambda: rollups_finding([], used=True), OK, "up to date"),
    "rollups switched off": (lambda: rollups_finding([RollupHealth("a", complete=False)], used=False), OK, "not used"),
    "rollups not built": (
        lambda: rollups_finding([RollupHealth("a", complete=True), RollupHealth("b", complete=False)], used=True),
        WARNING,
        "not built for b: totals",
    ),
    "rollups late": (
        lambda: rollups_finding([RollupHealth("a", complete=True, late=3)], used=True),
        WARNING,
        "3 hours and days changed",
    ),
    "rollups unfit": (
        lambda: rollups_finding([RollupHealth("a", complete=True, unfit=3)], used=True),
        OK,
        "3 hours and days hold too much",
    ),
    "behind": (lambda: records_finding({"connections": 1}, 3), WARNING, "gateway rebuild connections"),
}


@pytest.mark.parametrize("case", JUDGED)
def test_facts_are_judged(case: str) -> None:
    """From a fact to its level and what it says; all but ok says what to do."""
    judge, level, said = JUDGED[case]
    finding = judge()
    assert finding.level is level
    assert said in f"{finding.found} {finding.remedy}"
    assert bool(finding.remedy) == (level is not OK)


SETTINGS: dict[str, tuple[dict[str, Any], set[str], list[str]]] = {
    "as they come": ({}, {"GATEWAY_PORT", "PATH", "GATEWAY_API_KEY", "gateway_host"}, []),
    "request before query": ({"request_timeout_ms": 9_999}, set(), ["GATEWAY_QUERY_TIMEOUT_MS"]),
    "request before connect": (
        {"request_timeout_ms": 200, "query_timeout_ms": 100, "connect_timeout_ms": 300},
        set(),
        ["GATEWAY_CONNECT_TIMEOUT_MS"],
    ),
    "a MongoDB and a mongod": (
        {"mongodb_uri": "mongodb://example", "mongod": Path("/mongod")},
        set(),
        ["GATEWAY_MONGOD besides"],
    ),
    "a name that is none": ({}, {"GATEWAY_PROT", "GATEWAY_CONCURENCY"}, ["GATEWAY_CONCURENCY is", "GATEWAY_PROT is"]),
}


@pytest.mark.parametrize("case", SETTINGS)
def test_settings_that_cannot_be_meant(case: str) -> None:
    """One warning each, with the names of the settings."""
    changes, names, said = SETTINGS[case]
    findings = settings_findings(Settings(_env_file=None, **changes), names)
    if not said:
        assert [finding.level for finding in findings] == [OK]
    else:
        assert [finding.level for finding in findings] == [WARNING] * len(said)
        for finding, text in zip(findings, said, strict=True):
            assert text in finding.found


def test_a_port_is_free_or_a_gateways_or_somebodys(served: tuple[str, str]) -> None:
    """In use by a live gateway is as it should be; by another program, or on another machine's address, it is not."""
    assert port_finding(make_settings(port=free_port())).level is OK
    ours = port_finding(make_settings(port=int(served[0].rsplit(":", 1)[1])))
    assert (ours.level, "a gateway serves" in ours.found) == (OK, True)
    with socket.create_server(("127.0.0.1", 0)) as other:
        other.listen()
        taken = port_finding(make_settings(port=other.getsockname()[1]))
    assert (taken.level, "GATEWAY_PORT" in taken.remedy) == (PROBLEM, True)
    assert port_finding(make_settings(host="192.0.2.1")).level is PROBLEM


def test_missing_page_files_are_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the command that fetches them."""
    assert pages_finding().level is OK
    monkeypatch.setattr(vendored, "VENDOR", tmp_path)
    finding = pages_finding()
    assert (finding.level, "make setup" in finding.remedy) == (WARNING, True)


def test_a_missing_library_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no problem: rows are decoded in Python then."""
    assert rows_finding().level is OK
    monkeypatch.setattr("app.cli.machine_checks.library", lambda: None)
    finding = rows_finding()
    assert (finding.level, "C compiler" in finding.remedy) == (WARNING, True)


def test_room_on_the_disk_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """For a directory that is still to be made, too."""
    finding = disk_finding(tmp_path / "not" / "yet")
    assert str(tmp_path) in finding.found
    for scarce, level in ((2**40, WARNING), (0, OK)):
        monkeypatch.setattr("app.cli.machine_checks.TOO_LITTLE_MB", 0)
        monkeypatch.setattr("app.cli.machine_checks.SCARCE_MB", scarce)
        assert disk_finding(tmp_path).level is level
    monkeypatch.setattr("app.cli.machine_checks.TOO_LITTLE_MB", 2**40)
    assert disk_finding(tmp_path).level is PROBLEM


def test_indexes_are_judged_together() -> None:
    """Missing ones in one line, each that differs in its own."""
    present = IndexReport("a", "page", IndexState.PRESENT)
    missing = [IndexReport("a", name, IndexState.MISSING) for name in ("one", "two")]
    differs = IndexReport("a", "other", IndexState.DIFFERS, "drop it")
    retention = IndexReport("a", "retention", IndexState.DIFFERS, "1 s now, 2 s by the settings")
    assert [one.level for one in index_findings([present])] == [OK]
    first, second, third = index_findings([present, *missing, differs, retention])
    assert ("a.one, a.two" in first.found, second.remedy, third.check) == (True, "drop it", "retention")


def test_changes_of_an_offset_are_found_to_the_minute() -> None:
    """Daylight saving of a year, in naive UTC; half an hour of it on Lord Howe; none in Kolkata."""
    start, end = datetime(2026, 1, 1), datetime(2027, 1, 1)  # noqa: DTZ001 - naive UTC, as BSON has it
    warsaw = [datetime(2026, 3, 29, 1), datetime(2026, 10, 25, 1)]  # noqa: DTZ001
    lord_howe = [datetime(2026, 4, 4, 15), datetime(2026, 10, 3, 15, 30)]  # noqa: DTZ001
    assert offset_changes("Europe/Warsaw", start, end) == warsaw
    assert offset_changes("Australia/Lord_Howe", start, end) == lord_howe
    assert offset_changes("Asia/Kolkata", start, end) == []


async def test_a_healthy_gateway_is_told_so(command_line: CommandLine, store: Store) -> None:
    """Status 0 and only ok, but for the one member; as JSON the same findings."""
    await create_key(store.keys, NewKey(UUID(ORGANIZATION), ORG_NAME))
    await load_records(store, CONNECTION_EVENT_SOURCE, made_events(50))
    outcome = await command_line.run_beside("doctor", GATEWAY_PORT=str(free_port()))
    assert (outcome.status, outcome.err) == (0, "")
    said = found(outcome)
    assert {check for check, (level, _) in said.items() if level != "ok"} == {"topology"}
    assert "10 connections" in said["records"][1]
    assert "50 connection-events" in said["records"][1]
    assert "to 0.0" in said["clock"][1]
    whole = await command_line.run_beside("doctor", "--output", "json", GATEWAY_PORT=str(free_port()))
    findings = orjson.loads(whole.out)
    assert {one["check"]: one["level"] for one in findings} == {check: level for check, (level, _) in said.items()}
    assert set(findings[0]) == {"check", "level", "found", "remedy"}


async def test_what_is_amiss_in_a_database_is_warned_of(command_line: CommandLine, store: Store) -> None:
    """Missing indexes, another retention, no key, statuses behind their events: each with its command; status 0."""
    await load_records(store, CONNECTION_EVENT_SOURCE, made_events(50))
    await database_of(store)[CONNECTIONS.collection].drop_index("page")
    await store.writer.delete(CONNECTIONS.collection, {"connectionId": {"$in": ["conn-00003", "conn-00004"]}})
    port = str(free_port())  # whatever else serves on this machine
    outcome = await command_line.run_beside("doctor", GATEWAY_RETENTION_SUMMARY_EVENTS_DAYS="9", GATEWAY_PORT=port)
    assert outcome.status == 0
    said = found(outcome)
    for check, text in {
        "indexes": "connections.page",
        "retention": "summaryEvents",
        "keys": "gateway keys create",
        "records": "2 connections lack what the newest events say. Unless a load is running now, run `gateway rebuild",
    }.items():
        level, line = said[check]
        assert (level, text in line) == ("warning", True), line
    assert (await command_line.run_beside("rebuild", "connections")).status == 0
    assert found(await command_line.run_beside("doctor", GATEWAY_PORT=port))["records"][0] == "ok"


async def test_a_problem_is_status_1(command_line: CommandLine) -> None:
    """As a port that another program has."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        outcome = await command_line.run_beside("doctor", GATEWAY_PORT=str(other.getsockname()[1]))
    assert outcome.status == 1
    assert found(outcome)["port"][0] == "problem"


def test_wrong_use_is_status_2(tmp_path: Path) -> None:
    """A setting that cannot be read is named; an address that is none as well."""
    line = CommandLine(tmp_path)
    outcome = line.run_here("doctor", GATEWAY_PORT="none", GATEWAY_MONGODB_URI="mongodb://127.0.0.1:1")
    assert (outcome.status, outcome.out, "GATEWAY_PORT" in outcome.err) == (2, "", True)
    outcome = line.run_here("doctor", GATEWAY_MONGODB_URI="http://127.0.0.1:1")
    assert (outcome.status, "GATEWAY_MONGODB_URI" in found(outcome)["database"][1]) == (2, True)
    assert line.run_here("doctor", "--output", "yaml").status == 2


def test_a_database_out_of_reach_is_status_3(tmp_path: Path) -> None:
    """With all that could be checked besides; a database that is frozen is out of reach within its bounds."""
    line = CommandLine(tmp_path, {"GATEWAY_CONNECT_TIMEOUT_MS": "300", "GATEWAY_QUERY_TIMEOUT_MS": "300"})
    outcome = line.run_here("doctor", GATEWAY_MONGODB_URI="mongodb://127.0.0.1:1")
    assert outcome.status == 3
    assert found(outcome)["database"][0] == "problem"
    assert "port" in found(outcome)
    mongod = Mongod(tmp_path)
    try:
        mongod.start()
        assert mongod.process is not None
        mongod.process.send_signal(signal.SIGSTOP)
        assert line.run_here("doctor", GATEWAY_MONGODB_URI=mongod.uri).status == 3
    finally:
        mongod.kill()


def test_it_works_beside_a_server_on_the_embedded_mongod(embedded_line: CommandLine) -> None:
    """It shares the mongod, sees the server on its port, and changes nothing."""
    with embedded_line.serving() as (server, url):
        port = url.rsplit(":", 1)[1]
        outcome = embedded_line.run("doctor", GATEWAY_PORT=port)
        assert outcome.status == 0, outcome.out
        said = found(outcome)
        assert "a gateway serves" in said["port"][1]
        assert (said["topology"][0], said["disk"][0], said["writes"][0]) == ("ok", "ok", "ok")
        assert server.poll() is None
