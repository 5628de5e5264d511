"""What can be asked of summary events beside pages."""

from app.datasets.summary_events.fields import SUMMARY_EVENTS
from app.datasets.summary_events.rollup import SUMMARY_EVENT_ROLLUP
from app.faces.rendering import Row, render_rows
from app.query.conditions import EVERYTHING, AllOf, Comparison, Condition, Operator
from app.query.ordering import complete_order
from app.query.pages import PageQuery
from app.store.pages import read_page
from app.store.reader import Reader

_ORDER = complete_order(SUMMARY_EVENTS, None)


async def find_event(
    reader: Reader, event_id: str, fields: frozenset[str] | None = None, within: Condition = EVERYTHING
) -> Row | None:
    """Read one event of the organization by its id; None where there is none `within` the condition."""
    by_id = Comparison(SUMMARY_EVENTS.by_name[SUMMARY_EVENTS.id_field], Operator.EQ, event_id)
    query = PageQuery(SUMMARY_EVENTS, _ORDER, first=1, condition=AllOf((by_id, within)), fields=fields)
    page = await read_page(reader, query)
    render_rows(SUMMARY_EVENTS, page.rows, SUMMARY_EVENTS.fields)
    return page.rows[0] if page.rows else None


async def count_events(reader: Reader, condition: Condition) -> int:
    """Count the organization's events that match."""
    query = PageQuery(
        SUMMARY_EVENTS,
        _ORDER,
        first=0,
        condition=condition,
        rows=False,
        total=True,
        rollup=SUMMARY_EVENT_ROLLUP,
    )
    return (await read_page(reader, query)).total or 0
