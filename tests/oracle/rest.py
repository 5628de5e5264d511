"""REST answers: filters, windows and bodies of contract 5. Parameters are a plain dict of decoded text."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.oracle import filters, instants, pages, summary, windows
from tests.oracle.datasets import CONNECTION_EVENTS, SUMMARY_EVENTS, Dataset, Record, deduplicated, of_tenant

_CONNECTION_FILTERS = {
    "apiKeyId": "apikeyId",
    "connectionId": "connectionId",
    "serviceName": "serviceName",
    "protocolName": "protocolName",
    "dataCenter": "dataCenter",
    "eventType": "eventType",
}
_SUMMARY_TEXT_FILTERS = {
    "api_ref": "api_ref",
    "app_name": "app_name",
    "catalog_name": "catalog_name",
    "consumer_org_name": "developer_org_name",
    "gateway_service_name": "gateway_service_name",
    "plan_id": "plan_id",
    "product_ref": "product_ref",
    "provider_org_name": "org_name",
    "space_name": "space_name",
    "summary_event_id": "summary_event_id",
}
_SUMMARY_NUMBER_FILTERS = ("bytes_received", "bytes_sent", "time_to_serve_request")
_CONNECTION_SUMMARY_KEYS = (
    "organizationId",
    "serviceName",
    "protocolName",
    "dataCenter",
    "totalConnections",
    "newConnectionsInPeriod",
    "uniqueApiKeys",
    "averageConnectionDurationSeconds",
    "totalConnectionTimeSeconds",
    "firstConnection",
    "lastConnection",
    "lastActivity",
)


def under_data_center(stored: str | None, asked: str) -> bool:
    """Whether the stored data center is the one asked for, or below `asked/`; null is below none."""
    return stored is not None and (stored == asked or stored.startswith(asked + "/"))


def has_status_code(stored: str | None, asked: str) -> bool:
    """Whether the stored status is what a status_code parameter asks for.

    success, error: by outcome; 20x, 4xx: by the digits before the x; 404: alone or before words; else exact text.
    """
    if stored is None:
        return False
    if asked in ("success", "error"):
        return filters.has_outcome(stored, asked.upper())
    if re.fullmatch(r"\d\dx|\dxx", asked, re.ASCII):
        return stored.startswith(asked.rstrip("x"))
    if re.fullmatch(r"\d\d\d", asked, re.ASCII):
        return stored == asked or stored.startswith(asked + " ")
    return stored == asked


def record(stored: Record, dataset: Dataset, fields: Sequence[str] | None = None) -> Record:
    """Write the record as the source writes it: its keys in the seed's order, missing ones null, times in UTC."""
    body: Record = {}
    for name in dataset.stored.values():
        body[name] = stored.get(name)
    body[dataset.time_field] = instants.render(instants.parse(stored[dataset.time_field]), dataset.digits)
    return body if fields is None else {name: value for name, value in body.items() if name in fields}


def connection_events(
    events: Sequence[Record], organization_id: str, parameters: Mapping[str, str], now: int
) -> list[Record]:
    """Answer with the body of GET /api/connection-analytics/events/query: newest first, `limit` 1000 unless given."""
    window = windows.from_connection_parameters(parameters, now)
    mine = of_tenant(deduplicated(events, CONNECTION_EVENTS), CONNECTION_EVENTS, organization_id)
    in_time = [event for event in mine if window.contains(instants.parse(event["eventTimestamp"]))]
    found = [event for event in in_time if _connection_matches(event, parameters)]
    limit = int(parameters.get("limit", "1000"))
    in_order = pages.ordered(found, CONNECTION_EVENTS)
    return [record(event, CONNECTION_EVENTS) for event in in_order[:limit]]


def connection_summary(
    statuses: Sequence[Record], organization_id: str, parameters: Mapping[str, str], now: int
) -> list[Record]:
    """Answer with the body of GET /api/connection-analytics/summary, in the default order of connectionSummary."""
    window = windows.from_connection_parameters(parameters, now)
    mine = [status for status in statuses if status["organizationId"] == organization_id]
    found = [status for status in mine if _connection_matches(status, parameters)]
    rows = summary.ordered(summary.unordered_rows(found, window, now))
    return [{key: row[key] for key in _CONNECTION_SUMMARY_KEYS} for row in rows]


def summary_page(events: Sequence[Record], org_name: str, parameters: Mapping[str, str], now: int) -> dict[str, Any]:
    """Answer with the body of GET /summary without search_time: {total, events}; total counts all pages."""
    found = _summary_found(events, org_name, parameters, now)
    sort = parameters.get("sort")
    orders = None if sort is None else [(sort.removeprefix("-"), pages.DESC if sort.startswith("-") else pages.ASC)]
    limit, offset = int(parameters.get("limit", "50")), int(parameters.get("offset", "0"))
    if not 1 <= limit <= 500 or offset < 0:
        raise ValueError("limit is 1..500, offset 0 or more")
    fields = parameters["fields"].split(",") if "fields" in parameters else None
    page = pages.ordered(found, SUMMARY_EVENTS, orders)[offset : offset + limit]
    return {"total": len(found), "events": [record(event, SUMMARY_EVENTS, fields) for event in page]}


def summary_count(events: Sequence[Record], org_name: str, parameters: Mapping[str, str], now: int) -> dict[str, int]:
    """Answer with the body of GET /summary/count."""
    return {"total": len(_summary_found(events, org_name, parameters, now))}


def summary_event(events: Sequence[Record], org_name: str, event_id: str) -> Record | None:
    """Answer with the body of GET /summary/{id}; None stands for 404: not there, or another organization's."""
    for event in of_tenant(deduplicated(events, SUMMARY_EVENTS), SUMMARY_EVENTS, org_name):
        if event["summary_event_id"] == event_id:
            return record(event, SUMMARY_EVENTS)
    return None


def _connection_matches(stored: Record, parameters: Mapping[str, str]) -> bool:
    for parameter, field in _CONNECTION_FILTERS.items():
        if parameter in parameters:
            holds: Callable[[str | None, str], bool] = under_data_center if field == "dataCenter" else _is_text
            if not holds(stored.get(field), parameters[parameter]):
                return False
    return True


def _summary_found(events: Sequence[Record], org_name: str, parameters: Mapping[str, str], now: int) -> list[Record]:
    window = windows.from_summary_parameters(parameters, now)
    mine = of_tenant(deduplicated(events, SUMMARY_EVENTS), SUMMARY_EVENTS, org_name)
    in_time = [event for event in mine if window.contains(instants.parse(event["datetime"]))]
    return [event for event in in_time if _summary_matches(event, parameters)]


def _summary_matches(event: Record, parameters: Mapping[str, str]) -> bool:
    answers = [
        _unless_not(_is_text, event.get(field), parameters.get(parameter))
        for parameter, field in _SUMMARY_TEXT_FILTERS.items()
    ]
    answers += [_unless_not(_is_number, event.get(name), parameters.get(name)) for name in _SUMMARY_NUMBER_FILTERS]
    answers.append(_unless_not(has_status_code, event.get("status_code"), parameters.get("status_code")))
    return all(answers)


def _unless_not(holds: Callable[[Any, str], bool], stored: object, asked: str | None) -> bool:
    """Whether it holds; behind `not:` the exact opposite, null included; nothing asked holds."""
    if asked is None:
        return True
    if asked.startswith("not:"):
        return not holds(stored, asked.removeprefix("not:"))
    return holds(stored, asked)


def _is_text(stored: str | None, asked: str) -> bool:
    return stored is not None and stored == asked


def _is_number(stored: int | None, asked: str) -> bool:
    return stored is not None and stored == int(asked)
