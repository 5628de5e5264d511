"""Bounds of documents: counted as if every fragment were copied into its places, in time linear in the document."""

import pytest
from graphql import DocumentNode, get_introspection_query, parse
from hypothesis import given

from app.errors import LimitExceeded
from app.server.graphql.document_limits import Extent, check_document, measure_document
from tests.docs.test_readme import blocks
from tests.server.graphql.documents import (
    Expanded,
    all_below,
    count_visits,
    documents,
    doubled,
    expand,
    fragments_of,
    operation_of,
)


def depth_of(expanded: Expanded) -> int:
    """Count the fields on the longest way down."""
    return max((1 + depth_of(below) for _, below in expanded.fields), default=0)


def by_hand(document: DocumentNode) -> Extent:
    """Measure the operation of a document by copying its fragments and counting."""
    operation = operation_of(document)
    expanded = expand(operation.selection_set, fragments_of(document))
    fields = list(all_below(expanded))
    variables = operation.variable_definitions or ()
    own = len(operation.directives or ()) + sum(len(one.directives or ()) for one in variables)
    return Extent(
        depth=depth_of(expanded),
        roots=len(expanded.fields),
        fields=len(fields),
        aliases=sum(1 for node, _ in fields if node.alias is not None),
        longest_alias=max((len(node.alias.value) for node, _ in fields if node.alias is not None), default=0),
        directives=own + expanded.directives + sum(below.directives for _, below in fields),
    )


@given(documents(["a", "b", "nodes"]))
def test_a_document_is_measured_as_if_its_fragments_were_copied(text: str) -> None:
    """Depth, fields at the top and at all, aliases, directives: the same as counting copies gives."""
    document = parse(text)
    (measured,), fragments = measure_document(document)
    assert measured == by_hand(document)
    for name, definition in fragments_of(document).items():
        expanded = expand(definition.selection_set, fragments_of(document))
        assert fragments[name].fields == len(list(all_below(expanded)))


def test_doubled_fragments_are_gone_through_once() -> None:
    """2 ** 60 expansions: each selection is looked at once, and the number is exact."""
    document = parse("query { ...F0 } " + doubled("NEXT NEXT", "a b", 60))
    visits = count_visits(document)
    (measured,), _ = measure_document(document)
    assert measured.fields == measured.roots == 2**61
    assert {one.times for one in visits} == {1}
    assert len(visits) == 62
    with pytest.raises(LimitExceeded, match=r"passes the limit of 1000 \(documentFields\)"):
        check_document(document)


def test_fragments_that_hold_themselves_end() -> None:
    """They are for validation to refuse; here they only must not run on."""
    document = parse("{ ...A } fragment A on T { a ...B } fragment B on T { b ...A ...Nowhere }")
    visits = count_visits(document)
    check_document(document)
    assert {one.times for one in visits} == {1}


def nested(depth: int) -> str:
    """Make a document of that depth."""
    return "{ a " * depth + "}" * depth


def wide(part: str, amount: int) -> str:
    """Make a document with the part that many times below one field."""
    return "{ a { " + f"{part} " * amount + "} }"


BOUNDS = [
    ("documentDepth", nested(20), nested(21)),
    ("documentAliases", wide("x: b", 200), wide("x: b", 201)),
    ("aliasLength", wide("x" * 100 + ": b", 2), wide("x" * 101 + ": b", 2)),
    ("documentDirectives", wide("b @d @d", 50), wide("b @d @d", 50).replace("a {", "a @d {")),
    ("documentFields", wide("b", 999), wide("b", 1000)),
    ("rootFields", "{ " + "a " * 20 + "}", "{ " + "a " * 21 + "}"),
    ("documentFragments", "{ a } " + "fragment A on T { a } " * 100, "{ a } " + "fragment A on T { a } " * 101),
]


PLACES = {
    "operation": "{}",
    "second operation": "query A {{ a }} query B {}",
    "unused fragment": "{{ a }} fragment U on T {}",
    "spread": "{{ ...U }} fragment U on T {}",
}
PLACED = [
    (place, *bound)
    for place in PLACES
    for bound in BOUNDS
    if place == "operation"
    or (bound[0] != "documentFragments" and (place, bound[0]) != ("unused fragment", "rootFields"))
]


@pytest.mark.parametrize(("place", "limit", "fits", "passes"), PLACED, ids=[f"{one[1]}-{one[0]}" for one in PLACED])
def test_each_bound_holds_wherever_it_is_passed(place: str, limit: str, fits: str, passes: str) -> None:
    """What is just within passes; one more is refused with the bound's name."""
    check_document(parse(PLACES[place].format(fits)))
    with pytest.raises(LimitExceeded, match=rf"\({limit}\)"):
        check_document(parse(PLACES[place].format(passes)))


COMPONENTS = 40


def compiled_page() -> str:
    """Make what Relay's compiler makes of a page: a fragment for each component, `__typename` and ids everywhere."""
    names = [f"Component{at}_event" for at in range(COMPONENTS)]
    fields = "__typename id: eventId eventType serviceName dataCenter host ipAddress protocolName apiKeyId"
    spreads = " ".join(f"...{name}" for name in names)
    page = f"edges {{ cursor node {{ {spreads} __typename }} }} pageInfo {{ endCursor hasNextPage }}"
    roots = " ".join(f"list{at}: connectionEvents(first: $first) {{ {page} }}" for at in range(2))
    fragments = " ".join(f"fragment {name} on ConnectionEvent {{ {fields} }}" for name in names)
    return f"query PageQuery($first: Int!) {{ viewer {{ orgName __typename }} {roots} }} {fragments}"


def test_what_tools_and_clients_send_fits() -> None:
    """The whole introspection, nine levels of types deep, the README's examples, a compiled page of 40 components."""
    levels = "name kind ofType { " * 9 + "name kind" + " }" * 9
    whole = get_introspection_query(
        specified_by_url=True, directive_is_repeatable=True, schema_description=True, input_value_deprecation=True
    )
    check_document(parse(whole))
    check_document(parse(whole[: whole.index("fragment TypeRef")] + f"fragment TypeRef on __Type {{ {levels} }}"))
    for example in blocks("graphql"):
        check_document(parse(example))
    check_document(parse(compiled_page()))
