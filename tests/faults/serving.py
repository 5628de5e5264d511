"""A `gateway serve` as a process of its own, which a fault befalls."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from app.access.administration import NewKey, create_key
from app.settings import Settings
from app.store.store import Store
from tests.cli.processes import eventually, is_ready
from tests.gateways import ORG_NAME, ORGANIZATION_ID, free_port, gateway_command, serve_environment


@dataclass
class Served:
    """A running server, and where its log is."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rsplit(":", 1)[1])


@contextmanager
def served(settings: Settings, folder: Path, **more: str) -> Iterator[Served]:
    """Start a server on the settings' database, `more` in its environment; kill it if it is still there in the end."""
    environment = {**serve_environment(settings, port := free_port()), "GATEWAY_MANAGE_INDEXES": "false", **more}
    log = folder / "serve.log"
    with log.open("wb") as output:
        process = subprocess.Popen(gateway_command("serve"), env=environment, stdout=output, stderr=output)
    try:
        one = Served(process, f"http://127.0.0.1:{port}", log)
        assert eventually(lambda: is_ready(one.url) or process.poll() is not None), log.read_text()
        assert process.poll() is None, log.read_text()
        yield one
    finally:
        process.kill()
        process.wait()


async def new_key(store: Store, organization_id: str = ORGANIZATION_ID) -> str:
    """Make a key."""
    return str(await create_key(store.keys, NewKey(UUID(organization_id), ORG_NAME)))
