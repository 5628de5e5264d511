"""A `gateway serve` whose process may take little memory, over two organizations and a third of odd records."""

import asyncio
import resource
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from pymongo import MongoClient

from app.access.administration import NewKey, create_key
from tests.abuse.odd_records import odd_calls, odd_connections, odd_events, plain_calls, plain_connections, plain_events
from tests.gateways import (
    ORG_NAME,
    ORGANIZATION_ID,
    free_port,
    gateway_command,
    make_settings,
    open_test_store,
    serve_environment,
    wait_until_ready,
)

MEGABYTE = 1024 * 1024
MEMORY_MB = 448  # of data; an idle gateway has some 100
SECONDS = 30.0  # in which everything must be answered: a hang guard, and the request's own time budget
EVENTS, CONNECTIONS, CALLS = 3_000, 1_000, 3_000
_DATABASE = "abuse"
_CONCURRENCY, _QUEUE = 8, 60


@dataclass(frozen=True, slots=True)
class Organization:
    """Whose records they are, and a key to them."""

    organization_id: str
    org_name: str
    key: str


@dataclass(frozen=True)
class BoundedGateway:
    """The running gateway. `mine` and `theirs` have plain records of the same ids, `odd` only odd ones."""

    url: str
    mine: Organization
    theirs: Organization
    odd: Organization
    process: subprocess.Popen[bytes]
    log: Path

    def memory(self, name: str) -> int:
        """What the system says of the process: `VmHWM`, `VmRSS`, `VmData`, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        (kilobytes,) = (int(line.split()[1]) for line in status.splitlines() if line.startswith(f"{name}:"))
        return kilobytes // 1024

    def open_files(self) -> int:
        """How many files and connections the process holds open."""
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))


@asynccontextmanager
async def bounded_gateway(mongodb_uri: str, folder: Path) -> AsyncIterator[BoundedGateway]:
    """Fill a database, and serve it with no budget of cost; a process that takes too much memory fails."""
    settings = make_settings(mongodb_uri=mongodb_uri, database=_DATABASE)
    owners = [
        (ORGANIZATION_ID, ORG_NAME),
        ("b2c3d4e5-f6a7-8901-bcde-f12345678901", "acme"),
        ("c3d4e5f6-a7b8-9012-cdef-123456789012", "odd"),
    ]
    async with await open_test_store(settings) as store:
        mine, theirs, odd = [
            Organization(uuid, name, str(await create_key(store.keys, NewKey(UUID(uuid), name))))
            for uuid, name in owners
        ]
    await asyncio.to_thread(_fill, mongodb_uri, (mine, theirs), odd)
    log, port = folder / "log", free_port()
    environment = {
        **serve_environment(settings, port),
        "GATEWAY_COST_PER_MINUTE": "0",
        "GATEWAY_CONCURRENCY": str(_CONCURRENCY),
        "GATEWAY_QUEUE_PER_ORGANIZATION": str(_QUEUE),
        "GATEWAY_MANAGE_INDEXES": "false",
    }
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: ASYNC220 - starting it takes no time
            gateway_command("serve"), env=environment, stdout=output, stderr=output
        )
    try:
        resource.prlimit(process.pid, resource.RLIMIT_DATA, (MEMORY_MB * MEGABYTE, MEMORY_MB * MEGABYTE))
        url = f"http://127.0.0.1:{port}"
        await wait_until_ready(url)
        yield BoundedGateway(url, mine, theirs, odd, process, log)
    finally:
        process.terminate()
        process.wait(30)


def _fill(uri: str, plain: tuple[Organization, ...], odd: Organization) -> None:
    with MongoClient[dict[str, Any]](uri) as client:
        database = client[_DATABASE]
        for one in plain:
            database["connectionEvents"].insert_many(plain_events(one.organization_id, EVENTS))
            database["connections"].insert_many(plain_connections(one.organization_id, CONNECTIONS))
            database["summaryEvents"].insert_many(plain_calls(one.org_name, CALLS))
        database["connectionEvents"].insert_many(odd_events(odd.organization_id))
        database["connections"].insert_many(odd_connections(odd.organization_id))
        database["summaryEvents"].insert_many(odd_calls(odd.org_name))
