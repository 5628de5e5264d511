"""When a connection counts as active."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from app.datasets.connections.activity import DERIVED, active_span
from app.query.instants import EARLIEST, LATEST, TICKS_PER_SECOND, Instant, instant_from_date

NOW = datetime(2026, 4, 1)  # noqa: DTZ001 - BSON dates are UTC and come without a zone
FIRST = datetime(1, 1, 1)  # noqa: DTZ001
IS_ACTIVE = next(one for one in DERIVED if one.field.name == "isActive")


def test_the_span_before_the_first_seconds_begins_with_time() -> None:
    """No date is before the year 1."""
    since, until = active_span(instant_from_date(NOW), Instant(EARLIEST + TICKS_PER_SECOND))
    assert (since, until) == (FIRST, FIRST + timedelta(seconds=1))
    assert active_span(LATEST, None)[0] < active_span(LATEST, LATEST)[1]


@pytest.mark.parametrize(
    ("beat", "disconnected", "active"),
    [
        (NOW, None, True),
        (NOW, NOW, False),
        (NOW, "soon", True),
        ("2026-04-01T00:00:00Z", None, False),
        (None, None, False),
        ({"$gt": 0}, None, False),
    ],
    ids=str,
)
def test_what_is_no_time_counts_for_nothing(beat: Any, disconnected: Any, active: bool) -> None:  # noqa: FBT001 - a column
    """As a service of others may have left it."""
    row = {"lastHeartbeat": beat, "disconnectedAt": disconnected}
    assert IS_ACTIVE.value(row, instant_from_date(NOW)) is active
