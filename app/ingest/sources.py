"""What can be loaded: which record, which dataset, which document."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.datasets.connection_events.fields import CONNECTION_EVENTS
from app.datasets.connections.fields import CONNECTIONS
from app.datasets.summary_events.fields import SUMMARY_EVENTS
from app.datasets.summary_events.rollup import SUMMARY_EVENT_ROLLUP
from app.ingest.connection_event_record import ConnectionEventRecord, connection_event_document
from app.ingest.record_parts import Record
from app.ingest.summary_event_record import SummaryEventRecord, summary_event_document
from app.query.dataset import Dataset
from app.query.rollups import Rollup


@dataclass(frozen=True, slots=True)
class Source:
    """A kind of records: how one is checked, what is stored of it, and which rollup is kept of what is stored.

    `derived` are the datasets that are kept besides.
    """

    dataset: Dataset
    record: type[Record]
    document: Callable[[dict[str, Any]], dict[str, Any]]
    rollup: Rollup | None = None
    derived: tuple[Dataset, ...] = ()

    @property
    def written(self) -> tuple[Dataset, ...]:
        """All that loading writes."""
        return (self.dataset, *self.derived)


CONNECTION_EVENT_SOURCE = Source(
    CONNECTION_EVENTS, ConnectionEventRecord, connection_event_document, derived=(CONNECTIONS,)
)
SUMMARY_EVENT_SOURCE = Source(SUMMARY_EVENTS, SummaryEventRecord, summary_event_document, SUMMARY_EVENT_ROLLUP)
