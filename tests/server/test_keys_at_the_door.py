"""Keys at the door: which are let in, in which form, for what; everybody else is told 401 or 403 and nothing more."""

import asyncio
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

import httpx2
import orjson
import pytest
from bson import encode

from app.access import gate, state
from app.access.administration import NewKey, create_key, revoke_key, rotate_key
from app.access.credentials import Credential
from app.main import create_app
from app.scope import READING, Permission
from app.settings import Settings
from app.store.keys import API_KEYS
from app.store.store import Store
from tests.gateways import ORG_NAME, ORGANIZATION_ID, Gateway

Headers = list[tuple[bytes, bytes]]
UNKNOWN = f"gw_{'0' * 12}_{'A' * 43}"
REST = ("/summary", "/summary/count", "/summary/x", "/api/connection-analytics/summary")
EVENTS = "{ connectionEvents { nodes { eventId } } }"
CALLS = "{ summaryEvents { nodes { summaryEventId } } }"


def a_key(key: str) -> Headers:
    """Send the key in the plainest form."""
    return [(b"X-API-Key", key.encode())]


async def both_doors(gateway: Gateway, headers: Headers) -> tuple[httpx2.Response, httpx2.Response]:
    """Ask both doors with these headers: GraphQL, then REST."""
    content = orjson.dumps({"query": "{ viewer { organizationId } }"})
    posted = [*headers, (b"Content-Type", b"application/json")]
    return (
        await gateway.client.post("/graphql", content=content, headers=posted),
        await gateway.client.get("/summary/count", headers=headers),
    )


async def check_refused(gateway: Gateway, headers: Headers) -> None:
    """See 401 in both doors' own form, with the way to authenticate, and nothing told of the key."""
    graphql, rest = await both_doors(gateway, headers)
    assert graphql.status_code == rest.status_code == 401
    assert graphql.headers["www-authenticate"] == rest.headers["www-authenticate"] == "Bearer"
    (error,) = graphql.json()["errors"]
    assert error["extensions"] == {"code": "UNAUTHENTICATED"}
    assert "data" not in graphql.json()
    problem = rest.json()
    assert (rest.headers["content-type"], problem["code"]) == ("application/problem+json", "UNAUTHENTICATED")
    assert (problem["status"], problem["detail"]) == (401, error["message"])
    assert "API key" in error["message"]
    assert not any(value and value in rest.content for _, value in headers)


FORMS = [
    ("Authorization", "{}"),
    ("Authorization", "Bearer {}"),
    ("authorization", "bearer {}"),
    ("AUTHORIZATION", "BEARER {}"),
    ("Authorization", "bEaReR   {}  "),
    ("X-API-Key", "{}"),
    ("x-api-key", " {} "),
]


@pytest.mark.parametrize(("name", "form"), FORMS)
async def test_a_key_is_taken_in_each_form(gateway: Gateway, name: str, form: str) -> None:
    """Three forms, in headers whose names and scheme have no case."""
    key = await gateway.key()
    for answer in await both_doors(gateway, [(name.encode(), form.format(key).encode())]):
        assert answer.status_code == 200, answer.text


async def test_the_same_key_twice_is_one_key(gateway: Gateway) -> None:
    """A proxy may add what the client already sent."""
    key = (await gateway.key()).encode()
    headers = [(b"Authorization", b"Bearer " + key), (b"X-API-Key", key), (b"X-API-Key", key)]
    assert [answer.status_code for answer in await both_doors(gateway, headers)] == [200, 200]


WRONG: list[Headers] = [
    [],
    [(b"Authorization", b"")],
    [(b"X-API-Key", b"")],
    [(b"Authorization", b"Bearer")],
    [(b"Authorization", b"Bearer ")],
    [(b"Authorization", b"Basic Z3c6Z3c=")],
    [(b"X-API-Key", b"\xff\xfe\x80")],
    [(b"Authorization", b"Bearer \xc3\xa9\xf0\x9f\x98\x80")],
    [(b"X-API-Key", UNKNOWN.encode().replace(b"A", "\u0410".encode()))],
    a_key("gw"),
    a_key("x" * 20_000),
    a_key('{"$gt": ""}'),
    a_key("gw_$where_" + "A" * 43),
    a_key(UNKNOWN),
    a_key(UNKNOWN + "A"),
    a_key(UNKNOWN.upper()),
    [(b"Cookie", f"X-API-Key={UNKNOWN}".encode())],
]


@pytest.mark.parametrize("headers", WRONG, ids=[str(headers)[:60] for headers in WRONG])
async def test_what_is_no_key_is_refused(gateway: Gateway, headers: Headers) -> None:
    """Nothing at all, other schemes, bytes beyond ASCII, things that no key looks like, unknown ones."""
    await check_refused(gateway, headers)


async def test_only_the_whole_key_is_a_key(gateway: Gateway) -> None:
    """Right id with another secret, cut, prolonged, in another case, two at once, or in another place."""
    key, other = await gateway.key(), await gateway.key()
    swapped = key[:16] + other[16:]
    flipped = key[:-2] + ("A" if key[-2] != "A" else "B") + key[-1]
    for wrong in (swapped, flipped, key[:-1], key + "A", key + " x", key.swapcase(), key[3:], f"Token {key}"):
        await check_refused(gateway, a_key(wrong))
    await check_refused(gateway, [*a_key(key), *a_key(other)])
    await check_refused(gateway, [*a_key(key), (b"Authorization", b"Bearer " + other.encode())])
    await check_refused(
        gateway, [(b"Cookie", key.encode()), (b"Key", key.encode()), (b"X-Authorization", key.encode())]
    )
    assert [answer.status_code for answer in await both_doors(gateway, a_key(key))] == [200, 200]


@pytest.mark.parametrize("name", ["key", "api_key", "apiKey", "X-API-Key", "Authorization", "access_token"])
async def test_a_key_in_the_address_is_none(gateway: Gateway, name: str) -> None:
    """Addresses are logged and shared; a key in one is never looked at."""
    key = await gateway.key()
    for path in (*REST, "/graphql"):
        answer = await gateway.client.get(path, params={name: key, "query": "{ viewer { keyId } }"})
        assert answer.status_code == 401
        assert key not in answer.text


async def test_an_expired_key_is_refused(gateway: Gateway) -> None:
    """From the instant of its expiry on; before it, it works."""
    now = datetime.now(UTC)
    expired, current = [await gateway.key(expires=now + timedelta(seconds=by)) for by in (-1, 3600)]
    await check_refused(gateway, a_key(expired))
    assert [answer.status_code for answer in await both_doors(gateway, a_key(current))] == [200, 200]


async def test_a_key_that_expires_while_it_is_remembered_is_refused(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the gate remembers is the key, not that it was valid."""
    key = await gateway.key(expires=datetime.now(UTC) + timedelta(seconds=3600))
    assert [answer.status_code for answer in await both_doors(gateway, a_key(key))] == [200, 200]

    class Later(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> "Later":
            return cls.fromtimestamp(datetime.now(UTC).timestamp() + 3601, tz)

    monkeypatch.setattr(state, "datetime", Later)
    await check_refused(gateway, a_key(key))


async def test_a_revoked_key_is_refused_within_a_minute(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """A running gateway may remember it for that long, not longer; a new one refuses it at once."""
    remembered, fresh = await gateway.key(), await gateway.key()
    assert [answer.status_code for answer in await both_doors(gateway, a_key(remembered))] == [200, 200]
    for key in (remembered, fresh):
        assert await revoke_key(gateway.store.keys, key.split("_")[1])
    await check_refused(gateway, a_key(fresh))
    monkeypatch.setattr(gate, "monotonic", lambda: monotonic() + 60)
    await check_refused(gateway, a_key(remembered))


async def test_a_rotated_key_ends_within_a_minute(gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both keys are let in during the overlap; a running gateway learns of an end like of a revocation."""
    old, shown = await gateway.key(), list[Credential]()
    now = datetime.now(UTC)
    await rotate_key(gateway.store.keys, old.split("_")[1], now + timedelta(days=7), shown.append)
    for key in (old, str(shown[0])):
        assert [answer.status_code for answer in await both_doors(gateway, a_key(key))] == [200, 200]
    await rotate_key(gateway.store.keys, old.split("_")[1], now, shown.append)
    monkeypatch.setattr(gate, "monotonic", lambda: monotonic() + 60)
    await check_refused(gateway, a_key(old))
    assert [answer.status_code for answer in await both_doors(gateway, a_key(str(shown[0])))] == [200, 200]


async def last_used(gateway: Gateway, key: str) -> datetime | None:
    """Read when a key was used last, as it is stored."""
    stored = await gateway.store.keys.find(key.split("_")[1])
    assert stored is not None
    at: datetime | None = stored["lastUsedAt"]
    return at


async def test_the_last_use_of_a_key_is_stored(gateway: Gateway) -> None:
    """Soon after the request; an attempt with the right id and another secret is no use."""
    used, guessed = await gateway.key(), await gateway.key()
    began = datetime.now(UTC).replace(tzinfo=None)
    await check_refused(gateway, a_key(guessed[:16] + used[16:]))
    assert [answer.status_code for answer in await both_doors(gateway, a_key(used))] == [200, 200]
    async with asyncio.timeout(30):
        while True:
            at = await last_used(gateway, used)
            if at is not None:
                break
            await asyncio.sleep(0.01)
    assert began - timedelta(seconds=1) <= at <= datetime.now(UTC).replace(tzinfo=None)
    assert await last_used(gateway, guessed) is None


async def test_a_stop_writes_the_last_use_and_leaves_no_task(settings: Settings, store: Store) -> None:
    """A gateway that serves one request and ends has noted it, and nothing of it goes on."""
    assert settings.mongodb_uri is not None
    key = await create_key(store.keys, NewKey(UUID(ORGANIZATION_ID), ORG_NAME))
    before = asyncio.all_tasks()
    app = create_app(settings, settings.mongodb_uri.get_secret_value())
    async with (
        app.router.lifespan_context(app),
        httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://gateway.test") as client,
    ):
        assert (await client.get("/summary/count", headers=a_key(str(key)))).status_code == 200
    left = {task for task in asyncio.all_tasks() - before if "app" in repr(task.get_coro())}
    assert left == set()
    stored = await store.keys.find(key.key_id)
    assert stored is not None
    assert stored["lastUsedAt"] is not None


@pytest.mark.parametrize(
    ("scope", "query", "path", "other_query", "other_path"),
    [
        (Permission.SUMMARY_READ, EVENTS, "/api/connection-analytics/events/query", CALLS, "/summary"),
        (Permission.SUMMARY_READ, "{ connectionSummary { uniqueApiKeys } }", REST[3], CALLS, "/summary/count"),
        (Permission.CONNECTIONS_READ, CALLS, "/summary", EVENTS, "/api/connection-analytics/events/query"),
        (Permission.CONNECTIONS_READ, '{ summaryEvent(id: "x") { orgName } }', "/summary/x", EVENTS, REST[3]),
        (Permission.CONNECTIONS_READ, "{ summaryEvents { totalCount } }", "/summary/count", EVENTS, REST[3]),
    ],
)
async def test_a_key_opens_what_its_scopes_name(
    gateway: Gateway, *, scope: Permission, query: str, path: str, other_query: str, other_path: str
) -> None:
    """FORBIDDEN with the missing scope's name in both doors; the other datasets and the viewer answer."""
    key = await gateway.key(permissions=(scope,))
    missing = next(iter(set(READING) - {scope}))
    (error,) = (await gateway.post(key, query))["errors"]
    assert error["extensions"] == {"code": "FORBIDDEN"}
    refused = await gateway.get(key, path)
    assert (refused.status_code, refused.json()["code"]) == (403, "FORBIDDEN")
    assert missing in error["message"]
    # What the key may not read is not looked at any closer.
    assert (await gateway.get(key, path, nonsense="1")).status_code == 403
    assert refused.json()["detail"] == error["message"]
    assert await gateway.data(key, other_query)
    assert (await gateway.get(key, other_path)).status_code == 200
    assert await gateway.data(key, "{ viewer { scopes } }") == {"viewer": {"scopes": [scope]}}


async def test_a_key_without_scopes_opens_nothing(gateway: Gateway) -> None:
    """403 everywhere, also where there would be nothing to read."""
    key = await gateway.key(permissions=())
    for path in (*REST, "/api/connection-analytics/events/query"):
        assert (await gateway.get(key, path)).status_code == 403
    for query in (EVENTS, CALLS, "{ connectionEvents(first: 0) { nodes { eventId } } }"):
        assert {error["extensions"]["code"] for error in (await gateway.post(key, query))["errors"]} == {"FORBIDDEN"}


@pytest.mark.parametrize("headers", [[], a_key(UNKNOWN)])
async def test_the_body_of_a_stranger_is_not_read(gateway: Gateway, headers: Headers) -> None:
    """401 comes before the body, its type and its length are looked at."""
    sent: list[Any] = []

    async def receive() -> Any:
        pytest.fail("the body was read")

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "http", "path": "/graphql"}
    for more in ([], [(b"content-type", b"text/plain"), (b"content-length", b"99999999999")]):
        sent.clear()
        lowered = [(name.lower(), value) for name, value in headers]
        request = {"method": "POST", "raw_path": b"/graphql", "query_string": b"", "headers": [*lowered, *more]}
        await gateway.app({**scope, **request}, receive, send)
        assert sent[0]["status"] == 401


async def test_a_secret_is_stored_nowhere(gateway: Gateway) -> None:
    """The document of a key has its id and a hash; no text of the secret is in it, nor in what the viewer tells."""
    key = await gateway.key(name="dashboard")
    _, key_id, secret = key.split("_", 2)
    document = await gateway.store.writer._database[API_KEYS].find_one({"_id": key_id})  # noqa: SLF001 - as it lies there
    assert document is not None
    assert (document["name"], len(document["secretHash"])) == ("dashboard", 32)
    stored = encode(document)
    assert not any(secret[at : at + 8].encode() in stored for at in range(len(secret) - 7))
    told = await gateway.data(key, "{ viewer { keyId keyName organizationId orgName scopes } }")
    assert secret not in str(told)
