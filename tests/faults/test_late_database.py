"""A server that is there before its MongoDB: what it owes from its start, it makes up for."""

import subprocess
from pathlib import Path

import httpx2

from app.registry import DATASETS
from app.store.indexes import wanted_indexes
from tests.cli.processes import eventually, is_ready
from tests.faults.mongods import Mongod
from tests.gateways import free_port, gateway_command, make_settings, serve_environment

CONNECT_MS = "500"


def test_indexes_are_made_once_the_database_is_there(tmp_path: Path) -> None:
    """Every one that is wanted, the retention included, without a restart."""
    (tmp_path / "data").mkdir()
    mongod = Mongod(tmp_path / "data")
    settings = make_settings(mongodb_uri=mongod.uri, database="late")
    wanted = wanted_indexes((one.dataset for one in DATASETS), settings)
    environment = {**serve_environment(settings, port := free_port()), "GATEWAY_CONNECT_TIMEOUT_MS": CONNECT_MS}
    log, url = tmp_path / "serve.log", f"http://127.0.0.1:{port}"
    with log.open("wb") as output:
        process = subprocess.Popen(gateway_command("serve"), env=environment, stdout=output, stderr=output)
    try:
        assert eventually(lambda: "indexes_not_checked" in log.read_text()), log.read_text()
        assert httpx2.get(f"{url}/health/ready", timeout=30).status_code == 503
        mongod.start()
        assert eventually(lambda: is_ready(url)), log.read_text()
        with mongod.direct() as client:
            database = client["late"]
            assert eventually(
                lambda: all(index.name in database[index.collection].index_information() for index in wanted)
            ), log.read_text()
    finally:
        process.kill()
        process.wait()
        mongod.kill()
