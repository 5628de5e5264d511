"""Stored values that a careless filter would mistake: each by itself, and one document with each."""

from datetime import datetime
from typing import Any

from hypothesis import strategies as st

MISSING = object()
LAST = "\U0010ffff"

TEXTS: tuple[Any, ...] = (
    MISSING,
    None,
    "",
    " ",
    "a",
    "A",
    "ab",
    "abc",
    "b",
    "a.c",
    "a+c",
    ".*",
    "^a",
    "a$",
    "[a-z]",
    "(a|b)",
    "a{1}",
    "\\",
    "\\d",
    "\\Qa\\E",
    "a?",
    "$where",
    "$a",
    "'a'",
    '"a"',
    "a\nb",
    "a\n",
    "\na",
    "a\tb\r",
    "#a&b~c-d",
    "us-east-1",
    "us-east-1/",
    "us-east-1/server-01",
    "us-east-10",
    "us-east-1.5",
    "é",
    "e\u0301",
    "ß",
    "ss",
    "\u2028",
    "\ud7ff",
    "\ud7ffz",
    "\ue000",
    "\uffff",
    "\U00010000",
    "\U0001f600",
    "\U0001f600x",
    LAST,
    LAST + LAST,
    "a" + LAST,
    "a" + LAST + "b",
    "null",
    "0",
)
LONGS: tuple[Any, ...] = (MISSING, None, 0, 1, -1, 2, 2**53, 2**53 + 1, 2**63 - 1, -(2**63))
STATUSES: tuple[Any, ...] = (
    MISSING,
    None,
    "",
    "0",
    "1",
    "100 Continue",
    "200 OK",
    "201 Created",
    "20",
    "301",
    "399",
    "400 Bad Request",
    "4",
    "500",
    "599 x",
    "600",
    "6",
    "/",
    "OK",
)

_TRICKY = "aAb.*+?^${}()|[]\\/'\" \n\t\r#-&~é\u0301\u2028\ud7ff\ue000\uffff\U00010000\U0001f600" + LAST
tricky_texts = st.text(st.sampled_from(_TRICKY), max_size=6)
ticks_beside = st.sampled_from((MISSING, None, 0, 1, 2, 4999, 9999))


def documents(field: str, values: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Make one document for each value; its `_id` is the value's position."""
    return [{"_id": at, **present(**{field: value})} for at, value in enumerate(values)]


def present(**parts: Any) -> dict[str, Any]:
    """Make a document of the parts that are not missing."""
    return {name: value for name, value in parts.items() if value is not MISSING}


def value_of(value: Any) -> Any:
    """Tell what a filter sees: a missing field is null."""
    return None if value is MISSING else value


def millisecond(number: int) -> datetime:
    """A BSON date so many milliseconds after a fixed one."""
    return datetime(2026, 4, 20, 19, 30, 38, number * 1000)  # noqa: DTZ001 - BSON dates are naive UTC
