"""Brings the demo data and its keys into a database, once."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import orjson

from app.access.administration import NewKey, create_key
from app.access.credentials import same_secret
from app.access.state import is_live
from app.demo.connection_events import connection_events
from app.demo.organizations import DEMO_ORGANIZATIONS, DemoOrganization
from app.demo.summary_events import summary_events
from app.errors import Internal
from app.ingest.checking import Refusal
from app.ingest.holds import Holds
from app.ingest.loader import Loader, Tally
from app.ingest.sources import CONNECTION_EVENT_SOURCE, SUMMARY_EVENT_SOURCE, Source
from app.store.store import Store

_KEYS_FILE = "demo-keys.json"


@dataclass(frozen=True, slots=True)
class DemoKey:
    """A key of one demo organization, in full."""

    organization: DemoOrganization
    key: str


async def set_up(
    store: Store, data_dir: Path, progress: Callable[[str, Tally], None]
) -> tuple[datetime, list[DemoKey]]:
    """Load the demo data where it is not complete, and make the keys where they are not there.

    The data ends at the minute of the first run, which the database remembers: a run that was cut off goes on with
    the same data. Tells that time, and a key for each organization.
    """
    anchor, complete = await store.demo.begin(datetime.now(UTC).replace(second=0, microsecond=0))
    if not complete:
        await _load(store, CONNECTION_EVENT_SOURCE, connection_events(anchor), progress)
        await _load(store, SUMMARY_EVENT_SOURCE, summary_events(anchor), progress)
        await store.demo.complete()
    return anchor, await _keys(store, data_dir / _KEYS_FILE)


async def _load(
    store: Store, source: Source, records: Iterable[Mapping[str, object]], progress: Callable[[str, Tally], None]
) -> None:
    loader = Loader(store.writer, Holds(store.rollups, store.rebuilding), source, _never)
    await loader.load(_lines(records), lambda tally: progress(source.dataset.name, tally))


def _lines(records: Iterable[Mapping[str, object]]) -> Iterator[tuple[int, bytes]]:
    for number, record in enumerate(records, start=1):
        yield number, orjson.dumps(record)


def _never(refusal: Refusal, _line: object) -> None:
    raise Internal from ValueError(f"demo record {refusal.number}: {refusal.field}: {refusal.reason}")


async def _keys(store: Store, path: Path) -> list[DemoKey]:
    """Take the keys of the last run; make those anew that no longer open anything."""
    known = _read(path)
    keys: list[DemoKey] = []
    for organization in DEMO_ORGANIZATIONS:
        key = known.get(organization.organization_id, "")
        if not await _opens(store, key):
            new = NewKey(UUID(organization.organization_id), organization.org_name, name="demo")
            key = str(await create_key(store.keys, new))
        keys.append(DemoKey(organization, key))
    _write(path, keys)
    return keys


def _read(path: Path) -> dict[str, str]:
    """Read the keys of the last run; none where it was cut off while it wrote them."""
    try:
        kept = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return {organization: str(key) for organization, key in kept.items()} if isinstance(kept, dict) else {}


def _write(path: Path, keys: list[DemoKey]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.touch(mode=0o600)
    draft.write_text(json.dumps({one.organization.organization_id: one.key for one in keys}))
    draft.replace(path)


async def _opens(store: Store, key: str) -> bool:
    _, _, rest = key.partition("_")
    key_id, _, secret = rest.partition("_")
    stored = await store.keys.find(key_id) if key_id else None
    return stored is not None and is_live(stored) and same_secret(secret, stored.get("secretHash"))
