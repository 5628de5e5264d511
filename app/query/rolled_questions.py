"""Which questions rollups of one cell a bucket can answer, and what has to be read for it."""

from app.query.conditions import AllOf, Condition, InWindow
from app.query.dataset import Dataset
from app.query.grouping import GroupQuery, Measured, Statistic
from app.query.windows import ALL_TIME, Window

_KINDS = {Measured.COUNT, Measured.RATIO, Measured.NUMBER}


def is_rollable(query: GroupQuery) -> bool:
    """Whether the question asks for nothing but what cells hold: no condition, time buckets only, no distinct values.

    Whether its time buckets fit is another question.
    """
    return (
        query.rollup is not None
        and only_window(query.table.dataset, query.condition) == ALL_TIME
        and all(key.bucket is not None and key.bucket.unit != "minute" for key in query.keys)
        and all(
            one.kind in _KINDS and (one.kind is not Measured.NUMBER or query.table.numbers[one.name].divisor == 1)
            for one in query.computed
        )
    )


def needed_numbers(query: GroupQuery) -> dict[str, bool]:
    """The numbers that the measures are of, and whether their histograms are needed."""
    needed: dict[str, bool] = {}
    for one in query.computed:
        if one.kind is Measured.NUMBER:
            needed[one.name] = needed.get(one.name, False) or one.statistic is Statistic.QUANTILE
    return needed


def needed_ratios(query: GroupQuery) -> list[str]:
    """The ratios among the measures."""
    return list(dict.fromkeys(one.name for one in query.computed if one.kind is Measured.RATIO))


def only_window(dataset: Dataset, condition: Condition) -> Window | None:
    """The window that a condition comes to; None where it is about anything else."""
    match condition:
        case InWindow(field, _, window) if field == dataset.time_field:
            return window
        case AllOf(conditions):
            windows = [only_window(dataset, one) for one in conditions]
            known = [window for window in windows if window is not None]
            return _overlap(known) if len(known) == len(windows) else None
        case _:
            return None


def _overlap(windows: list[Window]) -> Window | None:
    starts = [window.start for window in windows if window.start is not None]
    ends = [window.end for window in windows if window.end is not None]
    found = Window(max(starts, default=None), min(ends, default=None))
    empty = found.start is not None and found.end is not None and found.start >= found.end
    return None if empty else found
