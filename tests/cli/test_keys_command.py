"""`gateway keys`: a key is shown once, works until it ends, and is never seen again."""

from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import orjson
import pytest

from app.scope import Permission
from app.store.store import Store
from tests.cli.processes import CommandLine
from tests.gateways import ORG_NAME, ORGANIZATION_ID, Gateway
from tests.ingest.making import database_of

WHOSE = ("--organization-id", ORGANIZATION_ID, "--org-name", ORG_NAME)
VIEWER = "{ viewer { organizationId orgName keyId scopes } }"
BOTH = ["connections:read", "summary:read"]


async def create(command_line: CommandLine, *more: str) -> str:
    """Create a key with the command."""
    outcome = await command_line.run_beside("keys", "create", *WHOSE, *more)
    assert outcome.status == 0, outcome.err
    return outcome.out.strip()


async def stored_key(store: Store, key: str) -> dict[str, Any]:
    """Read what is stored of a key."""
    found = await database_of(store)["apiKeys"].find_one({"_id": key.split("_")[1]})
    assert found is not None
    return found


async def status_of(gateway: Gateway, key: str) -> int:
    """Ask with a key; the HTTP status."""
    return (await gateway.get(key, "/summary/count")).status_code


async def test_a_new_key_is_printed_once_and_works(command_line: CommandLine, gateway: Gateway) -> None:
    """Alone on standard output, as scripts take it; all scopes, no end, and only a hash of it is stored."""
    outcome = command_line.run("keys", "create", *WHOSE, "--name", "a script")
    key = outcome.out.removesuffix("\n")
    assert (outcome.status, outcome.out) == (0, f"{key}\n")
    assert key not in outcome.err
    viewer = (await gateway.data(key, VIEWER))["viewer"]
    identifier, secret = key.split("_", 2)[1:]
    expected = {"organizationId": ORGANIZATION_ID, "orgName": ORG_NAME, "keyId": identifier}
    assert {name: viewer[name] for name in expected} == expected
    stored = await stored_key(gateway.store, key)
    assert (stored["name"], stored["scopes"], stored["expiresAt"]) == ("a script", BOTH, None)
    assert stored["secretHash"] == sha256(secret.encode()).digest()
    assert secret not in repr(stored)


async def test_scopes_narrow_a_key(command_line: CommandLine, gateway: Gateway) -> None:
    """What is not granted answers 403."""
    key = await create(command_line, "--scope", "connections:read")
    assert await status_of(gateway, key) == 403
    assert (await gateway.get(key, "/api/connection-analytics/events/query")).status_code == 200
    assert (await stored_key(gateway.store, await create(command_line, *(f"--scope={one}" for one in BOTH))))[
        "scopes"
    ] == BOTH


async def test_the_lists_never_show_a_secret(command_line: CommandLine, gateway: Gateway) -> None:
    """Neither the secret nor its hash, in the table or as JSON; each key with its id, names, scopes and state."""
    keys = [
        await create(command_line, "--name", "first"),
        await create(command_line, "--name", "second", "--expires", "P1D"),
    ]
    hashes = [(await stored_key(gateway.store, key))["secretHash"] for key in keys]
    revoked = (await gateway.key(name="third")).split("_")[1]
    await gateway.store.keys.revoke(revoked, datetime.now(UTC))
    as_json, table = (
        await command_line.run_beside("keys", "list", "--json"),
        await command_line.run_beside("keys", "list"),
    )
    assert (as_json.status, table.status, as_json.err, table.err) == (0, 0, "", "")
    for shown in (as_json.out, table.out):
        for key, digest in zip(keys, hashes, strict=True):
            assert key.split("_", 2)[2][:8] not in shown
            assert digest.hex()[:8] not in shown
    first, second, third = (orjson.loads(line) for line in as_json.out.splitlines())
    assert [first["id"], second["id"]] == [key.split("_")[1] for key in keys]
    assert (first["name"], first["organizationId"], first["orgName"]) == ("first", ORGANIZATION_ID, ORG_NAME)
    assert (first["scopes"], first["live"], first["expiresAt"], first["revokedAt"]) == (BOTH, True, None, None)
    assert datetime.fromisoformat(second["expiresAt"]) > datetime.now(UTC) + timedelta(hours=23)
    assert (third["id"], third["live"]) == (revoked, False)
    assert [state in table.out for state in ("live", "revoked", "never")] == [True] * 3


async def test_the_table_shows_whole_ids_in_a_pipe(command_line: CommandLine, gateway: Gateway) -> None:
    """An id that is cut or broken over lines could not be copied into `keys revoke`."""
    identifier = (await gateway.key(name="for the night's batch of the billing department")).split("_")[1]
    shown = (await command_line.run_beside("keys", "list")).out
    assert identifier in shown
    assert ORGANIZATION_ID in shown


async def test_any_name_is_listed_as_it_is(command_line: CommandLine, gateway: Gateway) -> None:
    """A name is text, not markup, and does not reach the terminal as a control sequence."""
    names = ["[red]alarm", "[/b]", "\x1b[2Jgone"]
    for number, name in enumerate(names, start=1):
        await gateway.key(name=name)
        outcome = await command_line.run_beside("keys", "list")
        assert outcome.status == 0, outcome.err
        assert "\x1b" not in outcome.out
        assert name.removeprefix("\x1b") in outcome.out
        assert len((await command_line.run_beside("keys", "list", "--json")).out.splitlines()) == number


async def test_a_revoked_key_is_refused(command_line: CommandLine, gateway: Gateway) -> None:
    """By its id; a second time does no harm; an id that there is not is status 1."""
    key = await create(command_line)
    identifier = key.split("_")[1]
    outcome = await command_line.run_beside("keys", "revoke", identifier)
    assert (outcome.status, outcome.err) == (0, f"{identifier} is revoked.\n")
    assert await status_of(gateway, key) == 401
    revoked = (await stored_key(gateway.store, key))["revokedAt"]
    assert (await command_line.run_beside("keys", "revoke", identifier)).status == 0
    assert (await stored_key(gateway.store, key))["revokedAt"] == revoked
    outcome = await command_line.run_beside("keys", "revoke", "000000000000")
    assert (outcome.status, outcome.err) == (1, "gateway: there is no key with the id 000000000000\n")


async def test_a_rotated_key_and_its_successor_both_work(command_line: CommandLine, gateway: Gateway) -> None:
    """The new one alone on standard output; the old one's end beside it, seven days away by default."""
    old = await create(command_line, "--name", "batch", "--scope", "summary:read")
    identifier = old.split("_")[1]
    outcome = command_line.run("keys", "rotate", identifier)
    new = outcome.out.removesuffix("\n")
    assert (outcome.status, outcome.out) == (0, f"{new}\n")
    assert [await status_of(gateway, key) for key in (old, new)] == [200, 200]
    ends = (await stored_key(gateway.store, old))["expiresAt"]
    assert abs(ends - datetime.now(UTC).replace(tzinfo=None) - timedelta(days=7)) < timedelta(minutes=5)
    assert f"{identifier} ends at {ends:%Y-%m-%d %H:%M:%S} UTC" in outcome.err
    assert new not in outcome.err
    stored = await stored_key(gateway.store, new)
    assert (stored["name"], stored["scopes"], stored["expiresAt"]) == ("batch", ["summary:read"], None)
    table = (await command_line.run_beside("keys", "list")).out
    assert table.count(identifier) == 2
    listed = [orjson.loads(line) for line in (await command_line.run_beside("keys", "list", "--json")).out.splitlines()]
    assert [(one["id"], one["replaces"], one["live"]) for one in listed] == [
        (identifier, None, True),
        (new.split("_")[1], identifier, True),
    ]


@pytest.mark.parametrize("overlap", ["P0D", "PT0S", "P00W", "P0Y0DT0.0S"])
async def test_an_overlap_of_zero_ends_the_old_key_at_once(
    command_line: CommandLine, gateway: Gateway, overlap: str
) -> None:
    """A server that does not remember the old key refuses it from then on."""
    old = await create(command_line)
    outcome = await command_line.run_beside("keys", "rotate", old.split("_")[1], "--overlap", overlap)
    assert (outcome.status, f"{old.split('_')[1]} ends now" in outcome.err) == (0, True)
    assert [await status_of(gateway, key) for key in (old, outcome.out.strip())] == [401, 200]


async def test_what_cannot_be_rotated_is_said(command_line: CommandLine, gateway: Gateway) -> None:
    """Status 1 and no key for an unknown, a revoked and an expired one."""
    revoked = (await gateway.key()).split("_")[1]
    await gateway.store.keys.revoke(revoked, datetime.now(UTC))
    expired = (await gateway.key(expires=datetime.now(UTC))).split("_")[1]
    for identifier, why in (("0" * 12, "there is no key"), (revoked, "is revoked"), (expired, "is expired")):
        outcome = await command_line.run_beside("keys", "rotate", identifier)
        assert (outcome.status, outcome.out) == (1, "")
        assert identifier in outcome.err
        assert why in outcome.err
    assert len(await gateway.store.keys.list()) == 2


@pytest.mark.parametrize("command", ["rotate", "revoke"])
async def test_what_is_no_id_is_no_key(command_line: CommandLine, gateway: Gateway, command: str) -> None:
    """Status 1; a whole key given by mistake is not shown again; text that is no Unicode is no fault of ours."""
    key = await gateway.key()
    for wrong in (key, "", "id", key.split("_")[1].upper(), "\udcff" * 12):
        outcome = await command_line.run_beside("keys", command, "--", wrong)
        assert (outcome.status, outcome.out) == (1, "")
        assert "there is no key with this id" in outcome.err
        assert key.split("_", 2)[2] not in outcome.err
    assert await status_of(gateway, key) == 200


async def test_the_list_tells_when_a_key_was_used_last(command_line: CommandLine, gateway: Gateway) -> None:
    """In the table and as JSON; never for one that nobody has used."""
    await gateway.key(name="idle")
    used = await gateway.key(name="busy")
    at = datetime(2026, 4, 20, 19, 30, 38, tzinfo=UTC)
    assert await gateway.store.keys.record_uses({used.split("_")[1]: at})
    listed = (await command_line.run_beside("keys", "list", "--json")).out
    idle, busy = (orjson.loads(line) for line in listed.splitlines())
    assert (idle["lastUsedAt"], datetime.fromisoformat(busy["lastUsedAt"])) == (None, at)
    rows = {
        name: line
        for line in (await command_line.run_beside("keys", "list")).out.splitlines()
        for name in ("idle", "busy")
        if name in line
    }
    assert "2026-04-20 19:30" in rows["busy"]
    assert "2026-04-20" not in rows["idle"]


async def test_every_scope_can_be_given(command_line: CommandLine, store: Store) -> None:
    """All four; the help says what each is for."""
    every = [permission.value for permission in Permission]
    key = await create(command_line, *(f"--scope={one}" for one in every))
    assert (await stored_key(store, key))["scopes"] == every
    shown = (await command_line.run_beside("keys", "create", "--help", COLUMNS="500")).out
    assert all(f"{one} " in shown for one in every)
    assert "ingest is reserved for sending records over HTTP: no route needs it yet" in " ".join(shown.split())


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2126-01-31T00:00:00Z", datetime(2126, 1, 31, tzinfo=UTC)),
        ("2126-01-31T02:00:00.5+02:00", datetime(2126, 1, 31, 0, 0, 0, 500000, tzinfo=UTC)),
        ("P90D", timedelta(days=90)),
        ("PT30M", timedelta(minutes=30)),
    ],
)
async def test_a_key_ends_when_it_was_told_to(
    command_line: CommandLine, store: Store, given: str, expected: datetime | timedelta
) -> None:
    """At a time with any zone, or after a duration from now."""
    before = datetime.now(UTC) - timedelta(seconds=1)
    ends = (await stored_key(store, await create(command_line, "--expires", given)))["expiresAt"].replace(tzinfo=UTC)
    if isinstance(expected, timedelta):
        assert before + expected <= ends <= datetime.now(UTC) + expected
    else:
        assert ends == expected


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--organization-id", "ibm", "--org-name", "ibm"), "--organization-id"),
        (("--org-name", "ibm"), "--organization-id"),
        (("--organization-id", ORGANIZATION_ID), "--org-name"),
        (("--organization-id", ORGANIZATION_ID, "--org-name", ""), "--org-name"),
        (("--organization-id", ORGANIZATION_ID, "--org-name", "\udcff"), "--org-name"),
        ((*WHOSE, "--name", "\udcff"), "--name"),
        ((*WHOSE, "--name", "x" * 100_000), "--name"),
        ((*WHOSE, "--scope", "everything"), "--scope"),
        ((*WHOSE, "--expires", "tomorrow"), "--expires"),
        ((*WHOSE, "--expires", "2126-01-31T00:00:00"), "--expires"),
        ((*WHOSE, "--expires", "2020-01-31T00:00:00Z"), "--expires"),
        ((*WHOSE, "--expires", "P0D"), "--expires"),
        ((*WHOSE, "--expires", "P"), "--expires"),
        ((*WHOSE, "--expires", ""), "--expires"),
    ],
)
def test_a_wrong_option_is_wrong_use(tmp_path: Path, arguments: tuple[str, ...], named: str) -> None:
    """Status 2 and the option is named, before a database is looked for."""
    outcome = CommandLine(tmp_path, {"GATEWAY_MONGODB_URI": "mongodb://127.0.0.1:1"}).run_here(
        "keys", "create", *arguments
    )
    assert (outcome.status, outcome.out) == (2, "")
    assert named in outcome.err


@pytest.mark.parametrize("overlap", ["7", "0", "P", "P0", "-P7D", "tomorrow", "", "P200Y"])
def test_a_wrong_overlap_is_wrong_use(tmp_path: Path, overlap: str) -> None:
    """Status 2 and the option is named, before a database is looked for."""
    line = CommandLine(tmp_path, {"GATEWAY_MONGODB_URI": "mongodb://127.0.0.1:1"})
    outcome = line.run_here("keys", "rotate", "0" * 12, f"--overlap={overlap}")
    assert (outcome.status, outcome.out) == (2, "")
    assert "--overlap" in outcome.err
