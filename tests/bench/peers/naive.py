"""The naive peer: Strawberry's own router over typed objects, as a good engineer writes it in an afternoon."""

from datetime import datetime
from typing import Annotated, Any, NewType, Self

import strawberry
from fastapi import FastAPI, Header
from pymongo.asynchronous.database import AsyncDatabase
from strawberry.fastapi import GraphQLRouter
from strawberry.schema.config import StrawberryConfig
from strawberry.types import Info

from tests.bench.peers.keys import Keys
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
)

Long = NewType("Long", int)
Context = dict[str, Any]


@strawberry.type
class ConnectionEvent:
    """One event."""

    event_id: str
    connection_id: str
    organization_id: str
    api_key_id: str | None
    host: str | None
    ip_address: str | None
    protocol_name: str | None
    service_name: str | None
    data_center: str | None
    event_type: str
    event_description: str | None
    event_timestamp: str

    @classmethod
    def of(cls, row: Document) -> Self:
        """Make it of a document."""
        record = event_record(row)
        return cls(
            event_id=record["eventId"],
            connection_id=record["connectionId"],
            organization_id=record["organizationId"],
            api_key_id=record["apikeyId"],
            host=record["host"],
            ip_address=record["ipAddress"],
            protocol_name=record["protocolName"],
            service_name=record["serviceName"],
            data_center=record["dataCenter"],
            event_type=record["eventType"],
            event_description=record["eventDescription"],
            event_timestamp=record["eventTimestamp"],
        )


@strawberry.type
class ConnectionEventPage:
    """A list of events."""

    nodes: list[ConnectionEvent]


@strawberry.type
class SummaryEvent:
    """One call."""

    api_ref: str | None
    app_name: str | None
    bytes_received: Long | None
    bytes_sent: Long | None
    catalog_name: str | None
    datetime: str
    developer_org_name: str | None
    gateway_service_name: str | None
    org_name: str
    plan_id: str | None
    product_ref: str | None
    space_name: str | None
    status_code: str | None
    summary_event_id: str
    time_to_serve_request: Long | None

    @classmethod
    def of(cls, row: Document) -> Self:
        """Make it of a document."""
        return cls(**call_record(row))


@strawberry.type
class SummaryEventPage:
    """A list of calls; the total is counted where it is selected."""

    nodes: list[SummaryEvent]
    match: strawberry.Private[Document]

    @strawberry.field
    async def total_count(self, info: Info[Context]) -> Long:
        """Count what matches."""
        return Long(await info.context["database"]["summaryEvents"].count_documents(self.match))


@strawberry.type
class ConnectionSummary:
    """One group."""

    organization_id: str
    service_name: str | None
    protocol_name: str | None
    data_center: str | None
    total_connections: Long
    new_connections_in_period: Long
    unique_api_keys: Long
    average_connection_duration_seconds: Long
    total_connection_time_seconds: Long
    first_connection: str
    last_connection: str
    last_activity: str

    @classmethod
    def of(cls, organization_id: str, row: Document) -> Self:
        """Make it of a group."""
        record = summary_record(organization_id, row)
        return cls(
            organization_id=record["organizationId"],
            service_name=record["serviceName"],
            protocol_name=record["protocolName"],
            data_center=record["dataCenter"],
            total_connections=record["totalConnections"],
            new_connections_in_period=record["newConnectionsInPeriod"],
            unique_api_keys=record["uniqueApiKeys"],
            average_connection_duration_seconds=record["averageConnectionDurationSeconds"],
            total_connection_time_seconds=record["totalConnectionTimeSeconds"],
            first_connection=record["firstConnection"],
            last_connection=record["lastConnection"],
            last_activity=record["lastActivity"],
        )


@strawberry.type
class Viewer:
    """The caller."""

    organization_id: str
    org_name: str
    key_id: str
    key_name: str


@strawberry.input
class TimeWindow:
    """start <= t < end."""

    start: datetime | None = None
    end: datetime | None = None

    @property
    def edges(self) -> tuple[datetime | None, datetime | None]:
        """The window's two edges, without a zone."""
        return self.start and self.start.replace(tzinfo=None), self.end and self.end.replace(tzinfo=None)


@strawberry.input
class TimeFilter:
    """Filters by time."""

    time: TimeWindow | None = None

    @property
    def edges(self) -> tuple[datetime | None, datetime | None]:
        """The window's two edges, without a zone."""
        return self.time.edges if self.time else (None, None)


@strawberry.type
class Query:
    """The questions."""

    @strawberry.field
    def viewer(self, info: Info[Context]) -> Viewer:
        """Tell who asks."""
        key = info.context["key"]
        return Viewer(
            organization_id=key["organizationId"], org_name=key["orgName"], key_id=key["_id"], key_name=key["name"]
        )

    @strawberry.field
    async def connection_events(self, info: Info[Context], first: int = 100) -> ConnectionEventPage:
        """Read the newest events."""
        match = {"organizationId": info.context["key"]["organizationId"]}
        found = info.context["database"]["connectionEvents"].find(match, EVENT_PROJECTION)
        rows = await found.sort(EVENT_SORT).limit(first).to_list()
        return ConnectionEventPage(nodes=[ConnectionEvent.of(row) for row in rows])

    @strawberry.field
    async def summary_events(
        self,
        info: Info[Context],
        filter: TimeFilter | None = None,  # noqa: A002 - the schema's name
        first: int = 100,
    ) -> SummaryEventPage:
        """Read the newest calls."""
        match = calls_match(info.context["key"]["orgName"], *(filter.edges if filter else (None, None)))
        found = info.context["database"]["summaryEvents"].find(match, CALL_PROJECTION)
        rows = await found.sort(CALL_SORT).limit(first).to_list()
        return SummaryEventPage(nodes=[SummaryEvent.of(row) for row in rows], match=match)

    @strawberry.field
    async def summary_event(self, info: Info[Context], id: strawberry.ID) -> SummaryEvent | None:  # noqa: A002 - the schema's name
        """Read one call."""
        match = {"org_name": info.context["key"]["orgName"], "summary_event_id": id}
        row = await info.context["database"]["summaryEvents"].find_one(match, CALL_PROJECTION)
        return None if row is None else SummaryEvent.of(row)

    @strawberry.field
    async def connection_summary(
        self,
        info: Info[Context],
        filter: TimeFilter | None = None,  # noqa: A002 - the schema's name
    ) -> list[ConnectionSummary]:
        """Group the connections."""
        organization = info.context["key"]["organizationId"]
        pipeline = summary_pipeline(organization, *(filter.edges if filter else (None, None)))
        cursor = await info.context["database"]["connections"].aggregate(pipeline)
        return [ConnectionSummary.of(organization, row) for row in await cursor.to_list()]


def add_naive_routes(app: FastAPI, database: AsyncDatabase[Document]) -> None:
    """Add the naive peer's endpoint."""
    keys = Keys(database)
    long_scalar = strawberry.scalar(name="Long", serialize=int, parse_value=int)
    schema = strawberry.Schema(Query, config=StrawberryConfig(scalar_map={Long: long_scalar}))

    async def context(x_api_key: Annotated[str | None, Header()] = None) -> Context:
        return {"key": await keys.check(x_api_key), "database": database}

    app.include_router(GraphQLRouter(schema, context_getter=context), prefix="/graphql")
