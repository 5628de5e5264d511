"""What a command that reads may hold: stages that read the collection they were given, operators that run no code."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.query.dataset import Dataset
from app.query.ordering import SortKey
from app.store.client import Document

READING_STAGES = frozenset(
    {"$match", "$sort", "$skip", "$limit", "$group", "$project", "$set", "$unset", "$count", "$unwind"}
)
# Operators that run code or look at the collection from outside of the pipeline.
_REFUSED_OPERATORS = frozenset({"$where", "$function", "$accumulator"})


class UnsafePipeline(ValueError):
    """A pipeline holds a stage or operator that is not on the list: a mistake in our own code."""


def find_command(
    dataset: Dataset,
    match: Mapping[str, Any],
    *,
    sort: Sequence[SortKey],
    limit: int,
    skip: int = 0,
    fields: Iterable[str] | None = None,
) -> Document:
    """Make the `find` command: one batch of all that is asked, fields by inclusion."""
    check_operators(match)
    command: Document = {
        "find": dataset.collection,
        "filter": match,
        "sort": {key.path: int(key.direction) for key in sort},
        "limit": limit,
        # With a batch of just the limit, MongoDB leaves a cursor open where it has sorted, for a batch that is empty.
        "batchSize": limit + 1,
    }
    if skip:
        command["skip"] = skip
    if fields is not None:
        wanted = {*fields, *(key.path for key in sort)}
        command["projection"] = {"_id": 0} | dict.fromkeys(sorted(wanted), 1)
    return command


def check_pipeline(pipeline: Sequence[Mapping[str, Any]]) -> None:
    """Raise UnsafePipeline for a stage or operator that does more than read the given documents."""
    for stage in pipeline:
        for name in stage:
            if name not in READING_STAGES:
                raise UnsafePipeline(f"the stage {name} is not allowed")
        check_operators(stage)


def check_operators(value: object) -> None:
    """Raise UnsafePipeline where an operator anywhere inside runs code."""
    if isinstance(value, Mapping):
        for name, inner in value.items():
            if name in _REFUSED_OPERATORS:
                raise UnsafePipeline(f"the operator {name} is not allowed")
            check_operators(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            check_operators(inner)
