"""Large answers that wait to be read: bounded, for all and for each organization."""

import asyncio

import pytest
from starlette.types import Message

from app.errors import Overloaded, RateLimited
from app.server.outbox import PIECE_BYTES, Outbox

SIZE = 2 * PIECE_BYTES + 1
BODY = bytes(range(256)) * 1024 * 2 + b"x"


async def send_all(outbox: Outbox, held: list[int]) -> list[Message]:
    """Let an answer go out; note what the outbox holds at each piece."""
    sent: list[Message] = []

    async def send(message: Message) -> None:
        held.append(outbox.held)
        sent.append(message)
        await asyncio.sleep(0)

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    answer = outbox.answer("a", BODY, 200, {"Content-Type": "application/json"})
    await answer({"type": "http"}, receive, send)
    return sent


async def test_an_answer_goes_out_whole_in_pieces() -> None:
    """With its length, and counted from the first to the last of them."""
    outbox, held = Outbox(), list[int]()
    start, *pieces = await send_all(outbox, held)
    assert (b"content-length", str(SIZE).encode()) in start["headers"]
    assert b"".join(piece["body"] for piece in pieces) == BODY
    assert [(len(piece["body"]), piece["more_body"]) for piece in pieces] == [
        (PIECE_BYTES, True),
        (PIECE_BYTES, True),
        (1, False),
    ]
    assert held == [SIZE] * 4
    assert outbox.held == 0


def test_an_organization_may_hold_half_and_all_no_more_than_the_whole() -> None:
    """What is small is let through."""
    outbox = Outbox(2 * SIZE)
    with outbox.holding("a", SIZE):
        outbox.answer("a", BODY, 200, {})
        with outbox.holding("a", SIZE), pytest.raises(RateLimited, match="wait to be read"):
            outbox.answer("a", BODY, 200, {})
        with outbox.holding("b", 2 * SIZE), outbox.holding("c", SIZE):
            with pytest.raises(Overloaded):
                outbox.answer("d", BODY, 200, {})
            outbox.answer("d", BODY[:PIECE_BYTES], 200, {})
    outbox.answer("a", BODY, 200, {})
