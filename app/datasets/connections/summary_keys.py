"""Distinct API keys of groups, of packed sets in cells and of names in records."""

from collections.abc import Iterable, Mapping

from app.datasets.connections.summary_rows import TEXTS, Group, OddValue, Row, group_of
from app.query.number_sets import NumberSet


def key_names(records: Iterable[Row]) -> set[str]:
    """List the keys of parts that were read from records. Raises OddValue where one is neither text nor null."""
    return {name for row in records for name in _names(row)}


def distinct_keys(cells: Iterable[Row], records: Iterable[Row], numbers: Mapping[str, int]) -> dict[Group, int]:
    """Count the distinct keys of each group. A key without a number is in no cell."""
    numbered: dict[Group, NumberSet] = {}
    named: dict[Group, set[str]] = {}
    for row in cells:
        numbered.setdefault(group_of(row), NumberSet()).add_packed(row["keys"])
    for row in records:
        names = set(_names(row))
        known = names & numbers.keys()
        numbered.setdefault(group_of(row), NumberSet()).add(numbers[name] for name in known)
        named.setdefault(group_of(row), set()).update(names - known)
    groups = {*numbered, *named}
    return {group: len(numbered.get(group, ())) + len(named.get(group, ())) for group in groups}


def _names(row: Row) -> list[str]:
    if not TEXTS.issuperset(map(type, row["keys"])):
        raise OddValue
    return [name for name in row["keys"] if name is not None]
