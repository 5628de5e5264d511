"""The reader: every read of data goes through here, and so inside one organization.

The organization is not a filter that a caller passes. The reader puts it first, checks the key's permission, allows
only stages that read the collection they were given, and always sets a time budget.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from time import perf_counter
from typing import Any, cast

from bson.timestamp import Timestamp

from app.errors import Forbidden, QueryTimeout
from app.query.dataset import Dataset
from app.query.ordering import SortKey
from app.query.rollups import Rollup, State
from app.scope import Scope
from app.store.client import CODEC, SOCKET_GRACE_MS, Database, Document
from app.store.compiled import find_rows, library
from app.store.deadlines import Deadline, answered_within
from app.store.failures import translated_failures
from app.store.key_numbers import KEYS
from app.store.reading_commands import check_operators, check_pipeline, find_command
from app.store.retentions import Retentions
from app.store.rollups import BUCKETS, STATES, state_of
from app.store.slow_queries import SlowQueries
from app.store.spans import command_span
from app.store.unread_rows import UNREAD, UnreadRows
from app.store.wire import Wire, document_of

_NO_LIMIT = 2**62


@dataclass(slots=True)
class Spent:
    """What a reader's commands came to: how many, the rows they gave, the milliseconds they took."""

    commands: int = 0
    rows: int = 0
    milliseconds: float = 0.0


class _Answer:
    """The `rows` of an answer, taken reply by reply; they stay unread where all are in one and no more than so many."""

    def __init__(self, most_unread: int) -> None:
        self._most_unread = most_unread
        self.rows: Sequence[Document] = ()

    def take(self, reply: bytes) -> Document | None:
        """Take the rows of a reply, and tell the command for those that follow."""
        found = find_rows(reply, self._most_unread) if self._most_unread else None
        if found is not None and not found.cursor:
            self.rows = UnreadRows(reply, found)
            return None
        cursor = document_of(reply)["cursor"]
        if "firstBatch" in cursor:
            self.rows = cursor["firstBatch"]
        else:
            self.rows = [*self.rows, *cursor["nextBatch"]]
        if not cursor["id"]:
            return None
        return {"getMore": cursor["id"], "collection": cursor["ns"].partition(".")[2]}


class Reader:
    """Reads inside one organization, each command within its time budget and all of them before the deadline."""

    def __init__(
        self,
        database: Database,
        scope: Scope,
        budget_ms: int,
        deadline: Deadline | None = None,
        slow_queries: SlowQueries = SlowQueries(),  # noqa: B008 - frozen
        *,
        retentions: Retentions | None = None,
        compiled: bool = True,
        wire: Wire | None = None,
    ) -> None:
        """`retentions` where rollups may be used, `compiled` where rows may stay unread, `wire` for a shorter way."""
        self._database = database
        self._deadline = deadline
        self._slow_queries = slow_queries
        self.budget_ms = budget_ms
        self.scope = scope
        self.retentions = retentions
        self.compiled = compiled and library() is not None
        self._wire = wire
        self.spent = Spent()
        self.snapshot: Document | None = None

    async def find(
        self,
        dataset: Dataset,
        match: Mapping[str, Any],
        *,
        sort: Sequence[SortKey],
        limit: int,
        skip: int = 0,
        fields: Iterable[str] | None = None,
        unread: bool = False,
    ) -> Sequence[Document]:
        """Read at most `limit` documents (1 or more) in the sort's order; `fields` None fetches whole documents.

        Where they may stay `unread`, they are decoded only once somebody looks at them.
        """
        command = find_command(dataset, match, sort=sort, limit=limit, skip=skip, fields=fields)
        command["filter"] = {"$and": [self._tenant(dataset), command["filter"]]}
        return await self._read(command, unread=unread and self.compiled)

    async def aggregate(self, dataset: Dataset, pipeline: Sequence[Mapping[str, Any]]) -> list[Document]:
        """Run a pipeline on the organization's documents of the dataset."""
        check_pipeline(pipeline)
        return await self._run(
            {
                "aggregate": dataset.collection,
                "pipeline": [{"$match": self._tenant(dataset)}, *pipeline],
                "cursor": {"batchSize": 10_001},
            }
        )

    async def aggregate_by(
        self,
        dataset: Dataset,
        index: str,
        parts: Sequence[Mapping[str, Any]],
        pipeline: Sequence[Mapping[str, Any]],
    ) -> list[Document]:
        """Run a pipeline on those of the organization's documents that match one of the parts, found by the index.

        Each part is looked for in the index by itself. `aggregate` leaves the choice of an index to MongoDB, which
        tries some for a moment; of two that find the latest records equally soon it may take the one that has to go
        through all. Raises NoSuchIndex where the collection does not have it.
        """
        check_operators(parts)
        check_pipeline(pipeline)
        match = {"$or": [{"$and": [self._tenant(dataset), part]} for part in parts]}
        # The limit keeps MongoDB from taking a match that follows into this one, and the parts for one condition.
        stages = [{"$match": match}, {"$limit": _NO_LIMIT}, *pipeline]
        keys = next(one.keys for one in dataset.indexes if one.name == index)
        return await self._run(
            {
                "aggregate": dataset.collection,
                "pipeline": stages,
                "cursor": {"batchSize": 10_001},
                "hint": dict(keys),
            }
        )

    async def count(self, dataset: Dataset, match: Mapping[str, Any]) -> int:
        """Count the organization's documents that match."""
        rows = await self.aggregate(dataset, [{"$match": match}, {"$count": "count"}])
        return int(rows[0]["count"]) if rows else 0

    async def read_rollups(self, rollup: Rollup, pipeline: Sequence[Mapping[str, Any]]) -> list[Document]:
        """Run a pipeline on the organization's buckets of the rollup."""
        check_pipeline(pipeline)
        self.check_permission(rollup.dataset)
        mine = {"dataset": rollup.name, "tenant": getattr(self.scope, rollup.dataset.tenant_attribute)}
        command = {"aggregate": BUCKETS, "pipeline": [{"$match": mine}, *pipeline], "cursor": {"batchSize": 10_001}}
        return await self._run(command)

    async def rollup_state(self, rollup: Rollup) -> State:
        """Tell whether the rollup's buckets are complete, of all organizations."""
        rows = await self._run({"find": STATES, "filter": {"_id": rollup.name}, "limit": 1, "singleBatch": True})
        return state_of(rows[0] if rows else None)

    async def key_numbers(self, rollup: Rollup, keys: Collection[str]) -> dict[str, int]:
        """Tell the numbers of those of the organization's keys that have one."""
        self.check_permission(rollup.dataset)
        tenant = getattr(self.scope, rollup.dataset.tenant_attribute)
        match = {"dataset": rollup.name, "tenant": tenant, "key": {"$in": list(keys)}}
        shown = {"_id": 0, "key": 1, "number": 1}
        rows = await self._run({"find": KEYS, "filter": match, "projection": shown, "batchSize": 10_001})
        return {row["key"]: row["number"] for row in rows}

    async def moment(self) -> Timestamp | None:
        """Tell the database's time of now, for `at`; None where it keeps none, as a server without replicas.

        In a replica set it is the last that a majority has: nobody waits for it, whichever members are away.
        """
        budget_ms = self._time_left_ms()
        asking = self._database.command({"hello": 1}, read_preference=self._database.read_preference)
        answer = await answered_within(budget_ms + SOCKET_GRACE_MS, asking)
        majority: Timestamp | None = answer.get("lastWrite", {}).get("majorityOpTime", {}).get("ts")
        moment: Timestamp | None = answer.get("operationTime")
        return majority or moment

    def at(self, moment: Timestamp | None) -> "Reader":
        """The same reader, all of whose commands see the data as of one moment; None: each as of when it runs.

        Raises SnapshotGone where MongoDB no longer knows, some minutes later or as an index is made.
        """
        pinned = copy(self)
        pinned.snapshot = None if moment is None else {"level": "snapshot", "atClusterTime": moment}
        return pinned

    async def evaluate(self, expression: Any) -> Any:
        """Let MongoDB compute an expression that reads no collection: what it alone knows exactly, as time zones."""
        check_operators(expression)
        pipeline = [{"$documents": [{}]}, {"$project": {"_id": 0, "value": expression}}]
        rows = await self._run({"aggregate": 1, "pipeline": pipeline, "cursor": {}})
        return rows[0]["value"]

    def check_permission(self, dataset: Dataset) -> None:
        """Raise Forbidden where the key may not read the dataset."""
        if dataset.permission not in self.scope.permissions:
            raise Forbidden(f"This key lacks the scope {dataset.permission}.")

    def _tenant(self, dataset: Dataset) -> Document:
        self.check_permission(dataset)
        return {dataset.tenant_field: {"$eq": getattr(self.scope, dataset.tenant_attribute)}}

    async def _run(self, command: Document) -> list[Document]:
        return cast("list[Document]", await self._read(command, unread=False))

    async def _read(self, command: Document, *, unread: bool) -> Sequence[Document]:
        """Run a command within its budget, and note what it took."""
        budget_ms = self._time_left_ms()
        kind, collection = next(iter(command.items()))
        begun, rows = perf_counter(), None
        self.spent.commands += 1
        try:
            with command_span(self._database.name, kind, collection if isinstance(collection, str) else None):
                rows = await self._over_wire(command, budget_ms, unread=unread)
                if rows is None:
                    rows = await self._by_driver(command, self._time_left_ms(), unread=unread)
        finally:
            took = (perf_counter() - begun) * 1000
            self.spent.milliseconds += took
            self._slow_queries.note(command, took, None if rows is None else len(rows), budget_ms)
        self.spent.rows += len(rows)
        return rows

    def _time_left_ms(self) -> int:
        """Tell how long the next command may take; QueryTimeout where the request's time is over."""
        if self._deadline is None:
            return self.budget_ms
        left = int(self._deadline.seconds_left * 1000)
        if left <= 0:
            raise QueryTimeout("The request took longer than its time budget; ask for less at once.")
        return min(self.budget_ms, left)

    async def _over_wire(self, command: Document, budget_ms: int, *, unread: bool) -> Sequence[Document] | None:
        """Read the rows over a connection that is kept for reads; None where the driver has to be asked."""
        if self._wire is None or self.snapshot is not None:
            return None
        answer = _Answer(command.get("limit", 0) if unread else 0)
        seconds = (budget_ms + SOCKET_GRACE_MS) / 1000
        with translated_failures():
            bounded = self._bounded(command, budget_ms)
            answered = await self._wire.ask(self._database.name, bounded, seconds, answer.take)
        return answer.rows if answered else None

    async def _by_driver(self, command: Document, budget_ms: int, *, unread: bool) -> Sequence[Document]:
        read = self._unread_rows if unread else self._rows
        return await answered_within(budget_ms + SOCKET_GRACE_MS, read(command, budget_ms))

    async def _rows(self, command: Document, budget_ms: int) -> Sequence[Document]:
        # A command takes neither from the database it is given to: how dates are decoded, where the URI wants to read.
        cursor = await self._database.cursor_command(
            self._bounded(command, budget_ms), codec_options=CODEC, read_preference=self._database.read_preference
        )
        return await cursor.to_list(None)

    async def _unread_rows(self, command: Document, budget_ms: int) -> Sequence[Document]:
        """Read the rows of a `find` that come in one reply, without decoding them."""
        reply = await self._database.command(
            self._bounded(command, budget_ms), codec_options=UNREAD, read_preference=self._database.read_preference
        )
        found = find_rows(reply.raw, command["limit"])
        if found is not None and not found.cursor:
            return UnreadRows(reply.raw, found)
        if found is not None:  # more than one reply can hold
            await self._database.command({"killCursors": command["find"], "cursors": [found.cursor]})
        return await self._rows(command, budget_ms)

    def _bounded(self, command: Document, budget_ms: int) -> Document:
        concern = {} if self.snapshot is None else {"readConcern": self.snapshot}
        return {**command, "maxTimeMS": budget_ms, **concern}
