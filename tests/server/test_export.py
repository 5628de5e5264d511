"""Exports: what goes out, in which order and form, and what is refused. How they are streamed: the file beside."""

import gzip
from typing import Any

import httpx2
import pytest

from app.faces.rest import exports
from app.scope import Permission
from tests.gateways import ORG_NAME, Gateway
from tests.seed_records import seed_connection_events, seed_summary_events
from tests.server.export_files import PATHS, as_csv, csv_rows, ndjson_records

LISTS = {
    "connection-events": "/api/connection-analytics/events/query",
    "connections": "/api/connection-analytics/query",
    "summary-events": "/summary",
}
EVENTS = "/export/connection-events.ndjson"


@pytest.fixture
async def key(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> str:
    """A key of an organization with the seeds' records; a batch is of two."""
    monkeypatch.setattr(exports, "BATCH_ROWS", 2)
    await gateway.load_connection_events(seed_connection_events())
    await gateway.load_summary_events(seed_summary_events())
    return await gateway.key()


async def listed(gateway: Gateway, key: str, path: str, **asked: str) -> list[dict[str, Any]]:
    """Ask the list route of an export's dataset."""
    body = (await gateway.get(key, LISTS[path.split("/")[2].split(".", maxsplit=1)[0]], **asked)).json()
    records: list[dict[str, Any]] = body["events"] if isinstance(body, dict) else body
    return records


@pytest.mark.parametrize("path", PATHS)
async def test_an_export_is_the_list_as_a_file(gateway: Gateway, key: str, path: str) -> None:
    """The records of the list route, in its order and with its fields; headers that make it a file to keep apart."""
    answer = await gateway.get(key, path)
    records = await listed(gateway, key, path)
    assert records
    assert answer.status_code == 200
    name = path.removeprefix("/export/")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="{name}"'
    assert {answer.headers[name] for name in ("Cache-Control", "X-Content-Type-Options", "Vary")} == {
        "no-store",
        "nosniff",
        "Accept-Encoding",
    }
    if path.endswith("csv"):
        assert answer.headers["Content-Type"] == "text/csv; charset=utf-8; header=present"
        assert csv_rows(answer.content) == as_csv(records, list(records[0]))
    else:
        assert answer.headers["Content-Type"] == "application/x-ndjson"
        assert ndjson_records(answer.content) == records
        assert [list(record) for record in ndjson_records(answer.content)] == [list(record) for record in records]


@pytest.mark.parametrize("path", PATHS)
async def test_nothing_that_matches_is_an_empty_file(gateway: Gateway, key: str, path: str) -> None:
    """No line of JSON; the header line alone in CSV."""
    names = list((await listed(gateway, key, path))[0])
    window = {"start": "1999-01-01T00:00:00Z", "end": "1999-01-02T00:00:00Z"}
    asked = window if "summary" in path else {f"time{name.title()}": value for name, value in window.items()}
    answer = await gateway.get(key, path, **asked)
    assert answer.status_code == 200
    assert answer.content == (",".join(names).encode() + b"\r\n" if path.endswith("csv") else b"")


@pytest.mark.parametrize(
    ("name", "asked", "fields"),
    [
        ("connection-events", {"eventType": "connect"}, "eventTimestamp,eventId"),
        ("connections", {"dataCenter": "us-east-1"}, "isActive"),
        ("connections", {"dataCenter": "us-east-1"}, "connectionDurationSeconds,host,connectionId"),
        ("connections", {"activeOnly": "true"}, "host"),
        ("summary-events", {"status_code": "not:error", "timeframe": "last99years"}, "time_to_serve_request,app_name"),
    ],
)
async def test_fields_and_the_filters_of_the_list_apply(
    gateway: Gateway, key: str, name: str, asked: dict[str, str], fields: str
) -> None:
    """The list's filters narrow; of each record the named fields are there, stored or derived, in its own order."""
    whole = await listed(gateway, key, f"/export/{name}.", **asked)
    wanted = [{field: value for field, value in record.items() if field in fields.split(",")} for record in whole]
    lines = await gateway.get(key, f"/export/{name}.ndjson", **asked, fields=fields)
    assert [list(record.items()) for record in ndjson_records(lines.content)] == [list(one.items()) for one in wanted]
    rows = csv_rows((await gateway.get(key, f"/export/{name}.csv", **asked, fields=fields)).content)
    assert set(rows[0]) == set(fields.split(","))
    assert rows == as_csv(wanted, rows[0])


async def test_text_goes_into_csv_as_it_is(gateway: Gateway) -> None:
    """Separators, quotes and line ends are quoted; nothing is altered, a formula neither."""
    texts = ["=1+1", "@SUM(A1)", 'say "hi", twice', "two\r\nlines", "\n", "\r", " x ", "\U0001f600", ""]
    await gateway.load_summary_events(
        [{**seed_summary_events()[0], "summary_event_id": f"{at}", "app_name": text} for at, text in enumerate(texts)]
    )
    answer = await gateway.get(await gateway.key(), "/export/summary-events.csv", fields="app_name,summary_event_id")
    assert csv_rows(answer.content)[1:] == [[text, f"{at}"] for at, text in enumerate(texts)][::-1]
    single = await gateway.get(await gateway.key(), "/export/summary-events.csv", fields="app_name")
    assert [row[0] for row in csv_rows(single.content)[1:]] == texts[::-1]


@pytest.mark.parametrize("extension", ["ndjson", "csv"])
async def test_what_is_no_number_is_null_in_both_formats(gateway: Gateway, extension: str) -> None:
    """JSON has no NaN: a foreign service's one goes out as null, which CSV writes as nothing."""
    row = {"org_name": ORG_NAME, "summary_event_id": "x", "bytes_sent": float("nan"), "datetime": None}
    await gateway.store.writer._database["summaryEvents"].insert_one(row)  # noqa: SLF001 - a row that no loader takes
    fields = {"fields": "bytes_sent,summary_event_id"}
    answer = await gateway.get(await gateway.key(), f"/export/summary-events.{extension}", **fields)
    assert answer.text in {'{"bytes_sent":null,"summary_event_id":"x"}\n', "bytes_sent,summary_event_id\r\n,x\r\n"}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("unknown", ["limit", "offset", "sort", "eventType ", "organizationId"])
async def test_an_unknown_parameter_is_refused(gateway: Gateway, key: str, path: str, unknown: str) -> None:
    """Those of the list that an export does not have, too; as a problem that names it."""
    answer = await gateway.get(key, path, **{unknown: "1"})
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, unknown)
    assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("name", "value"), [("fields", "nobody"), ("fields", ""), ("fields", "_cursor"), ("cursor", "1"), ("after", "x")]
)
async def test_an_unusable_value_is_refused(gateway: Gateway, key: str, path: str, name: str, value: str) -> None:
    """Before anything is sent."""
    answer = await gateway.get(key, path, **{name: value})
    assert (answer.status_code, answer.json()["errors"][0]["parameter"]) == (400, name)


@pytest.mark.parametrize("path", PATHS)
async def test_keys_are_asked_as_everywhere(gateway: Gateway, key: str, path: str) -> None:
    """No key: 401. Without the dataset's scope: 403. Another method: 405, HEAD too."""
    assert (await gateway.client.get(path)).status_code == 401
    other = Permission.CONNECTIONS_READ if "summary" in path else Permission.SUMMARY_READ
    refused = await gateway.get(await gateway.key(permissions=(other,)), path)
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    for method in ("HEAD", "POST", "DELETE"):
        answer = await gateway.client.request(method, path, headers={"X-API-Key": key})
        assert (answer.status_code, answer.headers["Allow"]) == (405, "GET")


async def test_a_client_that_accepts_gzip_gets_gzip(gateway: Gateway, key: str) -> None:
    """One whole gzip file with the very bytes of the plain answer; only where it is accepted."""
    plain = await _raw(gateway, key, "identity")
    zipped = await _raw(gateway, key, "br, gzip;q=0.8")
    assert "Content-Encoding" not in plain.headers
    assert (zipped.headers["Content-Encoding"], zipped.headers["Vary"]) == ("gzip", "Accept-Encoding")
    raw = b"".join([piece async for piece in zipped.aiter_raw()])
    assert gzip.decompress(raw) == b"".join([piece async for piece in plain.aiter_raw()])


async def _raw(gateway: Gateway, key: str, encoding: str) -> httpx2.Response:
    headers = {"X-API-Key": key, "Accept-Encoding": encoding}
    request = gateway.client.build_request("GET", EVENTS, headers=headers)
    return await gateway.client.send(request, stream=True)


async def test_openapi_describes_each_export(gateway: Gateway) -> None:
    """Its media type, the list's filters but `limit`, and what an export has of its own."""
    described = (await gateway.client.get("/openapi.json")).json()["paths"]
    assert {path for path in described if path.startswith("/export")} == set(PATHS)
    for path in PATHS:
        operation = described[path]["get"]
        (media,) = operation["responses"]["200"]["content"]
        assert media.startswith("text/csv" if path.endswith("csv") else "application/x-ndjson")
        names = {parameter["name"] for parameter in operation["parameters"]}
        of_list = {one["name"] for one in described[LISTS[path.split("/")[2].split(".")[0]]]["get"]["parameters"]}
        assert names == of_list - {"limit", "offset", "sort"} | {"fields", "after", "cursor"}
