"""A data directory that cannot be written, and files that may not grow: said in one line with the remedy, nothing lost.

(A full disk says `No space left on device` where these say `File too large`; a test cannot fill a disk without rights
that not every machine gives.)
"""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import embedded_line as embedded_line  # noqa: PLC0414 - a fixture of the command line's tests
from tests.cli.processes import ROOT, CommandLine, embedded, eventually, lines_of, mongods_of, processes_of
from tests.ingest.making import made_events, write_ndjson

EVENTS = ("load", "connection-events")
BYTES, MANY = 200_000, 8_000
# As root, give up the right to write where permissions forbid it; others have none (prctl.h, capability.h).
BOUND = """
import ctypes, os, sys
for capability in (1, 2):
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)
os.execv(sys.executable, [sys.executable, "-c", "from app.cli import main; main()", *sys.argv[1:]])
"""


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CommandLine]:
    """A data directory that has records and may only be read."""
    line = embedded(tmp_path_factory.mktemp("sealed"))
    assert line.run(*EVENTS, "-", given=lines_of(made_events(10))).status == 0
    paths = [line.folder / "data", *(line.folder / "data").rglob("*")]
    for path in paths:
        path.chmod(path.stat().st_mode & ~0o222)
    yield line
    for path in paths:
        path.chmod(path.stat().st_mode | 0o200)
    assert not processes_of(line.folder)


def run_bound(line: CommandLine, *arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run a command that permissions bind."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "GATEWAY_PORT": "0", **line.environment}
    command = [sys.executable, "-c", BOUND, *arguments]
    return subprocess.run(
        command, input=given, capture_output=True, cwd=line.folder, env=environment, timeout=30, check=False
    )


@pytest.mark.parametrize("arguments", [(*EVENTS, "-"), ("serve",)], ids=["load", "serve"])
def test_a_read_only_data_directory_is_said(sealed: CommandLine, arguments: tuple[str, ...]) -> None:
    """Status 3, one line that names the directory and what to do, and nothing is said to be stored."""
    outcome = run_bound(sealed, *arguments, given=lines_of(made_events(1)))
    *_, said = outcome.stderr.decode().splitlines()
    assert outcome.returncode == 3, outcome.stderr
    assert "Traceback" not in outcome.stderr.decode()
    assert "stored" not in outcome.stderr.decode()
    assert f"{sealed.folder / 'data'} cannot be used (Permission denied)" in said
    assert "GATEWAY_DATA_DIR" in said


def test_doctor_tells_it_apart(sealed: CommandLine) -> None:
    """The line about the disk is a problem."""
    outcome = run_bound(sealed, "doctor")
    assert outcome.returncode == 3
    assert f"problem  disk: the data directory {sealed.folder / 'data'} cannot be written." in outcome.stdout.decode()


def test_where_no_directory_can_be_made_it_is_said(tmp_path: Path) -> None:
    """Not even by root."""
    outcome = CommandLine(tmp_path, {"GATEWAY_DATA_DIR": "/sys/gateway"}).run(*EVENTS, "-", given=b"")
    assert outcome.status == 3
    assert "/sys/gateway cannot be used" in outcome.err
    assert "Traceback" not in outcome.err


def bound_files(process: int) -> None:
    """Let no file of a process, and of those that it starts from now on, grow beyond some bytes."""
    resource.prlimit(process, resource.RLIMIT_FSIZE, (BYTES, resource.RLIM_INFINITY))


def test_files_that_may_not_grow_are_said_and_nothing_is_lost(embedded_line: CommandLine) -> None:
    """In the middle of a load: status 3 and the remedy within the bounds. With room, the same load completes it."""
    events = made_events(20_000)
    write_ndjson(embedded_line.folder / "events", events)
    with embedded_line.started(*EVENTS, "-") as loading:
        assert loading.stdin is not None
        loading.stdin.write(lines_of(events[:2_000]))
        loading.stdin.flush()
        ready = '"ready": true'
        state = embedded_line.folder / "data" / "keeper.json"
        assert eventually(lambda: state.exists() and ready in state.read_text()), embedded_line.output
        for process in processes_of(embedded_line.folder):
            bound_files(process)
        try:
            loading.stdin.write(lines_of(events[2_000:]))
            loading.stdin.close()
        except BrokenPipeError:
            pass
        assert loading.wait(60) == 3, embedded_line.output
    *_, said = embedded_line.output.splitlines()
    assert "raise the limit on file sizes" in said
    assert "Traceback" not in embedded_line.output
    assert " stored" not in embedded_line.output
    assert eventually(lambda: not processes_of(embedded_line.folder), 20)
    again = embedded_line.run(*EVENTS, "events")
    assert again.status == 0, again.err
    stored, there = (int(again.err.split()[word]) for word in (1, 3))
    assert stored + there == len(events)


def test_a_mongod_that_cannot_write_once_is_started_again_under_the_load(embedded_line: CommandLine) -> None:
    """Where only the one process was bound: the load waits for the next, and every record is there once."""
    with embedded_line.serving():
        [mongod] = mongods_of(embedded_line.folder)
        bound_files(mongod)
        loaded = embedded_line.run(*EVENTS, "-", given=lines_of(made_events(MANY)))
        assert mongods_of(embedded_line.folder) != [mongod], "it was not bound"
        assert loaded.status in {0, 3}, loaded.err
        assert eventually(lambda: embedded_line.run("indexes", "--check").status == 0)
        again = embedded_line.run(*EVENTS, "-", given=lines_of(made_events(MANY)))
        stored, there = (int(again.err.split()[word]) for word in (1, 3))
        assert (again.status, stored + there) == (0, MANY)
        if loaded.status == 0:
            assert stored == 0
