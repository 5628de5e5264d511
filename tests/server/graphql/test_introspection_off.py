"""A gateway with `GATEWAY_INTROSPECTION=false`: queries run, and no name of the schema is told."""

import subprocess
from collections.abc import AsyncIterator
from typing import Any

import pytest
from graphql import get_introspection_query
from playwright.async_api import expect

from app.settings import Settings
from tests.gateways import Gateway, free_port, gateway_command, make_settings, serve_environment, wait_until_ready
from tests.server.test_explorer_browser import Visit, browser, visit

__all__ = ["browser", "visit"]  # fixtures
INVALID = "GRAPHQL_VALIDATION_FAILED"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Introspection is off."""
    return settings.model_copy(update={"introspection": False})


@pytest.fixture
async def gateway_url(served: tuple[str, str], mongodb_uri: str) -> AsyncIterator[str]:
    """A `gateway serve` without introspection, beside the served one and with the same keys."""
    assert served
    port = free_port()
    environment = serve_environment(make_settings(mongodb_uri=mongodb_uri, database="served"), port)
    process = subprocess.Popen(  # noqa: ASYNC220 - starting it takes no time
        gateway_command("serve"),
        env={**environment, "GATEWAY_INTROSPECTION": "false"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        await wait_until_ready(url)
        yield url
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.parametrize(
    "query",
    [
        get_introspection_query(),
        "{ __schema { queryType { name } } }",
        '{ viewer { orgName } type: __type(name: "Query") { name } }',
        "{ ...F } fragment F on Query { ... { s: __schema { types { name } } } }",
    ],
    ids=["tools", "schema", "type", "fragment"],
)
async def test_questions_about_the_schema_are_refused(gateway: Gateway, query: str) -> None:
    """Also in a fragment, also under another name."""
    body = await gateway.post(await gateway.key(), query)
    assert "data" not in body
    assert {error["extensions"]["code"] for error in body["errors"]} == {INVALID}
    assert "introspection has been disabled" in body["errors"][0]["message"]


async def test_the_names_of_types_in_an_answer_are_told(gateway: Gateway) -> None:
    """As clients with a cache need them: `__typename` is no question about the schema."""
    data = await gateway.data(await gateway.key(), "{ __typename viewer { __typename } }")
    assert data == {"__typename": "Query", "viewer": {"__typename": "Viewer"}}


EVENTS = "query({}) {{ connectionEvents({}) {{ nodes {{ eventId }} }} }}"
SLIPS: list[tuple[str, dict[str, Any]]] = [
    ("{ viewr { orgName } }", {}),
    ("{ viewer { orgNam } }", {}),
    ("{ connectionEvents(frst: 1) { nodes { eventId } } }", {}),
    ("{ connectionEvents(filter: {serviceNam: {}}) { nodes { eventId } } }", {}),
    ("{ connectionEvents(orderBy: [{by: EVENT_TIMESTAM}]) { nodes { eventId } } }", {}),
    ("query($f: ConnectionEventFilte) { connectionEvents(filter: $f) { nodes { eventId } } }", {}),
    (EVENTS.format("$f: ConnectionEventFilter", "filter: $f"), {"f": {"serviceNam": {}}}),
    (EVENTS.format("$o: [ConnectionEventOrder!]", "orderBy: $o"), {"o": [{"by": "EVENT_I"}]}),
    ("{ ... on Viewr { orgName } }", {}),
]


@pytest.mark.parametrize(("query", "variables"), SLIPS, ids=[query for query, _ in SLIPS])
async def test_a_slip_is_refused_without_a_suggestion(gateway: Gateway, query: str, variables: dict[str, Any]) -> None:
    """Whoever guesses is told that it is wrong, not what is near."""
    body = await gateway.post(await gateway.key(), query, variables)
    assert "data" not in body
    for error in body["errors"]:
        assert "Did you mean" not in error["message"]


async def test_the_explorer_says_so_and_runs_queries(visit: Visit, gateway_key: str) -> None:
    """Beside the key; nothing asks for the schema, and no error is shown."""
    await visit.open(f"#key={gateway_key}")
    await expect(visit.status).to_contain_text("Organization ")
    await expect(visit.status).to_contain_text("keeps its schema to itself")
    await visit.choose("WhoAmI")
    await visit.run()
    await expect(visit.result).to_contain_text('"keyId"')
    await expect(visit.result).not_to_contain_text("errors")
    assert [sent for sent in visit.sent if "__schema" in sent] == []
