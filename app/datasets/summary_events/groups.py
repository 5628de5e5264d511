"""What summary events can be grouped by, and what is measured."""

from typing import Any

from app.datasets.summary_events.fields import SUMMARY_EVENTS
from app.query.conditions import Outcome
from app.query.group_tables import text_dimensions
from app.query.grouping import GroupTable, Named, Number
from app.query.matching import OUTCOME_RANGES

_DIGITS = "12345"


def _between(low: str, high: str) -> dict[str, Any]:
    """Whether the status is text in [low, high)."""
    return {"$and": [{"$gte": ["$status_code", low]}, {"$lt": ["$status_code", high]}]}


def _class() -> dict[str, Any]:
    """The first digit of the status as a number; null where it has none of 1 to 5."""
    branches = [{"case": _between(digit, str(int(digit) + 1)), "then": int(digit)} for digit in _DIGITS]
    return {"$switch": {"branches": branches, "default": None}}


def _number(name: str) -> Number:
    return Number(f"${name}", SUMMARY_EVENTS.by_name[name].description)


SUMMARY_EVENT_GROUPS = GroupTable(
    dataset=SUMMARY_EVENTS,
    dimensions={**text_dimensions(SUMMARY_EVENTS), "statusClass": Named(_class(), "The hundreds of the status code.")},
    numbers={
        "bytesReceived": _number("bytes_received"),
        "bytesSent": _number("bytes_sent"),
        "timeToServeRequest": _number("time_to_serve_request"),
    },
    ratios={
        "error": Named(_between(*OUTCOME_RANGES[Outcome.ERROR]), "Share of calls that ended with 4xx or 5xx, 0 to 1."),
        "success": Named(
            _between(*OUTCOME_RANGES[Outcome.SUCCESS]), "Share of calls that ended with 1xx, 2xx or 3xx, 0 to 1."
        ),
    },
)
