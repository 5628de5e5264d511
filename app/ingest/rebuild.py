"""Builds every connection's status anew from the stored events."""

from dataclasses import dataclass

from app.datasets.connection_events.fields import CONNECTION_EVENTS
from app.datasets.connections.fields import CONNECTIONS
from app.datasets.connections.status import rebuild_pipeline, unsupported_match
from app.store.writer import Writer


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How many statuses there are now, and how many were removed since no event supports them."""

    connections: int
    removed: int


async def rebuild_connections(writer: Writer) -> Rebuilt:
    """Rebuild all statuses; safe beside a running load, and safe to run again after a kill.

    Only events that are still kept count: what the retention removed is gone from the status too.
    """
    start = await writer.server_time()
    await writer.run(CONNECTION_EVENTS.collection, rebuild_pipeline(start))
    removed = await writer.delete(CONNECTIONS.collection, unsupported_match(start))
    return Rebuilt(connections=await writer.count(CONNECTIONS.collection), removed=removed)
