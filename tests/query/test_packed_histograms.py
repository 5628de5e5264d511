"""Packed histograms tell the quantiles of all their values, however they are parted."""

from fractions import Fraction
from itertools import pairwise
from math import ceil
from struct import unpack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.query.packed_histograms import Bin, Histogram

VALUES = st.lists(st.integers(-60, 60) | st.sampled_from((-(2**61), 2**61)), min_size=1, max_size=40)
SHARES = st.sampled_from((0.0, 0.07, 0.5, 0.99, 1.0)) | st.floats(0, 1)


def _bins(values: list[int]) -> dict[int, Bin]:
    """Bins of ten values each."""
    bins: dict[int, list[int]] = {}
    for value in values:
        bins.setdefault(value // 10, []).append(value)
    return {place: (len(found), min(found), max(found)) for place, found in bins.items()}


@given(values=VALUES, cuts=st.lists(st.integers(0, 40), max_size=3), p=SHARES)
def test_a_quantile_is_the_middle_of_the_bin_of_its_rank(values: list[int], cuts: list[int], p: float) -> None:
    """At rank ceil(p * n), exactly; the first and last value as they are. The same of any parts."""
    edges = [0, *sorted(cuts), len(values)]
    histogram = Histogram()
    for start, end in pairwise(edges):
        histogram.add(Histogram.of(_bins(values[start:end])) if start < end else Histogram())
    rank = max(1, ceil(Fraction(repr(p)) * len(values)))
    ranked = sorted(values)
    found = [value for value in ranked if value // 10 == ranked[rank - 1] // 10]
    middle = (found[0] + found[-1]) / 2
    expected = ranked[0] if rank == 1 else ranked[-1] if rank == len(values) else middle
    assert histogram.quantile(p) == expected
    assert histogram.packed() == Histogram.of(_bins(values)).packed()


def test_parts_are_added_up_bin_by_bin() -> None:
    """Counts are added, extremes found; columns of 64-bit integers, little-endian, by ascending bins."""
    histogram = Histogram.of({7: (2, 70, 75), -1: (1, -4, -4)})
    histogram.add(Histogram.of({7: (3, 71, 79), 3: (1, 30, 30)}))
    assert unpack("<12q", histogram.packed()) == (-1, 3, 7, 1, 1, 5, -4, 30, 70, -4, 30, 79)


def test_what_is_added_to_is_not_what_was_added() -> None:
    """A cell is taken into several: it must stay as it is."""
    one, other = Histogram.of({1: (1, 10, 10)}), Histogram.of({2: (1, 20, 20)})
    whole = Histogram()
    whole.add(one)
    whole.add(other)
    assert (one.quantile(1), whole.quantile(1)) == (10, 20)


@pytest.mark.parametrize("empty", [Histogram(), Histogram.of({}), Histogram.of_packed(b"")])
def test_no_values_have_no_quantile(empty: Histogram) -> None:
    """And nothing is stored of them; added, they change nothing."""
    assert (empty.quantile(0.5), empty.packed()) == (None, b"")
    histogram = Histogram.of({1: (1, 10, 10)})
    histogram.add(empty)
    assert histogram.quantile(0.5) == 10
