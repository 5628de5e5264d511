"""`gateway load` that does not come to its end: nothing is doubled or lost, and the next one completes it."""

import gzip
import signal

import pytest

from app.datasets.connection_events.fields import CONNECTION_EVENTS
from app.store.store import Store
from tests.cli.processes import SECONDS, CommandLine, lines_of
from tests.ingest.making import (
    made_event,
    made_events,
    right_statuses,
    seen_statuses,
    stored_ids,
    write_ndjson,
)

EVENTS = ("load", "connection-events")


PACKED = gzip.compress(lines_of(made_events(9_000)))
# A member of a gzip file whose data begin with a block of a type that there is not.
NO_MEMBER = gzip.compress(b"")[:10] + b"\xff" * 100


@pytest.mark.parametrize(
    ("content", "least"),
    [(PACKED[:-9], 8_000), (PACKED[:-4] + b"\0" * 4, 8_000), (PACKED + NO_MEMBER, 8_000), (None, 0)],
)
async def test_an_input_that_breaks_is_reported(
    command_line: CommandLine, store: Store, content: bytes | None, least: int
) -> None:
    """Status 1, no traceback, the file is named, what came before is kept; the next file is loaded all the same.

    Cut off, a wrong length, damaged data, and a folder in place of a file.
    """
    broken = command_line.folder / "broken.gz"
    if content is None:
        broken.mkdir()
    else:
        broken.write_bytes(content)
    write_ndjson(command_line.folder / "next", [made_event(10_000)])
    outcome = command_line.run(*EVENTS, "broken.gz", "next")
    assert outcome.status == 1
    assert "Traceback" not in outcome.err
    assert "broken.gz: cannot be read any further" in outcome.err
    assert "next: 1 stored" in outcome.err
    assert len(await stored_ids(store)) > least


async def test_refused_lines_that_cannot_be_kept_do_not_stop_the_load(command_line: CommandLine, store: Store) -> None:
    """A file beside which nothing can be written (here a folder is in the way): status 1, every good line is stored."""
    write_ndjson(command_line.folder / "events", [{"eventId": 1}, *made_events(5_000)])
    (command_line.folder / "events.rejected.ndjson").mkdir()
    outcome = command_line.run(*EVENTS, "events")
    assert outcome.status == 1
    assert "events.rejected.ndjson" in outcome.err
    assert len(await stored_ids(store)) == 5_000


async def test_a_killed_load_is_completed_by_the_next(command_line: CommandLine, store: Store) -> None:
    """SIGKILL twice within 12,000 events, and again: every record once, and right statuses."""
    events = made_events(12_000)
    write_ndjson(command_line.folder / "events", events)
    kept = 0
    for _ in range(2):
        with command_line.started(*EVENTS, "events") as process:
            while await store.writer.count(CONNECTION_EVENTS.collection) < kept + 2_100 and process.poll() is None:
                pass
            process.kill()
            assert process.wait(SECONDS) == -signal.SIGKILL
        kept = await store.writer.count(CONNECTION_EVENTS.collection)
        assert 2_000 < kept < 12_000
    outcome = command_line.run(*EVENTS, "events")
    assert (outcome.status, outcome.out) == (0, "")
    assert outcome.err.endswith(" there already, 0 refused\n")
    assert await stored_ids(store) == [event["eventId"] for event in events]
    assert await seen_statuses(store) == right_statuses(events)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_ends_a_load_that_waits_for_input(
    command_line: CommandLine, store: Store, number: signal.Signals
) -> None:
    """Ctrl-C works although no more lines come, and what came before is stored."""
    with command_line.started(*EVENTS, "-") as process:
        assert process.stdin is not None
        process.stdin.write(lines_of(made_events(2_000)))
        process.stdin.flush()
        while await store.writer.count("connections") < 400:
            assert process.poll() is None
        process.send_signal(number)
        assert process.wait(8) != 0
    assert len(await stored_ids(store)) == 2_000
