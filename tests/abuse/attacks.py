"""A hostile request as a value, and how many of them are sent."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

import httpx2

from tests.abuse.verdicts import faults_of


@dataclass(frozen=True)
class Attack:
    """One request. `name` tells a failure apart from the others."""

    name: str
    path: str = "/graphql"
    method: str = "GET"
    content: bytes | None = None
    headers: Mapping[str, str] | Sequence[tuple[bytes, bytes]] = field(default_factory=dict)

    @property
    def sent(self) -> str:
        """All that the caller wrote, as it may come back in a message."""
        body = (self.content or b"").decode("utf-8", "replace")
        return "\n".join((unquote(self.path), self.path, body, body.encode().decode("unicode_escape", "replace")))


def asking(name: str, query: Any, variables: Any = None, **more: Any) -> Attack:
    """Make a POST to GraphQL."""
    content = json.dumps({"query": query, "variables": variables, **more}).encode()
    return Attack(name, "/graphql", "POST", content, {"Content-Type": "application/json"})


async def faults(
    client: httpx2.AsyncClient, key: str | None, attacks: Iterable[Attack], allowed: frozenset[int] = frozenset()
) -> list[str]:
    """Send each, and list what is wrong with the answers."""
    found: list[str] = []
    for attack in attacks:
        try:
            answer = await send(client, key, attack)
        except httpx2.HTTPError as error:
            found.append(f"{attack.name}: no answer, {type(error).__name__}")
            continue
        found += [f"{attack.name}: {fault}" for fault in faults_of(answer, attack.sent, allowed)]
    return found


async def send(client: httpx2.AsyncClient, key: str | None, attack: Attack) -> httpx2.Response:
    """Send one, with the key."""
    headers = httpx2.Headers(attack.headers)
    if key is not None:
        headers["X-API-Key"] = key
    return await client.request(attack.method, attack.path, content=attack.content, headers=headers)
