"""What the contract says about each dataset: its tenant, time and id fields, and GraphQL names beside stored ones."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Record = dict[str, Any]

STRING, LONG, STATUS_CODE, IP_ADDRESS = "StringFilter", "LongFilter", "StatusCodeFilter", "IpAddressFilter"


@dataclass(frozen=True)
class Dataset:
    """One row of the table in contract 1, with the fields of its seed.

    `stored` maps the GraphQL name to the stored one, in the seed's order; `operators` maps the GraphQL name of every
    filterable field to its operator input; `time_fields` are stored names; `digits` is how the source writes times.
    """

    tenant_field: str
    id_field: str
    time_field: str
    time_fields: frozenset[str]
    digits: int
    stored: dict[str, str]
    operators: dict[str, str]

    def stored_name(self, name: str) -> str:
        """Return the stored name of a field given by its GraphQL or its stored name; KeyError if it is neither."""
        if name in self.stored:
            return self.stored[name]
        if name in self.stored.values():
            return name
        raise KeyError(name)


_CONNECTION_OPERATORS = {
    "connectionId": STRING,
    "organizationId": STRING,
    "apiKeyId": STRING,
    "host": STRING,
    "ipAddress": IP_ADDRESS,
    "protocolName": STRING,
    "serviceName": STRING,
    "dataCenter": STRING,
}
_CONNECTION_STORED = {
    "connectionId": "connectionId",
    "organizationId": "organizationId",
    "apiKeyId": "apikeyId",
    "host": "host",
    "ipAddress": "ipAddress",
    "protocolName": "protocolName",
    "serviceName": "serviceName",
    "dataCenter": "dataCenter",
}

CONNECTION_EVENTS = Dataset(
    tenant_field="organizationId",
    id_field="eventId",
    time_field="eventTimestamp",
    time_fields=frozenset({"eventTimestamp"}),
    digits=7,
    stored={
        "eventId": "eventId",
        **_CONNECTION_STORED,
        "eventType": "eventType",
        "eventDescription": "eventDescription",
        "eventTimestamp": "eventTimestamp",
    },
    operators={"eventId": STRING, **_CONNECTION_OPERATORS, "eventType": STRING, "eventDescription": STRING},
)

CONNECTIONS = Dataset(
    tenant_field="organizationId",
    id_field="connectionId",
    time_field="connectionStartTime",
    time_fields=frozenset({"connectionStartTime", "lastHeartbeat", "lastActivity", "disconnectedAt"}),
    digits=7,
    stored={
        **_CONNECTION_STORED,
        "connectionStartTime": "connectionStartTime",
        "lastHeartbeat": "lastHeartbeat",
        "lastActivity": "lastActivity",
        "disconnectedAt": "disconnectedAt",
    },
    operators=_CONNECTION_OPERATORS,
)

SUMMARY_EVENTS = Dataset(
    tenant_field="org_name",
    id_field="summary_event_id",
    time_field="datetime",
    time_fields=frozenset({"datetime"}),
    digits=3,
    stored={
        "apiRef": "api_ref",
        "appName": "app_name",
        "bytesReceived": "bytes_received",
        "bytesSent": "bytes_sent",
        "catalogName": "catalog_name",
        "datetime": "datetime",
        "developerOrgName": "developer_org_name",
        "gatewayServiceName": "gateway_service_name",
        "orgName": "org_name",
        "planId": "plan_id",
        "productRef": "product_ref",
        "spaceName": "space_name",
        "statusCode": "status_code",
        "summaryEventId": "summary_event_id",
        "timeToServeRequest": "time_to_serve_request",
    },
    operators={
        "apiRef": STRING,
        "appName": STRING,
        "bytesReceived": LONG,
        "bytesSent": LONG,
        "catalogName": STRING,
        "developerOrgName": STRING,
        "gatewayServiceName": STRING,
        "orgName": STRING,
        "planId": STRING,
        "productRef": STRING,
        "spaceName": STRING,
        "statusCode": STATUS_CODE,
        "summaryEventId": STRING,
        "timeToServeRequest": LONG,
    },
)


def deduplicated(records: Iterable[Record], dataset: Dataset) -> list[Record]:
    """Keep the first stored of each tenant + id, in the order they were stored (contract 1, "unique by")."""
    kept: list[Record] = []
    seen: set[tuple[str, str]] = set()
    for record in records:
        identity = (record[dataset.tenant_field], record[dataset.id_field])
        if identity not in seen:
            seen.add(identity)
            kept.append(record)
    return kept


def of_tenant(records: Iterable[Record], dataset: Dataset, tenant: str) -> list[Record]:
    """Keep the records of one organization, and no other's (contract 2)."""
    return [record for record in records if record[dataset.tenant_field] == tenant]
