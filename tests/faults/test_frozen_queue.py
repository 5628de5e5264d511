"""A frozen MongoDB, and more requests than there are turns: each is answered in its time, those with a new key too."""

import asyncio
import signal
import time
from collections import Counter
from pathlib import Path

import httpx2

from tests.faults.mongods import Mongod
from tests.faults.serving import new_key, served
from tests.gateways import make_settings, open_test_store

# Nothing but the request's own time ends it early: a command and a look at the server may take far longer.
REQUEST_MS, OTHERS_MS = 1_500, 10_000
MARGIN_SECONDS = 4.0  # a busy machine's
ASKED = 90  # the default is 8 turns
LIGHT = {"query": "{ connectionEvents(first: 1) { nodes { eventId } } }"}
PATHS = ("/summary/count", "/export/summary-events.ndjson", "/api/connection-analytics/query")


async def test_every_request_is_answered_in_its_time(tmp_path: Path) -> None:
    """503 or 504 within GATEWAY_REQUEST_TIMEOUT_MS, whatever is asked, with a key in use and with one not seen before.

    After the thaw all are answered, by itself.
    """
    (tmp_path / "data").mkdir()
    mongod = Mongod(tmp_path / "data")
    try:
        mongod.start()
        assert mongod.process is not None
        settings = make_settings(mongodb_uri=mongod.uri, database="frozen")
        async with await open_test_store(settings) as store:
            keys = [await new_key(store) for _ in range(2)]
        bounds = {
            "GATEWAY_REQUEST_TIMEOUT_MS": str(REQUEST_MS),
            "GATEWAY_QUERY_TIMEOUT_MS": str(OTHERS_MS),
            "GATEWAY_CONNECT_TIMEOUT_MS": str(OTHERS_MS),
        }
        limits = httpx2.Limits(max_connections=ASKED)
        with served(settings, tmp_path, **bounds) as gateway:
            async with httpx2.AsyncClient(base_url=gateway.url, timeout=60, limits=limits) as client:
                assert (await ask(client, keys, 1))[0] == 200  # the first key is in use, the second is not
                mongod.freeze()
                try:
                    answers = await asyncio.gather(*(ask(client, keys, number) for number in range(ASKED)))
                finally:
                    mongod.process.send_signal(signal.SIGCONT)
                slowest = max(seconds for _, seconds in answers)
                print(f"frozen: {dict(Counter(status for status, _ in answers))}, slowest {slowest:.2f} s")
                assert {status for status, _ in answers} <= {503, 504}
                assert slowest < REQUEST_MS / 1000 + MARGIN_SECONDS
                async with asyncio.timeout(20):
                    while (await ask(client, keys, 1))[0] != 200:  # noqa: ASYNC110 - only asking tells
                        await asyncio.sleep(0.1)
                for start in range(0, ASKED, 9):  # few at a time: a busy machine shall not make them late
                    answers = await asyncio.gather(*(ask(client, keys, start + number) for number in range(9)))
                    assert {status for status, _ in answers} == {200}
    finally:
        mongod.kill()


async def ask(client: httpx2.AsyncClient, keys: list[str], number: int) -> tuple[int, float]:
    """Ask one of several things with one of two keys; the status and the seconds it took."""
    begun, headers = time.monotonic(), {"X-API-Key": keys[number // 3 % 2 if number > 1 else 0]}
    if number % 3:
        answer = await client.post("/graphql", json=LIGHT, headers=headers)
    else:
        answer = await client.get(PATHS[number // 6 % len(PATHS)], headers=headers)
    return answer.status_code, time.monotonic() - begun
