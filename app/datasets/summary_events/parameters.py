"""The filter parameters of /summary, as words of the source's interface."""

import re
from collections.abc import Mapping
from typing import Any

from app.datasets.summary_events.fields import SUMMARY_EVENTS
from app.errors import InvalidInput
from app.faces.rest.parameters import Parameter, text, window_parameters
from app.query.conditions import AllOf, AnyOf, Comparison, Condition, InWindow, Not, Operator, Outcome
from app.query.fields import Field, Kind
from app.query.instants import Instant
from app.query.windows import SUMMARY_WINDOW, resolve_window

_NOT = "not:"
_PREFIX = re.compile(r"([1-5][0-9]?)x{1,2}", re.ASCII)
_CODE = re.compile(r"[1-5][0-9]{2}", re.ASCII)
_NUMBER = re.compile(r"[0-9]{1,19}", re.ASCII)
_NUMBER_PATTERN = "^(not:)?[0-9]{1,18}$"  # what is sure to fit 64 bits
_OUTCOMES = {"success": Outcome.SUCCESS, "error": Outcome.ERROR}
_STORED = {"consumer_org_name": "developer_org_name", "provider_org_name": "org_name"}
FILTER_NAMES = (
    "api_ref",
    "app_name",
    "catalog_name",
    "consumer_org_name",
    "gateway_service_name",
    "plan_id",
    "product_ref",
    "provider_org_name",
    "space_name",
    "summary_event_id",
    "bytes_received",
    "bytes_sent",
    "time_to_serve_request",
    "status_code",
)


def _described(name: str) -> Parameter:
    field = SUMMARY_EVENTS.by_name[_STORED.get(name, name)]
    words = " Or 20x, 4xx, 404, success, error." if field.kind is Kind.STATUS else ""
    pattern = _NUMBER_PATTERN if field.kind is Kind.LONG else None
    return text(name, f"{field.description}{words} `not:` before a value excludes it.", pattern)


FILTER_PARAMETERS = (
    *(_described(name) for name in FILTER_NAMES),
    *window_parameters(SUMMARY_WINDOW, "datetime"),
)


def read_filters(values: Mapping[str, Any], now: Instant) -> Condition:
    """Turn filter parameters and the window into one condition; InvalidInput names the parameter."""
    window = resolve_window(values, SUMMARY_WINDOW, now)
    conditions: list[Condition] = [InWindow(SUMMARY_EVENTS.time_field, None, window)]
    for name in FILTER_NAMES:
        if name in values:
            field = SUMMARY_EVENTS.by_name[_STORED.get(name, name)]
            value = values[name]
            bare = value.removeprefix(_NOT)
            condition = _condition(name, field, bare)
            conditions.append(condition if bare == value else Not(condition))
    return AllOf(tuple(conditions))


def _condition(name: str, field: Field, value: str) -> Condition:
    if field.kind is Kind.STATUS:
        return _status(field, value)
    if field.kind is Kind.LONG:
        if _NUMBER.fullmatch(value) is None or int(value) >= 2**63:
            raise InvalidInput(f"{name}: give a whole number of at most 64 bits, not {value[:40]!r}.", argument=name)
        return Comparison(field, Operator.EQ, int(value))
    return Comparison(field, Operator.EQ, value)


def _status(field: Field, value: str) -> Condition:
    """Read a status: an outcome, a prefix such as 20x, a code with or without its words, or the exact text."""
    if value in _OUTCOMES:
        return Comparison(field, Operator.OUTCOME, _OUTCOMES[value])
    prefix = _PREFIX.fullmatch(value)
    if prefix is not None and len(value) == 3:
        return Comparison(field, Operator.STARTS_WITH, prefix[1])
    exact = Comparison(field, Operator.EQ, value)
    if _CODE.fullmatch(value):
        return AnyOf((exact, Comparison(field, Operator.STARTS_WITH, f"{value} ")))
    return exact
