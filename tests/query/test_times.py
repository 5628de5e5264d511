"""Times that are stored to the millisecond."""

from datetime import datetime

import pytest

from app.query.instants import EARLIEST, LATEST, Instant
from app.query.times import whole_millisecond_from, whole_millisecond_until

LAST = datetime(9999, 12, 31, 23, 59, 59, 999_000)  # noqa: DTZ001 - BSON dates are UTC and come without a zone
FIRST = datetime(1, 1, 1)  # noqa: DTZ001
SECOND = datetime(1970, 1, 1, 0, 0, 1)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("instant", "until", "since"),
    [
        (10_000_000, SECOND, SECOND),
        (9_999_999, SECOND.replace(second=0, microsecond=999_000), SECOND),
        (10_000_001, SECOND, SECOND.replace(microsecond=1_000)),
        (EARLIEST, FIRST, FIRST),
        (LATEST, LAST, LAST),
        (LATEST - 9_998, LAST, LAST),
    ],
)
def test_whole_milliseconds_on_each_side(instant: int, until: datetime, since: datetime) -> None:
    """The nearest ones; after the last of the year 9999 there is none."""
    assert whole_millisecond_until(Instant(instant)) == until
    assert whole_millisecond_from(Instant(instant)) == since
