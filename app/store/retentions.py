"""How long MongoDB keeps what is stored: by the TTL index that is there, not by what the settings would have."""

from datetime import timedelta
from time import monotonic

from app.query.dataset import Dataset
from app.store.client import Database
from app.store.deadlines import answered_within
from app.store.indexes import FOR_EVER_SECONDS, existing_indexes

TRUSTED_SECONDS = 30.0


class Retentions:
    """Looks the retention of a collection up, at most every 30 seconds."""

    def __init__(self, database: Database, budget_ms: int) -> None:
        self._database = database
        self._budget_ms = budget_ms
        self._known: dict[str, tuple[float, timedelta | None]] = {}

    async def kept(self, dataset: Dataset) -> timedelta | None:
        """Tell how long a record is kept after its `expires_by`; None: for ever."""
        known = self._known.get(dataset.name)
        if known is not None and monotonic() - known[0] < TRUSTED_SECONDS:
            return known[1]
        asked = monotonic()
        indexes = await answered_within(self._budget_ms, existing_indexes(self._database, dataset.collection))
        limits = [one["expireAfterSeconds"] for one in indexes if "expireAfterSeconds" in one]
        seconds = min(limits, default=FOR_EVER_SECONDS)
        kept = None if seconds >= FOR_EVER_SECONDS else timedelta(seconds=seconds)
        self._known[dataset.name] = (asked, kept)
        return kept
