"""The gate: a remembered key waits for nothing, and a flood of unknown ones asks little of MongoDB."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID

import pytest

from app.access import gate as gates
from app.access.administration import NewKey, create_key
from app.access.credentials import Credential, new_credential
from app.access.gate import Gate
from app.access.lookups import LOOKUPS_AT_MOST, STRANGERS_AT_ONCE
from app.errors import Overloaded, Unauthenticated
from app.scope import Scope
from app.settings import Settings
from tests.access.counted_keys import CountedKeys
from tests.gateways import ORG_NAME, ORGANIZATION_ID
from tests.store.databases import opened_database

PATIENCE_MS = 100
HANG_SECONDS = 30


@pytest.fixture
async def keys(settings: Settings) -> AsyncIterator[CountedKeys]:
    """A store of keys on a database of this test's own."""
    async with opened_database(settings) as database:
        yield CountedKeys(database)


async def make(keys: CountedKeys) -> Credential:
    """Make a key."""
    return await create_key(keys, NewKey(UUID(ORGANIZATION_ID), ORG_NAME))


def headers(key: Credential) -> list[tuple[bytes, bytes]]:
    """Send a key."""
    return [(b"x-api-key", str(key).encode())]


async def under_way(keys: CountedKeys, count: int) -> None:
    """Wait until so many look-ups are under way."""
    async with asyncio.timeout(HANG_SECONDS):
        while True:
            if keys.under_way >= count:
                return
            await asyncio.sleep(0)


async def test_a_remembered_key_waits_for_nothing(keys: CountedKeys) -> None:
    """The second admission is one step of the coroutine, without a look-up, even while MongoDB is silent."""
    key = await make(keys)
    async with Gate(keys, PATIENCE_MS) as gate:
        scope = await gate.admit(headers(key))
        with pytest.raises(StopIteration) as answer:
            gate.admit(headers(key)).send(None)
        assert answer.value.value == scope
        assert keys.found == [key.key_id]


async def test_requests_with_the_same_key_share_one_look_up(keys: CountedKeys) -> None:
    """One find for all who ask at the same time; each still has its own secret checked."""
    key = await make(keys)
    forged = Credential(key.key_id, new_credential().secret)
    keys.open_.clear()
    async with Gate(keys, PATIENCE_MS) as gate:
        asking = [asyncio.create_task(gate.admit(headers(one))) for one in (key, forged) * 50]
        await under_way(keys, 1)
        asking[0].cancel()  # the first one leaves: the others are answered all the same
        await asyncio.sleep(0)
        keys.open_.set()
        answers = await asyncio.gather(*asking, return_exceptions=True)
    assert keys.found == [key.key_id]
    assert isinstance(answers[0], asyncio.CancelledError)
    assert all(isinstance(answer, Scope) for answer in answers[2::2])
    assert all(isinstance(answer, Unauthenticated) for answer in answers[1::2])


async def test_a_flood_of_unknown_keys_asks_little_of_mongodb(keys: CountedKeys) -> None:
    """So many at once, not more; all are refused in the end."""
    most = 0
    async with Gate(keys, HANG_SECONDS * 1000) as gate:
        asking = [asyncio.create_task(gate.admit(headers(new_credential()))) for _ in range(300)]
        while not all(task.done() for task in asking):
            most = max(most, keys.under_way)
            await asyncio.sleep(0)
        answers = await asyncio.gather(*asking, return_exceptions=True)
    assert most == STRANGERS_AT_ONCE
    assert {type(answer) for answer in answers} == {Unauthenticated}
    assert len(keys.found) == 300


async def test_unknown_keys_do_not_wait_for_ever(keys: CountedKeys) -> None:
    """Beyond the places: Overloaded once patience is over, with the time to try again; then service as before."""
    keys.open_.clear()
    async with Gate(keys, PATIENCE_MS) as gate:
        first = [asyncio.create_task(gate.admit(headers(new_credential()))) for _ in range(STRANGERS_AT_ONCE)]
        await under_way(keys, STRANGERS_AT_ONCE)
        async with asyncio.timeout(HANG_SECONDS):
            with pytest.raises(Overloaded) as refusal:
                await gate.admit(headers(new_credential()))
        assert (refusal.value.code, refusal.value.retry_after) == ("UNAVAILABLE", 1)
        assert len(keys.found) == STRANGERS_AT_ONCE
        keys.open_.set()
        answers = await asyncio.gather(*first, return_exceptions=True)
        assert {type(answer) for answer in answers} == {Unauthenticated}
        assert await gate.admit(headers(await make(keys)))


async def test_a_key_that_was_there_before_passes_the_flood(keys: CountedKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its look-up does not stand behind those of unknown ids, once what was remembered of it is old."""
    key = await make(keys)
    monkeypatch.setattr(gates, "REMEMBERED_SECONDS", 0.0)
    async with Gate(keys, HANG_SECONDS * 1000) as gate:
        await gate.admit(headers(key))
        keys.open_.clear()
        flood = [asyncio.create_task(gate.admit(headers(new_credential()))) for _ in range(3 * STRANGERS_AT_ONCE)]
        await under_way(keys, STRANGERS_AT_ONCE)
        again = asyncio.create_task(gate.admit(headers(key)))
        await under_way(keys, STRANGERS_AT_ONCE + 1)
        assert keys.found[-1] == key.key_id
        keys.open_.set()
        assert isinstance(await again, Scope)
        await asyncio.gather(*flood, return_exceptions=True)


async def test_the_queue_of_unknown_keys_is_bounded(keys: CountedKeys) -> None:
    """Who comes when it is full is sent away at once; a key that is being looked up already still is answered."""
    key = await make(keys)
    keys.open_.clear()
    async with Gate(keys, HANG_SECONDS * 1000) as gate:
        first = asyncio.create_task(gate.admit(headers(key)))
        await under_way(keys, 1)
        flood = [asyncio.create_task(gate.admit(headers(new_credential()))) for _ in range(LOOKUPS_AT_MOST - 1)]
        await under_way(keys, STRANGERS_AT_ONCE)
        with pytest.raises(Overloaded):
            gate.admit(headers(new_credential())).send(None)
        same = asyncio.create_task(gate.admit(headers(key)))
        await asyncio.sleep(0)
        keys.open_.set()
        assert await first == await same
        await asyncio.gather(*flood, return_exceptions=True)


async def test_what_is_remembered_is_bounded(keys: CountedKeys, monkeypatch: pytest.MonkeyPatch) -> None:
    """The key that was looked up longest ago makes room; unknown ids push nobody out."""
    monkeypatch.setattr(gates, "REMEMBERED_KEYS", 2)
    first, second, third = [await make(keys) for _ in range(3)]
    async with Gate(keys, PATIENCE_MS) as gate:
        for key in (first, second, third):
            await gate.admit(headers(key))
        for _ in range(5):
            with pytest.raises(Unauthenticated):
                await gate.admit(headers(new_credential()))
        keys.found.clear()
        for key in (second, third, first):
            await gate.admit(headers(key))
    assert keys.found == [first.key_id]


async def test_a_gate_that_is_left_ends_its_look_ups(keys: CountedKeys) -> None:
    """Nothing is under way afterwards, also where nobody waited for it any more."""
    keys.open_.clear()
    async with Gate(keys, HANG_SECONDS * 1000) as gate:
        asking = [asyncio.create_task(gate.admit(headers(new_credential()))) for _ in range(2 * STRANGERS_AT_ONCE)]
        await under_way(keys, STRANGERS_AT_ONCE)
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)
        assert keys.under_way == STRANGERS_AT_ONCE
    assert keys.under_way == 0
