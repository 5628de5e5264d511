"""Writes that follow each other at once go out as one, in order, and none is lost."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, cast

from app.server.joining import JoiningTransport


@dataclass
class Wire:
    """A transport that notes what is done with it."""

    done: list[Any] = field(default_factory=list)

    def write(self, data: bytes) -> None:
        """Note one write."""
        self.done.append(data)

    def writelines(self, parts: list[bytes]) -> None:
        """Note several as one."""
        self.done.append(b"".join(parts))

    def write_eof(self) -> None:
        """Note the end."""
        self.done.append("eof")

    def close(self) -> None:
        """Note the close."""
        self.done.append("close")

    def abort(self) -> None:
        """Note the abort."""
        self.done.append("abort")

    def get_write_buffer_size(self) -> int:
        """Tell how much was written."""
        return sum(map(len, self.done))

    def is_closing(self) -> bool:
        """Tell that it is not."""
        return False


def joining() -> tuple[Wire, JoiningTransport]:
    """Make one over a wire."""
    wire = Wire()
    return wire, JoiningTransport(cast("asyncio.Transport", wire), asyncio.get_running_loop())


async def test_a_head_and_its_body_are_one_write() -> None:
    """Once the callback that wrote them is over."""
    wire, transport = joining()
    transport.write(b"head")
    transport.writelines([b"bo", b"dy"])
    assert wire.done == []
    await asyncio.sleep(0)
    assert wire.done == [b"headbody"]
    transport.write(b"more")
    await asyncio.sleep(0)
    assert wire.done == [b"headbody", b"more"]


async def test_much_goes_out_as_it_comes() -> None:
    """What is held is bounded, so that the transport below can slow its writer down."""
    wire, transport = joining()
    for _ in range(5):
        transport.write(b"x" * 40_000)
    assert [len(one) for one in wire.done] == [80_000, 80_000]
    await asyncio.sleep(0)
    assert sum(map(len, wire.done)) == 200_000


async def test_an_end_comes_after_all_that_was_written() -> None:
    """A close and an end of file; what was written before an abort is given up."""
    for end in ("close", "write_eof"):
        wire, transport = joining()
        transport.write(b"last")
        getattr(transport, end)()
        assert wire.done == [b"last", end.removeprefix("write_")]
        await asyncio.sleep(0)
        assert len(wire.done) == 2
    wire, transport = joining()
    transport.write(b"last")
    transport.abort()
    await asyncio.sleep(0)
    assert wire.done == ["abort"]


async def test_what_is_held_counts_as_unread() -> None:
    """And everything else is as the transport below has it."""
    _, transport = joining()
    transport.write(b"1234")
    assert transport.get_write_buffer_size() == 4
    assert transport.is_closing() is False
