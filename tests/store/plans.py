"""Plans: rows for the planner to choose by, and what mongod explains of the very commands that the code sends."""

from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

from app.query.dataset import Dataset
from app.query.fields import Field, Kind
from app.query.pages import Row
from app.store.client import CODEC, Database, Document
from app.store.reader import Reader
from tests.query.specimens import millisecond
from tests.store.databases import OTHER_ORG_NAME, OTHER_ORGANIZATION_ID, Recorder, reader_of, scope_of

ROWS = 2_000
START = millisecond(0)
SCANS = {"IXSCAN", "COUNT_SCAN", "DISTINCT_SCAN", "IDHACK", "EOF"}
BLOCKING = {"SORT"}  # SORT_MERGE reads streams that are each in order
Recorded = tuple[Database, Recorder]
Stages = list[Document]
Ask = Callable[[Reader], Awaitable[object]]


def _value(field: Field, number: int) -> Any:
    match field.kind:
        case Kind.LONG:
            return number % 50
        case Kind.TIME:
            return START + timedelta(minutes=number // 3)
        case Kind.ADDRESS:
            return f"10.0.{number % 7}.1"
        case Kind.STATUS:
            return ("200 OK", "404 Not Found", "500")[number % 3]
        case Kind.TEXT:
            return f"v{number % 20}"


def rows_of(dataset: Dataset) -> Iterator[Row]:
    """Make `ROWS` rows of the tests' organization, and some of another; the ids count up."""
    for scope, count in ((scope_of(), ROWS), (scope_of(OTHER_ORGANIZATION_ID, OTHER_ORG_NAME), 500)):
        for number in range(count):
            row: Row = {field.name: _value(field, number) for field in dataset.fields}
            row[dataset.id_field] = f"{number:05d}"
            row[dataset.tenant_field] = getattr(scope, dataset.tenant_attribute)
            if dataset.ticks_field and number % 2:
                row[dataset.ticks_field] = number % 10_000
            yield row


async def plans_of(recorded: Recorded, ask: Ask) -> list[tuple[Document, Stages]]:
    """Ask, and let mongod explain each command that was sent: the command, and the stages of its winning plan."""
    database, recorder = recorded
    recorder.commands.clear()
    await ask(reader_of(database))
    plans: list[tuple[Document, Stages]] = []
    for command in recorder.named("find", "aggregate"):
        kept = {
            name: part
            for name, part in command.items()
            if name not in {"lsid", "$clusterTime", "$db", "$readPreference"}
        }
        answer = await database.command({"explain": kept, "verbosity": "queryPlanner"}, codec_options=CODEC)
        plans.append((kept, list(_stages(answer, inside=False))))
    assert plans
    return plans


def _stages(part: Any, *, inside: bool) -> Iterator[Document]:
    if isinstance(part, dict):
        if inside and "stage" in part:
            yield part
        for name, inner in part.items():
            if name != "rejectedPlans":
                yield from _stages(inner, inside=inside or name == "winningPlan")
    elif isinstance(part, list):
        for inner in part:
            yield from _stages(inner, inside=inside)


async def assert_indexed(recorded: Recorded, ask: Ask, *, streams: bool = False) -> list[Stages]:
    """Each command scans an index and no collection; with `streams` no find sorts either."""
    found = []
    for command, stages in await plans_of(recorded, ask):
        names = {stage["stage"] for stage in stages}
        assert names & SCANS, (command, names)
        assert "COLLSCAN" not in names, command
        assert not (streams and "find" in command and names & BLOCKING), (command, names)
        found.append(stages)
    return found
