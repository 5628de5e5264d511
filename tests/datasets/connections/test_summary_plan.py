"""A plan of the summary covers each connection of the window once, and takes from cells only what no edge cuts."""

from hypothesis import given
from hypothesis import strategies as st

from app.datasets.connections.summary_plan import SummaryPlan, plan_summary
from app.query.instants import Instant, parse_instant
from app.query.rollups import DAY_TICKS, HOUR_TICKS, Readiness, Unit, Used
from app.query.spans import Span
from app.query.windows import ALL_TIME, Window

BASE = parse_instant("2026-03-29T00:00:00Z")
HOURS = st.integers(0, 24 * 5).map(lambda number: Instant(BASE + number * HOUR_TICKS))
DAYS = st.integers(0, 5).map(lambda number: Instant(BASE + number * DAY_TICKS))
STEPS = st.sampled_from((0, 0, 1, -1)) | st.integers(-HOUR_TICKS, HOUR_TICKS)
MOMENTS = st.builds(lambda hour, step: Instant(hour + step), HOURS | DAYS, STEPS)
READY = st.builds(Readiness, st.frozensets(HOURS, max_size=5), st.frozensets(DAYS, max_size=3), st.none() | MOMENTS)
WINDOWS = st.one_of(
    st.just(ALL_TIME),
    st.builds(Window, MOMENTS),
    st.builds(Window, st.none(), MOMENTS),
    st.builds(lambda a, b: Window(min(a, b), Instant(max(a, b) + 1)), MOMENTS, MOMENTS),
)
POINTS = st.lists(st.tuples(MOMENTS, MOMENTS).map(sorted), min_size=20, max_size=20)


def holds(spans: tuple[Span, ...], instant: Instant) -> bool:
    """Whether one of the spans holds the instant."""
    return any(span.start <= instant < span.end for span in spans)


def is_in(window: Window, begun: Instant, ended: Instant) -> bool:
    """Whether a connection is in the window, by the contract."""
    return (window.end is None or begun < window.end) and (window.start is None or ended >= window.start)


def of_cells(made: SummaryPlan, begun: Instant, ended: Instant) -> Unit | None:
    """The unit of the bucket whose cells tell of a connection, where the plan takes it from there."""
    if Unit.HOUR.floor(begun) in made.begun:
        return None
    return Unit.DAY if holds(made.days, ended) else Unit.HOUR if holds(made.hours, ended) else None


@given(window=WINDOWS, ready=READY, settled=HOURS, points=POINTS, splits_start=st.booleans())
def test_every_connection_of_the_window_is_read_once(
    window: Window, ready: Readiness, settled: Instant, points: list[list[Instant]], *, splits_start: bool
) -> None:
    """From cells, or by its end, or by its start and an end that cells are read for; none twice, none left out."""
    made = plan_summary(window, ready, settled, splits_start=splits_start)
    if made is None:
        return
    for begun, ended in points:
        if is_in(window, begun, ended):
            by_start = holds((*made.days, *made.hours), ended) and Unit.HOUR.floor(begun) in made.begun
            found = (of_cells(made, begun, ended) is not None, holds(made.ended, ended), by_start)
            assert sum(found) == 1, (begun, ended)


@given(window=WINDOWS, ready=READY, settled=HOURS, points=POINTS, splits_start=st.booleans())
def test_cells_are_cut_by_no_edge(
    window: Window, ready: Readiness, settled: Instant, points: list[list[Instant]], *, splits_start: bool
) -> None:
    """All of a bucket that is used has settled, is clean, ended on one side of each edge; so did its hours begin."""
    made = plan_summary(window, ready, settled, splits_start=splits_start)
    if made is None:
        return
    for begun, ended in points:
        unit = of_cells(made, begun, ended)
        if unit is None:
            continue
        bucket, hour = unit.floor(ended), Unit.HOUR.floor(begun)
        assert bucket + unit.ticks <= settled
        assert bucket not in (ready.dirty_days if unit is Unit.DAY else ready.dirty_hours)
        assert ready.since is None or bucket >= ready.since
        assert window.start is None or bucket >= window.start
        assert window.end is None or not bucket < window.end < bucket + unit.ticks
        for edge in (window.end, window.start if splits_start else None):
            assert edge is None or not hour < edge < hour + HOUR_TICKS or (bucket < edge and edge is window.end)


def test_a_window_that_has_not_settled_has_no_plan() -> None:
    """Neither has one without a whole hour."""
    settled = Instant(BASE + DAY_TICKS)
    assert plan_summary(Window(settled), Readiness(), settled, splits_start=True) is None
    late = Window(Instant(settled - HOUR_TICKS + 1))
    assert plan_summary(late, Readiness(), settled, splits_start=True) is None


def test_a_plan_tells_what_it_is_made_of() -> None:
    """Days and hours from the first record on, and the stretches of records."""
    settled = Instant(BASE + 3 * DAY_TICKS + 5 * HOUR_TICKS)
    made = plan_summary(ALL_TIME, Readiness(), settled, splits_start=True)
    assert made is not None
    assert made.used(Instant(BASE + 7)) == Used(days=3, hours=5, raw=1)
    made = plan_summary(Window(Instant(BASE + 7)), Readiness(), settled, splits_start=True)
    assert made is not None
    assert made.used(Instant(BASE + 7)) == Used(days=2, hours=28, raw=3)
