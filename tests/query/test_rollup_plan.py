"""A plan parts a window exactly, and takes from rollups only what may be used."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.query.instants import Instant, parse_instant
from app.query.rollup_plan import MOST_RAW, Plan, plan
from app.query.rollups import DAY_TICKS, HOUR_TICKS, Readiness, Unit
from app.query.spans import Span, joined, span_of, without
from app.query.windows import ALL_TIME, Window

BASE = parse_instant("2026-03-29T00:00:00Z")
HOURS = st.integers(0, 24 * 6).map(lambda number: Instant(BASE + number * HOUR_TICKS))
DAYS = st.integers(0, 6).map(lambda number: Instant(BASE + number * DAY_TICKS))
STEPS = st.sampled_from((0, 0, 1, -1, 9_999, 10_000, -10_000)) | st.integers(-HOUR_TICKS, HOUR_TICKS)
EDGES = st.builds(lambda hour, step: Instant(hour + step), HOURS | DAYS, STEPS)
READY = st.builds(Readiness, st.frozensets(HOURS, max_size=20), st.frozensets(DAYS), st.none() | EDGES)


@st.composite
def windows(draw: st.DrawFn) -> Window:
    """Draw windows with edges at, beside and between hours, open at either end or both."""
    start, end = sorted((draw(EDGES), draw(EDGES)))
    open_start, open_end = draw(st.sampled_from(((False, False), (False, False), (True, False), (False, True))))
    if draw(st.integers(0, 9)) == 0:
        return ALL_TIME
    return Window(None if open_start else start, None if open_end else Instant(max(end, start + 1)))


def parts(made: Plan) -> list[Span]:
    """All parts of a plan, in order."""
    return sorted([*made.days, *made.hours, *made.raw])


@given(window=windows(), ready=READY, whole_days=st.booleans(), cut_days=st.frozensets(DAYS))
def test_the_parts_are_apart_and_make_up_the_window(
    window: Window, ready: Readiness, *, whole_days: bool, cut_days: frozenset[Instant]
) -> None:
    """To the tick: each part begins where the one before ends, from the window's first edge to its last."""
    made = plan(window, ready, whole_days=whole_days, cut_days=cut_days)
    if made is None:
        return
    found = parts(made)
    asked = span_of(window)
    assert (found[0].start, found[-1].end) == (asked.start, asked.end)
    assert all(before.end == after.start and before.start < before.end for before, after in pairwise(found))


@given(window=windows(), ready=READY, whole_days=st.booleans(), cut_days=st.frozensets(DAYS))
def test_only_whole_clean_buckets_are_used(
    window: Window, ready: Readiness, *, whole_days: bool, cut_days: frozenset[Instant]
) -> None:
    """No dirty or cut bucket is touched, none before `since`, none in part."""
    made = plan(window, ready, whole_days=whole_days, cut_days=cut_days)
    if made is None:
        return
    assert whole_days or not made.days
    for unit, spans, refused in (
        (Unit.DAY, made.days, ready.dirty_days | cut_days),
        (Unit.HOUR, made.hours, ready.dirty_hours),
    ):
        for span in spans:
            assert ready.since is None or span.start >= ready.since
            assert all(isinstance(edge, float) or edge % unit.ticks == 0 for edge in (span.start, span.end))
            assert not any(span.start <= start < span.end for start in refused)


@given(windows(), READY)
def test_nothing_is_read_raw_that_a_clean_bucket_holds(window: Window, ready: Readiness) -> None:
    """Raw stretches hold no whole clean hour that may be used, and hours no whole clean day."""
    made = plan(window, ready)
    if made is None:
        return
    for unit, spans, refused in (
        (Unit.HOUR, made.raw, ready.dirty_hours),
        (Unit.DAY, [*made.hours, *made.raw], ready.dirty_days),
    ):
        for number in range(-1, 24 * 7):
            start = Instant(BASE + number * unit.ticks)
            if start in refused or (ready.since is not None and start < ready.since):
                continue
            # A day of clean and dirty hours is raw in places where the day itself is clean: that must not be.
            assert not any(span.start <= start and start + unit.ticks <= span.end for span in spans)


def test_a_window_of_days_hours_and_a_tick() -> None:
    """Ticks stay raw, hours lead to the first midnight and on from the last."""
    start, end = Instant(BASE - 2 * HOUR_TICKS - 1), Instant(BASE + 2 * DAY_TICKS + HOUR_TICKS + 1)
    dirty = Instant(BASE + DAY_TICKS)
    made = plan(Window(start, end), Readiness(dirty_days=frozenset({dirty}), dirty_hours=frozenset({dirty})))
    assert made == Plan(
        days=(Span(BASE, dirty),),
        hours=(
            Span(Instant(BASE - 2 * HOUR_TICKS), BASE),
            Span(Instant(dirty + HOUR_TICKS), Instant(end - 1)),
        ),
        raw=(
            Span(start, Instant(start + 1)),
            Span(dirty, Instant(dirty + HOUR_TICKS)),
            Span(Instant(end - 1), end),
        ),
    )


def test_all_time_is_days_where_nothing_is_dirty() -> None:
    """Open at both ends; and from `since` on, where there is one."""
    made = plan(ALL_TIME, Readiness())
    assert made is not None
    assert ([span.window for span in made.days], made.hours, made.raw) == ([ALL_TIME], (), ())
    since = plan(ALL_TIME, Readiness(since=BASE))
    assert since is not None
    assert [span.window for span in since.days] == [Window(BASE, None)]
    assert [span.window for span in since.raw] == [Window(None, BASE)]


@pytest.mark.parametrize("window", [Window(BASE, Instant(BASE + HOUR_TICKS - 1)), ALL_TIME], ids=["short", "torn"])
def test_a_plan_that_would_not_help_is_none(window: Window) -> None:
    """A window without a whole hour, and one with too many dirty hours apart."""
    torn = frozenset(Instant(BASE + 2 * number * HOUR_TICKS) for number in range(MOST_RAW + 1))
    days = frozenset(Unit.DAY.floor(start) for start in torn)
    assert plan(window, Readiness(torn, days)) is None


NUMBERS = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 6)), max_size=6)


@given(NUMBERS, NUMBERS)
def test_taking_out_spans_is_taking_out_their_times(some: list[tuple[int, int]], others: list[tuple[int, int]]) -> None:
    """Compared with sets of whole numbers."""
    spans = [[Span(Instant(start), Instant(start + length)) for start, length in drawn] for drawn in (some, others)]

    def times(found: list[Span]) -> set[int]:
        return {time for span in found for time in range(int(span.start), int(span.end))}

    left = without(joined(spans[0]), spans[1])
    assert times(left) == times(spans[0]) - times(spans[1])
    assert left == sorted(left)
