"""Exports of many records by a real server: in little memory, no faster than they are read, and never a false end."""

import signal
import zlib
from collections.abc import AsyncIterator

import httpx2
import pytest

from app.faces.rest.exports import BATCH_ROWS
from tests.server.export_house import ROWS, House, opened_house

PATH = "/export/connection-events.ndjson"
MEMORY_MB = 40  # more than the server had before; a million rows took 15
BATCHES = ROWS // BATCH_ROWS
STOP_SECONDS = 10


@pytest.fixture(scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    """One gateway for the tests of this file, which end it in the last ones."""
    async with opened_house(tmp_path_factory.mktemp("house")) as house:
        yield house


async def test_a_large_export_takes_little_memory_and_waits_for_its_reader(house: House) -> None:
    """While the reader rests, reading stops after a part; in the end every record has come once, in order."""
    await house.client.get(PATH, params={"timeStart": "2027-01-01T00:00:00Z"})
    memory, finds, left, newest = house.memory_peak(), house.finds(), b"", 2_000_000
    count = 0
    async with house.client.stream("GET", PATH, params={"fields": "eventId,eventDescription"}) as answer:
        assert answer.status_code == 200
        async for piece in answer.aiter_bytes():
            if not count:
                assert await house.still_finds() - finds < BATCHES / 4
            *lines, left = (left + piece).split(b"\n")
            for line in lines:
                number = int(line[12:19])
                assert number < newest
                newest, count = number, count + 1
    assert (count, left) == (ROWS, b"")
    assert house.memory_peak() - memory < MEMORY_MB


async def test_a_compressed_export_takes_little_memory_too(house: House) -> None:
    """And is whole: all lines, and the end mark of gzip."""
    memory, unpack, count = house.memory_peak(), zlib.decompressobj(31), 0
    async with house.client.stream("GET", PATH, headers={"Accept-Encoding": "gzip"}) as answer:
        async for piece in answer.aiter_raw():
            count += unpack.decompress(piece).count(b"\n")
    assert (count, unpack.eof) == (ROWS, True)
    assert house.memory_peak() - memory < MEMORY_MB


async def test_a_client_that_goes_away_ends_the_reading(house: House) -> None:
    """No more than a part is read once the connection is gone, and nothing is left open in MongoDB."""
    finds = house.finds()
    async with house.client.stream("GET", PATH) as answer:
        async for _ in answer.aiter_bytes():
            break
    assert await house.still_finds() - finds < BATCHES / 4
    assert house.open_cursors() == 0


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
async def test_when_the_database_dies_in_mid_stream_the_end_is_no_clean_one(house: House, encoding: str) -> None:
    """The transfer breaks off, the log says so, and the server serves on when the database is back."""
    unpack = zlib.decompressobj(31)

    async def read() -> None:
        async with house.client.stream("GET", PATH, headers={"Accept-Encoding": encoding}) as answer:
            assert answer.status_code == 200
            async for piece in answer.aiter_raw():
                house.mongod.kill()
                if encoding == "gzip":
                    unpack.decompress(piece)

    with pytest.raises(httpx2.RemoteProtocolError):
        await read()
    assert not unpack.eof
    assert "export_broken_off" in house.log.read_text()
    refused = await house.client.get(PATH)
    assert (refused.status_code, refused.headers["Content-Type"]) == (503, "application/problem+json")
    house.mongod.start()
    assert (await house.client.get(PATH, params={"timeStart": "2027-01-01T00:00:00Z"})).status_code == 200


async def test_a_stop_of_the_server_breaks_a_running_export_off(house: House) -> None:
    """SIGTERM: after the time for running requests the transfer ends, not cleanly, and so does the process."""

    async def read() -> None:
        async with house.client.stream("GET", PATH) as answer:
            async for _ in answer.aiter_bytes():
                if house.process.poll() is None:
                    house.process.send_signal(signal.SIGTERM)
                    house.process.wait(STOP_SECONDS)

    with pytest.raises(httpx2.RemoteProtocolError):
        await read()
    assert house.process.poll() is not None
