"""Which buckets of the rollup an update of a status changes: those of its last activity, before and after."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from app.datasets.connections.status import Document, merged_status
from app.datasets.connections.summary import GROUP_KEYS

_TOLD = ("connectionStartTime", "lastActivity", "apikeyId", *GROUP_KEYS)


def moved(stored: Mapping[str, Any] | None, partial: Document) -> set[datetime]:
    """Tell the last activities (naive UTC) whose buckets change where a partial status is merged into the stored one.

    None where all that cells tell of the connection stays as it is, as far as can be told.
    """
    if stored is None:
        return {partial["lastActivity"]}
    after = merged_status(stored, partial)
    if after is not None and all(stored.get(name) == after[name] for name in _TOLD):
        return set()
    ends = [end for end in (stored.get("lastActivity"), partial["lastActivity"]) if isinstance(end, datetime)]
    return {*ends[:1], *sorted(ends)[-1:]}
