"""Questions to a MongoDB about itself, for an operator: what it is, what it lets us do, how its clock and zones go."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from time import monotonic
from typing import Any

from pymongo import ReadPreference
from pymongo.errors import OperationFailure

from app.query.rollups import Rollup
from app.store.client import Database, Document
from app.store.deadlines import answered_within
from app.store.failures import UNKNOWN_TIME_ZONE
from app.store.keys import API_KEYS
from app.store.rollups import BUCKETS, STATES, state_of

_MAJORITY_MS = 3_000
LONG_DIRTY = timedelta(hours=1)
READING = frozenset({"find"})
WRITING = frozenset({"insert", "update", "remove"})
INDEXING = frozenset({"listIndexes", "createIndex", "collMod"})


class Topology(StrEnum):
    """What answers at the address."""

    STANDALONE = "standalone"
    REPLICA_SET = "replica set"
    SHARDED = "sharded cluster"


@dataclass(frozen=True, slots=True)
class Server:
    """What a MongoDB says of itself. `members` counts those that hold data; of a replica set only."""

    version: str
    topology: Topology
    members: int = 0
    has_primary: bool = True


@dataclass(frozen=True, slots=True)
class ClockOffset:
    """How far the server's clock is ahead of this machine's, in seconds, and by how much that may be wrong."""

    seconds: float
    doubt: float


@dataclass(frozen=True, slots=True)
class RollupHealth:
    """How a rollup is: its buckets that changed over an hour ago and were not built since, and those that cannot be."""

    name: str
    complete: bool
    late: int = 0
    unfit: int = 0


class Diagnosis:
    """Asks a database about itself; nothing is changed. Every answer comes within a bound.

    Raises Unavailable where none comes, NotAdmitted or NotPermitted where MongoDB lets us ask no such thing.
    """

    def __init__(self, database: Database, budget_ms: int) -> None:
        self._database = database
        self._budget_ms = budget_ms

    async def server(self) -> Server:
        """Ask the nearest member: also without a primary there is an answer."""
        hello = await self._ask({"hello": 1})
        version = (await self._ask({"buildInfo": 1}))["version"]
        if hello.get("msg") == "isdbgrid":
            return Server(version, Topology.SHARDED)
        if "setName" not in hello:
            return Server(version, Topology.STANDALONE)
        members = len(hello.get("hosts", ())) + len(hello.get("passives", ()))
        return Server(version, Topology.REPLICA_SET, members, "primary" in hello)

    async def clock_offset(self) -> ClockOffset:
        """Compare the clocks: the server's is taken to have been read half-way between question and answer."""
        await self._ask({"hello": 1})  # so that no connection is made meanwhile
        here, begun = datetime.now(UTC), monotonic()
        there: datetime = (await self._ask({"hello": 1}))["localTime"]
        took = monotonic() - begun
        return ClockOffset((there.replace(tzinfo=UTC) - here).total_seconds() - took / 2, took / 2)

    async def write_with_majority(self) -> bool:
        """Write nothing, acknowledged by a majority; tell whether that came.

        (The update meets no document. It needs the right to update, a primary, and a majority that has all before it.)
        """
        nothing = {"q": {"_id": {"$in": []}}, "u": {"$set": {"name": ""}}}
        concern = {"w": "majority", "wtimeout": _MAJORITY_MS}
        command = {"update": API_KEYS, "updates": [nothing], "writeConcern": concern}
        answer = await answered_within(self._budget_ms, self._database.command(command))
        return "writeConcernError" not in answer

    async def missing_rights(self, actions: Iterable[str], collections: Iterable[str]) -> list[str] | None:
        """Tell which actions the user may not do on some collection; None where MongoDB asks for no user."""
        said = (await self._ask({"connectionStatus": 1, "showPrivileges": True}))["authInfo"]
        if not said["authenticatedUsers"]:
            return None
        privileges, name = said["authenticatedUserPrivileges"], self._database.name
        wanted = list(collections)
        return sorted(
            action
            for action in actions
            if not all(_allows(privileges, action, name, collection) for collection in wanted)
        )

    async def offsets(self, zone: str, moments: Sequence[datetime]) -> list[str] | None:
        """Tell a time zone's offsets, such as `+0200`, at moments (naive UTC); None where the zone is unknown."""
        shown = [
            {"$dateToString": {"date": {"$literal": moment}, "format": "%z", "timezone": zone}} for moment in moments
        ]
        pipeline = [{"$documents": [{}]}, {"$project": {"_id": 0, "value": shown}}]
        try:
            rows = await self._rows({"aggregate": 1, "pipeline": pipeline, "cursor": {}})
        except OperationFailure as error:
            if error.code == UNKNOWN_TIME_ZONE:
                return None
            raise
        offsets: list[str] = rows[0]["value"]
        return offsets

    async def count(self, collection: str) -> int:
        """Tell about how many documents there are."""
        return await answered_within(self._budget_ms, self._database[collection].estimated_document_count())

    async def rollup_health(self, rollup: Rollup) -> RollupHealth:
        """Tell whether a rollup is complete, and how many of its buckets are out of date for long, or for good."""
        states, buckets = self._database[STATES], self._database[BUCKETS]
        dirty = {"dataset": rollup.name, "clean": False}
        late = {**dirty, "unfit": {"$ne": True}, "changed": {"$lt": datetime.now(UTC) - LONG_DIRTY}}
        state = await answered_within(self._budget_ms, states.find_one({"_id": rollup.name}))
        return RollupHealth(
            rollup.name,
            complete=state_of(state).complete,
            late=await answered_within(self._budget_ms, buckets.count_documents(late)),
            unfit=await answered_within(self._budget_ms, buckets.count_documents({**dirty, "unfit": True})),
        )

    async def newest(self, collection: str, by: str, limit: int) -> list[Document]:
        """Read the documents with the latest `by`."""
        cursor = self._database[collection].find({}).sort(by, -1).limit(limit)
        return await answered_within(self._budget_ms, cursor.to_list(None))

    async def at(self, collection: str, keys: Sequence[Mapping[str, Any]]) -> list[Document]:
        """Read the documents at these exact keys (at least one)."""
        cursor = self._database[collection].find({"$or": [dict(key) for key in keys]})
        return await answered_within(self._budget_ms, cursor.to_list(None))

    async def _ask(self, command: Document) -> Document:
        asking = self._database.command(command, read_preference=ReadPreference.NEAREST)
        answer: Document = await answered_within(self._budget_ms, asking)
        return answer

    async def _rows(self, command: Document) -> list[Document]:
        async def asking() -> list[Document]:
            cursor = await self._database.cursor_command(command, read_preference=ReadPreference.NEAREST)
            return await cursor.to_list(None)

        return await answered_within(self._budget_ms, asking())


def _allows(privileges: Sequence[Document], action: str, database: str, collection: str) -> bool:
    """Whether one of the privileges is for the action on the collection; an empty name stands for all."""
    for privilege in privileges:
        resource = privilege["resource"]
        here = resource.get("anyResource") or (
            resource.get("db") in {"", database} and resource.get("collection") in {"", collection}
        )
        if here and action in privilege["actions"]:
            return True
    return False
