"""Relay connections: the types of a paged list, and its root field."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import strawberry
from strawberry import UNSET
from strawberry.types import Info
from strawberry.types.field import StrawberryField

from app.faces.context import RequestContext
from app.faces.graphql.filters import FilterReader, Flag
from app.faces.graphql.nodes import row_type
from app.faces.graphql.orders import read_order
from app.faces.graphql.scalars import Long
from app.faces.graphql.selection import Selection, is_planned, kept, selection_of
from app.faces.rendering import derive, rendered
from app.query.cursors import decode_cursor, encode_cursor, position_of
from app.query.dataset import Dataset
from app.query.fields import Field
from app.query.limits import PAGE_ROWS, check_rows
from app.query.ordering import SortKey, complete_order
from app.query.pages import Page, PageQuery, Row
from app.query.rollups import Rollup
from app.store.pages import read_page

DEFAULT_ROWS = 100
_WHOLE_DOCUMENT = 0.8  # from this share of the fields on, fetching whole documents is cheaper than a projection


@strawberry.type(description="Where a page stands in its list.")
class PageInfo:
    """Relay's page info."""

    has_next_page: bool = strawberry.field(description="Whether rows follow this page.")
    has_previous_page: bool = strawberry.field(description="Whether this page was asked for with `after`.")
    start_cursor: str | None = strawberry.field(description="Cursor of the first row; null on an empty page.")
    end_cursor: str | None = strawberry.field(description="Cursor of the last row: pass it as `after` to go on.")


@dataclass(frozen=True)
class PageTypes:
    """What a dataset's paged list is made of."""

    dataset: Dataset
    name: str
    node: type
    filter: type
    order: type
    flags: Mapping[str, Flag] | None = None
    rollup: Rollup | None = None


def page_field(types: PageTypes, description: str) -> StrawberryField:
    """Make the root field of a paged list."""
    dataset = types.dataset
    newest_first = complete_order(dataset, None)

    async def resolve(
        info: Info[RequestContext, None],
        filter: Any = UNSET,  # noqa: A002 - the contract's name
        order_by: Any = UNSET,
        first: int | None = DEFAULT_ROWS,
        after: str | None = UNSET,
    ) -> Any:
        context, selection = info.context, selection_of(info)
        context.reader.check_permission(dataset)
        order = complete_order(dataset, read_order(dataset.fields, order_by)) if order_by else newest_first
        wanted = DEFAULT_ROWS if first is None else check_rows(first, "first", PAGE_ROWS)
        looked_at = kept(info, "page", lambda: _looked_at(dataset, selection))
        query = PageQuery(
            dataset=dataset,
            order=order,
            first=wanted,
            condition=FilterReader(dataset, context.now, flags=types.flags).read(filter),
            after=decode_cursor(dataset, order, after) if after is not None and after is not UNSET else None,
            fields=looked_at.fetched,
            rows=looked_at.rows,
            total=looked_at.total,
            rollup=types.rollup,
            unread=is_planned(info) and not looked_at.one_by_one,
        )
        page = await read_page(context.reader, query)
        context.tell_used(info.path.key, page.used)
        cursors = _cursors(dataset, order, page, selection)
        derive(dataset, page.rows, looked_at.names, context.now)
        rows = rendered(dataset, page.rows, looked_at.shown)
        return _answer(query, page, rows, selection, cursors)

    filter_type: Any = types.filter
    order_type: Any = types.order
    resolve.__annotations__ |= {
        "filter": Annotated[filter_type | None, strawberry.argument(description="Which records.")],
        "order_by": Annotated[
            list[order_type] | None,
            strawberry.argument(
                description="In which order; newest first by default. Equal records are ordered by id "
                "in the last direction."
            ),
        ],
        "first": Annotated[
            int | None, strawberry.argument(description=f"How many records at most, 0 to {PAGE_ROWS.value}.")
        ],
        "after": Annotated[
            str | None, strawberry.argument(description="A cursor: the page goes on after it. Same orderBy as before.")
        ],
        "return": _connection_type(types),
    }
    field: StrawberryField = strawberry.field(resolver=resolve, description=description)
    return field


def _connection_type(types: PageTypes) -> Any:
    node: Any = types.node
    edge: Any = strawberry.type(
        row_type(
            f"{types.name}Edge",
            {"cursor": str, "node": node},
            {
                "cursor": strawberry.field(description="Where this record stands in the list."),
                "node": strawberry.field(description="The record."),
            },
        ),
        name=f"{types.name}Edge",
        description="A record and its place in the list.",
    )
    members = {
        "edges": strawberry.field(description="The records with their cursors."),
        "nodes": strawberry.field(description="The records."),
        "page_info": strawberry.field(description="Where this page stands."),
        "total_count": strawberry.field(
            description="How many records match the filter; counted only when it is selected."
        ),
    }
    annotations = {"edges": list[edge], "nodes": list[node], "page_info": PageInfo, "total_count": Long}
    return strawberry.type(
        type(f"{types.name}Connection", (), {"__annotations__": annotations, **members}),
        name=f"{types.name}Connection",
        description="A page of a list (Relay).",
    )


@dataclass(frozen=True, slots=True)
class _LookedAt:
    """What a selection looks at: `fetched` of MongoDB, `shown` as stored; rows `one_by_one`, or as they came."""

    names: frozenset[str]
    fetched: frozenset[str] | None
    shown: Sequence[Field]
    rows: bool
    total: bool
    one_by_one: bool


def _looked_at(dataset: Dataset, selection: Selection) -> _LookedAt:
    names = _selected_names(dataset, selection)
    return _LookedAt(
        names=names,
        fetched=_fetched(dataset, names),
        shown=[field for field in dataset.fields if field.name in names],
        rows=any(name in selection for name in ("nodes", "edges", "pageInfo")),
        total="totalCount" in selection,
        one_by_one="edges" in selection or not names <= dataset.by_name.keys(),
    )


def _selected_names(dataset: Dataset, selection: Selection) -> frozenset[str]:
    """The stored and derived fields that are selected below nodes or edges."""
    public = {*selection.below("nodes").fields, *selection.below("edges", "node").fields}
    fields = (*dataset.fields, *(derived.field for derived in dataset.derived))
    return frozenset(field.name for field in fields if field.public_name in public)


def _fetched(dataset: Dataset, names: frozenset[str]) -> frozenset[str] | None:
    """What has to be read of MongoDB for these fields."""
    wanted = set(names & dataset.by_name.keys())
    for derived in dataset.derived:
        if derived.field.name in names:
            wanted.update(derived.needs)
    if len(wanted) >= _WHOLE_DOCUMENT * len(dataset.fields):
        return None
    if dataset.ticks_field and dataset.time_field in wanted:
        wanted.add(dataset.ticks_field)
    return frozenset(wanted)


def _answer(
    query: PageQuery, page: Page, rows: Sequence[Row], selection: Selection, cursors: Sequence[str]
) -> dict[str, Any]:
    return {
        "edges": (
            [{"cursor": cursor, "node": row} for cursor, row in zip(cursors, rows, strict=True)]
            if "edges" in selection
            else []
        ),
        "nodes": rows,
        "total_count": page.total,
        "page_info": PageInfo(
            has_next_page=page.has_next,
            has_previous_page=query.after is not None,
            start_cursor=cursors[0] if cursors else None,
            end_cursor=cursors[-1] if cursors else None,
        ),
    }


def _cursors(dataset: Dataset, order: Sequence[SortKey], page: Page, selection: Selection) -> list[str]:
    """Write the cursors that are looked at: each row's where edges are selected, else the page's two ends."""
    ends = [page.rows[0], page.rows[-1]] if "pageInfo" in selection and page.rows else []
    rows = page.rows if "edges" in selection else ends
    return [encode_cursor(dataset, order, position_of(order, row)) for row in rows]
