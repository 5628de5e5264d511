"""Clients as people use them work against a running gateway."""

from typing import Any

import pandas  # noqa: ICN001 - as the README names it
import pytest
import requests
from gql import Client, gql
from gql.dsl import DSLQuery, DSLSchema, dsl_gql
from gql.transport.exceptions import TransportQueryError
from gql.transport.requests import RequestsHTTPTransport

from tests.docs.test_readme import blocks
from tests.seed_records import seed_connection_events


@pytest.fixture
def client(gateway_url: str, gateway_key: str) -> Client:
    """A gql client that fetched the schema by introspection, so it checks queries before it sends them."""
    transport = RequestsHTTPTransport(f"{gateway_url}/graphql", headers={"Authorization": f"Bearer {gateway_key}"})
    return Client(transport=transport, fetch_schema_from_transport=True)


def test_gql_with_the_schema_of_the_gateway(client: Client) -> None:
    """A query built from the introspected schema runs; what the schema lacks is refused by the client itself."""
    with client as session:
        schema = client.schema
        assert schema is not None
        types = DSLSchema(schema)
        events = types.Query.connectionEvents(first=1, filter={"eventType": {"eq": "connect"}})
        document = dsl_gql(
            DSLQuery(
                events.select(
                    types.ConnectionEventConnection.nodes.select(
                        types.ConnectionEvent.eventId, types.ConnectionEvent.eventTimestamp
                    )
                )
            )
        )
        answer = session.execute(document)
    assert answer == {
        "connectionEvents": {
            "nodes": [
                {
                    "eventId": "12345678-1234-5678-9abc-123456789012",
                    "eventTimestamp": "2026-04-20T19:30:38.5509677Z",
                }
            ]
        }
    }


def test_gql_gets_errors_with_their_codes(client: Client) -> None:
    """An error of the gateway reaches the client with its code."""
    with client as session, pytest.raises(TransportQueryError) as caught:
        session.execute(gql('{ connectionEvents(filter: {time: {last: "soon"}}) { totalCount } }'))
    assert caught.value.errors is not None
    assert caught.value.errors[0]["extensions"] == {"code": "BAD_USER_INPUT"}


def test_relay_style_paging_to_the_end(client: Client) -> None:
    """Following endCursor while hasNextPage visits every edge once; cursors of edges are positions as well."""
    query = gql(
        "query($after: String) { connectionEvents(first: 1, after: $after) "
        "{ edges { cursor node { eventId } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"
    )
    seen: list[str] = []
    after: str | None = None
    with client as session:
        while True:
            page: Any = session.execute(query.__class__(query.document, variable_values={"after": after}))
            page = page["connectionEvents"]
            assert page["pageInfo"]["hasPreviousPage"] is (after is not None)
            assert page["pageInfo"]["endCursor"] == page["edges"][-1]["cursor"]
            seen += [edge["node"]["eventId"] for edge in page["edges"]]
            if not page["pageInfo"]["hasNextPage"]:
                break
            after = page["pageInfo"]["endCursor"]
    assert seen == [event["eventId"] for event in seed_connection_events()[::-1]]


def test_pandas_takes_groups_in_three_lines(
    gateway_url: str, gateway_key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The README's three lines, with the README's query."""
    lines = next(block for block in blocks("python") if "json_normalize" in block)
    query = next(block for block in blocks("graphql") if "summaryEventGroups" in block)
    assert len(lines.splitlines()) == 3
    names = {
        "requests": requests,
        "pandas": pandas,
        "URL": f"{gateway_url}/graphql",
        "KEY": gateway_key,
        "QUERY": query,
    }
    exec(compile(lines, "README.md", "exec"), names)  # noqa: S102 - our own README
    shown = capsys.readouterr().out
    assert "switch-api:1.0.0" in shown
    assert "timeToServeRequest.p99" in shown
