"""The command line on the test's own database, and on an embedded one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.settings import Settings
from app.store.store import Store
from tests.cli.processes import CommandLine, embedded, end_all_of, eventually, on_database, processes_of


@pytest.fixture
def command_line(tmp_path: Path, settings: Settings, store: Store) -> CommandLine:  # noqa: ARG001 - the store makes and drops
    """Commands on the database of this test, in an empty folder."""
    return on_database(tmp_path, settings)


@pytest.fixture
def embedded_line(tmp_path: Path) -> Iterator[CommandLine]:
    """Commands that share an embedded mongod; nothing of it may run afterwards."""
    yield embedded(tmp_path)
    gone = eventually(lambda: not processes_of(tmp_path), 10)
    left = processes_of(tmp_path)
    end_all_of(tmp_path)
    assert gone, left
