"""A small dataset with every kind of sort key, random rows of it, and the plain Python sort to compare with."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from hypothesis import strategies as st

from app.query.dataset import Dataset, Index
from app.query.fields import Field, Kind
from app.query.instants import instant_from_date
from app.query.ordering import Direction, OrderBy
from app.scope import Permission
from tests.gateways import ORGANIZATION_ID
from tests.query.specimens import MISSING, millisecond, present, ticks_beside

Row = dict[str, Any]

RANKED = Dataset(
    name="ranked",
    collection="ranked",
    tenant_field="organizationId",
    tenant_attribute="organization_id",
    permission=Permission.CONNECTIONS_READ,
    time_field="at",
    ticks_field="atTicks",
    id_field="id",
    digits=7,
    expires_by="at",
    retention_setting="retention_connection_events_days",
    fields=(
        Field("id", Kind.TEXT, "", required=True),
        Field("organizationId", Kind.TEXT, "", required=True),
        Field("at", Kind.TIME, "", required=True),
        Field("text", Kind.TEXT, ""),
        Field("other_time", Kind.TIME, ""),
        Field("number", Kind.LONG, ""),
        Field("status", Kind.STATUS, ""),
        Field("address", Kind.ADDRESS, ""),
    ),
    indexes=(Index("page", (("organizationId", 1), ("at", -1), ("atTicks", -1), ("id", -1))),),
)


def _perhaps(values: Iterable[Any]) -> st.SearchStrategy[Any]:
    return st.sampled_from((*values, None, MISSING))


_moments = [millisecond(number) for number in range(3)]
_row_parts = st.fixed_dictionaries(
    {
        "at": st.sampled_from(_moments),
        "atTicks": ticks_beside,
        "text": _perhaps(("", "a", "b", "a\n", "é", "\ue000", "\U0001f600")),
        "other_time": _perhaps(_moments),
        "number": _perhaps((-1, 0, 1, 2**53 + 1, 2**63 - 1, -(2**63))),
        "status": _perhaps(("200 OK", "404")),
        "address": _perhaps(("1.2.3.4", "::1")),
    }
)
_ids = st.lists(st.integers(0, 10**6), unique=True, max_size=25)


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    """Draw rows of one organization with different ids; times, ticks and values are often equal, null or missing."""
    return [
        {"id": f"{number:07d}", "organizationId": ORGANIZATION_ID, **present(**draw(_row_parts))}
        for number in draw(_ids)
    ]


_order_fields = [field for field in RANKED.fields if field.name != "organizationId"]
orders = st.lists(
    st.builds(OrderBy, st.sampled_from(_order_fields), st.sampled_from(Direction)),
    max_size=4,
    unique_by=lambda order: order.field,
)


def python_sorted(unsorted: Iterable[Row], asked: Sequence[OrderBy]) -> list[str]:
    """Sort as the contract says and tell the ids: time to the tick, null first ascending, ties by id that way too."""
    wanted = list(asked) or [OrderBy(RANKED.time, Direction.DESC)]
    wanted.append(OrderBy(RANKED.by_name["id"], wanted[-1].direction))
    ranked = list(unsorted)
    for order in reversed(wanted):
        ranked.sort(key=lambda row: _rank(row, order.field.name), reverse=order.direction is Direction.DESC)
    return [row["id"] for row in ranked]


def _rank(row: Row, name: str) -> tuple[bool, Any]:
    value = row.get(name)
    if isinstance(value, datetime):
        value = instant_from_date(value, (row.get("atTicks") or 0) if name == "at" else 0)
    return (value is not None, value if value is not None else 0)
