"""A line becomes the document to store, or a refusal that names the field and the reason."""

from datetime import datetime
from typing import Any

import orjson
import pytest

from app.ingest.checking import Refusal, check_line
from app.ingest.sources import CONNECTION_EVENT_SOURCE, SUMMARY_EVENT_SOURCE, Source
from tests.seed_records import seed_connection_events, seed_summary_events

EVENT, CALL = CONNECTION_EVENT_SOURCE, SUMMARY_EVENT_SOURCE
ABSENT = object()
NO_UUID = "must be a UUID such as a1b2c3d4-e5f6-7890-abcd-ef1234567890"
NO_NUL = "must not hold the character NUL"
NO_TIME = "is not an RFC 3339 time such as 2026-04-20T19:30:38.5509677Z"
NO_ZONE = "has no time zone: end it with Z or an offset such as +02:00"
NO_DAY = "names a day or time of day that does not exist"
TOO_FINE = "has more than 7 fractional digits (100 ns is the finest step)"
FINER = "is finer than a millisecond, which is what this record keeps; give 3 fractional digits"
NO_TEXT, NO_INTEGER = "Input should be a valid string", "Input should be a valid integer"
TOO_LARGE = "Input should be less than or equal to 9223372036854775807"
UUID = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"


def seed(source: Source, changes: dict[str, Any]) -> dict[str, Any]:
    """Make the seed's record with changes; ABSENT takes a field out."""
    record = (seed_connection_events() if source is EVENT else seed_summary_events())[0]
    return {name: value for name, value in {**record, **changes}.items() if value is not ABSENT}


REFUSED: list[tuple[Source, dict[str, Any], str, str]] = [
    (EVENT, {"eventId": ABSENT}, "eventId", "Field required"),
    (EVENT, {"connectionId": ABSENT}, "connectionId", "Field required"),
    (EVENT, {"organizationId": ABSENT}, "organizationId", "Field required"),
    (EVENT, {"eventType": ABSENT}, "eventType", "Field required"),
    (EVENT, {"eventTimestamp": ABSENT}, "eventTimestamp", "Field required"),
    (CALL, {"summary_event_id": ABSENT}, "summary_event_id", "Field required"),
    (CALL, {"org_name": ABSENT}, "org_name", "Field required"),
    (CALL, {"datetime": ABSENT}, "datetime", "Field required"),
    (EVENT, {"colour": 1}, "colour", "Extra inputs are not permitted"),
    (EVENT, {"_id": 1}, "_id", "Extra inputs are not permitted"),
    (EVENT, {"eventTimestampTicks": 1}, "eventTimestampTicks", "Extra inputs are not permitted"),
    (EVENT, {"eventId": None}, "eventId", f"{NO_TEXT} (it is null)"),
    (EVENT, {"eventTimestamp": None}, "eventTimestamp", f"{NO_TEXT} (it is null)"),
    (CALL, {"org_name": None}, "org_name", f"{NO_TEXT} (it is null)"),
    (EVENT, {"host": 5}, "host", f"{NO_TEXT} (it is 5)"),
    (EVENT, {"host": {"$ne": 1}}, "host", f'{NO_TEXT} (it is {{"$ne":1}})'),
    (EVENT, {"eventTimestamp": 1776713438550}, "eventTimestamp", f"{NO_TEXT} (it is 1776713438550)"),
    (EVENT, {"organizationId": "ibm"}, "organizationId", f'{NO_UUID} (it is "ibm")'),
    (EVENT, {"organizationId": UUID + "\n"}, "organizationId", f'{NO_UUID} (it is "{UUID}\\n")'),
    (EVENT, {"eventTimestamp": "today"}, "eventTimestamp", f'{NO_TIME} (it is "today")'),
    (
        EVENT,
        {"eventTimestamp": "2026-04-20T19:30:38"},
        "eventTimestamp",
        f'{NO_ZONE} (it is "2026-04-20T19:30:38")',
    ),
    (
        EVENT,
        {"eventTimestamp": "2026-04-20T19:30:38.12345678Z"},
        "eventTimestamp",
        f'{TOO_FINE} (it is "2026-04-20T19:30:38.12345678Z")',
    ),
    (
        EVENT,
        {"eventTimestamp": "2026-02-30T00:00:00Z"},
        "eventTimestamp",
        f'{NO_DAY} (it is "2026-02-30T00:00:00Z")',
    ),
    (CALL, {"datetime": "2025-06-11T04:00:00.0001Z"}, "datetime", f'{FINER} (it is "2025-06-11T04:00:00.0001Z")'),
    (CALL, {"bytes_sent": -1}, "bytes_sent", "Input should be greater than or equal to 0 (it is -1)"),
    (CALL, {"bytes_sent": 2**63}, "bytes_sent", f"{TOO_LARGE} (it is 9223372036854775808)"),
    (CALL, {"bytes_sent": 1.0}, "bytes_sent", f"{NO_INTEGER} (it is 1.0)"),
    (CALL, {"bytes_sent": 0.5}, "bytes_sent", f"{NO_INTEGER} (it is 0.5)"),
    (CALL, {"bytes_sent": True}, "bytes_sent", f"{NO_INTEGER} (it is true)"),
    (CALL, {"bytes_sent": "9177"}, "bytes_sent", f'{NO_INTEGER} (it is "9177")'),
    (EVENT, {"host": "a\0b"}, "host", f'{NO_NUL} (it is "a\\u0000b")'),
    (EVENT, {"eventId": "\0"}, "eventId", f'{NO_NUL} (it is "\\u0000")'),
    (EVENT, {"eventId": ""}, "eventId", 'String should have at least 1 character (it is "")'),
    (
        EVENT,
        {"eventId": "x" * 257},
        "eventId",
        f'String should have at most 256 characters (it is "{"x" * 59}…)',
    ),
    (EVENT, {"host": "x" * 4097}, "host", f'String should have at most 4096 characters (it is "{"x" * 59}…)'),
    (EVENT, {"eventId": None, "host": 5, "colour": 1}, "eventId", f"{NO_TEXT} (it is null); 2 more"),
]


@pytest.mark.parametrize(("source", "changes", "field", "reason"), REFUSED)
def test_a_wrong_record_is_refused_by_field_and_reason(
    source: Source, changes: dict[str, Any], field: str, reason: str
) -> None:
    """The first wrong field is named with what is wrong about it, and the line by its number."""
    line = orjson.dumps(seed(source, changes))
    assert check_line(source, 17, line) == Refusal(17, field, reason)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"eventId": "e1"', "is not JSON: "),
        (b"eventId", "is not JSON: "),
        (b'{"eventId": NaN}', "is not JSON: "),
        (b"\xff\xfe", "is not JSON: str is not valid UTF-8"),
        (b'{"eventId": "\\ud800"}', "is not JSON: "),
        (b"[]", "is not a JSON object"),
        (b"null", "is not a JSON object"),
        (b'"text"', "is not a JSON object"),
        (b"[" * 5000 + b"]" * 5000, "is not JSON: "),
    ],
)
def test_a_line_that_is_no_record_is_refused_as_a_line(line: bytes, reason: str) -> None:
    """No field is named, only the line."""
    refusal = check_line(EVENT, 3, line)
    assert isinstance(refusal, Refusal)
    assert (refusal.number, refusal.field) == (3, "")
    assert refusal.reason.startswith(reason)


@pytest.mark.parametrize("depth", [200, 300, 1000])
def test_a_deeply_nested_value_is_refused_by_its_field(depth: int) -> None:
    """However deep a value of the wrong kind is, it is a refusal and not a crash."""
    line = orjson.dumps(seed(CALL, {"bytes_sent": 4711})).replace(b"4711", b"[" * depth + b"]" * depth)
    refusal = check_line(CALL, 1, line)
    assert isinstance(refusal, Refusal)
    assert refusal.field == "bytes_sent"


@pytest.mark.parametrize("number", [b"1" + b"0" * 30, b"18446744073709551616", b"1e3"])
def test_a_number_beyond_64_bits_or_with_an_exponent_is_refused(number: bytes) -> None:
    """It is not rounded to one that fits."""
    line = orjson.dumps(seed(CALL, {"bytes_sent": 4711})).replace(b"4711", number)
    refusal = check_line(CALL, 1, line)
    assert isinstance(refusal, Refusal)
    assert refusal.field == "bytes_sent"


@pytest.mark.parametrize("line", [b"", b"\n", b"  \t\r\n"])
def test_a_blank_line_is_nothing(line: bytes) -> None:
    """It is neither a record nor a refusal."""
    assert check_line(EVENT, 1, line) is None


def utc(*parts: int) -> datetime:
    """Make a date as BSON keeps it: UTC without a zone."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - as the line above says


UNCHANGED: dict[str, dict[str, Any]] = {
    EVENT.dataset.name: {"eventTimestamp": utc(2026, 4, 20, 19, 30, 38, 550000), "eventTimestampTicks": 9677},
    CALL.dataset.name: {"datetime": utc(2025, 6, 11, 4)},
}
TAKEN: list[tuple[Source, dict[str, Any], dict[str, Any]]] = [
    (EVENT, {}, {}),
    (CALL, {}, {"space_name": None}),
    (EVENT, {"organizationId": UUID.upper()}, {"organizationId": UUID}),
    (EVENT, {"host": None, "eventDescription": None}, {}),
    (EVENT, {"host": ABSENT}, {}),
    (EVENT, {"host": "x" * 4096, "eventId": "x" * 256}, {}),
    (EVENT, {"host": "", "ipAddress": "not one", "eventType": "reconnect"}, {}),
    (
        EVENT,
        {"eventTimestamp": "2026-04-20T21:30:38.0000001+02:00"},
        {"eventTimestamp": utc(2026, 4, 20, 19, 30, 38), "eventTimestampTicks": 1},
    ),
    (
        EVENT,
        {"eventTimestamp": "2026-04-20T19:30:38.551Z"},
        {"eventTimestamp": utc(2026, 4, 20, 19, 30, 38, 551000), "eventTimestampTicks": ABSENT},
    ),
    (CALL, {"datetime": "2025-06-11T04:00:00.0010000Z"}, {"datetime": utc(2025, 6, 11, 4, 0, 0, 1000)}),
    (CALL, {"bytes_sent": 2**63 - 1, "bytes_received": 0, "app_name": ABSENT}, {}),
]


@pytest.mark.parametrize(("source", "changes", "stored"), TAKEN)
def test_a_right_record_becomes_the_document(source: Source, changes: dict[str, Any], stored: dict[str, Any]) -> None:
    """Every field as it came, but the time as a date with its ticks and the organization in lower case."""
    record = seed(source, changes)
    expected = {**record, **UNCHANGED[source.dataset.name], **stored}
    document = check_line(source, 1, orjson.dumps(record))
    assert document == {name: value for name, value in expected.items() if value is not ABSENT}
