"""Fills the bench's databases: records and connections inserted as they are stored, then the indexes."""

from collections.abc import Iterable
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain, islice
from typing import Any
from uuid import UUID

from pymongo import MongoClient
from pymongo.collection import Collection

from app.access.administration import NewKey, create_key
from app.ingest.rollups import bring_up
from app.registry import DATASETS, ROLLUPS
from app.settings import Settings
from app.store.indexes import Upkeep, wanted_indexes
from app.store.store import Store
from tests.bench.records import GREEDY, MODEST, Document, Organization, connections, summary_events
from tests.bench.sizes import MODEST_EVENTS, Size

Database = Any  # of PyMongo's blocking client
_SEED, _VERSION = "benchSeed", 1  # the version changes with the records
_BATCH, _AT_ONCE = 2_000, 3
MOST_AT_ONCE = 64  # requests, each with a key of its own


@dataclass(frozen=True, slots=True)
class Seeded:
    """A filled database: when its records end (naive UTC, whole milliseconds), and keys of each organization."""

    size: Size
    end: datetime
    greedy_keys: tuple[str, ...]
    modest_key: str

    @property
    def greedy_key(self) -> str:
        """The first of them."""
        return self.greedy_keys[0]


async def ensure_seeded(settings: Settings, uri: str, size: Size) -> Seeded:
    """Fill the size's database so that its records end now, unless an earlier run did; make keys for this run."""
    own = settings.model_copy(update={"database": size.database})
    with MongoClient[Document](uri) as client:
        seed = client[size.database][_SEED].find_one({"version": _VERSION, "events": size.events})
        end = seed["end"] if seed else fill(client, own, size)
    async with Store(own, uri, patient=True) as store:
        await store.ensure_indexes((one.dataset for one in DATASETS), Upkeep.FULL)
        for rollup in ROLLUPS:
            await bring_up(store, rollup)
        *greedy, modest = [
            str(await create_key(store.keys, NewKey(UUID(one.organization_id), one.org_name, "bench")))
            for one in (*[GREEDY] * MOST_AT_ONCE, MODEST)
        ]
    return Seeded(size, end, tuple(greedy), modest)


def fill(client: MongoClient[Document], settings: Settings, size: Size) -> datetime:
    """Make the database anew; tell when its records end."""
    database = client[size.database]
    client.drop_database(database)
    now = datetime.now(UTC).replace(tzinfo=None)
    end = now.replace(microsecond=now.microsecond // 1000 * 1000)
    for owner, events in ((GREEDY, size.events), (MODEST, min(MODEST_EVENTS, size.events))):
        _fill_connections(database, owner, events, end)
        insert(database["summaryEvents"], summary_events(owner, events, end))
    make_indexes(database, settings)
    # Last: a seeding that was cut off is begun anew.
    database[_SEED].insert_one({"version": _VERSION, "events": size.events, "end": end})
    return end


def _fill_connections(database: Database, owner: Organization, events: int, end: datetime) -> None:
    pairs = connections(owner, events, end)
    while block := list(islice(pairs, 10_000)):
        insert(database["connections"], (status for status, _ in block))
        insert(database["connectionEvents"], chain.from_iterable(made for _, made in block))


def insert(collection: Collection[Document], documents: Iterable[Document]) -> None:
    """Insert documents in batches, a few at once."""
    following = iter(documents)
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        running = set()
        while batch := list(islice(following, _BATCH)):
            running.add(pool.submit(collection.insert_many, batch, ordered=False))
            if len(running) >= _AT_ONCE:
                done, running = wait(running, return_when=FIRST_COMPLETED)
                for one in done:
                    one.result()
        for one in running:
            one.result()


def make_indexes(database: Database, settings: Settings) -> None:
    """Make the store's own indexes: all of a collection in one pass over it, the collections side by side."""
    wanted: dict[str, list[Document]] = {}
    for index in wanted_indexes((one.dataset for one in DATASETS), settings):
        specification: Document = {"name": index.name, "key": dict(index.keys)}
        if index.unique:
            specification["unique"] = True
        if index.expires is not None:
            specification["expireAfterSeconds"] = index.expires
        wanted.setdefault(index.collection, []).append(specification)
    with ThreadPoolExecutor() as pool:
        making = [
            pool.submit(database.command, {"createIndexes": collection, "indexes": specifications})
            for collection, specifications in wanted.items()
        ]
        for one in making:
            one.result()
