"""Summary events in REST."""

from collections.abc import Mapping
from time import perf_counter
from typing import Any

from app.datasets.summary_events.fields import SUMMARY_EVENTS
from app.datasets.summary_events.operations import count_events, find_event
from app.datasets.summary_events.parameters import FILTER_PARAMETERS, read_filters
from app.datasets.summary_events.rollup import SUMMARY_EVENT_ROLLUP
from app.datasets.summary_events.scopes import narrow
from app.errors import NotFound
from app.faces.context import RequestContext
from app.faces.rendering import Written
from app.faces.rest.exports import Export
from app.faces.rest.fields import check_field, fields_parameter, read_fields
from app.faces.rest.parameters import integer, list_of, read_rows
from app.faces.rest.routes import RestRoute, array_of, record_schema, records
from app.query.conditions import AllOf, Condition
from app.query.limits import OFFSET, ORDER_KEYS, REST_SUMMARY_ROWS, check_rows
from app.query.ordering import Direction, OrderBy, complete_order
from app.query.pages import PageQuery
from app.query.texts import check_text
from app.query.windows import SUMMARY_WINDOW
from app.store.pages import read_page

_DEFAULT_ROWS = 50
_NAMES = tuple(field.name for field in SUMMARY_EVENTS.fields)
_FIELDS = fields_parameter(_NAMES)
_SORT = list_of(
    "sort",
    "Fields to order by, separated by commas; `-` before one for descending. Absent: -datetime.",
    [sign + name for name in _NAMES for sign in ("", "-")],
    uniqueItems=True,
    maxItems=ORDER_KEYS.value,
)
_EVENT = record_schema(tuple(SUMMARY_EVENTS.fields), "A summary event.")
_TOTAL = {"type": "integer", "description": "How many events match."}


async def _list(context: RequestContext, values: Mapping[str, Any], path: Mapping[str, str]) -> Any:
    begun = perf_counter()
    narrowed = narrow(context.scope, path)
    names = read_fields(values, _NAMES)
    query = PageQuery(
        dataset=SUMMARY_EVENTS,
        order=complete_order(SUMMARY_EVENTS, _read_sort(values), "sort"),
        first=read_rows(values, _DEFAULT_ROWS, REST_SUMMARY_ROWS),
        offset=check_rows(values.get("offset", 0), "offset", OFFSET),
        condition=AllOf((narrowed, read_filters(values, context.now))),
        fields=None if names == _NAMES else frozenset(names),
        total=True,
        rollup=SUMMARY_EVENT_ROLLUP,
        unread=True,
    )
    page = await read_page(context.reader, query)
    events = records(SUMMARY_EVENTS, page.rows, names)
    return {"total": page.total, "search_time": round((perf_counter() - begun) * 1000), "events": events}


async def _one(context: RequestContext, values: Mapping[str, Any], path: Mapping[str, str]) -> Any:
    narrowed = narrow(context.scope, path)
    check_text(path["id"], "id")
    names = read_fields(values, _NAMES)
    rows = await find_event(context.reader, path["id"], frozenset(names), narrowed, unread=True)
    if not rows:
        raise NotFound("There is no such summary event in this organization.", argument="id")
    found = records(SUMMARY_EVENTS, rows, names)
    return found.only() if isinstance(found, Written) else found[0]


async def _count(context: RequestContext, values: Mapping[str, Any], path: Mapping[str, str]) -> Any:
    condition = AllOf((narrow(context.scope, path), read_filters(values, context.now)))
    return {"total": await count_events(context.reader, condition)}


def _read_sort(values: Mapping[str, Any]) -> list[OrderBy]:
    orders: list[OrderBy] = []
    for key in values["sort"].split(",") if "sort" in values else ():
        name = key.removeprefix("-")
        check_field("sort", name, _NAMES)
        orders.append(OrderBy(SUMMARY_EVENTS.by_name[name], Direction.ASC if name == key else Direction.DESC))
    return orders


def _read_export_filters(values: Mapping[str, Any], context: RequestContext) -> Condition:
    return read_filters(values, context.now)


def _routes(prefix: str, name: str, parts: Mapping[str, str]) -> tuple[RestRoute, ...]:
    """Make the three routes below a prefix; `parts` are the prefix's own path parameters."""
    return (
        RestRoute(
            path=f"{prefix}/summary",
            name=f"summary_events{name}",
            description="Summary events, newest first.",
            answer=_list,
            parameters=(
                *FILTER_PARAMETERS,
                integer("limit", "How many events at most.", 1, REST_SUMMARY_ROWS.value, _DEFAULT_ROWS),
                integer("offset", "How many events to pass over first.", 0, OFFSET.value, 0),
                _SORT,
                _FIELDS,
            ),
            schema={
                "type": "object",
                "required": ["total", "search_time", "events"],
                "properties": {
                    "total": _TOTAL,
                    "search_time": {"type": "integer", "description": "Milliseconds that the search took."},
                    "events": array_of(_EVENT),
                },
            },
            path_parameters=parts,
            rows=_DEFAULT_ROWS,
            window=SUMMARY_WINDOW,
        ),
        RestRoute(
            path=f"{prefix}/summary/count",
            name=f"summary_events_count{name}",
            description="How many summary events match.",
            answer=_count,
            parameters=FILTER_PARAMETERS,
            schema={"type": "object", "required": ["total"], "properties": {"total": _TOTAL}},
            path_parameters=parts,
            window=SUMMARY_WINDOW,
        ),
        RestRoute(
            path=f"{prefix}/summary/{{id}}",
            name=f"summary_event{name}",
            description="One summary event by its id.",
            answer=_one,
            parameters=(_FIELDS,),
            schema=_EVENT,
            path_parameters={**parts, "id": "The summary_event_id."},
        ),
    )


_ORG = {"service": "Name of the analytics service; any.", "org": "The organization: the key's own."}
_CATALOG = {**_ORG, "catalog": "The catalog."}
_SPACE = {**_CATALOG, "space": "The space."}

ROUTES = (
    *_routes("", "", {}),
    *_routes("/analytics/{service}/orgs/{org}", "_of_org", _ORG),
    *_routes("/analytics/{service}/catalogs/{org}/{catalog}", "_of_catalog", _CATALOG),
    *_routes("/analytics/{service}/spaces/{org}/{catalog}/{space}", "_of_space", _SPACE),
)

EXPORTS = (
    Export(
        dataset=SUMMARY_EVENTS,
        description="Summary events, newest first.",
        fields=tuple(SUMMARY_EVENTS.fields),
        filters=FILTER_PARAMETERS,
        condition=_read_export_filters,
    ),
)
