"""The shape of a query holds its structure, and no value of it."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.store.shapes import MORE, MOST_ITEMS, MOST_NODES, VALUE, shape_of

NAMES = st.sampled_from(["$match", "$and", "$in", "$gte", "organizationId", "datetime", "d0", "_id"])
VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.datetimes())
QUERIES = st.recursive(VALUES, lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner), max_leaves=60)


@pytest.mark.parametrize(
    ("query", "shape"),
    [
        pytest.param({"host": {"$eq": "a"}}, {"host": {"$eq": "?"}}, id="a value"),
        pytest.param({"host": {"$in": ["a", 1, None]}}, {"host": {"$in": ["?"]}}, id="a list of values"),
        pytest.param({"host": {"$in": []}}, {"host": {"$in": []}}, id="an empty list"),
        pytest.param({"at": {"$lt": datetime(2026, 1, 1, tzinfo=UTC)}}, {"at": {"$lt": "?"}}, id="a date"),
        pytest.param({"$or": [{"a": 1}, {"a": 2}, {"b": 3}]}, {"$or": [{"a": "?"}, {"b": "?"}]}, id="like items"),
        pytest.param([{"$match": {}}, {"$limit": 5}], [{"$match": {}}, {"$limit": "?"}], id="a pipeline"),
        pytest.param({"sum": {"$sum": "$secret"}}, {"sum": {"$sum": "?"}}, id="text that looks like a field"),
    ],
)
def test_the_names_stay_and_the_values_go(query: Any, shape: Any) -> None:
    """Operators and stored fields are ours; everything else is the caller's."""
    assert shape_of(query) == shape


@given(QUERIES)
def test_no_value_survives(query: Any) -> None:
    """Each leaf of the shape is a mark, and each name in it is a name of the query."""
    shape = shape_of(query)
    assert set(leaves(shape)) <= {VALUE, MORE}
    assert names(shape) <= names(query) | {MORE}


@given(QUERIES)
def test_names_are_lost_in_large_queries_only(query: Any) -> None:
    """What is small enough keeps all of its names."""
    if MORE not in set(leaves(shape_of(query))):
        assert names(shape_of(query)) == names(query)


@pytest.mark.parametrize(
    "query",
    [
        pytest.param([{f"name{at}": at} for at in range(100_000)], id="long list"),
        pytest.param({f"name{at}": at for at in range(100_000)}, id="many names"),
        pytest.param([[[{f"n{at}{of}": 1} for of in range(40)] for at in range(40)] for _ in range(40)], id="bushy"),
    ],
)
def test_a_shape_is_bounded(query: Any) -> None:
    """However large the query is; what was left out is marked."""
    shape = shape_of(query)
    assert len(list(leaves(shape))) <= MOST_NODES + MOST_ITEMS
    assert MORE in set(leaves(shape))


def test_a_deep_query_is_bounded_too() -> None:
    """Deeper than JSON can be written."""
    query: Any = "secret"
    for _ in range(5_000):
        query = {"$not": query}
    assert b"secret" not in orjson.dumps(shape_of(query))


def leaves(value: Any) -> Iterator[Any]:
    """Everything that holds nothing else."""
    match value:
        case Mapping():
            for inner in value.values():
                yield from leaves(inner)
        case list():
            for inner in value:
                yield from leaves(inner)
        case _:
            yield value


def names(value: Any) -> set[str]:
    """The names of all mappings."""
    match value:
        case Mapping():
            return set(value) | {name for inner in value.values() for name in names(inner)}
        case list():
            return {name for inner in value for name in names(inner)}
        case _:
            return set()
