"""Records made by the number, and a look at what is stored of them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import orjson

from app.datasets.connection_events.fields import CONNECTION_EVENTS
from app.datasets.connections.fields import CONNECTIONS
from app.datasets.connections.status import CARRIED
from app.query.dataset import Dataset
from app.query.instants import format_instant, instant_from_date
from app.store.client import Database
from app.store.store import Store
from tests.oracle import connections, datasets, instants
from tests.oracle.datasets import Record, deduplicated

Line = tuple[int, bytes]
ORGANIZATION = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
_TYPES = ("heartbeat", "connect", "heartbeat", "disconnect", "subscribe")
_START = instants.parse("2026-05-01T00:00:00Z")


def made_event(number: int, **changed: Any) -> Record:
    """Make one of many events, five to a connection, out of order and finer than a millisecond."""
    place = number * 7919 % 100_003
    return {
        "eventId": f"event-{number:06}",
        "connectionId": f"conn-{number // 5:05}",
        "organizationId": ORGANIZATION,
        "apikeyId": f"key-{number % 3}",
        "host": f"host-{number % 11}",
        "serviceName": "coinapi-ws",
        "eventType": _TYPES[number % 5],
        "eventDescription": None,
        "eventTimestamp": instants.render(_START + place * 1234),
        **changed,
    }


def made_events(count: int) -> list[Record]:
    """Make so many different events."""
    return [made_event(number) for number in range(count)]


def made_call(number: int, **changed: Any) -> Record:
    """Make one of many summary events."""
    return {
        "datetime": instants.render(_START + number * instants.TICKS_PER_SECOND, 3),
        "org_name": "ibm",
        "summary_event_id": f"call-{number:06}",
        "status_code": "200 OK",
        "time_to_serve_request": number,
        **changed,
    }


def as_lines(records: Iterable[Record]) -> list[Line]:
    """Number the records as the lines of a file."""
    return [(number, orjson.dumps(record) + b"\n") for number, record in enumerate(records, start=1)]


def write_ndjson(path: Path, records: Iterable[Record]) -> Path:
    """Write the records as a file to load."""
    path.write_bytes(b"".join(line for _, line in as_lines(records)))
    return path


def database_of(store: Store) -> Database:
    """Look behind the store's doors, as tests may."""
    return store.writer._database  # noqa: SLF001 - no door of the gateway shows what exactly is stored


async def stored_ids(store: Store, dataset: Dataset = CONNECTION_EVENTS) -> list[str]:
    """Read the ids of all stored records, each as often as it is there."""
    rows = await database_of(store)[dataset.collection].find({}, {dataset.id_field: 1}).to_list(None)
    return sorted(row[dataset.id_field] for row in rows)


async def stored_statuses(store: Store, *names: str) -> list[dict[str, Any]]:
    """Read what a reader sees of all statuses, and the fields named, in the order of organization and connection.

    What a status keeps besides for the merging of later events is nobody's business.
    """
    shown = {"_id": 0, **dict.fromkeys((*CONNECTIONS.by_name, *names), 1)}
    cursor = database_of(store)[CONNECTIONS.collection].find({}, shown)
    return await cursor.sort([("organizationId", 1), ("connectionId", 1)]).to_list(None)


async def seen_statuses(store: Store) -> list[Record]:
    """Read all statuses as the oracle writes them."""
    times = sorted(datasets.CONNECTIONS.time_fields)
    return [
        {
            **{name: status[name] for name in ("connectionId", "organizationId", *CARRIED)},
            **{name: status[name] and format_instant(instant_from_date(status[name])) for name in times},
        }
        for status in await stored_statuses(store)
    ]


def right_statuses(events: Iterable[Record]) -> list[Record]:
    """Derive by the oracle what the statuses of these events must be, in the same order."""
    derived = connections.statuses(deduplicated(events, datasets.CONNECTION_EVENTS))
    return sorted(derived, key=lambda status: (status["organizationId"], status["connectionId"]))
