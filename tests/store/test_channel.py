"""A connection gives each command its own reply, in whatever pieces it comes, and ends where it gets anything else."""

import asyncio
from contextlib import suppress
from struct import pack

from hypothesis import given, settings
from hypothesis import strategies as st

from app.store.channel import Channel, Lost

patient = settings(deadline=None)


class Line(asyncio.Transport):
    """A transport that keeps what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.protocol: asyncio.BaseProtocol = asyncio.Protocol()
        self.written: list[bytes] = []
        self.closed = False

    def get_protocol(self) -> asyncio.BaseProtocol:
        """The protocol there was before."""
        return self.protocol

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        """Take another one."""
        self.protocol = protocol

    def resume_reading(self) -> None:
        """It never paused."""

    def is_closing(self) -> bool:
        """Whether it was closed."""
        return self.closed

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep it."""
        self.written.append(bytes(data))

    def abort(self) -> None:
        """Close it."""
        self.closed = True

    def feed(self, data: bytes) -> None:
        """Let this arrive as a loop does it, in as many pieces as the protocol takes it."""
        assert isinstance(self.protocol, asyncio.BufferedProtocol)
        while data and not self.closed:
            buffer = memoryview(self.protocol.get_buffer(-1))
            taken = min(len(buffer), len(data))
            assert taken > 0
            buffer[:taken] = data[:taken]
            self.protocol.buffer_updated(taken)
            data = data[taken:]


def _channel(line: Line) -> Channel:
    return Channel(line, ("127.0.0.1", 1), {}, lambda _channel: True)


@given(
    st.lists(st.sampled_from([0, 1, 5, 65_500, 65_515, 65_516, 200_000]), min_size=1, max_size=4),
    st.lists(st.sampled_from([1, 3, 4, 20, 21, 22, 65_515, 65_516, 70_000]), max_size=9),
)
@patient
async def test_replies_may_come_in_any_pieces(sizes: list[int], pieces: list[int]) -> None:
    """Each is given whole, one after another."""
    line = Line()
    channel = _channel(line)
    for number, size in enumerate(sizes, start=1):
        asking = asyncio.create_task(channel.ask(number, b"question", 10))
        await asyncio.sleep(0)
        document = bytes([number]) * size
        message = pack("<iiiiIB", 21 + size, 900, number, 2013, 0, 0) + document
        at = 0
        while at < len(message):
            for piece in (*pieces, 9_000):
                line.feed(message[at : at + piece])
                at += piece
        assert await asking == document
        assert channel.usable
    assert len(line.written) == len(sizes)


@given(st.binary(max_size=80), st.lists(st.integers(1, 30), min_size=1))
@patient
async def test_noise_ends_the_connection(noise: bytes, pieces: list[int]) -> None:
    """Whatever comes: it is an answer, more is to come, or the connection is closed."""
    line = Line()
    channel = _channel(line)
    asking = asyncio.create_task(channel.ask(1, b"question", 10))
    await asyncio.sleep(0)
    at = 0
    while at < len(noise):
        for piece in pieces:
            line.feed(noise[at : at + piece])
            at += piece
    channel.connection_lost(None)
    with suppress(Lost):
        await asking
