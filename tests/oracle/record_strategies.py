"""Strategies of records, as their sources write them.

Both organizations share ids, names and times on purpose: whatever crosses from one to the other shows.
All times lie in 2026-01-01..2026-03-01, so that a real `now` is later than the data.
"""

from typing import Any

from hypothesis import strategies as st

from tests.oracle import instants, specimens
from tests.oracle.datasets import CONNECTION_EVENTS, SUMMARY_EVENTS, Dataset, Record

Json = Any

texts = st.sampled_from(specimens.TEXTS) | st.text(specimens.SPECIAL_CHARACTERS, max_size=5)
moments = st.builds(int.__add__, st.sampled_from(specimens.MOMENTS), st.sampled_from(specimens.TICK_STEPS)) | (
    st.integers(specimens.FIRST_MOMENT, specimens.LAST_MOMENT - 1)
)


def _or_null(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(values, values, values, st.none())


_CONNECTION_FIELDS: dict[str, st.SearchStrategy[Json]] = {
    "apikeyId": _or_null(st.sampled_from(specimens.API_KEY_IDS)),
    "host": _or_null(st.sampled_from(specimens.HOSTS)),
    "ipAddress": _or_null(st.sampled_from(specimens.ADDRESSES)),
    "protocolName": _or_null(st.sampled_from(("WebSocket", "websocket", "REST"))),
    "serviceName": _or_null(st.sampled_from(specimens.TEXTS[:3]) | texts),
    "dataCenter": _or_null(st.sampled_from(specimens.DATA_CENTERS)),
    "eventDescription": _or_null(texts),
}
# Most connections share few keys, so that the groups of a summary hold more than one.
_common_keys = st.sampled_from(({}, *[{"serviceName": "coinapi-ws", "protocolName": "WebSocket"}] * 3)).flatmap(
    lambda keys: st.sampled_from(
        [{**keys, "dataCenter": name} for name in specimens.DATA_CENTERS[:2]] if keys else [{}]
    )
)
_numbers = _or_null(st.one_of(*[st.sampled_from(specimens.NUMBERS)] * 9, st.just(specimens.LARGEST_LONG)))
_SUMMARY_FIELDS: dict[str, st.SearchStrategy[Json]] = {
    "api_ref": st.sampled_from(("switch-api:1.0.0", "switch-api:1.0.1", "switch-api:1x0.0")),
    "app_name": _or_null(texts | st.just("undefined")),
    "bytes_received": _numbers,
    "bytes_sent": _numbers,
    "catalog_name": _or_null(texts),
    "developer_org_name": _or_null(texts),
    "gateway_service_name": _or_null(st.sampled_from(("v6gw", "V6gw", "v6gw2"))),
    "plan_id": _or_null(texts),
    "product_ref": _or_null(texts),
    "space_name": _or_null(texts),
    "status_code": st.sampled_from(specimens.STATUS_CODES),
    "time_to_serve_request": _or_null(st.sampled_from((0, 1, 2, 571, 572, 60_000))),
}


@st.composite
def connection_events(draw: st.DrawFn, max_events: int = 40) -> list[Record]:
    """Draw events of both organizations in the order of arrival: late, repeated, with nulls and missing keys."""
    mine, other = specimens.ORGANIZATIONS
    first = draw(_events_of(mine))
    if draw(st.booleans()):
        second = [{**event, "organizationId": other} for event in first]
        for event in second:
            event.update(draw(st.sampled_from(({}, {}, {"apikeyId": None}, {"eventType": "disconnect"}))))
    else:
        second = draw(_events_of(other))
    return draw(_arrivals([*first, *second], max_events))


@st.composite
def _events_of(draw: st.DrawFn, organization_id: str) -> list[Record]:
    events: list[Record] = []
    count = draw(st.sampled_from((4, 5, 3, 2, 1, 0)))
    for connection_id in draw(st.permutations(specimens.CONNECTION_IDS))[:count]:
        types = draw(st.sampled_from(specimens.LIVES))
        times = draw(st.lists(moments, min_size=len(types), max_size=len(types)))
        if draw(st.booleans()):
            times.sort()
        usual = draw(st.fixed_dictionaries(_CONNECTION_FIELDS)) | draw(_common_keys)
        for event_type, ticks in zip(types, times, strict=True):
            changed = draw(some_of(_CONNECTION_FIELDS, 0, 0, 1))
            lacking = draw(st.sampled_from(("",) * 20 + tuple(_CONNECTION_FIELDS)))
            identity = {"connectionId": connection_id, "organizationId": organization_id, "eventType": event_type}
            event = {**usual, **changed, **identity, "eventTimestamp": instants.render(ticks)}
            events.append(_as_written(event, CONNECTION_EVENTS, lacking))
    numbers = draw(st.permutations(range(len(events))))
    for number, event in zip(numbers, events, strict=True):
        event["eventId"] = f"{number:08x}-4321-8765-cba9-876543210987"
    return events


@st.composite
def summary_events(draw: st.DrawFn, max_events: int = 40) -> list[Record]:
    """Draw API calls of both organizations in the order of arrival: repeated whole, nulls and missing keys included."""
    events: list[Record] = []
    for org_name in specimens.ORG_NAMES:
        for number in range(draw(st.integers(0, 12))):
            record = draw(st.fixed_dictionaries(_SUMMARY_FIELDS))
            record |= {"org_name": org_name, "summary_event_id": f"A{number * 7 % 12:02d}ybP3Dnla5jttwIQuG-_"}
            record["datetime"] = instants.render(draw(moments), 3)
            events.append(_as_written(record, SUMMARY_EVENTS, draw(st.sampled_from(("", "", "space_name", "plan_id")))))
    return draw(_arrivals(events, max_events))


def _as_written(record: Record, dataset: Dataset, lacking: str) -> Record:
    # Keys in the seed's order; an id that is not there yet keeps its place.
    return {name: record.get(name) for name in dataset.stored.values() if name != lacking}


@st.composite
def _arrivals(draw: st.DrawFn, records: list[Record], max_events: int) -> list[Record]:
    repeats = draw(st.lists(st.sampled_from(records), max_size=4)) if records else []
    arrived = draw(st.permutations([*records, *repeats]))
    return [dict(record) for record in arrived[:max_events]]


def some_of(options: dict[str, st.SearchStrategy[Json]], *counts: int) -> st.SearchStrategy[dict[str, Json]]:
    """Draw as many of the named options as one of the counts says, each with a value of its own."""
    several = {
        count: st.lists(st.sampled_from(sorted(options)), min_size=count, max_size=count, unique=True)
        for count in counts
    }
    names = st.sampled_from(counts).flatmap(lambda count: several[count])
    return names.flatmap(lambda chosen: st.fixed_dictionaries({name: options[name] for name in chosen}))
