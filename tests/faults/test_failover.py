"""A primary of three dies under load: an election later all goes on, and nothing is wrong, lost or doubled."""

import asyncio
import random
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx2
import orjson

from app.ingest.sources import SUMMARY_EVENT_SOURCE
from tests.cli.processes import CommandLine, Outcome, lines_of, on_database
from tests.faults.mongods import Members, three_members
from tests.faults.serving import new_key, served
from tests.gateways import load_records, make_settings, open_test_store
from tests.ingest.making import made_call, made_events, right_statuses, seen_statuses, stored_ids, write_ndjson

CALLS, EVENTS = 2_000, 12_000
READERS, CHUNK = 8, 400
BEFORE_SECONDS, AFTER_SECONDS = 1.5, 2.0
NOTICE_SECONDS = 2.0  # for the gateway to see the new primary: it looks at each member once a second
BUSY_SECONDS = 3.0  # a hang guard, not a measure
STORED = {event["eventId"]: event for event in made_events(EVENTS)}


@dataclass
class Answers:
    """What the readers got: when each request began and ended, and its status."""

    asked: list[tuple[float, float, int]] = field(default_factory=list)

    def errors(self) -> list[tuple[float, float, int]]:
        """Those that failed."""
        return [one for one in self.asked if one[2] != 200]

    def longest_gap(self) -> float:
        """The longest time without a good answer, in seconds."""
        ends = sorted(end for _, end, status in self.asked if status == 200)
        return max(after - before for before, after in pairwise(ends))


def right_calls(answer: Any, first: int) -> bool:
    """Whether these are the ten calls of a window, newest first, each once."""
    return [node["summaryEventId"] for node in answer["summaryEvents"]["nodes"]] == [
        f"call-{number:06}" for number in range(first + 9, first - 1, -1)
    ]


def right_events(answer: Any) -> bool:
    """Whether the newest events that are stored so far are as they were written, in order, each once."""
    nodes = answer["connectionEvents"]["nodes"]
    times = [node["eventTimestamp"] for node in nodes]
    return (
        len({node["eventId"] for node in nodes}) == len(nodes)
        and all(node == {name: STORED[node["eventId"]][name] for name in node} for node in nodes)
        and times == sorted(times, reverse=True)
    )


async def read(client: httpx2.AsyncClient, answers: Answers, stop: asyncio.Event, seed: int) -> None:
    """Ask again and again; every answer is right, or 503 or 504."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    while not stop.is_set():
        at = chance.randrange(CALLS - 10)
        start, end = made_call(at)["datetime"], made_call(at + 10)["datetime"]
        window = f'{{time: {{start: "{start}", end: "{end}"}}}}'
        calls = f"{{ summaryEvents(filter: {window}) {{ nodes {{ summaryEventId }} }} }}"
        events = "{ connectionEvents(first: 200) { nodes { eventId connectionId eventType eventTimestamp } } }"
        ask_calls = chance.random() < 0.5
        begun = time.monotonic()
        answer = await client.post("/graphql", json={"query": calls if ask_calls else events})
        answers.asked.append((begun, time.monotonic(), answer.status_code))
        if answer.status_code == 200:
            data = answer.json()["data"]
            assert right_calls(data, at) if ask_calls else right_events(data)
        else:
            assert answer.status_code in {503, 504}, answer.text
        await asyncio.sleep(0.01)


def feed(process: subprocess.Popen[bytes], records: list[Any]) -> None:
    """Give a load its records bit by bit, as long as it takes them."""
    assert process.stdin is not None
    try:
        for at in range(0, len(records), CHUNK):
            process.stdin.write(lines_of(records[at : at + CHUNK]))
            process.stdin.flush()
            time.sleep(0.15)
        process.stdin.close()
    except BrokenPipeError:
        pass


async def kill_primary(members: Members) -> tuple[float, float]:
    """Kill it; when that was, and when there was another one."""
    primary = members.primary()
    assert primary is not None
    killed = time.monotonic()
    await asyncio.to_thread(primary.kill)
    await asyncio.to_thread(members.await_primary)
    return killed, time.monotonic()


def load_again(line: CommandLine, file: Path) -> Outcome:
    """Load all of it, as an operator would who was told that the database was away."""
    return line.run("load", "connection-events", str(file))


async def test_a_primary_is_killed_under_load(tmp_path: Path) -> None:
    """Errors are 503 or 504 and within the election; a load goes on or is run again; every record is there once."""
    with three_members(tmp_path) as members:
        settings = make_settings(mongodb_uri=members.uri, database="failover")
        events, answers, stop = made_events(EVENTS), Answers(), asyncio.Event()
        line = on_database(tmp_path, settings)
        async with await open_test_store(settings) as store:
            await load_records(store, SUMMARY_EVENT_SOURCE, [made_call(number) for number in range(CALLS)])
            key = await new_key(store)
        with served(settings, tmp_path) as gateway, line.started("load", "connection-events", "-") as loading:
            feeding = asyncio.create_task(asyncio.to_thread(feed, loading, events))
            headers = {"X-API-Key": key}
            async with httpx2.AsyncClient(base_url=gateway.url, timeout=60, headers=headers) as client:
                readers = [asyncio.create_task(read(client, answers, stop, seed)) for seed in range(READERS)]
                await asyncio.sleep(BEFORE_SECONDS)
                assert loading.poll() is None
                killed, elected = await kill_primary(members)
                await feeding
                first = await asyncio.to_thread(loading.wait, 60)
                await asyncio.sleep(AFTER_SECONDS)
                stop.set()
                await asyncio.gather(*readers)
        assert first in {0, 3}, line.output
        again = await asyncio.to_thread(load_again, line, write_ndjson(tmp_path / "events", events))
        assert again.status == 0, again.err
        async with await open_test_store(settings) as store:
            assert await stored_ids(store) == [event["eventId"] for event in events]
            assert await seen_statuses(store) == right_statuses(events)
        figures = {
            "requests": len(answers.asked),
            "errors": {str(status): count for status, count in Counter(one[2] for one in answers.errors()).items()},
            "election_seconds": round(elected - killed, 2),
            "last_error_after_kill_seconds": round(
                max((end for _, end, _ in answers.errors()), default=killed) - killed, 2
            ),
            "longest_gap_seconds": round(answers.longest_gap(), 2),
            "load_exit_status": first,
        }
        print(f"failover: {figures}")
        (tmp_path / "failover.json").write_bytes(orjson.dumps(figures))
        for begun, ended, _ in answers.errors():
            assert ended > killed
            assert begun < elected + NOTICE_SECONDS
        assert answers.longest_gap() < elected - killed + NOTICE_SECONDS + BUSY_SECONDS
        assert max(begun for begun, _, status in answers.asked if status == 200) > elected
