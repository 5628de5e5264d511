"""What is asked: a table of scenarios, each in the form of every target that has it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from app.datasets.summary_events.groups import SUMMARY_EVENT_GROUPS
from app.query.group_pipelines import group_pipeline
from app.query.grouping import COUNT, Bucket, Dimension, GroupQuery, Measure, Measured, Statistic
from app.query.instants import instant_from_date
from app.query.windows import Window
from tests.bench.asks import Ask, Command, Get, Post, values
from tests.bench.peers.questions import (
    CALL_PROJECTION,
    CALL_SORT,
    EVENT_PROJECTION,
    EVENT_SORT,
    Document,
    call_record,
    calls_match,
    event_record,
    summary_pipeline,
    summary_record,
    time_text,
)
from tests.bench.records import GREEDY
from tests.bench.targets import MONGOD, PLAIN, Form, Target

_EVENT = (
    "eventId connectionId organizationId apiKeyId host ipAddress protocolName serviceName dataCenter "
    "eventType eventDescription eventTimestamp"
)
_CALL = (
    "apiRef appName bytesReceived bytesSent catalogName datetime developerOrgName gatewayServiceName orgName planId "
    "productRef spaceName statusCode summaryEventId timeToServeRequest"
)
_SUMMARY = (
    "organizationId serviceName protocolName dataCenter totalConnections newConnectionsInPeriod uniqueApiKeys "
    "averageConnectionDurationSeconds totalConnectionTimeSeconds firstConnection lastConnection lastActivity"
)
_MEASURES = "count timeToServeRequest { sum avg p99: quantile(p: 0.99) }"
_GROUPS = "summaryEventGroups(filter: {time: {start: $start, end: $end}}, limit: 1000)"
_WINDOW = "query($start: DateTime!, $end: DateTime!)"
_MEASURED = (
    COUNT,
    *(Measure(Measured.NUMBER, "timeToServeRequest", one) for one in (Statistic.SUM, Statistic.AVG)),
    Measure(Measured.NUMBER, "timeToServeRequest", Statistic.QUANTILE, 0.99),
)
_HOURLY = Dimension("time", Bucket("hour", 1, "UTC"))


@dataclass(frozen=True, eq=False)
class Scenario:
    """A question, by the form of the targets that have it; `base` is the target that the others are compared with.

    Each client asks with a key of its own, and in words of its own, so that no answer is made for several; but where
    all ask the very `same`.
    """

    name: str
    title: str
    asks: Mapping[Form, Ask]
    concurrency: tuple[int, ...]
    base: Target = PLAIN
    same: bool = False


def scenarios(end: datetime, call_id: str) -> tuple[Scenario, ...]:
    """Make the table over records that end at `end` (naive UTC); `call_id` is a summary event that is there."""
    hour, week, month = (end - timedelta(hours=1), end - timedelta(days=7), end - timedelta(days=30))
    return (
        _rows(1000),
        _page(100, hour, end),
        Scenario("summary", "connectionSummary, all time", _summary(None, None), (1,)),
        Scenario("summary-7d", "connectionSummary, 7 days", _summary(week, end), (1,)),
        Scenario("five", "5 summary events, each asks its own", _five(), (64,)),
        Scenario("five-same", "5 summary events, all ask the same", _five(), (64,), same=True),
        Scenario("viewer", "the caller itself", _viewer(), (64,)),
        Scenario("one", "one summary event by its id", _one(call_id), (8,)),
        Scenario("series", "hourly series over 7 days", _groups(week, end, hourly=True), (1,), MONGOD),
        Scenario("totals", "totals over 30 days", _groups(month, end, hourly=False), (1,), MONGOD),
    )


def _rows(rows: int) -> Scenario:
    query = Post(f"{{ connectionEvents(first: {rows}) {{ nodes {{ {_EVENT} }} }} }}", _read_events)
    find = {
        "find": "connectionEvents",
        "filter": {"organizationId": GREEDY.organization_id},
        "projection": EVENT_PROJECTION,
        "sort": EVENT_SORT,
        **_one_batch(rows),
    }
    return Scenario(
        "rows",
        f"{rows:,} connection events",
        {
            Form.GRAPHQL: query,
            Form.NAIVE: query,
            Form.REST: Get("/api/connection-analytics/events/query", values, {"limit": rows}),
            Form.PLAIN: Get("/events", values, {"limit": rows}),
            Form.COMMAND: Command(find, lambda found: values([event_record(row) for row in found])),
        },
        (1, 8),
    )


def _read_events(data: Any) -> list[list[Any]]:
    return values(data["connectionEvents"]["nodes"])


def _page(rows: int, start: datetime, end: datetime) -> Scenario:
    window = _edges(start, end)
    query = Post(
        f"{_WINDOW} {{ summaryEvents(filter: {{time: {{start: $start, end: $end}}}}, first: {rows}) "
        f"{{ totalCount nodes {{ {_CALL} }} }} }}",
        lambda data: [[data["summaryEvents"]["totalCount"]], *values(data["summaryEvents"]["nodes"])],
        window,
    )
    return Scenario(
        "page",
        f"{rows} summary events of an hour, with their total",
        {
            Form.GRAPHQL: query,
            Form.NAIVE: query,
            Form.REST: Get("/summary", _read_page, {**window, "limit": rows}),
            Form.PLAIN: Get("/calls", _read_page, {**window, "limit": rows, "total": "true"}),
        },
        (1, 8),
    )


def _read_page(answer: Any) -> list[list[Any]]:
    return [[answer["total"]], *values(answer["events"])]


def _summary(start: datetime | None, end: datetime | None) -> dict[Form, Ask]:
    window = _edges(start, end) if start and end else {}
    field = f"connectionSummary(filter: {{time: {{start: $start, end: $end}}}}) {{ {_SUMMARY} }}"
    query = Post(
        f"{_WINDOW} {{ {field} }}" if window else f"{{ connectionSummary {{ {_SUMMARY} }} }}",
        lambda data: values(data["connectionSummary"]),
        window,
    )
    pipeline = summary_pipeline(GREEDY.organization_id, start, end)
    parameters = {"timeStart": window["start"], "timeEnd": window["end"]} if window else {}
    return {
        Form.GRAPHQL: query,
        Form.NAIVE: query,
        Form.REST: Get("/api/connection-analytics/summary", values, parameters),
        Form.PLAIN: Get("/summary", values, window),
        Form.COMMAND: Command(
            _aggregate("connections", pipeline),
            lambda found: values([summary_record(GREEDY.organization_id, row) for row in found]),
        ),
    }


def _five() -> dict[Form, Ask]:
    query = Post(f"{{ summaryEvents(first: 5) {{ nodes {{ {_CALL} }} }} }}", _read_calls)
    return {
        Form.GRAPHQL: query,
        Form.NAIVE: query,
        Form.PLAIN: Get("/calls", _read_route_calls, {"limit": 5}),
        Form.COMMAND: _find_calls(calls_match(GREEDY.org_name, None, None), 5),
    }


def _read_calls(data: Any) -> list[list[Any]]:
    return values(data["summaryEvents"]["nodes"])


def _read_route_calls(answer: Any) -> list[list[Any]]:
    return values(answer["events"])


def _viewer() -> dict[Form, Ask]:
    query = Post("{ viewer { organizationId orgName keyId keyName } }", lambda data: values([data["viewer"]]))
    return {Form.GRAPHQL: query, Form.NAIVE: query, Form.PLAIN: Get("/viewer", lambda answer: values([answer]))}


def _one(identity: str) -> dict[Form, Ask]:
    query = Post(
        f"query($id: ID!) {{ summaryEvent(id: $id) {{ {_CALL} }} }}",
        lambda data: values([data["summaryEvent"]]),
        {"id": identity},
    )
    return {
        Form.GRAPHQL: query,
        Form.NAIVE: query,
        Form.REST: Get(f"/summary/{identity}", lambda answer: values([answer])),
        Form.PLAIN: Get(f"/calls/{identity}", lambda answer: values([answer])),
        Form.COMMAND: _find_calls({"org_name": GREEDY.org_name, "summary_event_id": identity}, 1),
    }


def _groups(start: datetime, end: datetime, *, hourly: bool) -> dict[Form, Ask]:
    """Ask the gateway, and let MongoDB count the rows of the window, with the gateway's own pipeline over rows."""
    dimensions = "dimensions { hour: time(every: HOUR) } " if hourly else ""
    query = Post(
        f"{_WINDOW} {{ {_GROUPS} {{ nodes {{ {dimensions}{_MEASURES} }} }} }}",
        lambda data: [_group_values(node) for node in data["summaryEventGroups"]["nodes"]],
        _edges(start, end),
    )
    asked = GroupQuery(
        table=SUMMARY_EVENT_GROUPS,
        now=instant_from_date(end, 0),
        window=Window(instant_from_date(start, 0), instant_from_date(end, 0)),
        dimensions={("hour",): _HOURLY} if hourly else {},
        measures={(str(index),): measure for index, measure in enumerate(_MEASURED)},
        limit=1000,
    )
    pipeline = [{"$match": {"org_name": GREEDY.org_name}}, *group_pipeline(asked, limit=1000, finish=True)]
    return {Form.GRAPHQL: query, Form.COMMAND: Command(_aggregate("summaryEvents", pipeline), _read_counted)}


def _group_values(node: Document) -> list[Any]:
    time = node["timeToServeRequest"]
    return [*node.get("dimensions", {}).values(), node["count"], time["sum"], time["avg"], time["p99"]]


def _read_counted(rows: list[Document]) -> list[list[Any]]:
    hours = ([time_text(row["d0"])] if "d0" in row else [] for row in rows)
    return [[*hour, *(row[f"m{index}"] for index in range(4))] for hour, row in zip(hours, rows, strict=True)]


def _find_calls(match: Document, rows: int) -> Command:
    find = {"find": "summaryEvents", "filter": match, "projection": CALL_PROJECTION, "sort": CALL_SORT}
    return Command({**find, **_one_batch(rows)}, lambda found: values([call_record(row) for row in found]))


def _one_batch(rows: int) -> Document:
    return {"limit": rows, "batchSize": rows, "singleBatch": True}


def _aggregate(collection: str, pipeline: list[Document]) -> Document:
    return {"aggregate": collection, "pipeline": pipeline, "cursor": {"batchSize": 10_001}}


def _edges(start: datetime, end: datetime) -> dict[str, str]:
    return {"start": time_text(start), "end": time_text(end)}
