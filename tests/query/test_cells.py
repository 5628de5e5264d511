"""Cells add up to the measures that a pipeline makes, or say that they cannot."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.query.cells import Cell, Fractions, NumberCell, cell_of, joined_cells, measured, packed, parts, unpacked
from app.query.grouping import COUNT, Measure, Measured, Statistic
from app.query.packed_histograms import Histogram

WHOLE = st.integers(-(2**61), 2**61)
NUMBERS = st.builds(
    lambda values: NumberCell(
        sum(values),
        len(values),
        min(values, default=None),
        max(values, default=None),
        Histogram.of({value // 10: (1, value, value) for value in values}),
    ),
    st.lists(st.integers(-500, 500), max_size=6),
)
CELLS = st.builds(
    lambda n, error, number: Cell(n, {"error": error}, {"sent": number}),
    st.integers(1, 9),
    st.integers(0, 9),
    NUMBERS | st.none(),
)
SUM = Measure(Measured.NUMBER, "sent", Statistic.SUM)


@given(cells=st.lists(CELLS, max_size=4))
def test_what_is_stored_of_a_cell_is_the_cell(cells: list[Cell]) -> None:
    """Packed and unpacked, one by one or added up."""
    whole = joined_cells(cells)
    assert packed(unpacked(packed(whole), whole.numbers)) == packed(whole)
    assert packed(joined_cells(unpacked(packed(cell), whole.numbers) for cell in cells)) == packed(whole)


@given(cells=st.lists(CELLS, min_size=1, max_size=4), at=st.integers(0, 4))
def test_cells_add_up_in_any_grouping(cells: list[Cell], at: int) -> None:
    """A day of its hours is a day of its records."""
    parted = joined_cells([joined_cells(cells[:at]), joined_cells(cells[at:])])
    assert packed(parted) == packed(joined_cells(cells))


def _row(**changed: Any) -> dict[str, Any]:
    row = {"_id": None, "n": 3, "if_error": 1, "sum_sent": 6, "of_sent": 3, "min_sent": 1, "max_sent": 3}
    return {**row, "bins_sent": [{"b": 5, "n": 2, "lo": 1, "hi": 2}, {"b": 6, "n": 1, "lo": 3, "hi": 3}], **changed}


def test_a_row_of_a_pipeline_becomes_a_cell() -> None:
    """All that it holds, by the names of the measures."""
    number = NumberCell(6, 3, 1, 3, Histogram.of({5: (2, 1, 2), 6: (1, 3, 3)}))
    assert cell_of(_row()) == Cell(3, {"error": 1}, {"sent": number})


@pytest.mark.parametrize(
    "changed",
    [
        {"sum_sent": 6.0},
        {"max_sent": "12"},
        {"max_sent": True},
        {"min_sent": None, "max_sent": [1]},
        {"sum_sent": 2**63, "max_sent": 2**61},
        {"min_sent": -(2**61), "of_sent": 5},
        {"max_sent": 2**62},
    ],
    ids=["fraction", "text", "boolean", "list", "sum", "sums-between", "middle"],
)
def test_a_number_that_cannot_be_added_up_exactly_is_not_kept(changed: dict[str, Any]) -> None:
    """Whatever shows that of it; what has no part in it is still told."""
    cell = cell_of(_row(**changed))
    assert cell.numbers == {"sent": None}
    assert measured(cell, [COUNT, Measure(Measured.RATIO, "error")]) == [3, 1 / 3]
    with pytest.raises(Fractions):
        measured(cell, [SUM])


def test_what_is_not_kept_of_one_is_not_kept_of_all() -> None:
    """In either order."""
    cells = [cell_of(_row()), cell_of(_row(max_sent="12")), cell_of(_row())]
    assert joined_cells(cells).numbers == {"sent": None}


def test_sums_that_pass_64_bits_together_are_left_to_mongodb() -> None:
    """Each cell is exact, all of them are not."""
    cells = [cell_of(_row(sum_sent=2**61, max_sent=2**61 - 2, bins_sent=[])) for _ in range(4)]
    assert measured(joined_cells(cells[:3]), [SUM]) == [3 * 2**61]
    with pytest.raises(Fractions):
        measured(joined_cells(cells), [SUM])


def test_measures_of_no_number_are_null_and_their_sum_is_0() -> None:
    """As of records that lack the number."""
    cell = cell_of(_row(sum_sent=0, of_sent=0, min_sent=None, max_sent=None, bins_sent=[]))
    asked = [Measure(Measured.NUMBER, "sent", one, 0.5) for one in Statistic]
    assert measured(cell, asked) == [0, None, None, None, None]


def test_a_number_is_accumulated_with_all_that_tells_whether_it_is_kept() -> None:
    """Its histogram only where it is wanted."""
    assert parts({"sent": False}, ["error"]) == [
        COUNT,
        Measure(Measured.RATIO, "error"),
        *(Measure(Measured.NUMBER, "sent", one) for one in Statistic if one is not Statistic.QUANTILE),
    ]
    assert parts({"sent": True}, [])[-1].statistic is Statistic.QUANTILE
