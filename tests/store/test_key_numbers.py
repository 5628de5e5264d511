"""API keys are numbered once and for ever, each organization's by itself."""

import asyncio

from app.store.key_numbers import KEYS, KeyNumbers
from app.store.store import Store
from tests.ingest.making import database_of


async def test_a_key_keeps_its_number(store: Store) -> None:
    """Whoever asks, and whatever else is asked for with it; no two keys of an organization have the same."""
    numbers = KeyNumbers(database_of(store))
    first = await numbers.number("connections", "one", {"a", "b", ""})
    more = await KeyNumbers(database_of(store)).number("connections", "one", ["b", "c"])
    assert more["b"] == first["b"]
    assert len({*first.values(), *more.values()}) == 4
    assert min(first.values()) == 0
    # Sets of numbers are the smaller, the smaller the numbers: those of another organization take none away.
    assert max((await numbers.number("connections", "two", ["x", "b"])).values()) == 1
    assert await numbers.number("connections", "two", []) == {}


async def test_keys_numbered_at_once_have_one_number_each(store: Store) -> None:
    """Ten at a time, of overlapping keys: all are told the same, which is what is stored."""
    numbers = KeyNumbers(database_of(store))
    asked = [[f"key {number}" for number in range(start, start + 40)] for start in range(0, 100, 10)]
    told = await asyncio.gather(*(numbers.number("connections", "one", keys) for keys in asked))
    known = await numbers.number("connections", "one", {key for keys in asked for key in keys})
    assert len(set(known.values())) == len(known) == 130
    for keys, given in zip(asked, told, strict=True):
        assert given == {key: known[key] for key in keys}
    rows = await database_of(store)[KEYS].find({"number": {"$gte": 0}}).to_list(None)
    assert {row["key"]: row["number"] for row in rows} == known
