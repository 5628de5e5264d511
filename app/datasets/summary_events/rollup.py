"""The rollup of summary events: one cell for each hour and each day."""

from collections.abc import Sequence

from app.datasets.summary_events.fields import SUMMARY_EVENTS
from app.datasets.summary_events.groups import SUMMARY_EVENT_GROUPS
from app.query.cell_collecting import CellCollector, record_stage
from app.query.cells import joined_cells, packed, unpacked
from app.query.rollups import Cells, Rollup, Stage, Unit

_TIME, _TENANT = f"${SUMMARY_EVENTS.time_field}", f"${SUMMARY_EVENTS.tenant_field}"
_SOUND = {"$and": [{"$eq": [{"$type": _TIME}, "date"]}, {"$eq": [{"$type": _TENANT}, "string"]}]}


def _cells(unit: Unit) -> list[Stage]:
    start = {"$cond": [_SOUND, {"$dateTrunc": {"date": _TIME, "unit": str(unit)}}, None]}
    return [record_stage(SUMMARY_EVENT_GROUPS, start)]


def _day_of_hours(hours: Sequence[Cells]) -> Cells:
    cells = [unpacked(cell, SUMMARY_EVENT_GROUPS.numbers) for hour in hours for cell in hour]
    return [packed(joined_cells(cells))] if cells else []


SUMMARY_EVENT_ROLLUP = Rollup(
    dataset=SUMMARY_EVENTS,
    time_field=SUMMARY_EVENTS.time_field,
    cells=_cells,
    day_of_hours=_day_of_hours,
    collector=lambda: CellCollector(SUMMARY_EVENT_GROUPS),
)
