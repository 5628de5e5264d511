"""Forged and foreign cursors of lists and exports."""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx2
import pytest

from tests.abuse.attacks import Attack, asking, faults
from tests.abuse.bounded_gateway import BoundedGateway
from tests.abuse.values import JSON, TEXTS

LISTS = {
    "connectionEvents": ("connection-events", "eventId"),
    "connections": ("connections", "connectionId"),
    "summaryEvents": ("summary-events", "summaryEventId"),
}
PAGE = (
    "query($a: String, $n: Int) {{ page: {root}(first: $n, after: $a) "
    "{{ nodes {{ {id} }} pageInfo {{ endCursor hasNextPage }} }} }}"
)


def packed(value: Any) -> str:
    """Write a value as a cursor is written."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def forged(real: str) -> Iterator[tuple[str, str]]:
    """What a caller could make of a cursor that was given."""
    version, name, order, values = json.loads(base64.urlsafe_b64decode(real + "=" * (-len(real) % 4)))
    for kind, text in TEXTS.items():
        yield f"text {kind}", text
    for kind, value in JSON.items():
        yield f"whole {kind}", packed(value)
        yield f"version {kind}", packed([value, name, order, values])
        yield f"order {kind}", packed([version, name, value, values])
        for at in range(len(values)):
            yield f"value {at} {kind}", packed([version, name, order, [*values[:at], value, *values[at + 1 :]]])
    for at in range(0, len(real), 3):
        yield f"cut at {at}", real[:at]
        yield f"changed at {at}", real[:at] + "_" + real[at + 1 :]
    yield "nested", base64.urlsafe_b64encode(b"[" * 100_000).decode()
    yield "number of 100,000 digits", base64.urlsafe_b64encode(b"[1,2,3,[" + b"9" * 100_000 + b"]]").decode()
    yield "400,000 letters", "A" * 400_000


async def page(client: httpx2.AsyncClient, key: str, root: str, after: str | None, rows: int) -> dict[str, Any]:
    """Read a page of a list."""
    query = PAGE.format(root=root, id=LISTS[root][1])
    answer = await client.post(
        "/graphql", json={"query": query, "variables": {"a": after, "n": rows}}, headers={"X-API-Key": key}
    )
    found: dict[str, Any] = answer.json()["data"]["page"]
    return found


@pytest.mark.parametrize("root", LISTS)
async def test_no_forged_cursor_does_harm(client: httpx2.AsyncClient, abused: BoundedGateway, root: str) -> None:
    """In the list and its export: refused, or a position like any other."""
    name, identifier = LISTS[root]
    real = (await page(client, abused.mine.key, root, None, 2))["pageInfo"]["endCursor"]
    text = PAGE.format(root=root, id=identifier)
    made = list(forged(real))
    attacks = [asking(kind, text, {"a": cursor, "n": 1}) for kind, cursor in made]
    attacks += [
        Attack(f"export {kind}", f"/export/{name}.csv?after={quote(cursor, safe='')}")
        for kind, cursor in made
        if len(cursor) < 20_000 and kind.startswith(("cut", "whole", "text"))
    ]
    assert await faults(client, abused.mine.key, attacks) == []


async def test_a_foreign_cursor_is_a_position_only(client: httpx2.AsyncClient, abused: BoundedGateway) -> None:
    """A cursor does not tell whose it is: another organization's leads through my records."""
    for root, (_, identifier) in LISTS.items():
        first = [await page(client, one.key, root, None, 5) for one in (abused.mine, abused.theirs, abused.odd)]
        mine, theirs, odd = (one["pageInfo"]["endCursor"] for one in first)
        assert mine == theirs
        followed = await page(client, abused.mine.key, root, odd, 50)
        assert [one for one in followed["nodes"] if one[identifier].startswith("odd")] == []
