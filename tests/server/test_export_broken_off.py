"""What goes wrong in an export: a status of its own before the first byte, no clean end after it."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from app.access import gate
from app.access.administration import revoke_key
from app.errors import Unauthenticated
from app.faces.rest import exports
from tests.gateways import Gateway
from tests.seed_records import seed_connection_events

PATH = "/export/connection-events.ndjson"
Messages = list[dict[str, Any]]


@pytest.fixture
async def key(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> str:
    """A key of an organization with three events; a batch is of one."""
    monkeypatch.setattr(exports, "BATCH_ROWS", 1)
    await gateway.load_connection_events(seed_connection_events())
    return await gateway.key()


async def drive(gateway: Gateway, key: str, sent: Messages, after_each: Callable[[], Awaitable[Any]]) -> None:
    """Ask for the export as a server does that keeps what is `sent`; something happens after each piece."""

    async def receive() -> dict[str, Any]:
        await asyncio.Event().wait()
        raise AssertionError

    async def send(message: Any) -> None:
        sent.append(message)
        if message["type"] == "http.response.body":
            await after_each()

    request = {"type": "http", "method": "GET", "path": PATH, "query_string": b"", "root_path": ""}
    await gateway.app({**request, "headers": [(b"x-api-key", key.encode())]}, receive, send)


async def test_a_key_that_is_revoked_ends_an_export_that_is_running(
    gateway: Gateway, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As soon as other requests with it are refused; the transfer has no end mark."""
    monkeypatch.setattr(gate, "REMEMBERED_SECONDS", 0.0)
    sent: Messages = []
    with pytest.raises(Unauthenticated):
        await drive(gateway, key, sent, lambda: revoke_key(gateway.store.keys, key.split("_")[1]))
    assert [message.get("more_body") for message in sent] == [None, True]


async def test_an_undisturbed_export_ends_cleanly(gateway: Gateway, key: str) -> None:
    """Three batches of one, sent each for itself, and the end."""
    sent: Messages = []
    await drive(gateway, key, sent, lambda: asyncio.sleep(0))
    assert [message.get("more_body") for message in sent] == [None, True, True, True, False]


@pytest.mark.parametrize("extension", ["ndjson", "csv"])
async def test_a_fault_before_the_first_byte_is_a_problem(gateway: Gateway, key: str, extension: str) -> None:
    """A record that cannot be placed in time, in the first batch: 500, and nothing of Python is shown."""
    await _spoil(gateway, newest=True)
    answer = await gateway.get(key, f"/export/connection-events.{extension}")
    assert (answer.status_code, answer.json()["code"]) == (500, "INTERNAL")
    assert "Content-Disposition" not in answer.headers


async def test_a_fault_in_mid_stream_is_no_end(gateway: Gateway, key: str) -> None:
    """The same in the last batch: what was written has gone out, the end mark has not."""
    await _spoil(gateway, newest=False)
    sent: Messages = []
    with pytest.raises(TypeError):
        await drive(gateway, key, sent, lambda: asyncio.sleep(0))
    assert [message.get("more_body") for message in sent] == [None, True, True]


async def _spoil(gateway: Gateway, *, newest: bool) -> None:
    """Let an event have what only a foreign service could have left: 100 ns that are no number."""
    events = gateway.store.writer._database["connectionEvents"]  # noqa: SLF001 - behind the doors
    row = await events.find_one(sort=[("eventTimestamp", -1 if newest else 1)])
    assert row is not None
    await events.update_one({"_id": row["_id"]}, {"$set": {"eventTimestampTicks": "soon"}})
