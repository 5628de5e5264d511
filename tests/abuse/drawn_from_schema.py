"""The schema for hypothesis-graphql: as it is, and without what makes nearly every drawn document refused."""

from graphql import GraphQLInputObjectType, GraphQLObjectType, GraphQLSchema, print_schema
from graphql import build_schema as build_from_text
from hypothesis import strategies as st
from hypothesis_graphql import nodes

from app.server.graphql.schema import build_schema
from tests.abuse.values import TEXTS

SCHEMA = print_schema(build_schema()._schema)  # noqa: SLF001 - the graphql-core schema under Strawberry's
_TIMES = ("2026-04-01T00:00:00Z", "2026-04-03T12:30:00.1234567+02:00", "1969-12-31T23:59:59.9999999Z")
_DURATIONS = ("PT1S", "PT30M", "P7D", "P1M", "P2Y", "PT0.5S")
_ODD = st.sampled_from(sorted(text for text in TEXTS.values() if len(text) < 600)).map(nodes.String)
_LONGS = st.integers(-(2**63), 2**63 - 1).map(nodes.Int)
VALID = {
    "Long": st.integers(-5, 1_000).map(nodes.Int),
    "DateTime": st.sampled_from(_TIMES).map(nodes.String),
    "Duration": st.sampled_from(_DURATIONS).map(nodes.String),
    "Int": st.integers(1, 50).map(nodes.Int),
    "Float": st.sampled_from([0.0, 0.5, 0.99, 1.0]).map(nodes.Float),
    "String": st.sampled_from(["UTC", "host-1.example", "api-1:1.0.0", "203.0.113.7", "200 OK"]).map(nodes.String),
}
ANY = {
    "Long": _LONGS | st.sampled_from([2**63, -(2**70)]).map(nodes.Int) | _ODD,
    "DateTime": VALID["DateTime"] | _LONGS | _ODD,
    "Duration": VALID["Duration"] | _ODD,
}
# What goes together with other arguments only, so that nearly every document that has it is refused.
_RELATED = {"Query": ("after", "having", "orderBy", "compareTo", "fill"), "TimeWindow": ("end", "minutes", "last")}


def answerable() -> GraphQLSchema:
    """The schema without what makes nearly every drawn document refused."""
    schema = build_from_text(SCHEMA)
    query, window, address = (schema.type_map[name] for name in ("Query", "TimeWindow", "IpAddressFilter"))
    assert isinstance(query, GraphQLObjectType)
    assert isinstance(window, GraphQLInputObjectType)
    assert isinstance(address, GraphQLInputObjectType)
    for field in query.fields.values():
        for name in _RELATED["Query"]:
            field.args.pop(name, None)
    for name in _RELATED["TimeWindow"]:
        del window.fields[name]
    del address.fields["cidr"]
    return schema


ANSWERABLE = answerable()
