"""Packed sets of numbers: small, and their union is the union of what was packed."""

from hypothesis import given
from hypothesis import strategies as st

from app.query.number_sets import NumberSet, packed

_NUMBERS = st.sets(st.integers(0, 300) | st.integers(0, 2**32 - 1).filter(lambda one: one % 7 == 0), max_size=60)


@given(sets=st.lists(st.sets(st.integers(0, 300)) | _NUMBERS, max_size=6), single=_NUMBERS)
def test_a_union_holds_each_number_once(sets: list[set[int]], single: set[int]) -> None:
    """Whatever was packed as a list or a bitmap, and single numbers; packed again it is the same as packed at once."""
    union = NumberSet()
    union.add_packed(packed(numbers) for numbers in sets[:2])
    union.add_packed(packed(numbers) for numbers in sets[2:])
    union.add(single)
    expected = single.union(*sets)
    assert len(union) == len(expected)
    # Sets that reach far are lists, so that the second packing takes no memory for what is not there.
    assert union.packed() == packed(expected)


def test_the_shorter_form_is_taken() -> None:
    """One great number takes four bytes, many small ones a bit each."""
    assert packed([]) == b"l"
    assert len(packed([4_000_000_000])) == 5
    assert len(packed(range(800))) == 101
