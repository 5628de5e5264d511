"""Hostile documents: refused or answered in time, with a code, and nothing of the inside."""

import httpx2

from tests.abuse.attacks import Attack, asking, faults
from tests.abuse.bounded_gateway import BoundedGateway
from tests.abuse.documents import DOCUMENTS, broken_documents


async def test_no_document_does_harm(client: httpx2.AsyncClient, abused: BoundedGateway) -> None:
    """Deep, wide, doubled, cyclic, unknown: no 5xx, no hang, nothing of the inside."""
    assert await faults(client, abused.mine.key, (asking(*one) for one in DOCUMENTS.items())) == []


async def test_no_document_does_harm_as_the_graphql_media_type(
    client: httpx2.AsyncClient, abused: BoundedGateway
) -> None:
    """The same where failures show in the status."""
    accept = {"Content-Type": "application/json", "Accept": "application/graphql-response+json"}
    attacks = (Attack(name, "/graphql", "POST", asking(name, text).content, accept) for name, text in DOCUMENTS.items())
    assert await faults(client, abused.mine.key, attacks) == []


async def test_no_broken_document_does_harm(client: httpx2.AsyncClient, abused: BoundedGateway) -> None:
    """Cut off anywhere, or with a strange character anywhere."""
    assert await faults(client, abused.mine.key, (asking(*one) for one in broken_documents())) == []
