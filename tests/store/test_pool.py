"""The counts of the driver's pool: what is open, what is in use, what could not be had."""

import asyncio

import pytest
from pymongo.monitoring import ConnectionCheckedOutEvent

from app.datasets.connections.fields import CONNECTIONS
from app.errors import Unavailable
from app.query.ordering import complete_order
from app.settings import MongoDriver, Settings
from app.store.pool import PoolCounts
from app.store.store import Store
from tests.gateways import free_port, make_settings
from tests.store.databases import scope_of


async def test_connections_are_counted_while_they_are_open(
    both_drivers: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All of them are back when no command runs, and gone once the store is closed; here none is kept for reads."""
    in_use: list[int] = []
    checked_out = PoolCounts.connection_checked_out

    def noting(counts: PoolCounts, event: ConnectionCheckedOutEvent) -> None:
        checked_out(counts, event)
        in_use.append(counts.in_use)

    monkeypatch.setattr(PoolCounts, "connection_checked_out", noting)
    assert both_drivers.mongodb_uri is not None
    settings = both_drivers.model_copy(update={"wire_reads": False})
    async with Store(settings, both_drivers.mongodb_uri.get_secret_value()) as store:
        order = complete_order(CONNECTIONS, None)
        reads = (store.reader(scope_of()).find(CONNECTIONS, {}, sort=order, limit=1) for _ in range(5))
        await asyncio.gather(*reads)
        assert len(in_use) == 5
        assert 1 <= max(in_use) <= 5
        assert store.pool.opened >= 1
        assert (store.pool.in_use, store.pool.failures) == (0, 0)
    for _ in range(100):  # Motor closes in a thread of its own
        await asyncio.sleep(0.02)
        if store.pool.opened == 0:
            break
    assert store.pool.opened == 0


@pytest.mark.parametrize("driver", list(MongoDriver))
async def test_a_pool_that_is_used_up_counts_failures(settings: Settings, driver: MongoDriver) -> None:
    """Where no connection comes free in time, the wait is a failure."""
    assert settings.mongodb_uri is not None
    uri = settings.mongodb_uri.get_secret_value()
    uri += f"{'&' if '?' in uri else '?'}maxPoolSize=1&waitQueueTimeoutMS=1"
    async with Store(settings.model_copy(update={"mongo_driver": driver}), uri) as store:
        await store.ping()
        work = {"$reduce": {"input": {"$range": [0, 300_000]}, "initialValue": 0, "in": {"$add": ["$$value", 1]}}}
        reads = (store.reader(scope_of()).evaluate(work) for _ in range(10))
        answers = await asyncio.gather(*reads, return_exceptions=True)
        failed = [answer for answer in answers if isinstance(answer, Unavailable)]
        assert len(failed) >= 1
        assert store.pool.failures >= len(failed)


async def test_nothing_is_open_where_nothing_listens() -> None:
    """Server selection fails before a connection is wanted."""
    store = Store(make_settings(connect_timeout_ms=100), f"mongodb://127.0.0.1:{free_port()}/")
    async with store:
        with pytest.raises(Unavailable):
            await store.ping()
        assert (store.pool.opened, store.pool.in_use) == (0, 0)
