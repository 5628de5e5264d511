"""One gateway under a limit of memory for all of the abuse."""

from collections.abc import AsyncIterator

import httpx2
import pytest

from tests.abuse.bounded_gateway import SECONDS, BoundedGateway, bounded_gateway


@pytest.fixture(scope="session")
async def abused(mongodb_uri: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[BoundedGateway]:
    """The gateway that is abused; it must be the same process, and ready, in the end."""
    async with bounded_gateway(mongodb_uri, tmp_path_factory.mktemp("abused")) as gateway:
        yield gateway
        assert gateway.process.poll() is None


@pytest.fixture(scope="session")
async def client(abused: BoundedGateway) -> AsyncIterator[httpx2.AsyncClient]:
    """A client without a key; each request must be answered in time."""
    async with httpx2.AsyncClient(base_url=abused.url, timeout=SECONDS) as client:
        yield client
