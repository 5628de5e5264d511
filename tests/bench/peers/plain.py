"""The plain peer: FastAPI routes that read MongoDB and write with orjson, nothing between."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

import orjson
from fastapi import Depends, FastAPI, Header, HTTPException, Response
from pymongo.asynchronous.database import AsyncDatabase

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


def add_plain_routes(app: FastAPI, database: AsyncDatabase[Document]) -> None:
    """Add the routes of the plain peer."""
    keys = Keys(database)

    async def caller(x_api_key: Annotated[str | None, Header()] = None) -> Document:
        return await keys.check(x_api_key)

    @app.get("/viewer")
    async def viewer(key: Annotated[Document, Depends(caller)]) -> Response:
        return _json({name: key[own] for name, own in _VIEWER.items()})

    @app.get("/events")
    async def events(key: Annotated[Document, Depends(caller)], limit: int = 100) -> Response:
        match = {"organizationId": key["organizationId"]}
        found = database["connectionEvents"].find(match, EVENT_PROJECTION).sort(EVENT_SORT).limit(limit)
        return _json([event_record(row) for row in await found.batch_size(limit).to_list()])

    @app.get("/calls")
    async def calls(
        key: Annotated[Document, Depends(caller)],
        limit: int = 100,
        start: datetime | None = None,
        end: datetime | None = None,
        total: bool = False,  # noqa: FBT001, FBT002 - a parameter of the route
    ) -> Response:
        collection, match = database["summaryEvents"], calls_match(key["orgName"], _naive(start), _naive(end))
        found = collection.find(match, CALL_PROJECTION).sort(CALL_SORT).limit(limit).batch_size(limit)
        if not total:
            return _json({"events": [call_record(row) for row in await found.to_list()]})
        rows, count = await asyncio.gather(found.to_list(), collection.count_documents(match))
        return _json({"total": count, "events": [call_record(row) for row in rows]})

    @app.get("/calls/{identity}")
    async def call(key: Annotated[Document, Depends(caller)], identity: str) -> Response:
        match = {"org_name": key["orgName"], "summary_event_id": identity}
        row = await database["summaryEvents"].find_one(match, CALL_PROJECTION)
        if row is None:
            raise HTTPException(404)
        return _json(call_record(row))

    @app.get("/summary")
    async def summary(
        key: Annotated[Document, Depends(caller)], start: datetime | None = None, end: datetime | None = None
    ) -> Response:
        organization = key["organizationId"]
        pipeline = summary_pipeline(organization, _naive(start), _naive(end))
        cursor = await database["connections"].aggregate(pipeline)
        return _json([summary_record(organization, row) for row in await cursor.to_list()])


_VIEWER = {"organizationId": "organizationId", "orgName": "orgName", "keyId": "_id", "keyName": "name"}


def _naive(time: datetime | None) -> datetime | None:
    """Take a time in UTC as BSON has it, without a zone."""
    return None if time is None else time.replace(tzinfo=None)


def _json(body: Any) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
