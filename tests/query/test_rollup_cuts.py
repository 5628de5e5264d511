"""Where the time buckets of a question cut days and hours of UTC."""

import pytest

from app.query.grouping import Bucket
from app.query.instants import EARLIEST, LATEST, Instant, parse_instant
from app.query.rollup_cuts import Cuts, cuts_of

START, END = parse_instant("2026-03-27T00:00:00Z"), parse_instant("2026-04-02T00:00:00Z")
HOURS_ONLY = Cuts(whole_days=False)


def _days(*texts: str) -> Cuts:
    return Cuts(days=frozenset(parse_instant(f"2026-{text}T00:00:00Z") for text in texts))


@pytest.mark.parametrize(
    ("bucket", "cuts"),
    [
        (Bucket("minute", 60, "UTC"), None),
        (Bucket("hour", 1, "UTC"), HOURS_ONLY),
        (Bucket("hour", 6, "America/New_York"), HOURS_ONLY),
        (Bucket("hour", 1, "Asia/Kolkata"), None),
        (Bucket("hour", 1, "Australia/Lord_Howe"), HOURS_ONLY),
        (Bucket("day", 1, "UTC"), Cuts()),
        (Bucket("day", 3, "UTC"), Cuts()),
        (Bucket("day", 1, "Europe/Warsaw"), HOURS_ONLY),
        (Bucket("day", 1, "Asia/Kolkata"), None),
        (Bucket("day", 1, "Australia/Lord_Howe"), HOURS_ONLY),
        (Bucket("week", 1, "UTC"), Cuts()),
        (Bucket("week", 1, "Europe/Warsaw"), _days("03-29")),
        (Bucket("week", 2, "America/New_York"), _days("03-30")),
        (Bucket("month", 1, "Europe/Warsaw"), _days("03-31")),
        (Bucket("year", 1, "America/New_York"), _days("04-01")),
        (Bucket("month", 1, "Nowhere/Town"), None),
        (Bucket("day", 1, "+02:00"), None),
    ],
    ids=lambda value: f"{value.bin} {value.unit} {value.timezone}" if isinstance(value, Bucket) else "",
)
def test_what_is_cut(bucket: Bucket, cuts: Cuts | None) -> None:
    """Around the changes of clocks in Warsaw (29 March) and on Lord Howe (5 April)."""
    assert cuts_of(bucket, START, END) == cuts


def test_half_an_hour_of_daylight_saving_is_seen() -> None:
    """On Lord Howe days begin at half hours from April on."""
    assert cuts_of(Bucket("day", 1, "Australia/Lord_Howe"), START, parse_instant("2026-04-06T00:00:00Z")) is None


@pytest.mark.parametrize(("start", "end"), [(EARLIEST, END), (START, LATEST), (EARLIEST, LATEST)])
def test_nothing_is_said_of_the_ends_of_time(start: Instant, end: Instant) -> None:
    """Nor of windows of half a century."""
    assert cuts_of(Bucket("week", 1, "Europe/Warsaw"), start, end) is None
