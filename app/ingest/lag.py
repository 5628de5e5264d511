"""Whether the statuses of connections are as far as their events."""

from app.datasets.connection_events.fields import CONNECTION_EVENTS
from app.datasets.connections.fields import CONNECTIONS
from app.datasets.connections.status import fold
from app.store.diagnosis import Diagnosis

NEWEST_EVENTS = 500


async def statuses_behind(diagnosis: Diagnosis) -> int:
    """Count the connections that lack what the newest events say: another service may write events alone."""
    events = await diagnosis.newest(CONNECTION_EVENTS.collection, CONNECTION_EVENTS.time_field, NEWEST_EVENTS)
    wanted = fold(events)
    if not wanted:
        return 0
    keys = [{"organizationId": organization, "connectionId": connection} for organization, connection in wanted]
    stored = await diagnosis.at(CONNECTIONS.collection, keys)
    last = {(status["organizationId"], status["connectionId"]): status.get("lastActivity") for status in stored}
    behind = 0
    for key, status in wanted.items():
        activity = last.get(key)
        behind += activity is None or activity < status["lastActivity"]
    return behind
