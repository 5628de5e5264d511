"""When a key was used last: stored once a minute, behind the requests' backs, and harmless where it fails."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any
from uuid import UUID

import pytest
from pymongo import MongoClient
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.testing import capture_logs

from app.access import usage as usages
from app.access.administration import NewKey, create_key
from app.access.gate import Gate
from app.access.usage import CLOSING_SECONDS, NOTED_EVERY_SECONDS, KeyUsage
from app.settings import Settings
from app.store.keys import KeyStore
from app.store.mongod import HOST, find_mongod
from app.store.store import Store
from tests.access.counted_keys import CountedKeys
from tests.gateways import ORG_NAME, ORGANIZATION_ID, free_port, make_settings
from tests.store.databases import opened_database

HANG_SECONDS = 30.0
AT = datetime(2026, 4, 20, 19, 30, 38, 550_000, tzinfo=UTC)
NOT_WRITTEN = "key_uses_not_written"


class Clock:
    """The clock of `app.access.usage`, which only a test puts forward."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        """Tell the time, in seconds."""
        return self.seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock that only the test puts forward."""
    clock = Clock()
    monkeypatch.setattr(usages, "monotonic", clock)
    return clock


@pytest.fixture
async def keys(settings: Settings) -> AsyncIterator[CountedKeys]:
    """A store of keys on a database of this test's own."""
    async with opened_database(settings) as database:
        yield CountedKeys(database)


async def make(keys: KeyStore) -> str:
    """Make a key; its id."""
    return (await create_key(keys, NewKey(UUID(ORGANIZATION_ID), ORG_NAME))).key_id


async def last_used(keys: KeyStore, key_id: str) -> datetime | None:
    """Read when a key was used last, as it is stored."""
    (key,) = [one for one in await keys.list() if one["_id"] == key_id]
    at: datetime | None = key["lastUsedAt"]
    return at


async def written(usage: KeyUsage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait until what was noted is written, or has failed."""
    with monkeypatch.context() as patience:
        patience.setattr(usages, "CLOSING_SECONDS", HANG_SECONDS)
        await usage.close()


async def test_a_use_is_stored(keys: CountedKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    """With its time; of the key that was used, and no other."""
    used, idle = await make(keys), await make(keys)
    usage, before = KeyUsage(keys), datetime.now(UTC).replace(tzinfo=None)
    usage.note(used)
    await written(usage, monkeypatch)
    at = await last_used(keys, used)
    assert at is not None
    assert before - timedelta(milliseconds=1) <= at <= datetime.now(UTC).replace(tzinfo=None)
    assert await last_used(keys, idle) is None


async def test_each_driver_keeps_the_latest_use(both_drivers: Settings) -> None:
    """A process that is late moves no time back; an id that there is not makes no document."""
    async with opened_database(both_drivers) as database:
        keys = KeyStore(database, 10_000)
        key_id = await make(keys)
        for at in (AT, AT - timedelta(minutes=1)):
            assert await keys.record_uses({key_id: at, "0" * 12: at})
        assert await last_used(keys, key_id) == AT.replace(tzinfo=None)
        assert len(await keys.list()) == 1


async def test_a_key_is_written_at_most_once_a_minute(
    keys: CountedKeys, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often it is used, and each key by itself."""
    first, second = await make(keys), await make(keys)
    usage, begun = KeyUsage(keys), clock.seconds
    for after, used in ((0, first), (0, first), (30, second), (59, first), (60, first), (61, second), (90, second)):
        clock.seconds = begun + after
        usage.note(used)
        await written(usage, monkeypatch)
    assert [list(uses) for uses in keys.written] == [[first], [second], [first], [second]]


async def test_noting_never_waits(keys: CountedKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    """While a write hangs, uses gather, and go with the next one all together."""
    ids = [await make(keys) for _ in range(20)]
    keys.open_.clear()
    usage = KeyUsage(keys)
    for key_id in ids:
        usage.note(key_id)
        await asyncio.sleep(0)
    assert [list(uses) for uses in keys.written] == [ids[:1]]
    keys.open_.set()
    await written(usage, monkeypatch)
    assert [list(uses) for uses in keys.written] == [ids[:1], ids[1:]]
    assert None not in [await last_used(keys, key_id) for key_id in ids]


async def test_what_is_noted_is_bounded(keys: CountedKeys, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys beyond the bound are not noted in this minute, but in the next."""
    monkeypatch.setattr(usages, "NOTED_KEYS", 2)
    ids = [await make(keys) for _ in range(3)]
    usage = KeyUsage(keys)
    for key_id in ids:
        usage.note(key_id)
    await written(usage, monkeypatch)
    assert [await last_used(keys, key_id) is not None for key_id in ids] == [True, True, False]
    clock.seconds += NOTED_EVERY_SECONDS
    usage.note(ids[2])
    await written(usage, monkeypatch)
    assert await last_used(keys, ids[2]) is not None


async def test_a_write_that_hangs_does_not_hold_a_stop(keys: CountedKeys) -> None:
    """After a second it is given up, and no task is left."""
    key_id = await make(keys)
    keys.open_.clear()
    usage, before = KeyUsage(keys), asyncio.all_tasks()
    usage.note(key_id)
    async with asyncio.timeout(CLOSING_SECONDS + HANG_SECONDS):
        await usage.close()
    assert len(keys.written) == 1
    assert asyncio.all_tasks() == before


async def test_a_failure_to_write_is_logged_and_tried_again_after_a_minute(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody sees it; within the minute nothing is tried, whichever key is used; no request's id is on the line."""
    uri = f"mongodb://127.0.0.1:{free_port()}/"
    nowhere = make_settings(mongodb_uri=uri, connect_timeout_ms=100)
    attempts = []
    async with Store(nowhere, uri) as store:
        usage = KeyUsage(store.keys)
        for after, key_id in ((0.0, "a" * 12), (0.0, "b" * 12), (NOTED_EVERY_SECONDS + 1, "c" * 12)):
            clock.seconds += after
            with capture_logs(processors=[merge_contextvars]) as logs, bound_contextvars(request_id="mine"):
                usage.note(key_id)
                await written(usage, monkeypatch)
            attempts.append([line for line in logs if line["event"] == NOT_WRITTEN])
    assert [len(lines) for lines in attempts] == [1, 0, 1]
    assert "request_id" not in attempts[0][0]


@pytest.fixture
def guarded_mongod(tmp_path: Path) -> Iterator[tuple[str, str]]:
    """A mongod that asks for passwords: the address of its owner, and that of a user who may only read."""
    port, password = free_port(), token_hex(8)
    command = [str(find_mongod(None)), "--dbpath", str(tmp_path), "--bind_ip", HOST, "--port", str(port), "--auth"]
    with subprocess.Popen(
        [*command, "--nounixsocket", "--wiredTigerCacheSizeGB", "0.25"], stdout=subprocess.DEVNULL
    ) as mongod:
        try:
            address = f"{HOST}:{port}/?authSource=admin"
            with MongoClient[dict[str, Any]](HOST, port) as nobody:
                nobody.admin.command("createUser", "owner", pwd=password, roles=["root"])
            owner = f"mongodb://owner:{password}@{address}"
            with MongoClient[dict[str, Any]](owner) as client:
                client.admin.command("createUser", "reader", pwd=password, roles=["readAnyDatabase"])
            yield owner, f"mongodb://reader:{password}@{address}"
        finally:
            mongod.kill()


async def test_a_user_that_may_only_read_is_logged_once(
    guarded_mongod: tuple[str, str], clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys are let in all the same; once writing is allowed, uses are stored, and taking that away is logged again."""
    owner, reader = guarded_mongod
    async with Store(make_settings(), owner) as store:
        key = await create_key(store.keys, NewKey(UUID(ORGANIZATION_ID), ORG_NAME))
    with MongoClient[dict[str, Any]](owner) as client:
        async with Store(make_settings(), reader) as store, Gate(store.keys, 3_000) as gate:
            logged, stored = [], []
            for role in ("read", "read", "readWrite", "read"):
                client.admin.command("updateUser", "reader", roles=[f"{role}AnyDatabase"])
                with capture_logs() as logs:
                    assert await gate.admit([(b"x-api-key", str(key).encode())])
                    await written(gate._usage, monkeypatch)  # noqa: SLF001 - what the gate notes is not seen from outside
                logged.append([line["event"] for line in logs])
                stored.append(await last_used(store.keys, key.key_id) is not None)
                clock.seconds += 2 * NOTED_EVERY_SECONDS
    assert logged == [[NOT_WRITTEN], [], [], [NOT_WRITTEN]]
    assert stored == [False, False, True, True]
