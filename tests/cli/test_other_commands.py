"""`gateway schema`, `indexes`, `rebuild`, and help for every command."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from app.cli.commands import tree
from app.datasets.connections.fields import CONNECTIONS
from app.ingest.sources import CONNECTION_EVENT_SOURCE
from app.registry import DATASETS
from app.server.graphql.schema import print_schema
from app.store.store import Store
from tests.cli.processes import ROOT, CommandLine
from tests.gateways import load_records
from tests.ingest.making import database_of, made_events, right_statuses, seen_statuses

WIDE = {"COLUMNS": "200"}
Words = tuple[str, ...]


def commands(command: object, path: Words = ()) -> Iterator[tuple[Words, object]]:
    """Walk the tree of commands."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from commands(below, (*path, name))


APP = tree(None)
TREE = dict(commands(get_command(APP)))


def test_the_commands_are_those_of_the_contract() -> None:
    """Each by the name that scripts use; there may be more."""
    leaves = {" ".join(path) for path, command in TREE.items() if not hasattr(command, "commands")}
    assert leaves >= {
        "serve",
        "demo",
        "load connection-events",
        "load summary-events",
        "rebuild connections",
        "keys create",
        "keys list",
        "keys revoke",
        "schema",
        "indexes",
    }


@pytest.mark.parametrize("name", sorted({path[0] for path in TREE if path}))
def test_a_command_by_itself_is_the_command_of_the_tree(name: str) -> None:
    """With all below it, and still by its name."""
    own = {path: type(command) for path, command in commands(get_command(tree(name))) if path[:1] == (name,)}
    assert own == {path: type(command) for path, command in TREE.items() if path[:1] == (name,)}


@pytest.mark.parametrize("path", TREE, ids=" ".join)
def test_help_is_everywhere(path: Words) -> None:
    """Status 0, a sentence on what it does, and a description of each option and argument."""
    shown = CliRunner().invoke(APP, [*path, "--help"], env=WIDE)
    assert shown.exit_code == 0
    command = TREE[path]
    said = " ".join(shown.stdout.replace("\u2502", " ").split())
    assert " ".join((getattr(command, "help", "") or "").split("\n")[0].split()) in said
    assert getattr(command, "help", None)
    for parameter in getattr(command, "params", []):
        assert getattr(parameter, "help", None), parameter.name
        assert " ".join(parameter.help.split()) in said


def test_no_command_shows_the_help(tmp_path: Path) -> None:
    """With every command in it; a process of its own, as one first meets it."""
    outcome = CommandLine(tmp_path).run()
    assert "Usage" in outcome.out + outcome.err
    for name in ("serve", "demo", "load", "rebuild", "keys", "schema", "indexes"):
        assert name in outcome.out + outcome.err


@pytest.mark.parametrize("arguments", [("nope",), ("load", "nope"), ("schema", "--nope"), ("rebuild", "nope")])
def test_a_mistake_is_wrong_use(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    """Status 2, and the unknown word is named."""
    outcome = CommandLine(tmp_path).run_here(*arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert arguments[-1] in outcome.err


def test_the_schema_is_printed_written_and_compared(tmp_path: Path) -> None:
    """Without a database. --check is status 1 where the file is missing or differs."""
    line = CommandLine(tmp_path, {"GATEWAY_MONGODB_URI": "mongodb://127.0.0.1:1"})
    printed = line.run_here("schema")
    assert (printed.status, printed.out, printed.err) == (0, print_schema(), "")
    assert line.run_here("schema", "--check").status == 1
    assert line.run_here("schema", "--write").status == 0
    file = tmp_path / "schema.graphql"
    assert file.read_text() == print_schema()
    assert line.run_here("schema", "--check").status == 0
    file.write_text(print_schema() + "\n")
    differs = line.run_here("schema", "--check")
    assert (differs.status, "gateway schema --write" in differs.err) == (1, True)
    assert line.run_here("schema", "--check", "--write").status == 2


def test_the_committed_schema_is_that_of_the_code() -> None:
    """`schema.graphql` can't drift; the check is a command for a build."""
    outcome = CommandLine(ROOT).run("schema", "--check")
    assert (outcome.status, outcome.out, outcome.err) == (0, "", "schema.graphql is the schema of this code.\n")


async def test_indexes_are_looked_at_and_made(command_line: CommandLine, store: Store) -> None:
    """--check changes nothing and is status 1 while one is missing; without it what is missing is made."""
    wanted = {(one.dataset.collection, index.name) for one in DATASETS for index in one.dataset.indexes}
    database = database_of(store)
    assert (await command_line.run_beside("indexes", "--check")).status == 0
    await database[CONNECTIONS.collection].drop_indexes()
    outcome = await command_line.run_beside("indexes", "--check")
    assert outcome.status == 1
    for _, name in wanted:
        assert name in outcome.out
    assert "missing" in outcome.out
    assert len(await database[CONNECTIONS.collection].index_information()) == 1
    assert (await command_line.run_beside("indexes")).status == 0
    made = {
        (one.dataset.collection, name)
        for one in DATASETS
        for name in await database[one.dataset.collection].index_information()
    }
    assert wanted <= made
    assert (
        "retention changed" in (await command_line.run_beside("indexes", GATEWAY_RETENTION_CONNECTIONS_DAYS="30")).out
    )
    expires = (await database[CONNECTIONS.collection].index_information())["retention"]["expireAfterSeconds"]
    assert expires == 30 * 86_400


async def test_an_index_that_differs_is_told_and_left(command_line: CommandLine, store: Store) -> None:
    """Status 1; it is named in full, also where the output is a pipe."""
    connections = database_of(store)[CONNECTIONS.collection]
    await connections.drop_index("unique_connection")
    await connections.create_index([("organizationId", 1), ("connectionId", 1)], name="unique_connection")
    outcome = await command_line.run_beside("indexes")
    assert outcome.status == 1
    assert "differs" in outcome.out
    assert "unique_connection" in outcome.out
    assert "unique" not in (await connections.index_information())["unique_connection"]


async def test_statuses_are_rebuilt(command_line: CommandLine, store: Store) -> None:
    """It says how many there are and how many went."""
    await load_records(store, CONNECTION_EVENT_SOURCE, made_events(50))
    await store.writer.delete(CONNECTIONS.collection, {"connectionId": "conn-00003"})
    await database_of(store)[CONNECTIONS.collection].insert_one({"organizationId": "x", "connectionId": "x"})
    outcome = command_line.run("rebuild", "connections")
    assert (outcome.status, outcome.err) == (0, "10 connections; 1 removed, which no event supports\n")
    assert await seen_statuses(store) == right_statuses(made_events(50))
