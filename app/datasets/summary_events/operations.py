"""What can be asked of summary events beside pages."""

from collections.abc import Sequence

from app.datasets.summary_events.fields import SUMMARY_EVENTS
from app.datasets.summary_events.rollup import SUMMARY_EVENT_ROLLUP
from app.query.conditions import EVERYTHING, AllOf, Comparison, Condition, Operator
from app.query.ordering import complete_order
from app.query.pages import PageQuery, Row
from app.store.pages import read_page
from app.store.reader import Reader

_ORDER = complete_order(SUMMARY_EVENTS, None)


async def find_event(
    reader: Reader,
    event_id: str,
    fields: frozenset[str] | None = None,
    within: Condition = EVERYTHING,
    *,
    unread: bool = False,
) -> Sequence[Row]:
    """Read the one event of the organization that has this id; no row where there is none `within` the condition.

    It may stay `unread`; its time is as it is stored.
    """
    by_id = Comparison(SUMMARY_EVENTS.by_name[SUMMARY_EVENTS.id_field], Operator.EQ, event_id)
    condition = AllOf((by_id, within))
    query = PageQuery(SUMMARY_EVENTS, _ORDER, first=1, condition=condition, fields=fields, unread=unread)
    return (await read_page(reader, query)).rows


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
