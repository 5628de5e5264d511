"""Distinct API keys of groups, of packed sets in cells and of names in records."""

from collections.abc import Iterable, Mapping

from app.datasets.connections.summary_rows import Group, OddValue, Row, group_of
from app.query.number_sets import NumberSet


def key_names(records: Iterable[Row]) -> set[str]:
    """List the keys of parts that were read from records. Raises OddValue where one is neither text nor null."""
    names = {_name(row) for row in records}
    return {name for name in names if name is not None}


def distinct_keys(cells: Iterable[Row], records: Iterable[Row], numbers: Mapping[str, int]) -> dict[Group, int]:
    """Count the distinct keys of each group. A key without a number is in no cell."""
    numbered: dict[Group, NumberSet] = {}
    named: dict[Group, set[str]] = {}
    for row in cells:
        numbered.setdefault(group_of(row), NumberSet()).add_packed(row["keys"])
    for row in records:
        name = _name(row)
        if name is not None and name in numbers:
            numbered.setdefault(group_of(row), NumberSet()).add(numbers[name])
        elif name is not None:
            named.setdefault(group_of(row), set()).add(name)
    groups = {*numbered, *named}
    return {group: len(numbered.get(group, ())) + len(named.get(group, ())) for group in groups}


def _name(row: Row) -> str | None:
    name = row["_id"]["apikeyId"]
    if not isinstance(name, str | None):
        raise OddValue
    return name
