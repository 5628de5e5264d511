"""A MongoDB with users: one that may only read, and one whose password is wrong."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest

from app.ingest.sources import SUMMARY_EVENT_SOURCE
from app.settings import Settings
from tests.cli.processes import CommandLine, lines_of, on_database
from tests.faults.mongods import Mongod
from tests.faults.serving import new_key, served
from tests.gateways import free_port, load_records, make_settings, open_test_store
from tests.ingest.making import made_call, made_events
from tests.store.databases import scope_of

QUERY = {"query": "{ summaryEvents { totalCount } }"}
ROLES = {"reader": "read", "keeper": "readWrite"}


class Guarded:
    """A mongod that asks who one is."""

    def __init__(self, mongod: Mongod) -> None:
        self._mongod = mongod

    def settings(self, user: str, password: str = "right") -> Settings:  # noqa: S107 - of a test's own mongod
        """Settings of one who comes as this user."""
        uri = f"mongodb://{user}:{password}@127.0.0.1:{self._mongod.port}/?authSource=admin"
        return make_settings(mongodb_uri=uri, database="guarded")

    def line(self, folder: Path, user: str, password: str = "right") -> CommandLine:  # noqa: S107 - likewise
        """A command line of that user."""
        return on_database(folder, self.settings(user, password))


@pytest.fixture(scope="module")
async def guarded(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[tuple[Guarded, str]]:
    """A standalone server with an administrator and two users, records and a key."""
    mongod = Mongod(tmp_path_factory.mktemp("guarded"), replica_set="", options=("--auth",))
    try:
        mongod.start()
        one = Guarded(mongod)
        with mongod.direct() as client:
            client.admin.command("createUser", "root", pwd="right", roles=["root"])  # noqa: S106 - likewise
        with mongod.direct(username="root", password="right") as client:  # noqa: S106 - of a test's own mongod
            for user, role in ROLES.items():
                roles = [{"role": role, "db": "guarded"}]
                client.admin.command("createUser", user, pwd="right", roles=roles)  # noqa: S106 - likewise
        async with await open_test_store(one.settings("root")) as store:
            await load_records(store, SUMMARY_EVENT_SOURCE, [made_call(number) for number in range(7)])
            key = await new_key(store)
        yield one, key
    finally:
        mongod.kill()


async def test_a_user_who_may_read_is_enough_to_serve(guarded: tuple[Guarded, str], tmp_path: Path) -> None:
    """All is answered, also where the server looks after indexes by default."""
    one, key = guarded
    with served(one.settings("reader"), tmp_path, GATEWAY_MANAGE_INDEXES="true") as gateway:
        async with httpx2.AsyncClient(base_url=gateway.url, headers={"X-API-Key": key}) as client:
            answer = await client.post("/graphql", json=QUERY)
            assert answer.json() == {"data": {"summaryEvents": {"totalCount": 7}}}
            assert len((await client.get("/export/summary-events.ndjson")).content.splitlines()) == 7
        assert "Traceback" not in gateway.log.read_text()


@pytest.mark.parametrize(
    ("arguments", "lacking"),
    [
        (("load", "summary-events", "-"), "update on guarded"),
        (("keys", "create", "--organization-id", made_events(1)[0]["organizationId"], "--org-name", "a"), "insert"),
        (("rebuild", "connections"), "update on guarded"),
    ],
    ids=["load", "keys", "rebuild"],
)
def test_commands_that_write_say_which_right_is_missing(
    guarded: tuple[Guarded, str], tmp_path: Path, arguments: tuple[str, ...], lacking: str
) -> None:
    """And which role has it; status 3, no traceback, nothing is said to be stored."""
    outcome = guarded[0].line(tmp_path, "reader").run(*arguments, given=lines_of([made_call(100)]))
    assert outcome.status == 3, outcome.err
    *_, said = outcome.err.splitlines()
    assert lacking in said
    assert "readWrite and dbAdmin on guarded" in said
    assert "Traceback" not in outcome.err
    assert " stored" not in outcome.err


def test_one_who_may_write_can_load(guarded: tuple[Guarded, str], tmp_path: Path) -> None:
    """The role readWrite is enough where the retention need not be changed."""
    outcome = guarded[0].line(tmp_path, "keeper").run("load", "summary-events", "-", given=lines_of([made_call(0)]))
    assert (outcome.status, outcome.err) == (0, "-: 0 stored, 1 there already, 0 refused\n")


def test_a_wrong_password_is_said(guarded: tuple[Guarded, str], tmp_path: Path) -> None:
    """By each command, with status 3; nothing of the password is shown."""
    line = guarded[0].line(tmp_path, "reader", "notmypassword")
    for arguments in (("keys", "list"), ("doctor",)):
        outcome = line.run(*arguments)
        assert outcome.status == 3
        assert "refuses the user or the password of GATEWAY_MONGODB_URI" in outcome.out + outcome.err
        assert "notmypassword" not in outcome.out + outcome.err
        assert "Traceback" not in outcome.err


def test_doctor_tells_what_the_user_may_not_do(guarded: tuple[Guarded, str], tmp_path: Path) -> None:
    """A warning for one who may only read, none for the administrator; a standalone server is warned of."""
    port = str(free_port())
    outcome = guarded[0].line(tmp_path, "reader").run("doctor", GATEWAY_PORT=port)
    assert (outcome.status, "Traceback" in outcome.err) == (0, False), outcome.out
    assert (
        "warning  rights: the user may not do on guarded: collMod, createIndex, insert, remove, update" in outcome.out
    )
    assert "warning  topology: a standalone server" in outcome.out
    assert "ok       rights: " in guarded[0].line(tmp_path, "root").run("doctor", GATEWAY_PORT=port).out


async def test_a_server_without_replicas_keeps_no_moments(guarded: tuple[Guarded, str]) -> None:
    """So answers that need all parts as of one moment are not made of parts there."""
    one, _ = guarded
    async with await open_test_store(one.settings("root")) as store:
        assert await store.reader(scope_of()).moment() is None
