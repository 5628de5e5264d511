"""The MongoDB client: PyMongo's async API, or Motor behind the same door.

Motor reached the end of its life in May 2026; it is here for those who must stay on it. Both offer the same
coroutines; the two places where they differ are the functions below.
"""

from typing import Any, cast

from bson.codec_options import CodecOptions, DatetimeConversion
from pymongo import AsyncMongoClient
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import ConfigurationError, InvalidURI
from pymongo.monitoring import ConnectionPoolListener

from app.settings import MongoDriver, Settings

Document = dict[str, Any]
Client = AsyncMongoClient[Document]
Database = AsyncDatabase[Document]

# A date that Python cannot hold (a foreign collection may have one) is shown as the nearest that it can.
CODEC: CodecOptions[Document] = CodecOptions(tz_aware=False, datetime_conversion=DatetimeConversion.DATETIME_CLAMP)
SOCKET_GRACE_MS = 3_000


class BadAddress(ValueError):
    """GATEWAY_MONGODB_URI is not an address of a MongoDB."""


def open_client(
    settings: Settings, uri: str, *, patient: bool = False, pool: ConnectionPoolListener | None = None
) -> Client:
    """Make a client; nothing is sent yet. Raises BadAddress where the URI cannot be read.

    Every wait is bounded: finding a server by `connect_timeout_ms`, an answer by the query's own budget and a
    grace of three seconds. A `patient` client waits for answers without a bound. `pool` hears of its connections.
    """
    options: dict[str, Any] = {
        "serverSelectionTimeoutMS": settings.connect_timeout_ms,
        "connectTimeoutMS": settings.connect_timeout_ms,
        "appname": "analytics-gateway",
        # A server that is frozen, not gone, shows only in a look at it that fails: look often. Commands that wait for
        # it then end at once.
        "serverMonitoringMode": "poll",
        "heartbeatFrequencyMS": 1_000,
    }
    if pool is not None:
        options["event_listeners"] = [pool]
    if not patient:
        options["socketTimeoutMS"] = settings.query_timeout_ms + SOCKET_GRACE_MS
    try:
        if settings.mongo_driver is MongoDriver.MOTOR:
            from motor.motor_asyncio import AsyncIOMotorClient  # noqa: PLC0415 - only loaded where it is chosen

            return cast("Client", AsyncIOMotorClient(uri, **options))
        return AsyncMongoClient(uri, **options)
    except (InvalidURI, ConfigurationError, ValueError) as error:
        raise BadAddress(f"GATEWAY_MONGODB_URI: {error}") from None


def open_database(client: Client, settings: Settings) -> Database:
    """Name the database, with dates decoded as naive UTC."""
    return client.get_database(settings.database, codec_options=CODEC)


async def close_client(client: Client) -> None:
    """Close the client's connections (Motor closes at once, PyMongo with an await)."""
    closing: Any = client.close()
    if closing is not None:
        await closing
