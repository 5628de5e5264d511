"""What the bench stands on: an embedded mongod with filled databases, and servers that start when they are needed."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pymongo import MongoClient

from app.settings import Settings
from app.store.embedded import embedded_mongod
from tests.bench.client import load_process
from tests.bench.peers.questions import Document
from tests.bench.seeding import Seeded, ensure_seeded
from tests.bench.servers import Running, Server, serving
from tests.bench.sizes import Size
from tests.gateways import make_settings

_CACHE_MB = 2048


@dataclass(frozen=True)
class Ground:
    """Where everything runs. Databases are filled, and servers started, at the first use; all stop in the end."""

    settings: Settings
    uri: str
    mongod: int
    folder: Path
    loads: ProcessPoolExecutor
    _stack: ExitStack
    _seeded: dict[Size, Seeded] = field(default_factory=dict)
    _running: dict[tuple[Server, Size], Running] = field(default_factory=dict)

    def seeded(self, size: Size) -> Seeded:
        """Give a filled database."""
        if size not in self._seeded:
            self._seeded[size] = asyncio.run(ensure_seeded(self.settings, self.uri, size))
        return self._seeded[size]

    def server(self, server: Server, size: Size) -> Running:
        """Give a running server on a filled database."""
        known = self._running.get((server, size))
        if known is None:
            database = self.seeded(size).size.database
            known = self._stack.enter_context(serving(server, self.uri, database, self.folder))
            self._running[server, size] = known
        return known

    @contextmanager
    def client(self) -> Iterator[MongoClient[Document]]:
        """Give a client of MongoDB."""
        with MongoClient[Document](self.uri) as client:
            yield client


@contextmanager
def ground(folder: Path) -> Iterator[Ground]:
    """Start what the bench stands on; its data are kept in the folder."""
    settings = make_settings(data_dir=folder / "data", embedded_cache_mb=_CACHE_MB)
    with embedded_mongod(settings) as uri, ground_on(settings, uri, folder) as made:
        yield made


@contextmanager
def ground_on(settings: Settings, uri: str, folder: Path) -> Iterator[Ground]:
    """Stand on a MongoDB of this machine that runs already; outputs of servers go to the folder."""
    with ExitStack() as stack:
        loads = stack.enter_context(load_process())
        yield Ground(settings, uri, _process_of(uri), folder, loads, stack)


def _process_of(uri: str) -> int:
    with MongoClient[Any](uri) as client:
        return int(client.admin.command("serverStatus")["pid"])
