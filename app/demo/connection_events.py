"""Connection events of the demo, in the shape of their source."""

from collections.abc import Iterator
from datetime import datetime
from heapq import merge

from app.demo.chance import digest
from app.demo.clients import DemoClient, clients_of
from app.demo.identifiers import uuid_text
from app.demo.organizations import DEMO_ORGANIZATIONS
from app.demo.sessions import session_events
from app.demo.window import demo_window, written


def connection_events(anchor: datetime) -> Iterator[dict[str, object]]:
    """Give 110,000 to 150,000 events of the 14 days before `anchor` (aware), oldest first.

    The same anchor gives the same records, ids included; another anchor gives other ids. At any time one event per
    client is held. Connections that outlive the anchor have a connect or heartbeat in the 2 minutes before it.
    """
    window = demo_window(anchor)
    clients: list[DemoClient] = []
    for organization in DEMO_ORGANIZATIONS:
        clients.extend(clients_of(organization, len(clients)))
    for serial, event in enumerate(merge(*(session_events(client, window) for client in clients))):
        client = clients[event.client]
        yield {
            "eventId": uuid_text(digest("connection event", window.end, serial)),
            "connectionId": event.connection_id,
            "organizationId": client.organization.organization_id,
            "apikeyId": client.api_key_id,
            "host": client.host,
            "ipAddress": client.ip_address,
            "protocolName": client.service.protocol,
            "serviceName": client.service.name,
            "dataCenter": client.data_center.name,
            "eventType": event.event_type,
            "eventDescription": event.description,
            "eventTimestamp": written(event.at),
        }
