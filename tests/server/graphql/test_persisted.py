"""Persisted documents as they are kept: by organization, within their bounds, nobody pushed out by another."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import InvalidInput
from app.server.graphql.extensions import Extensions, read_extensions
from app.server.graphql.persisted import PersistedQueries, PersistedQueryNotFound
from app.server.graphql.request import GraphQLRequest

ALICE, BOB, CAROL = "alice", "bob", "carol"


def request(query: str) -> GraphQLRequest:
    """Make a request that brings a document with its hash."""
    return GraphQLRequest(query, extensions=Extensions(document_hash=sha256(query.encode()).hexdigest()))


def by_hash(query: str) -> GraphQLRequest:
    """Make a request that names the document only."""
    return GraphQLRequest("", extensions=request(query).extensions)


def knows(persisted: PersistedQueries, organization: str, query: str) -> bool:
    """Tell whether the organization gets the document by its hash."""
    try:
        return persisted.complete(organization, by_hash(query)).query == query
    except PersistedQueryNotFound:
        return False


def test_a_document_is_found_by_its_hash_in_its_organization_only() -> None:
    """As it came, to the character; its use is counted."""
    persisted = PersistedQueries()
    query = '{ a(x: "żółć 🦆") }'
    assert not knows(persisted, ALICE, query)
    persisted.keep(ALICE, request(query))
    persisted.keep(ALICE, request(query))
    assert knows(persisted, ALICE, query)
    assert not knows(persisted, BOB, query)
    assert (persisted.entries, persisted.bytes) == (1, len(query.encode()))
    assert (persisted.hits, persisted.misses) == (1, 2)


def test_a_request_that_names_no_hash_is_left_as_it_is() -> None:
    """Neither completed nor kept, nor counted."""
    persisted = PersistedQueries()
    plain = GraphQLRequest("{ a }")
    persisted.keep(ALICE, plain)
    assert persisted.complete(ALICE, plain) is plain
    assert (persisted.entries, persisted.hits, persisted.misses) == (0, 0, 0)


def test_what_was_used_longest_ago_goes_first() -> None:
    """Asking by the hash is a use; so is sending the document again."""
    persisted = PersistedQueries(most=3)
    for query in "abc":
        persisted.keep(ALICE, request(query))
    assert knows(persisted, ALICE, "a")
    persisted.keep(ALICE, request("b"))
    persisted.keep(ALICE, request("d"))
    assert [knows(persisted, ALICE, query) for query in "abcd"] == [True, True, False, True]


@pytest.mark.parametrize(
    "bounds", [{"most": 90, "most_bytes": 1_000_000}, {"most": 1000, "most_bytes": 900}], ids=["entries", "bytes"]
)
def test_an_organization_that_floods_pushes_out_only_its_own(bounds: dict[str, int]) -> None:
    """The others keep all of their equal parts, here 30 of 90 documents of 10 bytes."""
    persisted = PersistedQueries(**bounds)
    documents = [f"{at:010}" for at in range(30)]
    for organization in (ALICE, BOB):
        for query in documents:
            persisted.keep(organization, request(query))
    for at in range(2000):
        persisted.keep(CAROL, request(f"{at:010}"))
    for organization in (ALICE, BOB):
        assert all(knows(persisted, organization, query) for query in documents)
    assert knows(persisted, CAROL, f"{1999:010}")
    assert (persisted.entries, persisted.bytes) == (90, 900)


def test_a_document_larger_than_all_room_is_not_kept() -> None:
    """And pushes nothing out that fits beside nothing."""
    persisted = PersistedQueries(most_bytes=10)
    persisted.keep(ALICE, request("a"))
    persisted.keep(BOB, request("b" * 11))
    assert knows(persisted, ALICE, "a")
    assert not knows(persisted, BOB, "b" * 11)
    assert (persisted.entries, persisted.bytes) == (1, 1)


@given(
    st.lists(st.tuples(st.sampled_from([ALICE, BOB, CAROL]), st.text("ab", min_size=1, max_size=6)), max_size=60),
    st.integers(1, 8),
    st.integers(1, 25),
)
def test_the_bounds_hold_and_an_equal_part_is_safe(stored: list[tuple[str, str]], most: int, most_bytes: int) -> None:
    """After each step, against a plain list: no bound is passed, and who takes no more than an equal part keeps it."""
    persisted = PersistedQueries(most, most_bytes)
    sent: dict[str, set[str]] = {}
    for organization, query in stored:
        sent.setdefault(organization, set()).add(query)
        persisted.keep(organization, request(query))
        held = {one: {query for query in queries if knows(persisted, one, query)} for one, queries in sent.items()}
        assert persisted.entries == sum(map(len, held.values())) <= most
        assert persisted.bytes == sum(len(query) for queries in held.values() for query in queries) <= most_bytes
        for one, queries in sent.items():
            if len(queries) * len(sent) <= most and sum(map(len, queries)) * len(sent) <= most_bytes:
                assert held[one] == queries


HASH = sha256(b"{ a }").hexdigest()


@pytest.mark.parametrize(
    ("persisted", "argument"),
    [
        (1, ""),
        ([], ""),
        ({}, ".version"),
        ({"version": 2, "sha256Hash": HASH}, ".version"),
        ({"version": "1", "sha256Hash": HASH}, ".version"),
        ({"version": True, "sha256Hash": HASH}, ".version"),
        ({"version": 1}, ".sha256Hash"),
        ({"version": 1, "sha256Hash": None}, ".sha256Hash"),
        ({"version": 1, "sha256Hash": HASH[:-1]}, ".sha256Hash"),
        ({"version": 1, "sha256Hash": HASH[:-1] + "g"}, ".sha256Hash"),
        ({"version": 1, "sha256Hash": HASH[:-1] + "٣"}, ".sha256Hash"),
        ({"version": 1, "sha256Hash": HASH[::-1]}, ".sha256Hash"),
    ],
)
def test_what_is_no_hash_of_the_query_is_refused(persisted: object, argument: str) -> None:
    """By the name of what is wrong."""
    with pytest.raises(InvalidInput) as refused:
        read_extensions({"persistedQuery": persisted}, "{ a }")
    assert refused.value.argument == f"extensions.persistedQuery{argument}"
    assert refused.value.message.startswith(f"extensions.persistedQuery{argument}: ")


@pytest.mark.parametrize("text", [HASH, HASH.upper()])
def test_a_hash_is_read_in_either_case(text: str) -> None:
    """And what else a client adds is ignored."""
    asked = {"persistedQuery": {"version": 1, "sha256Hash": text, "more": 1}, "clientLibrary": {"name": "x"}}
    for query in ("", "{ a }"):
        assert read_extensions(asked, query) == Extensions(document_hash=HASH)
    assert read_extensions({"persistedQuery": None, "cost": None}, "") == Extensions()
