"""Records that only a foreign service could have left: they do not keep the others from being read."""

from typing import Any

import httpx2
import pytest

from app.datasets.connections.summary import SUMMARY_FIELDS
from app.faces.rest.formats import FORMATS
from app.query.dataset import Dataset
from app.query.fields import Field, Kind
from app.registry import DATASETS
from app.server.exports import export_path
from tests.abuse.attacks import Attack, asking, faults, send
from tests.abuse.bounded_gateway import BoundedGateway
from tests.abuse.odd_records import ODD_VALUES, odd_calls, odd_connections, odd_events

ROOTS = {
    "connections": ("connections", len(odd_connections("x"))),
    "connection-events": ("connectionEvents", len(odd_events("x"))),
    "summary-events": ("summaryEvents", len(odd_calls("x"))),
}
NUMBERS = {
    "connections": ("connectionDurationSeconds",),
    "connection-events": (),
    "summary-events": ("bytesReceived", "bytesSent", "timeToServeRequest"),
}
DATASETS_BY_NAME = {one.dataset.name: one.dataset for one in DATASETS}


def page_of(dataset: Dataset) -> str:
    """Ask for all fields of all records of a dataset."""
    names = [*dataset.fields, *(derived.field for derived in dataset.derived)]
    fields = " ".join(field.public_name for field in names)
    return f"{{ page: {ROOTS[dataset.name][0]}(first: 1000) {{ totalCount nodes {{ {fields} }} edges {{ cursor }} }} }}"


def _named(dataset: Dataset) -> Field:
    """A field of text that every kind of odd value was put into."""
    return next(one for one in dataset.fields if one.name in {"host", "app_name"})


@pytest.mark.parametrize("name", ROOTS)
async def test_odd_records_are_read_with_the_others(
    client: httpx2.AsyncClient, abused: BoundedGateway, name: str
) -> None:
    """Every field of every one: what a field cannot hold is null, the rest of its record is as it is."""
    dataset = DATASETS_BY_NAME[name]
    attack = asking(name, page_of(dataset))
    assert await faults(client, abused.odd.key, [attack]) == []
    page: dict[str, Any] = (await send(client, abused.odd.key, attack)).json()["data"]["page"]
    by_id = {node[dataset.by_name[dataset.id_field].public_name]: node for node in page["nodes"]}
    assert page["totalCount"] == len(page["nodes"]) == len(by_id) == ROOTS[name][1]
    field = _named(dataset)
    shown = {kind: by_id[f"odd {field.name} {kind}"][field.public_name] for kind in ODD_VALUES}
    kept = {kind: value for kind, value in ODD_VALUES.items() if isinstance(value, str)}
    assert {kind: shown[kind] for kind in kept} == kept
    assert [
        kind for kind in ("object", "object id", "nan", "binary", "array", "decimal") if shown[kind] is not None
    ] == []


async def test_odd_records_go_out_by_rest(client: httpx2.AsyncClient, abused: BoundedGateway) -> None:
    """By each list, one by one, and by exports in each format."""
    exports = [export_path(export, form) for one in DATASETS for export in one.exports for form in FORMATS]
    paths = [
        "/api/connection-analytics/query",
        "/api/connection-analytics/events/query",
        "/api/connection-analytics/summary",
        "/summary?limit=500",
        *(f"/summary/{event['summary_event_id']}" for event in odd_calls("x")),
        *(f"{path}{more}" for path in exports for more in ("", "?cursor=true")),
    ]
    assert await faults(client, abused.odd.key, [Attack(path, path) for path in paths]) == []


@pytest.mark.parametrize("name", ROOTS)
async def test_odd_records_are_grouped(client: httpx2.AsyncClient, abused: BoundedGateway, name: str) -> None:
    """By every text, with every measure."""
    measures = " ".join(f"{number} {{ sum avg min max quantile(p: 0.5) }}" for number in NUMBERS[name])
    groups = f"{ROOTS[name][0].removesuffix('s')}Groups(limit: 1000)"
    texts = [one.public_name for one in DATASETS_BY_NAME[name].fields if one.kind in {Kind.TEXT, Kind.ADDRESS}]
    attacks = [
        asking(text, f"{{ {groups} {{ nodes {{ dimensions {{ {text} }} count uniq {{ {text} }} {measures} }} }} }}")
        for text in texts
    ]
    assert await faults(client, abused.odd.key, attacks) == []


async def test_odd_connections_are_summed_up(client: httpx2.AsyncClient, abused: BoundedGateway) -> None:
    """Every field of the summary."""
    fields = " ".join(field.public_name for field in SUMMARY_FIELDS)
    assert await faults(client, abused.odd.key, [asking("summary", f"{{ connectionSummary {{ {fields} }} }}")]) == []


@pytest.mark.parametrize("name", ROOTS)
async def test_odd_records_are_ordered(client: httpx2.AsyncClient, abused: BoundedGateway, name: str) -> None:
    """By each field: a page, or an error that says that no page can go on after a record."""
    dataset = DATASETS_BY_NAME[name]
    kind = f"{ROOTS[name][0][0].upper()}{ROOTS[name][0][1:].removesuffix('s')}Order"
    text = f"query($o: [{kind}!]) {{ {ROOTS[name][0]}(orderBy: $o, first: 1) {{ pageInfo {{ endCursor }} }} }}"
    attacks = [
        asking(f"{field.name} {direction}", text, {"o": [{"by": constant(field.public_name), "direction": direction}]})
        for field in dataset.fields
        for direction in ("ASC", "DESC")
    ]
    assert await faults(client, abused.odd.key, attacks) == []
    refused = asking("", text, {"o": [{"by": constant(_named(dataset).public_name), "direction": "DESC"}]})
    (error,) = (await send(client, abused.odd.key, refused)).json()["errors"]
    assert error["message"].startswith("orderBy: a record holds what ")


def constant(name: str) -> str:
    """The constant of an order that stands for a field."""
    return "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in name)
