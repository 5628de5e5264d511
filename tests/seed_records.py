"""The records of the sources' documents, as they stand there."""

import json
from pathlib import Path
from typing import Any

SEEDS = Path(__file__).parent / "seeds"
CONNECTION_EVENTS_FILE = SEEDS / "connection-events.ndjson"
SUMMARY_EVENTS_FILE = SEEDS / "summary-events.ndjson"


def seed_connection_events() -> list[dict[str, Any]]:
    """The three connection events of one connection."""
    return _records(CONNECTION_EVENTS_FILE)


def seed_summary_events() -> list[dict[str, Any]]:
    """The one summary event."""
    return _records(SUMMARY_EVENTS_FILE)


def _records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]
