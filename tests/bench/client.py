"""The load process: asks as fast as it may, and costs little itself.

Requests are bytes that were made before, answers are told apart by their Content-Length alone, and each connection is
one small protocol object. It runs in a process of its own, apart from servers and from the bench.
"""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from random import Random
from time import perf_counter
from typing import Any, cast

import orjson
import uvloop
from bson.codec_options import CodecOptions
from bson.raw_bson import RawBSONDocument
from pymongo import AsyncMongoClient

from tests.bench.loads import CommandLoad, HttpLoad, Outcome, Seen
from tests.bench.tally import Tally

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"\r\ncontent-length:"
_UNNAMED = "?"
_TOO_MUCH = frozenset({429, 503})


class LostConnection(Exception):
    """A server closed a connection, or sent what is no answer of a stated length."""


class Conversation(asyncio.Protocol):
    """One connection: the next request goes out when an answer has come."""

    def __init__(self, load: HttpLoad, tally: Tally, number: int) -> None:
        self._load = load
        self._tally = tally
        self._number = number
        self._chance = Random(number)  # noqa: S311 - nothing secret is drawn
        self._received = bytearray()
        self._whole: int | None = None
        self._body_at = 0
        self.body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to ask."""
        self._transport = cast("asyncio.Transport", transport)
        self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """Only the end of the load may end a connection."""
        self._tally.fail(exc or LostConnection("the server closed a connection"))

    def data_received(self, data: bytes) -> None:
        """Take a part of an answer."""
        self._received += data
        if self._whole is None:
            end = self._received.find(_HEAD_END)
            if end < 0:
                return
            at = self._received.lower().find(_LENGTH, 0, end)
            if at < 0:
                self._tally.fail(LostConnection("an answer has no Content-Length"))
                return
            at += len(_LENGTH)
            self._body_at = end + len(_HEAD_END)
            self._whole = self._body_at + int(self._received[at : self._received.find(b"\r\n", at)])
        if len(self._received) >= self._whole:
            self._take()

    def _take(self) -> None:
        latency = perf_counter() - self._begun
        status = int(self._received[9:12])
        self.body = bytes(self._received[self._body_at :])
        self._tally.note(latency, outcome_of(status, self.body))
        self._received, self._whole = bytearray(), None
        pause = self._load.refused_pause_seconds if status in _TOO_MUCH else self._load.pause_seconds
        if not self._tally.running:
            self._transport.close()
        elif pause:
            asyncio.get_running_loop().call_later(pause, self._ask)
        else:
            self._ask()

    def _ask(self) -> None:
        requests = self._load.requests
        request = requests[self._number % len(requests)] if self._load.own else self._chance.choice(requests)
        self._begun = perf_counter()
        self._transport.write(request)


def outcome_of(status: int, body: bytes) -> Outcome:
    """Tell how a request was answered: the status, and the code of the first error of GraphQL or of a problem."""
    if status == 200 and b'"errors":[' not in body:
        return status, "OK"
    try:
        answer = orjson.loads(body)
    except orjson.JSONDecodeError:
        return status, _UNNAMED
    first: dict[str, Any] = next(iter(answer.get("errors") or ()), {})
    return status, str(answer.get("code") or first.get("extensions", {}).get("code", _UNNAMED))


def run_http(load: HttpLoad) -> Seen:
    """Put a load on a server, in this process."""
    return uvloop.run(_http(load))


async def _http(load: HttpLoad) -> Seen:
    loop, tally = asyncio.get_running_loop(), Tally(load.extent, load.watched)
    loop.set_exception_handler(lambda _loop, context: tally.fail(_error(context)))
    conversations = [Conversation(load, tally, number) for number in range(load.extent.concurrency)]
    opened = [await loop.create_connection(lambda one=one: one, "127.0.0.1", load.port) for one in conversations]  # type: ignore[misc] # mypy takes the default for an argument
    try:
        seen = await tally.seen()
    finally:
        for transport, _ in opened:
            transport.abort()
    seen.bodies.append(conversations[0].body)
    return seen


def _error(context: dict[str, Any]) -> BaseException:
    return cast("BaseException", context.get("exception") or LostConnection(context["message"]))


def run_command(load: CommandLoad) -> Seen:
    """Put a load on MongoDB alone, in this process."""
    return uvloop.run(_command(load))


async def _command(load: CommandLoad) -> Seen:
    raw: CodecOptions[RawBSONDocument] = CodecOptions(RawBSONDocument)
    async with AsyncMongoClient(load.uri, document_class=RawBSONDocument) as client:
        database, tally = client.get_database(load.database, codec_options=raw), Tally(load.extent, load.watched)

        async def ask() -> None:
            while tally.running:
                begun = perf_counter()
                cursor = await database.cursor_command(load.command, codec_options=raw)
                await cursor.to_list(None)
                tally.note(perf_counter() - begun)

        async with asyncio.TaskGroup() as group:
            for _ in range(load.extent.concurrency):
                group.create_task(ask())
        return await tally.seen()


@contextmanager
def load_process() -> Iterator[ProcessPoolExecutor]:
    """Give a process of its own to put loads from."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield pool
