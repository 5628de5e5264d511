"""Quantiles by histograms, on a real mongod: within 1 % of the value at rank ceil(p n), exact at the ends."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from app.datasets.summary_events.fields import SUMMARY_EVENTS
from app.query.group_pipelines import group_pipeline
from app.query.grouping import GroupQuery, GroupTable, Measure, Measured, Named, Number, Path, Statistic
from app.query.histograms import bin_of
from app.query.instants import now
from app.query.windows import ALL_TIME
from app.store.client import Database
from tests.oracle.groups import at_rank
from tests.store.databases import reader_of

TABLE = GroupTable(SUMMARY_EVENTS, {"name": Named("$name", "")}, {"x": Number("$x", ""), "y": Number("$y", "")})
PS = (0.0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0)
on_a_mongod = settings(max_examples=100, deadline=None)

longs = st.integers(0, 2**62) | st.integers(0, 100) | st.builds(int.__lshift__, st.just(1), st.integers(0, 61))
negatives = (longs | st.integers(0, 2**62)).map(lambda number: -number)
# Close to each other: many share a bin.
neighbours = st.integers(100_000, 110_000)
floats = st.floats(-1e300, 1e300, allow_nan=False, allow_subnormal=False)
numbers = st.one_of(
    st.lists(longs, min_size=1, max_size=60),
    st.lists(neighbours, min_size=1, max_size=60),
    st.lists(longs | negatives | st.just(0), min_size=1, max_size=60),
    st.lists(floats | st.integers(-10, 10), min_size=1, max_size=60),
)


async def quantiles(database: Database, documents: Sequence[dict[str, Any]], *asked: tuple[str, float]) -> list[Any]:
    """Let mongod compute quantiles of `x` or `y` over documents that are stored nowhere."""
    measures: dict[Path, Measure] = {
        (str(place),): Measure(Measured.NUMBER, name, Statistic.QUANTILE, p) for place, (name, p) in enumerate(asked)
    }
    query = GroupQuery(TABLE, now(), ALL_TIME, {}, measures)
    stages = [{"$documents": [{"$literal": one} for one in documents]}, *group_pipeline(query, limit=2, finish=True)]
    (row,) = await (await database.aggregate(stages)).to_list(None)
    return [row[f"m{query.computed.index(measure)}"] for measure in measures.values()]


def is_close(found: float, exact: float) -> bool:
    """Whether it is within 1 %."""
    return abs(Fraction(found) - Fraction(exact)) <= abs(Fraction(exact)) / 100


@given(values=numbers, p=st.floats(0, 1))
@on_a_mongod
async def test_quantiles_are_within_a_hundredth_and_exact_at_the_ends(
    database: Database, values: list[float], p: float
) -> None:
    """Longs to 2**62, negatives, zero, floats, in any mixture."""
    assume(math.ceil(p * len(values)) == math.ceil(Fraction(repr(p)) * len(values)))
    ps = tuple(dict.fromkeys((*PS, p)))
    found = dict(
        zip(ps, await quantiles(database, [{"x": one} for one in values], *(("x", p) for p in ps)), strict=True)
    )
    for asked, answer in found.items():
        assert is_close(answer, at_rank(values, asked)), (asked, answer, at_rank(values, asked))
    assert (found[0.0], found[1.0]) == (min(values), max(values))
    assert [found[asked] for asked in sorted(ps)] == sorted(found.values()), "quantiles grow with p"


@given(x=st.lists(longs, max_size=30), y=st.lists(longs | negatives, max_size=30))
@on_a_mongod
async def test_two_numbers_are_told_apart(database: Database, x: list[int], y: list[int]) -> None:
    """Each over its own values; a document that lacks one, or holds null or text there, does not count for it."""
    documents: list[dict[str, Any]] = [{"x": one} for one in x]
    documents += [{"y": one, "x": None} for one in y]
    documents += [{"x": "text", "y": None}]
    answers = await quantiles(database, documents, ("x", 0.5), ("y", 0.5), ("x", 1.0), ("y", 0.0))
    for values, half in ((x, answers[0]), (y, answers[1])):
        assert half is None if not values else is_close(half, at_rank(values, 0.5))
    assert answers[2:] == [max(x, default=None), min(y, default=None)]


@pytest.mark.parametrize(
    ("values", "p", "expected"),
    [
        ([1, 2, 3, 4], 0.5, 2),
        ([1, 2, 3, 4], 0.51, 3),
        ([1, 2, 3], 0.5, 2),
        ([0, 0, 0, 5], 0.75, 0),
        ([0, 0, 0, 5], 0.76, 5),
        ([-5, 0, 5], 0.34, 0),
        ([-(10**6), -1, 7], 0.5, -1),
        ([7], 0.3, 7),
        ([None, None], 0.5, None),
        ([None, 3], 0.01, 3),
        ([2**62, 2**62], 0.5, 2**62),
        # The values of one bin are answered by its middle: within 1 % of each.
        ([1000, 1001, 1002, 1019], 0.5, pytest.approx(1001, rel=0.01)),
    ],
)
async def test_quantiles_by_hand(database: Database, values: list[Any], p: float, expected: Any) -> None:
    """The value at rank ceil(p n), at least the first."""
    assert await quantiles(database, [{"x": one} for one in values], ("x", p)) == [expected]


@given(values=st.lists(longs | negatives | floats, min_size=2, max_size=30))
@on_a_mongod
async def test_bins_grow_with_the_number(database: Database, values: list[float]) -> None:
    """The order of bins is the order of values, and zero is in a bin of its own."""
    in_order = sorted(values)
    bins = await reader_of(database).evaluate([bin_of({"$literal": one}) for one in in_order])
    assert bins == sorted(bins)
    assert all((number == 0) == (value == 0) for number, value in zip(bins, in_order, strict=True))
