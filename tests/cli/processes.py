"""Commands of the gateway as processes of their own, and what the system shows of them."""

import asyncio
import os
import pty
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import chdir, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import orjson
from typer.testing import CliRunner

import app
from app.cli import commands
from app.settings import Settings
from tests.gateways import free_port, gateway_command

ROOT = Path(app.__file__ or "").parent.parent
SECONDS = 40.0
_POLL_SECONDS = 0.02
_FOR_EVER = {f"GATEWAY_RETENTION_{name}_DAYS": "0" for name in ("CONNECTION_EVENTS", "CONNECTIONS", "SUMMARY_EVENTS")}


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a command ended: its exit status, its standard output, its standard error."""

    status: int
    out: str
    err: str


@dataclass(frozen=True)
class CommandLine:
    """Runs commands in a folder, on one database."""

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, given: bytes = b"", **settings: str) -> Outcome:
        """Run a command to its end; `given` is its standard input, `settings` more of its environment."""
        done = subprocess.run(
            gateway_command(*arguments),
            input=given,
            capture_output=True,
            cwd=self.folder,
            env=self._all(settings),
            timeout=SECONDS,
            check=False,
        )
        return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())

    async def run_beside(self, *arguments: str, **settings: str) -> Outcome:
        """Run a command in a thread of this process; for a test that is a coroutine."""
        return await asyncio.to_thread(self.run_here, *arguments, **settings)

    def run_here(self, *arguments: str, **settings: str) -> Outcome:
        """Run a command in this process, a second quicker; for a test that is not a coroutine."""
        with chdir(self.folder):
            result = CliRunner().invoke(commands.tree(next(iter(arguments), None)), arguments, env=self._all(settings))
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Outcome(result.exit_code, result.stdout, result.stderr)

    def run_on_terminal(self, *arguments: str) -> str:
        """Run a command on a terminal of 120 columns; all that it showed."""
        ours, its = pty.openpty()
        shown = b""
        environment = self._all({"COLUMNS": "120", "TERM": "xterm"})
        with subprocess.Popen(
            gateway_command(*arguments), stdin=its, stdout=its, stderr=its, cwd=self.folder, env=environment
        ):
            os.close(its)
            # A terminal that nobody holds any more is an error, not an end, to its reader.
            with suppress(OSError):
                while chunk := os.read(ours, 65_536):
                    shown += chunk
        os.close(ours)
        return shown.decode()

    @contextmanager
    def started(self, *arguments: str, **settings: str) -> Iterator[subprocess.Popen[bytes]]:
        """Start a command whose output goes to `output` in the folder; kill it if it is still there in the end."""
        with (self.folder / "output").open("wb") as output:
            process = subprocess.Popen(
                gateway_command(*arguments),
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                cwd=self.folder,
                env=self._all(settings),
            )
        with process:
            try:
                yield process
            finally:
                process.kill()

    @contextmanager
    def serving(self, **settings: str) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
        """Start `gateway serve` on a free port; give the process and its URL when it is ready."""
        port = free_port()
        with self.started("serve", GATEWAY_PORT=str(port), **settings) as process:
            url = f"http://127.0.0.1:{port}"
            assert eventually(lambda: is_ready(url) or process.poll() is not None), self.output
            assert process.poll() is None, self.output
            yield process, url

    @property
    def output(self) -> str:
        """What the command started last has printed so far."""
        return (self.folder / "output").read_text()

    def _all(self, settings: Mapping[str, str]) -> dict[str, str]:
        return {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", **_FOR_EVER, **self.environment, **settings}


def on_database(folder: Path, settings: Settings) -> CommandLine:
    """Make a command line on a test's own database."""
    assert settings.mongodb_uri is not None
    uri = settings.mongodb_uri.get_secret_value()
    return CommandLine(folder, {"GATEWAY_MONGODB_URI": uri, "GATEWAY_DATABASE": settings.database})


def embedded(folder: Path) -> CommandLine:
    """Make a command line on an embedded mongod of its own."""
    return CommandLine(folder, {"GATEWAY_DATA_DIR": str(folder / "data"), "GATEWAY_EMBEDDED_CACHE_MB": "256"})


def eventually(what: Callable[[], bool], seconds: float = SECONDS) -> bool:
    """Whether `what` comes true in time."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_SECONDS)
    return True


def is_ready(url: str) -> bool:
    """Whether a server answers that it is ready."""
    with suppress(httpx2.HTTPError):
        return httpx2.get(f"{url}/health/ready", timeout=5).status_code == 200
    return False


def ask(url: str, key: str, query: str) -> Any:
    """Ask GraphQL; the data of an answer without errors."""
    answer = httpx2.post(f"{url}/graphql", json={"query": query}, headers={"X-API-Key": key}, timeout=SECONDS).json()
    assert "errors" not in answer, answer
    return answer["data"]


def processes_of(folder: Path) -> dict[int, str]:
    """Find the processes that have this folder in their command line or environment, with their command lines."""
    found: dict[int, str] = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            command = (process / "cmdline").read_bytes()
            # A process that has ended and is not waited for yet has neither.
            if os.fsencode(folder) in command + (process / "environ").read_bytes():
                found[int(process.name)] = command.replace(b"\0", b" ").decode()
    return found


def mongods_of(folder: Path) -> list[int]:
    """Find the mongods that keep their data below this folder."""
    return [process for process, command in processes_of(folder).items() if f"--dbpath {folder}" in command]


def end_all_of(folder: Path) -> None:
    """Kill what a failing test has left, so that the next one starts clean."""
    for process in processes_of(folder):
        with suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def ndjson(path: Path) -> list[Any]:
    """Read the records of a file."""
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def lines_of(records: Sequence[Any]) -> bytes:
    """Write records as NDJSON."""
    return b"".join(orjson.dumps(record) + b"\n" for record in records)
