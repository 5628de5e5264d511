"""Groups as one pipeline: what was asked for, and nothing else, is computed.

Distinct values and quantiles need values told apart first. So there are up to two groupings: by keys and value, then by
keys. Where several values are to be told apart, each record is taken once for each of them and once for the rest
(`$unwind` of tags), which keeps memory bounded by what MongoDB can spill to disk, unlike sets in one document.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from app.query.durations import Duration
from app.query.grouping import (
    Dimension,
    Expression,
    GroupQuery,
    GroupTable,
    Having,
    Measure,
    Measured,
    Statistic,
)
from app.query.histograms import bin_of, quantile_of
from app.query.instants import TICKS_PER_MILLISECOND, Instant, split_instant
from app.query.matching import match_all, match_condition, match_window
from app.query.windows import Window

Stage = dict[str, Any]
# Of one dimension in a match: all dimensions of a question then stay far below the 16 MB of a command.
_MOST_VALUES, _MOST_CHARACTERS = 500, 200_000


def group_pipeline(query: GroupQuery, *, limit: int, finish: bool) -> list[Stage]:
    """Group the window's records; rows hold their keys as d0, d1 and so on, measures as m0, m1.

    With `finish` the rows are also filtered by `having`, ordered, and cut at `limit`; without it they only must not be
    more than `limit` (the caller asks for one more than it takes).
    """
    stages = _grouped(query, query.window, query.computed, None)
    if finish:
        stages += [{"$match": match} for match in [match_having(query.having, query.computed)] if match]
        stages.append({"$sort": _sort(query)})
    return [*stages, {"$limit": limit}]


def previous_pipeline(query: GroupQuery, keys: Sequence[Mapping[str, Any]], *, limit: int) -> list[Stage]:
    """Group the shifted window by the same buckets (its times shifted on), near the given rows' keys only."""
    stages = _grouped(query, query.previous_window, query.computed_previous, query.compare_to)
    # A superset of the rows is enough, and quick to tell: the caller takes those whose keys are exactly the same.
    names = (f"d{index}" for index in range(len(query.keys)))
    values = {name: list(dict.fromkeys(key[name] for key in keys)) for name in names}
    wanted = {name: {"$in": some} for name, some in values.items() if _is_short(some)}
    return [*stages, *([{"$match": wanted}] if wanted else []), {"$limit": limit}]


def _is_short(values: Sequence[Any]) -> bool:
    characters = sum(len(value) for value in values if isinstance(value, str))
    return len(values) <= _MOST_VALUES and characters <= _MOST_CHARACTERS


def match_having(having: Sequence[Having], measures: Sequence[Measure]) -> Stage:
    """Match finished rows; null equals nothing and is neither greater nor less."""
    return match_all(
        [{f"m{measures.index(one.measure)}": {one.comparator.value: one.value, "$type": "number"}} for one in having]
    )


def _sort(query: GroupQuery) -> dict[str, int]:
    names: dict[Dimension | Measure, str] = {key: f"d{index}" for index, key in enumerate(query.keys)}
    names.update({measure: f"m{index}" for index, measure in enumerate(query.computed)})
    return {names[one.by]: int(one.direction) for one in query.complete_order}


def _grouped(query: GroupQuery, window: Window, measures: Sequence[Measure], shift: Duration | None) -> list[Stage]:
    table = query.table
    dataset = table.dataset
    keys = {f"d{index}": _key(query, key, shift) for index, key in enumerate(query.keys)}
    match = match_all([match_window(dataset.time_field, dataset.ticks_field, window), match_condition(query.condition)])
    stages: list[Stage] = [{"$match": match}, *accumulated(table, keys, measures, query.now, window.end)]
    finals = {f"m{index}": _final(table, one) for index, one in enumerate(measures)}
    return [*stages, {"$project": {"_id": 0, **{name: f"$_id.{name}" for name in keys}, **finals}}]


def accumulated(
    table: GroupTable, keys: Mapping[str, Expression], measures: Sequence[Measure], now: Instant, end: Instant | None
) -> list[Stage]:
    """Group documents by the keys (as `_id`), and accumulate what the measures are made of.

    That is `n`, `if_NAME`, `sum_NAME`, `of_NAME` (how many numbers), `min_NAME`, `max_NAME`, `unique_NAME`, and as
    `bins_NAME` the histogram, sorted: bin `b`, its count `n`, its least `lo` and greatest `hi`.
    """
    base = _base(table, measures, now, end)
    told_apart = list(dict.fromkeys((one.kind, one.name) for one in measures if _needs_values(one)))
    if told_apart:
        return _by_values(table, keys, base, told_apart)
    return [{"$group": {"_id": dict(keys) or None, **base}}]


def _needs_values(measure: Measure) -> bool:
    return measure.kind is Measured.UNIQUE or measure.statistic is Statistic.QUANTILE


def _key(query: GroupQuery, key: Dimension, shift: Duration | None) -> Expression:
    table = query.table
    if key.bucket is None:
        return table.dimensions[key.name].expression
    date = f"${table.dataset.time_field}"
    return bucket_start(date if shift is None else shifted(date, shift, query.calendar, query.window), key)


def shifted(date: Expression, shift: Duration, calendar: str, window: Window) -> Expression:
    """Shift a date of the window compared with on into the window.

    Months first, by the calendar of a time zone, then the exact part, which must be whole milliseconds. Months differ
    in length: what would come to lie outside of the window is taken for its first or last millisecond.
    """
    exact = shift.ticks // TICKS_PER_MILLISECOND
    if not shift.months:
        return {"$add": [date, exact]}
    if window.start is None or window.end is None:
        raise ValueError("a comparison needs a bounded window")
    months = {"$dateAdd": {"startDate": date, "unit": "month", "amount": shift.months, "timezone": calendar}}
    first, last = split_instant(window.start)[0], split_instant(Instant(window.end - 1))[0]
    return {"$min": [last, {"$max": [first, {"$add": [months, exact]}]}]}


def bucket_start(date: Expression, key: Dimension) -> Expression:
    """The first instant of the bucket that a date falls into."""
    if key.bucket is None:
        raise ValueError("not a time dimension")
    return {
        "$dateTrunc": {
            "date": date,
            "unit": key.bucket.unit,
            "binSize": key.bucket.bin,
            "timezone": key.bucket.timezone,
            "startOfWeek": "monday",
        }
    }


def _base(table: GroupTable, measures: Sequence[Measure], now: Instant, end: Instant | None) -> dict[str, Stage]:
    """The accumulators that add up over parts of a group, by the names that `_final` knows."""
    base: dict[str, Stage] = {"n": {"$sum": 1}}
    for one in measures:
        if one.kind is Measured.COUNT_IF:
            base[f"if_{one.name}"] = _count_if(table.counts[one.name].condition(now, end))
        elif one.kind is Measured.RATIO:
            base[f"if_{one.name}"] = _count_if(table.ratios[one.name].expression)
        elif one.kind is Measured.NUMBER:
            value = table.numbers[one.name].expression
            wanted = {
                Statistic.SUM: {f"sum_{one.name}": {"$sum": value}},
                Statistic.AVG: {
                    f"sum_{one.name}": {"$sum": value},
                    f"of_{one.name}": _count_if({"$isNumber": value}),
                },
                Statistic.MIN: {f"min_{one.name}": {"$min": value}},
                Statistic.MAX: {f"max_{one.name}": {"$max": value}},
            }
            base |= wanted.get(one.statistic, {})  # type: ignore[arg-type]
    return base


def _count_if(condition: Expression) -> Stage:
    return {"$sum": {"$cond": [condition, 1, 0]}}


def _by_values(
    table: GroupTable,
    keys: Mapping[str, Expression],
    base: Mapping[str, Stage],
    told_apart: Sequence[tuple[Measured, str]],
) -> list[Stage]:
    """Group by keys and value, then by keys."""
    several = len(told_apart) > 1
    tags: list[Stage] = [{"i": 0}] if several else []
    for number, (kind, name) in enumerate(told_apart, start=1):
        value = table.dimensions[name].expression if kind is Measured.UNIQUE else table.numbers[name].expression
        tag: Stage = {"i": number, "v": value if kind is Measured.UNIQUE else bin_of(value)}
        tags.append(tag if kind is Measured.UNIQUE else {**tag, "x": value})
    stages: list[Stage] = []
    if several:
        stages += [{"$set": {"tag": tags}}, {"$unwind": "$tag"}]
        identity: dict[str, Expression] = {"i": "$tag.i", "v": {"$ifNull": ["$tag.v", None]}}
        value = "$tag.x"
        base = {name: _only_first(accumulator) for name, accumulator in base.items()}
    else:
        identity = {"i": {"$literal": 1}, "v": {"$ifNull": [tags[0]["v"], None]}}
        value = tags[0].get("x")
    first = {"_id": {**keys, **identity}, **base, "size": {"$sum": 1}}
    if any(kind is Measured.NUMBER for kind, _ in told_apart):
        first |= {"lo": {"$min": value}, "hi": {"$max": value}}
    second: Stage = {"_id": {name: f"$_id.{name}" for name in keys} or None}
    second |= {name: dict.fromkeys(accumulator, f"${name}") for name, accumulator in base.items()}
    sorted_bins: Stage = {}
    for number, (kind, name) in enumerate(told_apart, start=1):
        mine = {"$and": [{"$eq": ["$_id.i", number]}, {"$ne": ["$_id.v", None]}]}
        if kind is Measured.UNIQUE:
            second[f"unique_{name}"] = _count_if(mine)
        else:
            entry = {"b": "$_id.v", "n": "$size", "lo": "$lo", "hi": "$hi"}
            second[f"bins_{name}"] = {"$push": {"$cond": [mine, entry, "$$REMOVE"]}}
            sorted_bins[f"bins_{name}"] = {"$sortArray": {"input": f"$bins_{name}", "sortBy": {"b": 1}}}
    stages += [{"$group": first}, {"$group": second}]
    return [*stages, {"$set": sorted_bins}] if sorted_bins else stages


def _only_first(accumulator: Stage) -> Stage:
    """Let an accumulator see each record once, though it was taken several times."""
    ((operator, value),) = accumulator.items()
    return {operator: {"$cond": [{"$eq": ["$tag.i", 0]}, value, None]}}


def _final(table: GroupTable, one: Measure) -> Expression:
    """Make a measure of what was accumulated."""
    match one.kind:
        case Measured.COUNT:
            return {"$toLong": "$n"}
        case Measured.COUNT_IF:
            return {"$toLong": f"$if_{one.name}"}
        case Measured.RATIO:
            return {"$cond": [{"$eq": ["$n", 0]}, None, {"$divide": [f"$if_{one.name}", "$n"]}]}
        case Measured.UNIQUE:
            return {"$toLong": f"$unique_{one.name}"}
    divisor = table.numbers[one.name].divisor
    value = _statistic(one)
    return value if divisor == 1 else {"$divide": [value, divisor]}


def _statistic(one: Measure) -> Expression:
    match one.statistic:
        case Statistic.SUM:
            return f"$sum_{one.name}"
        case Statistic.AVG:
            many = f"$of_{one.name}"
            return {"$cond": [{"$eq": [many, 0]}, None, {"$divide": [f"$sum_{one.name}", many]}]}
        case Statistic.QUANTILE:
            bins = f"$bins_{one.name}"
            return quantile_of(bins, {"$sum": f"{bins}.n"}, one.p or 0.0)
        case _:
            least = "min" if one.statistic is Statistic.MIN else "max"
            return {"$ifNull": [f"${least}_{one.name}", None]}
