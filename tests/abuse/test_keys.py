"""Wrong keys, keys in other forms and places, floods of unknown ones."""

import asyncio
from collections.abc import Iterator

import httpx2

from tests.abuse.attacks import Attack, faults
from tests.abuse.bounded_gateway import BoundedGateway
from tests.abuse.values import TEXTS

FLOOD = 400
PLACES = (
    ("GET", "/summary/count", None),
    ("POST", "/graphql", b'{"query": "{ viewer { keyId } }"}'),
    ("GET", "/export/connections.csv", None),
)


def wrong(key: str, other: str) -> Iterator[tuple[str, str]]:
    """Texts that are near a good key, or far from one."""
    prefix, key_id, secret = key.split("_", 2)
    yield from {
        "nothing": "",
        "prefix": "gw_",
        "id only": f"gw_{key_id}_",
        "no secret": f"gw_{key_id}",
        "other secret": f"gw_{key_id}_{'A' * 43}",
        "other id": f"gw_{'0' * 12}_{secret}",
        "secret only": secret,
        "another's secret": f"gw_{key_id}_{other.split('_', 2)[2]}",
        "longer": key + "A",
        "shorter": key[:-1],
        "twice": f"{key} {key}",
        "two": f"{key},{key}",
        "upper case": key.upper(),
        "quoted": f'"{key}"',
        "swapped": f"{prefix}_{secret}_{key_id}",
        "percent-encoded": key.replace("_", "%5f"),
        "basic": "Basic Z3c6Z3c=",
        "token": f"Token {key}",
        "bearer twice": f"Bearer Bearer {key}",
        "bearer without space": f"Bearer{key}",
        "operator": '{"$ne": null}',
        "id as an operator": f"gw_$ne_{secret}",
        "long": "gw_" + "a" * 8_000,
    }.items()
    for name, text in TEXTS.items():
        plain = "".join(character for character in text if 32 <= ord(character) < 127).strip()
        if plain:
            yield name, plain[:8_000]


async def test_no_wrong_key_opens_anything(client: httpx2.AsyncClient, abused: BoundedGateway) -> None:
    """401 with the scheme, alike for each, and nothing of the key in the answer."""
    bodies: set[bytes] = set()
    for name, text in wrong(abused.mine.key, abused.theirs.key):
        for header in ("Authorization", "X-API-Key"):
            for method, path, content in PLACES:
                attack = Attack(f"{name} in {header} to {path}", path, method, content, {header: text})
                assert await faults(client, None, [attack]) == []
                answer = await client.request(method, path, content=content, headers={header: text})
                assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer"), name
                assert len(text) < 6 or text not in answer.text
                bodies.add(answer.content.replace(b"An API key is needed: send", b""))
    assert (
        len(bodies) <= 4
    )  # one message for none, one for any wrong one, in each face: no form of key is told from another


async def test_a_key_in_another_place_is_none(client: httpx2.AsyncClient, abused: BoundedGateway) -> None:
    """Not in the address, a cookie, the body, or the name and password of the address."""
    key = abused.mine.key
    for name in ("key", "api_key", "apiKey", "X-API-Key", "access_token", "authorization"):
        assert (await client.get("/summary", params={name: key})).status_code == 401
        assert (await client.get("/summary", headers={"Cookie": f"{name}={key}"})).status_code == 401
        body = {"query": "{ viewer { keyId } }", name: key, "extensions": {name: key}}
        assert (await client.post("/graphql", json=body)).status_code == 401
    assert (await client.get("/summary", auth=(key.split("_")[1], key))).status_code == 401


async def test_two_keys_are_refused(client: httpx2.AsyncClient, abused: BoundedGateway) -> None:
    """A good one beside another good or wrong one: neither is chosen."""
    for other in (abused.theirs.key, "gw_wrong", ""):
        headers = [("X-API-Key", abused.mine.key), ("Authorization", f"Bearer {other}".strip())]
        assert (await client.get("/summary", headers=headers)).status_code == 401
        assert (await client.get("/summary", headers=[*headers[:1], ("X-API-Key", other)])).status_code == 401


async def test_a_flood_of_unknown_keys_keeps_nobody_out(client: httpx2.AsyncClient, abused: BoundedGateway) -> None:
    """Hundreds of ids that never were, at once: 401 or 503, and a good key is answered among them."""
    keys = [f"gw_{number:012d}_{'A' * 43}" for number in range(FLOOD)]
    asked = [client.get("/summary/count", headers={"X-API-Key": key}) for key in keys]
    good = [client.get("/summary/count", headers={"X-API-Key": abused.mine.key}) for _ in range(5)]
    answers = await asyncio.gather(*asked, *good)
    assert {answer.status_code for answer in answers[:FLOOD]} <= {401, 503}
    assert [answer.status_code for answer in answers[FLOOD:]] == [200] * 5
