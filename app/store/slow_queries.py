"""The slow-query log: a warning for each command that took long, with its shape and no value."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from app.store.shapes import shape_of

log = structlog.get_logger(__name__)

_SHAPED = ("filter", "sort", "pipeline")


@dataclass(frozen=True, slots=True)
class SlowQueries:
    """Which commands are slow: those that took `threshold_ms` milliseconds or longer; 0: none."""

    threshold_ms: int = 0

    def note(self, command: Mapping[str, Any], milliseconds: float, rows: int | None, budget_ms: int) -> None:
        """Log a command that has ended, if it was slow; `rows` None: it gave no answer."""
        if not self.threshold_ms or milliseconds < self.threshold_ms:
            return
        kind, collection = next(iter(command.items()))
        log.warning(
            "slow_query",
            command=kind,
            collection=collection if isinstance(collection, str) else None,
            duration_ms=round(milliseconds, 1),
            rows=rows,
            budget_ms=budget_ms,
            shape=shape_of({name: command[name] for name in _SHAPED if name in command}),
        )
