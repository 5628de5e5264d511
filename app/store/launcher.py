"""The launcher: finds the keeper of a data directory, or starts one, and says where its mongod serves."""

import json
import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from pymongo import MongoClient
from pymongo.errors import PyMongoError

import app
from app.errors import Unavailable
from app.settings import Settings
from app.store.data_directory import DataDirectory, rotate
from app.store.locks import is_held, locked
from app.store.mongod import HOST, REPLICA_SET, find_mongod
from app.store.supervisor import START_SECONDS

# Longer than a keeper takes to start, or to stop, and to say so.
PATIENCE_SECONDS = START_SECONDS + 15
PING_SECONDS = 1.0
JOIN_POLL_SECONDS = 0.05
KEEPER_LOG_BYTES = 1024 * 1024


def uri_of(port: int) -> str:
    """Return the address of the mongod on this port; a client waits for its primary, also when it starts again."""
    return f"mongodb://{HOST}:{port}/?replicaSet={REPLICA_SET}"


@dataclass(frozen=True, slots=True)
class Launcher:
    """For one who holds `users.lock` of the directory shared: else the keeper it starts stops at once."""

    settings: Settings
    directory: DataDirectory

    def ensure(self) -> int:
        """Return the port of a mongod that takes writes, starting one where none runs.

        Raises Unavailable where that fails, OSError where the directory cannot be used.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        with locked(self.directory.start_lock, patience=PATIENCE_SECONDS):
            while time.monotonic() < deadline:
                port = self._join() if is_held(self.directory.keeper_lock) else self._start()
                if port is not None:
                    return port
        raise Unavailable(f"The embedded mongod does not answer. See the logs in {self.directory.root}.")

    def _join(self) -> int | None:
        """Return the port of the keeper that is there; None where it is not ready, or just ending."""
        state = self.directory.state()
        if state is None or not state.ready:
            time.sleep(JOIN_POLL_SECONDS)
            return None
        wait_ms = int(PING_SECONDS * 1000)
        with MongoClient[dict[str, object]](uri_of(state.port), serverSelectionTimeoutMS=wait_ms) as client:
            try:
                client.admin.command("ping")
            except PyMongoError:
                return None
        return state.port

    def _start(self) -> int | None:
        """Start a keeper and return its port; None where another one came first."""
        program = find_mongod(self.settings.mongod)
        rotate(self.directory.keeper_log, above=KEEPER_LOG_BYTES)
        # -P: the keeper runs in the data directory, which must not be searched for modules.
        command = [sys.executable, "-P", "-m", "app.store.keeper", str(self.directory.root), str(program)]
        command.append(str(self.settings.embedded_cache_mb))
        with (
            self.directory.keeper_log.open("ab") as log,
            subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=self.directory.root,
                env=_environment(),
                umask=0o077,
                # Its own session: the terminal's Ctrl-C is for the gateway alone.
                start_new_session=True,
            ) as process,
        ):
            # Ends with the keeper's first word, or with the keeper.
            word = _read_line(process, PATIENCE_SECONDS)
        if word is None:
            raise Unavailable(f"The embedded mongod did not start in time. See the logs in {self.directory.root}.")
        if word:
            report = json.loads(word)
            if "error" in report:
                raise Unavailable(f"The embedded mongod does not start: {report['error']}")
            return int(report["port"])
        if is_held(self.directory.keeper_lock):
            return None
        raise Unavailable(f"The keeper of the embedded mongod ended at once. See {self.directory.keeper_log}.")


def _read_line(process: subprocess.Popen[bytes], seconds: float) -> bytes | None:
    """Return what the process prints first, `b""` where it prints nothing, None where neither is known in time."""
    if process.stdout is None or not select.select([process.stdout], [], [], seconds)[0]:
        return None
    return process.stdout.readline()


def _environment() -> dict[str, str]:
    """Return this process's environment, in which the keeper finds this same package wherever it runs."""
    root = str(Path(app.__file__ or "").absolute().parent.parent)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))}
