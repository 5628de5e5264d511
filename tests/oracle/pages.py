"""Order and pages (contract 4, "Pages")."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.oracle import instants
from tests.oracle.datasets import Dataset, Record

ASC, DESC = "ASC", "DESC"
Order = tuple[str, str]


@dataclass(frozen=True)
class Page:
    """One page: its records, whether more follow, and how many there are on all pages together."""

    nodes: list[Record]
    has_next_page: bool
    total_count: int


def null_first(value: Any) -> tuple[bool, Any]:
    """Make a sort key that puts null before everything; reversed, after everything (as MongoDB sorts null)."""
    return (value is not None, 0 if value is None else value)


def ordered(records: Sequence[Record], dataset: Dataset, orders: Sequence[Order] | None = None) -> list[Record]:
    """Sort by (field, ASC or DESC) in turn; fields by GraphQL or stored name, null first ascending, last descending.

    Times compare by ticks, text by code point. Ties: by id, in the direction of the last order given. No order given:
    time descending, then id descending.
    """
    given = list(orders or [(dataset.time_field, DESC)])
    result = list(records)
    # Sorting is stable, also when reversed: the least important key goes first.
    for name, direction in reversed([*given, (dataset.id_field, given[-1][1])]):
        field = dataset.stored_name(name)
        keyed = [(null_first(_sort_value(record, field, dataset)), record) for record in result]
        keyed.sort(key=lambda pair: pair[0], reverse={ASC: False, DESC: True}[direction])
        result = [record for _key, record in keyed]
    return result


def cut(in_order: Sequence[Record], dataset: Dataset, first: int = 100, after: str | None = None) -> Page:
    """Cut the page of at most `first` records behind the one whose id is `after` (None: from the start)."""
    ids = [record[dataset.id_field] for record in in_order]
    start = 0 if after is None else ids.index(after) + 1
    rest = list(in_order[start:])
    return Page(nodes=rest[:first], has_next_page=len(rest) > first, total_count=len(in_order))


def walk(in_order: Sequence[Record], dataset: Dataset, first: int) -> list[Page]:
    """Every page a client sees that asks for `first` (1 or more) at a time until nothing follows; at least one."""
    pages = [cut(in_order, dataset, first)]
    while pages[-1].has_next_page:
        pages.append(cut(in_order, dataset, first, after=pages[-1].nodes[-1][dataset.id_field]))
    return pages


def _sort_value(record: Record, field: str, dataset: Dataset) -> object:
    value: object = record.get(field)
    if field in dataset.time_fields and isinstance(value, str):
        return instants.parse(value)
    return value
