"""Indexes and retention: made at start, never dropped, differences reported."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum, auto
from typing import Any

from pymongo.errors import OperationFailure

from app.errors import GatewayError
from app.query.dataset import Dataset
from app.settings import Settings
from app.store.client import Database
from app.store.failures import translated_failures

# MongoDB has no TTL index that never expires: the greatest number of seconds it takes is 68 years.
FOR_EVER_SECONDS = 2_147_483_647
_DAY_SECONDS = 86_400
_NAMESPACE_NOT_FOUND = 26
_DUPLICATE_KEY = 11000


class Upkeep(Enum):
    """How far a look at the indexes may go. An index that exists with other keys or options is never touched."""

    LOOK = auto()
    MAKE = auto()  # what is missing
    FULL = auto()  # and bring the retention to the settings, which may remove records


class IndexState(StrEnum):
    """How a wanted index stands to what the collection has."""

    PRESENT = "present"
    CREATED = "created"
    MISSING = "missing"
    RETENTION_CHANGED = "retention changed"
    DIFFERS = "differs"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class WantedIndex:
    """An index as it should be; `expires` in seconds makes it a TTL index."""

    collection: str
    name: str
    keys: tuple[tuple[str, int], ...]
    unique: bool = False
    expires: int | None = None


@dataclass(frozen=True, slots=True)
class IndexReport:
    """What was found or done about one wanted index; `detail` says what an operator should know.

    `expires` is after how many seconds a TTL index removes records as it is now.
    """

    collection: str
    name: str
    state: IndexState
    detail: str = ""
    unique: bool = False
    expires: int | None = None

    @property
    def is_there(self) -> bool:
        """Whether MongoDB has the index, as it is wanted but for the retention."""
        return self.state in {IndexState.PRESENT, IndexState.CREATED, IndexState.RETENTION_CHANGED} or (
            self.state is IndexState.DIFFERS and self.expires is not None
        )


_BUCKET = (("unit", 1), ("tenant", 1), ("start", 1))
ROLLUP_INDEXES = (
    WantedIndex("rollups", "unique_bucket", (("dataset", 1), *_BUCKET), unique=True),
    WantedIndex("rollups", "dirty", (("dataset", 1), ("clean", 1), *_BUCKET)),
    WantedIndex("rollups", "begun", (("dataset", 1), *_BUCKET, ("cells.first", 1))),
    WantedIndex("rollupKeys", "unique_key", (("dataset", 1), ("tenant", 1), ("key", 1)), unique=True),
    WantedIndex("rollupKeys", "unique_number", (("dataset", 1), ("tenant", 1), ("number", 1)), unique=True),
)


def wanted_indexes(datasets: Iterable[Dataset], settings: Settings) -> list[WantedIndex]:
    """List the indexes of all datasets, the TTL index of each with its retention from the settings."""
    wanted: list[WantedIndex] = []
    for dataset in datasets:
        wanted += [
            WantedIndex(dataset.collection, index.name, index.keys, unique=index.unique) for index in dataset.indexes
        ]
        days: int = getattr(settings, dataset.retention_setting)
        seconds = days * _DAY_SECONDS if days else FOR_EVER_SECONDS
        wanted.append(WantedIndex(dataset.collection, "retention", ((dataset.expires_by, 1),), expires=seconds))
    return [*wanted, *ROLLUP_INDEXES]


async def ensure_indexes(database: Database, wanted: Sequence[WantedIndex], upkeep: Upkeep) -> list[IndexReport]:
    """Compare, and mend as far as `upkeep` says.

    An index that exists with other keys or options is reported as `differs` and left alone.
    """
    reports: list[IndexReport] = []
    for collection in dict.fromkeys(index.collection for index in wanted):
        existing = await existing_indexes(database, collection)
        reports += [
            await _ensure(database, index, existing, upkeep) for index in wanted if index.collection == collection
        ]
    return reports


async def existing_indexes(database: Database, collection: str) -> list[dict[str, Any]]:
    """Tell the indexes of a collection as MongoDB does; none where there is no such collection."""
    with translated_failures():
        try:
            cursor = await database.cursor_command({"listIndexes": collection})
            return await cursor.to_list(None)
        except OperationFailure as error:
            if error.code == _NAMESPACE_NOT_FOUND:
                return []
            raise


async def _ensure(
    database: Database, index: WantedIndex, existing: Sequence[dict[str, Any]], upkeep: Upkeep
) -> IndexReport:
    keys = dict(index.keys)
    same_keys = [found for found in existing if list(dict(found["key"]).items()) == list(keys.items())]
    usable = [found for found in same_keys if _same_options(found, index)]
    if usable:
        return await _retention(database, index, usable[0], upkeep)
    if same_keys or any(found["name"] == index.name for found in existing):
        return _report(
            index,
            IndexState.DIFFERS,
            f"an index of that name or those keys exists with other options; wanted: {_described(index)}. "
            "Drop or rename it, then run `gateway indexes` again.",
        )
    if upkeep is Upkeep.LOOK:
        return _report(index, IndexState.MISSING, _described(index))
    try:
        with translated_failures():
            await _create(database, index)
    except _CannotCreate as error:
        return _report(index, IndexState.FAILED, str(error))
    except GatewayError as error:
        return _report(index, IndexState.FAILED, str(error.__cause__ or error)[:300])
    return _report(index, IndexState.CREATED, _described(index), index.expires)


class _CannotCreate(Exception):
    """Why MongoDB does not make an index of what is there."""


def _report(index: WantedIndex, state: IndexState, detail: str = "", expires: int | None = None) -> IndexReport:
    return IndexReport(index.collection, index.name, state, detail, index.unique, expires)


async def _create(database: Database, index: WantedIndex) -> None:
    specification: dict[str, Any] = {"name": index.name, "key": dict(index.keys)}
    if index.unique:
        specification["unique"] = True
    if index.expires is not None:
        specification["expireAfterSeconds"] = index.expires
    try:
        await database.command({"createIndexes": index.collection, "indexes": [specification]})
    except OperationFailure as error:
        if error.code == _DUPLICATE_KEY:
            shown = ", ".join(f"{name}: {value}" for name, value in (error.details or {}).get("keyValue", {}).items())
            raise _CannotCreate(f"several documents have the same key ({shown[:200]}); keep one of each") from error
        raise


async def _retention(database: Database, index: WantedIndex, found: dict[str, Any], upkeep: Upkeep) -> IndexReport:
    """Bring a TTL index to the retention that the settings ask for: only the number changes, nothing is rebuilt."""
    before = found.get("expireAfterSeconds")
    if index.expires is None or before == index.expires:
        return _report(index, IndexState.PRESENT, expires=before)
    detail = f"{before} s now, {index.expires} s by the settings"
    if upkeep is not Upkeep.FULL:
        return _report(index, IndexState.DIFFERS, detail, before)
    with translated_failures():
        await database.command(
            {"collMod": index.collection, "index": {"name": found["name"], "expireAfterSeconds": index.expires}}
        )
    return _report(index, IndexState.RETENTION_CHANGED, detail, index.expires)


def _same_options(found: dict[str, Any], index: WantedIndex) -> bool:
    return (
        bool(found.get("unique")) == index.unique
        and ("expireAfterSeconds" in found) == (index.expires is not None)
        and not any(found.get(option) for option in ("sparse", "partialFilterExpression", "collation", "hidden"))
    )


def _described(index: WantedIndex) -> str:
    keys = ", ".join(f"{name} {direction}" for name, direction in index.keys)
    extra = ", unique" if index.unique else f", expires after {index.expires} s" if index.expires is not None else ""
    return f"{{{keys}}}{extra}"
