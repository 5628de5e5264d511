"""Settings: environment variables with the prefix `GATEWAY_`, or the same names in a file `.env`."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

# As a browser sends it (RFC 6454): lower case, no path, and a port only where it is not the scheme's own.
_ORIGIN = re.compile(r"(https?)://([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([1-9][0-9]{0,4}))?", re.ASCII)
_OWN_PORTS = {"http": "80", "https": "443"}


class MongoDriver(StrEnum):
    """Which driver talks to MongoDB."""

    PYMONGO = "pymongo"
    MOTOR = "motor"


class Settings(BaseSettings):
    """Everything that can be set from outside. The README lists the same names; a test compares them."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_", env_file=".env", extra="ignore", frozen=True)

    mongodb_uri: SecretStr | None = Field(
        default=None,
        description="MongoDB to use: one server, a replica set or a sharded cluster. Absent: an embedded mongod.",
    )
    mongo_driver: MongoDriver = Field(default=MongoDriver.PYMONGO, description="`pymongo` or `motor`.")
    database: str = Field(default="analytics", pattern=r"^[A-Za-z0-9_-]{1,63}$", description="Name of the database.")
    data_dir: Path = Field(
        default=Path(".gateway-data"), description="Where the embedded mongod keeps its data, log and locks."
    )
    mongod: Path | None = Field(
        default=None, description="The mongod program to embed. Absent: the installed extra `embedded`, then PATH."
    )
    embedded_cache_mb: int = Field(
        default=512, ge=256, le=1_048_576, description="Memory for the embedded mongod's cache, in MiB."
    )
    manage_indexes: bool = Field(
        default=True, description="Make missing indexes and apply the retention when the server starts."
    )
    host: str = Field(default="127.0.0.1", description="Address to listen on.")
    port: int = Field(default=8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    workers: int = Field(default=1, ge=1, le=64, description="Server processes.")
    shutdown_seconds: int = Field(
        default=15, ge=1, le=600, description="How long a stop waits for requests that are running, in seconds."
    )
    query_timeout_ms: int = Field(
        default=10_000, ge=10, le=600_000, description="Time budget of one MongoDB command, in milliseconds."
    )
    request_timeout_ms: int = Field(
        default=30_000,
        ge=100,
        le=600_000,
        description="Time budget of one request, waiting for its turn included, in milliseconds.",
    )
    concurrency: int = Field(
        default=4, ge=1, le=1000, description="Requests that one process works on at once; others wait in turn."
    )
    queue_per_organization: int = Field(
        default=100, ge=0, le=100_000, description="Requests of one organization that may wait in one process."
    )
    max_connections: int = Field(
        default=800, ge=1, le=100_000, description="Connections of clients that one process takes at once."
    )
    cost_per_minute: int = Field(
        default=50_000_000,
        ge=0,
        description="What the requests of one key may cost in a minute, in one process; 0: without a bound.",
    )
    plan_cache: int = Field(
        default=1_000,
        ge=0,
        le=1_000_000,
        description="GraphQL documents whose plans one process keeps, the ones used last; 0: none, every one is new.",
    )
    introspection: bool = Field(
        default=True, description="Tell the schema to GraphQL clients with a key: tools and the explorer ask for it."
    )
    connect_timeout_ms: int = Field(
        default=3_000, ge=100, le=60_000, description="How long to look for a reachable MongoDB, in milliseconds."
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="Origins whose pages may ask from a browser, separated by commas. Absent: none.",
    )
    retention_connection_events_days: int = Field(
        default=730, ge=0, le=36_500, description="Days a connection event is kept; 0 keeps it for ever."
    )
    retention_connections_days: int = Field(
        default=730, ge=0, le=36_500, description="Days a connection is kept after its last activity; 0: for ever."
    )
    retention_summary_events_days: int = Field(
        default=1826, ge=0, le=36_500, description="Days a summary event is kept; 0 keeps it for ever."
    )
    compiled_rows: bool = Field(
        default=True,
        description="Write rows by the compiled library, where it was built at installation; answers are the same.",
    )
    wire_reads: bool = Field(
        default=True,
        description="Read over connections of the driver without its work around each command; answers are the same.",
    )
    rollups: bool = Field(
        default=True, description="Answer from rollups where they are complete and the answer is the same."
    )
    log_level: str = Field(
        default="info", pattern="^(debug|info|warning|error)$", description="`debug`, `info`, `warning` or `error`."
    )
    slow_query_ms: int = Field(
        default=1_000,
        ge=0,
        le=600_000,
        description="A MongoDB command that takes this long is logged with its shape, in milliseconds; 0: none is.",
    )
    otlp_endpoint: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/?#]+[^\s?#]*$",
        description="Where traces go, as OTLP over HTTP, such as `http://127.0.0.1:4318`. Absent: there are none.",
    )

    @field_validator("mongodb_uri", "mongod", "otlp_endpoint", mode="before")
    @classmethod
    def _empty_is_absent(cls, value: object) -> object:
        """`GATEWAY_MONGODB_URI=` in a compose file means that none is given."""
        return None if value == "" else value

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _split_origins(cls, value: object) -> object:
        """Read a list with commas; blanks around an origin do not matter."""
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _check_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Refuse what no browser sends: it would never match. `*` is refused too, since a list says who may ask."""
        for origin in value:
            parts = _ORIGIN.fullmatch(origin)
            if origin == "*":
                raise PydanticCustomError(
                    "origin", "* would let every page ask; list the origins, such as https://app.example.com"
                )
            if parts is None or parts[3] == _OWN_PORTS[parts[1]]:
                raise PydanticCustomError(
                    "origin",
                    "{origin} is not an origin; give it as browsers send it, such as https://app.example.com or "
                    "http://localhost:3000: in lower case, without a path, and without the scheme's own port",
                    {"origin": repr(origin)},
                )
        return value
