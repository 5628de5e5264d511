"""`gateway load` against plain inserts of the same documents, with the same indexes."""

import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from time import perf_counter, sleep
from typing import Any

import orjson

from tests.bench.consumption import most_resident_mb
from tests.bench.figures import ratios, spread
from tests.bench.ground import Ground
from tests.bench.peers.questions import Document, time_text
from tests.bench.records import EVENTS_PER_CONNECTION, GREEDY, connections, summary_events
from tests.bench.seeding import make_indexes
from tests.bench.tables import Table, spread_text
from tests.gateways import gateway_command

_DATABASE = "bench_loading"
_BATCH = 2_000
_LOOK_SECONDS = 0.02


@dataclass(frozen=True, slots=True)
class Loaded:
    """One load by the gateway: seconds of the whole command, and the most memory that it had, in MiB."""

    seconds: float
    most_mb: float


class LoadFailed(Exception):
    """The command did not take every record."""


def loading_table(ground: Ground, records: int, rounds: int, tell: Callable[[str], None]) -> Table:
    """Load so many records of each source in each round, and insert the same documents plainly."""
    end = datetime.now(UTC).replace(tzinfo=None, microsecond=0)
    pairs = connections(GREEDY, records + records // EVENTS_PER_CONNECTION, end)
    events = list(islice((event for _, made in pairs for event in made), records))
    calls = list(summary_events(GREEDY, records, end))
    rows = []
    for source, collection, documents in (
        ("connection-events", "connectionEvents", events),
        ("summary-events", "summaryEvents", calls),
    ):
        path = ground.folder / f"{source}.ndjson"
        path.write_bytes(b"".join(orjson.dumps(_record(one)) + b"\n" for one in documents))
        loads, plain = [], []
        for number in range(rounds):
            tell(f"loading {source}, round {number + 1} of {rounds}")
            loads.append(_load(ground, source, path))
            plain.append(_insert(ground, collection, documents))
        rows.append(
            (
                source,
                spread_text(ratios([one.seconds for one in loads], plain)),
                f"{spread([len(documents) / one.seconds for one in loads]).middle:,.0f}",
                f"{max(one.most_mb for one in loads):.0f}",
            )
        )
    with ground.client() as client:
        client.drop_database(_DATABASE)
    header = ("source", "time, plain inserts = 1.00", "records a second", "most memory, MiB")
    return Table(f"`gateway load` of {records:,} records", header, rows)


def _record(document: Document) -> Document:
    """Write a stored document as its source does."""
    record = dict(document)
    if "eventTimestamp" in record:
        record["eventTimestamp"] = time_text(record["eventTimestamp"], record.pop("eventTimestampTicks"))
    else:
        record["datetime"] = time_text(record["datetime"])
    return record


def _load(ground: Ground, source: str, path: Path) -> Loaded:
    _empty(ground)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GATEWAY_")}
    environment |= {"GATEWAY_MONGODB_URI": ground.uri, "GATEWAY_DATABASE": _DATABASE}
    begun, most = perf_counter(), 0.0
    log, command = ground.folder / "load.log", gateway_command("load", source, str(path))
    with log.open("wb") as output, subprocess.Popen(command, env=environment, stdout=output, stderr=output) as process:
        while process.poll() is None:
            most = max(most, most_resident_mb(process.pid))
            sleep(_LOOK_SECONDS)
    if process.returncode:
        raise LoadFailed(log.read_text("utf-8")[-2000:])
    return Loaded(perf_counter() - begun, most)


def _insert(ground: Ground, name: str, documents: Sequence[Document]) -> float:
    _empty(ground)
    with ground.client() as client:
        collection = client[_DATABASE][name]
        begun = perf_counter()
        for start in range(0, len(documents), _BATCH):
            # A copy of each: the driver puts an _id into what it is given.
            batch: list[dict[str, Any]] = [dict(one) for one in documents[start : start + _BATCH]]
            collection.insert_many(batch, ordered=False)
        return perf_counter() - begun


def _empty(ground: Ground) -> None:
    with ground.client() as client:
        client.drop_database(_DATABASE)
        make_indexes(client[_DATABASE], ground.settings)
