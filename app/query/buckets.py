"""The time buckets of a window, as MongoDB would cut them."""

from datetime import UTC, datetime
from typing import Any

from app.query.group_pipelines import bucket_start
from app.query.grouping import Bucket, Dimension
from app.query.instants import TICKS_PER_MILLISECOND, Instant, split_instant
from app.query.limits import GROUP_BUCKETS
from app.query.zones import time_zone

_HOUR_MS = 3_600_000
# The shortest that a unit can be, where clocks are put forward by an hour.
_SHORTEST_MS = {
    "minute": 60_000,
    "hour": _HOUR_MS,
    "day": 23 * _HOUR_MS,
    "week": 167 * _HOUR_MS,
    "month": 671 * _HOUR_MS,
    "quarter": 2_159 * _HOUR_MS,
    "year": 8_759 * _HOUR_MS,
}


def first_instant(start: datetime, key: Dimension) -> datetime:
    """The first instant of the bucket that $dateTrunc says begins at this one.

    Where midnight comes twice (Havana, the Azores), $dateTrunc names the second.
    """
    if key.bucket is None or key.bucket.unit in {"minute", "hour"}:
        return start
    try:
        local = start.replace(tzinfo=UTC).astimezone(time_zone(key.bucket.timezone))
        return local.replace(fold=0).astimezone(UTC).replace(tzinfo=None)
    except OverflowError:  # at either end of time
        return start


def bucket_starts(key: Dimension, start: Instant, end: Instant) -> dict[str, Any]:
    """Make the expression that lists the first instants of all buckets of [start, end), the first one's included.

    Raises LimitExceeded where there may be more than `GROUP_BUCKETS`. The list may hold a few beyond the end.
    """
    bucket = key.bucket or Bucket("day", 1, "UTC")
    span = (end - start) // TICKS_PER_MILLISECOND
    most = span // (_SHORTEST_MS[bucket.unit] * bucket.bin) + 2
    # At least so many, where no day is short and neither edge cuts a bucket; the rest is counted when they are known.
    GROUP_BUCKETS.check(most * 23 // 24 - 2, "fill")
    first = bucket_start(split_instant(start)[0], key)
    step = {
        "$dateAdd": {
            "startDate": "$$first",
            "unit": bucket.unit,
            "amount": {"$multiply": ["$$this", bucket.bin]},
            "timezone": bucket.timezone,
        }
    }
    # Cut again after adding: where clocks change at midnight, a day does not begin at 00:00.
    each = {"$map": {"input": {"$range": [0, most]}, "in": bucket_start(step, key)}}
    return {"$let": {"vars": {"first": first}, "in": {"$setUnion": [each, []]}}}
