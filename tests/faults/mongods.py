"""Mongods that a test may kill: one, or three that elect a primary. Each is a real process on loopback."""

import signal
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure, PyMongoError

from app.store.mongod import find_mongod
from app.store.replica_set import ALREADY_INITIALIZED
from tests.gateways import free_port

ELECTION_MS = 2_000
_SECONDS = 30.0


@dataclass
class Mongod:
    """A mongod that a test may kill: a replica set of one member, always on the same port."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None
    options: Sequence[str] = ()
    replica_set: str = "down"

    def __post_init__(self) -> None:
        self.uri = f"mongodb://127.0.0.1:{self.port}/?replicaSet={self.replica_set}"

    def launch(self) -> None:
        """Start the process."""
        options = ["--bind_ip", "127.0.0.1", "--port", str(self.port), "--nounixsocket", *self.options]
        if self.replica_set:
            options += ["--replSet", self.replica_set]
        memory = ["--wiredTigerCacheSizeGB", "0.25", "--setParameter", "diagnosticDataCollectionEnabled=false"]
        self.process = subprocess.Popen(
            [str(find_mongod(None)), "--dbpath", str(self.folder), *options, *memory], stdout=subprocess.DEVNULL
        )

    def start(self) -> None:
        """Start it and wait until it takes writes."""
        self.launch()
        member = {"_id": 0, "host": f"127.0.0.1:{self.port}"}
        with self.direct() as client:
            if self.replica_set:
                _initiate(client, {"_id": self.replica_set, "members": [member]})
            while not client.admin.command("hello")["isWritablePrimary"]:
                time.sleep(0.02)

    def kill(self) -> None:
        """End it at once, frozen or not."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        self.process = None

    def freeze(self) -> None:
        """Stop it with SIGSTOP, and return when each of its threads stands still."""
        assert self.process is not None
        self.process.send_signal(signal.SIGSTOP)
        threads = Path(f"/proc/{self.process.pid}/task")
        while any(") T " not in (thread / "stat").read_text() for thread in threads.iterdir()):
            time.sleep(0.005)

    def direct(self, **options: Any) -> MongoClient[dict[str, Any]]:
        """Make a client of this member, whatever its state."""
        return MongoClient("127.0.0.1", self.port, directConnection=True, **options)


@dataclass
class Members:
    """Three mongods that are one replica set."""

    mongods: Sequence[Mongod]

    @property
    def uri(self) -> str:
        """The address that names all of them."""
        places = ",".join(f"127.0.0.1:{mongod.port}" for mongod in self.mongods)
        return f"mongodb://{places}/?replicaSet=three"

    def primary(self) -> Mongod | None:
        """Ask each that lives; None while there is none."""
        for mongod in self.mongods:
            if mongod.process is not None:
                try:
                    with mongod.direct(timeoutMS=1_000) as client:
                        if client.admin.command("hello")["isWritablePrimary"]:
                            return mongod
                except PyMongoError:
                    continue
        return None

    def await_primary(self) -> Mongod:
        """Wait for an election."""
        until = time.monotonic() + _SECONDS
        while (primary := self.primary()) is None:
            assert time.monotonic() < until
            time.sleep(0.02)
        return primary


@contextmanager
def three_members(folder: Path) -> Iterator[Members]:
    """Start three members with a short election timeout; kill what is left of them."""
    mongods = [Mongod(folder / str(number), replica_set="three") for number in range(3)]
    try:
        for mongod in mongods:
            mongod.folder.mkdir()
            mongod.launch()
        for mongod in mongods:
            with mongod.direct() as client:
                client.admin.command("ping")  # each must answer before one asks them to be a set
        places = [{"_id": number, "host": f"127.0.0.1:{mongod.port}"} for number, mongod in enumerate(mongods)]
        timing = {"electionTimeoutMillis": ELECTION_MS, "heartbeatIntervalMillis": 500}
        with mongods[0].direct() as client:
            _initiate(client, {"_id": "three", "members": places, "settings": timing})
        members = Members(mongods)
        members.await_primary()
        with MongoClient[dict[str, Any]](members.uri, w=3) as client:
            client["warm"]["up"].insert_one({})  # all three hold data from here on
        yield members
    finally:
        for mongod in mongods:
            mongod.kill()


def _initiate(client: MongoClient[dict[str, Any]], config: dict[str, Any]) -> None:
    try:
        client.admin.command("replSetInitiate", config)
    except OperationFailure as error:
        if error.code != ALREADY_INITIALIZED:
            raise
