"""Exports agree with the brute-force oracle, go on after any record, and hold organizations apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.faces.rest import exports
from tests.answers.asking import NOW, fill, keys_of, on_a_database
from tests.answers.test_rest_lists import parameters
from tests.gateways import Gateway
from tests.oracle import connections, rest
from tests.oracle.datasets import CONNECTION_EVENTS as EVENTS
from tests.oracle.datasets import CONNECTIONS, Dataset, Record, deduplicated
from tests.oracle.datasets import SUMMARY_EVENTS as CALLS
from tests.oracle.pages import ordered
from tests.oracle.specimens import ORG_NAMES, ORGANIZATIONS
from tests.server.export_files import PATHS, Json, as_csv, csv_rows, ndjson_records
from tests.strategies import connection_events, summary_events

_FOREIGN = "only the other organization has this"
_EVENT_FILTERS = ("apiKeyId", "connectionId", "serviceName", "dataCenter", "eventType")
_CALL_FILTERS = ("api_ref", "app_name", "provider_org_name", "space_name", "bytes_sent")


@st.composite
def _asked(
    draw: st.DrawFn, records: Sequence[Record], dataset: Dataset, names: tuple[str, ...], edges: tuple[str, str]
) -> dict[str, str]:
    """Draw filters and a window of the list route, and sometimes `fields`."""
    fields = draw(st.none() | st.lists(st.sampled_from(list(dataset.stored.values())), min_size=1, unique=True))
    filters = draw(parameters(records, dataset, names, edges))
    return filters if fields is None else {**filters, "fields": ",".join(fields)}


async def _export(gateway: Gateway, key: str, path: str, asked: dict[str, str]) -> bytes:
    answer = await gateway.get(key, path, **asked)
    assert answer.status_code == 200, answer.text
    return answer.content


@dataclass(frozen=True)
class _Asked:
    """An export, asked for with a key and filters."""

    gateway: Gateway
    key: str
    name: str
    filters: dict[str, str]

    async def lines(self, **more: str) -> list[Json]:
        """The records as NDJSON has them."""
        path = f"/export/{self.name}.ndjson"
        return ndjson_records(await _export(self.gateway, self.key, path, {**self.filters, **more}))

    async def rows(self, **more: str) -> list[list[str]]:
        """The header and the rows of CSV."""
        return csv_rows(await _export(self.gateway, self.key, f"/export/{self.name}.csv", {**self.filters, **more}))


async def _agrees(asked: _Asked, expected: list[Record], data: st.DataObject) -> None:
    """Both formats hold the expected records; what follows the cursor of a drawn one is exactly the rest."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exports, "BATCH_ROWS", data.draw(st.integers(1, 6), "rows in a batch"))
        assert await asked.lines() == expected
        header, *rows = await asked.rows()
        assert [header, *rows] == as_csv(expected, list(expected[0]) if expected else header)
        marked = await asked.lines(cursor="true")
        cursors = [record.pop("_cursor") for record in marked]
        assert marked == expected
        if cursors:
            at = data.draw(st.integers(0, len(cursors) - 1), "the last record that came")
            assert await asked.lines(after=cursors[at]) == expected[at + 1 :]
            assert (await asked.rows(after=cursors[at]))[1:] == rows[at + 1 :]


def _narrowed(records: list[Record], asked: dict[str, str]) -> list[Record]:
    names = asked["fields"].split(",") if "fields" in asked else None
    return [{name: value for name, value in record.items() if not names or name in names} for record in records]


@given(data=st.data())
@on_a_database
async def test_connection_exports_agree_with_the_oracle(gateway: Gateway, data: st.DataObject) -> None:
    """Events in the order of their 100 ns ticks, none stored being 0; connections as their list has them."""
    events = data.draw(connection_events())
    await fill(gateway, EVENTS, events)
    if data.draw(st.booleans(), "whole milliseconds without ticks"):
        collection = gateway.store.writer._database["connectionEvents"]  # noqa: SLF001 - as a foreign service writes
        half = {"eventTimestampTicks": 0, "eventId": {"$gt": data.draw(st.sampled_from(["", "6", "c"]))}}
        await collection.update_many(half, {"$unset": {"eventTimestampTicks": ""}})
    asked = data.draw(_asked(events, EVENTS, _EVENT_FILTERS, ("timeStart", "timeEnd")))
    statuses = connections.statuses(deduplicated(events, EVENTS))
    for organization, key in zip(ORGANIZATIONS, await keys_of(gateway), strict=True):
        expected = rest.connection_events(events, organization, asked, NOW)
        await _agrees(_Asked(gateway, key, "connection-events", asked), _narrowed(expected, asked), data)
        listed = (await gateway.get(key, "/api/connection-analytics/query")).json()
        mine = [status for status in statuses if status["organizationId"] == organization]
        by_start = ordered(mine, CONNECTIONS)
        assert [record["connectionId"] for record in listed] == [status["connectionId"] for status in by_start]
        await _agrees(_Asked(gateway, key, "connections", {}), listed, data)


@given(data=st.data())
@on_a_database
async def test_summary_exports_agree_with_the_oracle(gateway: Gateway, data: st.DataObject) -> None:
    """Calls, with `not:` before some filters."""
    calls = data.draw(summary_events())
    await fill(gateway, CALLS, calls)
    asked = data.draw(_asked(calls, CALLS, _CALL_FILTERS, ("start", "end")))
    for name in [name for name in asked if name in _CALL_FILTERS and not asked[name].startswith("not:")]:
        if data.draw(st.booleans()):
            asked[name] = "not:" + asked[name]
    for org_name, key in zip(ORG_NAMES, await keys_of(gateway), strict=True):
        expected = rest.summary_page(calls, org_name, {**asked, "limit": "500"}, NOW)["events"]
        await _agrees(_Asked(gateway, key, "summary-events", asked), expected, data)


@given(data=st.data())
@on_a_database
async def test_exports_are_the_same_whether_or_not_another_organization_has_data(
    gateway: Gateway, data: st.DataObject
) -> None:
    """Alike before and after another's records, of equal ids and times, are loaded; its cursors lead through mine."""
    events = deduplicated(
        [one | {"organizationId": ORGANIZATIONS[0]} for one in data.draw(connection_events())], EVENTS
    )
    calls = deduplicated([one | {"org_name": ORG_NAMES[0]} for one in data.draw(summary_events())], CALLS)
    key, their_key = await keys_of(gateway)
    await gateway.clear()
    await gateway.load_connection_events(events)
    await gateway.load_summary_events(calls)
    alone = {path: await _export(gateway, key, path, {}) for path in PATHS}
    theirs = {"organizationId": ORGANIZATIONS[1], "host": _FOREIGN}, {"org_name": ORG_NAMES[1], "app_name": _FOREIGN}
    await gateway.load_connection_events([one | theirs[0] for one in events])
    await gateway.load_summary_events([one | theirs[1] for one in calls])
    for path in PATHS:
        assert await _export(gateway, key, path, {}) == alone[path]
        foreign = await _export(gateway, their_key, path.replace(".csv", ".ndjson"), {"cursor": "true"})
        if records := ndjson_records(foreign):
            assert foreign.count(_FOREIGN.encode()) == len(records)
            at = data.draw(st.integers(0, len(records) - 1))
            after = await _export(gateway, key, path, {"after": records[at]["_cursor"]})
            assert _units(path, after) == _units(path, alone[path])[at + 1 :]


def _units(path: str, content: bytes) -> list[Any]:
    """The records of a file, without the header line."""
    return csv_rows(content)[1:] if path.endswith(".csv") else ndjson_records(content)
