"""Answers as JSON of a bounded size."""

import tracemalloc
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import LimitExceeded
from app.server.writing import write_json

_VALUES = st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=4)
_ROWS = st.dictionaries(st.text(max_size=3), _VALUES, max_size=3)
_BODIES = st.recursive(
    _VALUES | st.lists(_ROWS, max_size=70), lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=3)
)


@given(_BODIES)
def test_a_body_is_written_as_orjson_writes_it(body: Any) -> None:
    """To the byte, whatever the lengths of its lists."""
    assert write_json(body) == orjson.dumps(body)


def test_rows_beyond_the_limit_are_refused() -> None:
    """With the limit's name; those of all lists count together."""
    rows = [{"a": "x" * 92}] * 50  # 100 bytes each in JSON, and commas
    assert write_json({"data": {"a": {"nodes": rows}, "b": rows}}, 10_094)
    with pytest.raises(LimitExceeded, match=r"limit of 10093 bytes \(answerBytes\)"):
        write_json({"data": {"a": {"nodes": rows}, "b": rows}}, 10_093)


def test_rows_beyond_the_limit_take_no_memory() -> None:
    """A long value in every row and field, many times the limit: memory stays near the limit."""
    row = dict.fromkeys(map(str, range(100)), "x" * 1_000)  # 100 kB in JSON, 1 GB all together
    tracemalloc.start()
    with pytest.raises(LimitExceeded):
        write_json([row] * 10_000, 10_000_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 30_000_000
