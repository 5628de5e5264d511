"""Hostile GraphQL documents, by what is hostile about them."""

from collections.abc import Iterator

PAGE = "connectionEvents(first: 1) { nodes { eventId } }"


def _nested(head: str, tail: str, times: int, inside: str = "") -> str:
    return head * times + inside + tail * times


def _doubled(levels: int) -> str:
    """Each fragment spreads the next one twice: 2 ** levels fields, were they put in place."""
    fragments = [f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(levels)]
    return " ".join(["{ ...f0 }", *fragments, f"fragment f{levels} on Query {{ {PAGE} }}"])


def _introspection(depth: int) -> str:
    return f"{{ __schema {{ types {{ {_nested('fields { type { ', '} } ', depth, 'name ')} }} }} }}"


def _of_type(depth: int) -> str:
    return f"{{ __schema {{ types {{ fields {{ type {{ {_nested('ofType { ', '} ', depth, 'name ')} }} }} }} }} }}"


DOCUMENTS: dict[str, str] = {
    "selection nested 20 deep": _nested("{a", "}", 20),
    "selection nested 3,000 deep": _nested("{a", "}", 3_000),
    "selection nested 200,000 deep": _nested("{a", "}", 200_000),
    "open braces": "{" * 500_000,
    "close braces": "}" * 500_000,
    "open brackets in a value": f"{{ a(b: {'[' * 400_000}",
    "list nested 3,000 deep": f"{{ a(b: {_nested('[', ']', 3_000)}) }}",
    "object nested 2,000 deep": f"{{ a(b: {_nested('{c:', '}', 2_000, '1')}) }}",
    "type nested 3,000 deep": f"query($a: {_nested('[', ']', 3_000, 'Int')}) {{ __typename }}",
    "filter nested 11 deep": f"{{ connectionEvents(filter: {_nested('{not:', '}', 11, '{}')}) {{ totalCount }} }}",
    "filter nested 1,000 deep": f"{{ connections(filter: {_nested('{not:', '}', 1_000, '{}')}) {{ totalCount }} }}",
    "filter of 201 conditions": (
        "{ connectionEvents(filter: {or: [" + '{host: {eq: "a"}}' * 201 + "]}) { totalCount } }"
    ),
    "filter of 1,001 branches": f"{{ connectionEvents(filter: {{and: [{'{}' * 1_001}]}}) {{ totalCount }} }}",
    "filter that doubles": f"{{ connectionEvents(filter: {_nested('{and:[{},', ']}', 9, '{}')}) {{ totalCount }} }}",
    "inline fragments nested 3,000 deep": _nested("{... on Query ", "}", 3_000, "{__typename}"),
    "fragments doubled 30 times": _doubled(30),
    "fragments doubled 90 times": _doubled(90),
    "101 fragments": "{ __typename } " + " ".join(f"fragment f{n} on Query {{ __typename }}" for n in range(101)),
    "fragments in a chain": _doubled(1) + " ".join(f"fragment g{n} on Query {{ ...g{n + 1} }}" for n in range(1_500)),
    "fragment in itself": "{ ...a } fragment a on Query { ...a }",
    "fragments in each other": "{ ...a } fragment a on Query { ...b __typename } fragment b on Query { ...a ...a }",
    "fragment in itself below fields": "{ ...a } fragment a on Query { viewer { ...b } } fragment b on Viewer { ...b }",
    "fragment twice": "{ ...a } fragment a on Query { __typename } fragment a on Query { viewer { keyId } }",
    "fragment nowhere": "{ ...nowhere }",
    "fragment on nothing": "{ ... on Nothing { a } }",
    "fragment never used": "{ __typename } fragment a on Query { viewer { keyId } }",
    "10,001 tokens": "{ " + "a " * 10_001 + "}",
    "200,000 tokens": "{ " + "a " * 200_000 + "}",
    "9,000 fields alike": "{ " + "__typename " * 9_000 + "}",
    "201 aliases": "{ " + " ".join(f"a{n}: __typename" for n in range(201)) + " }",
    "21 root fields": "{ " + " ".join(f"a{n}: {PAGE}" for n in range(21)) + " }",
    "20 root fields": "{ " + " ".join(f"a{n}: {PAGE}" for n in range(20)) + " }",
    "900 fields that conflict": "{ "
    + " ".join(f"a: connections(first: {n}) {{ totalCount }}" for n in range(900))
    + " }",
    "conflicts in 100 fragments": (
        "{ "
        + " ".join(f"...f{n}" for n in range(100))
        + " } "
        + " ".join(f"fragment f{n} on Query {{ a: connections(first: {n}) {{ totalCount }} }}" for n in range(100))
    ),
    "101 directives": "{ __typename " + "@include(if: true) " * 101 + "}",
    "3,000 directives": "{ __typename " + "@skip(if: false) " * 1_400 + "}",
    "unknown directives": "{ __typename @a @b(c: $d) @defer @stream(initialCount: 0) @live }",
    "directive on an operation": "query @include(if: false) { __typename }",
    "directives of the language's own": "{ __typename @deprecated(reason: 1) @specifiedBy(url: 1) @oneOf }",
    "everything skipped": "query($a: Boolean = false) { viewer @include(if: $a) { keyId } }",
    "nothing but skipped rows": "{ connectionEvents(first: 2) { nodes { eventId @skip(if: true) } } }",
    "1,000 variables": f"query({' '.join(f'$v{n}: Int' for n in range(1_000))}) {{ __typename }}",
    "variable twice": "query($a: Int, $a: Int) { connections(first: $a) { totalCount } }",
    "variable without a type": "query($a: Nothing) { connections(first: $a) { totalCount } }",
    "variable of an output type": "query($a: Query) { connections(first: $a) { totalCount } }",
    "variable in its own default": "query($a: Int = $a) { connections(first: $a) { totalCount } }",
    "variable that is missing": "query($a: Int!) { connections(first: $a) { totalCount } }",
    "variable nowhere": "{ connections(first: $a) { totalCount } }",
    "several operations": "query a { __typename } query b { viewer { keyId } }",
    "500 operations": " ".join(f"query q{n} {{ __typename }}" for n in range(500)),
    "operations alike": "query a { __typename } query a { __typename }",
    "mutation": "mutation { deleteEverything }",
    "subscription": "subscription { connectionEvents { totalCount } }",
    "type definition": "type Query { a: Int } { __typename }",
    "schema extension": "extend type Query { a: Int } schema { query: Query }",
    "directive definition": "directive @a on FIELD { __typename }",
    "unknown field": "{ nope }",
    "unknown argument": "{ connections(where: {}) { totalCount } }",
    "unknown field of a row": "{ connections { nodes { _id password secretHash __class__ __proto__ } } }",
    "names of the inside": "{ __dict__ __init__ constructor _service { sdl } _entities(representations: []) { a } }",
    "selection on a leaf": "{ viewer { keyId { a } } }",
    "no selection on an object": "{ viewer }",
    "no document": " ",
    "comment only": "#" + "x" * 100_000,
    "byte order mark": "\ufeff{ __typename }",
    "nul": "{ __typename \0 }",
    "control characters": "{ \x01\x02\x7f\x85\u2028 }",
    "surrogate escape": '{ summaryEvent(id: "\\ud800") { orgName } }',
    "surrogate pair": '{ summaryEvent(id: "\\ud83d\\ude00") { orgName } }',
    "escape beyond unicode": '{ summaryEvent(id: "\\u{110000}") { orgName } }',
    "text without end": '{ summaryEvent(id: "a',
    "block text without end": '{ summaryEvent(id: """a',
    "block text of 300,000 quotes": '{ summaryEvent(id: """' + '\\"""' * 75_000 + '""") { orgName } }',
    "block text of 100,000 lines": '{ summaryEvent(id: """' + " \n" * 100_000 + '""") { orgName } }',
    "name of 500,000 letters": "{ " + "a" * 500_000 + " }",
    "name near another": "{ " + "connectionEvent" * 300 + " }",
    "alias of 200,000 letters": "{ " + "a" * 200_000 + ": __typename }",
    "alias of 1,000,000 letters on every row": "{ connectionEvents(first: 10000) { nodes { "
    + "a" * 1_000_000
    + ": host } } }",
    "long aliases in every row": (
        "{ connectionEvents(first: 3000) { nodes { " + " ".join(f"{'a' * 97}{n}: host" for n in range(199)) + " } } }"
    ),
    "number of 100,000 digits": f"{{ connections(first: {'9' * 100_000}) {{ totalCount }} }}",
    "fraction of 100,000 digits": f"{{ connections(first: 0.{'9' * 100_000}) {{ totalCount }} }}",
    "exponent without bound": "{ connections(first: 1e999999999) { totalCount } }",
    "number with leading zeros": "{ connections(first: 00) { totalCount } }",
    "introspection 3 deep": _introspection(3),
    "introspection 9 deep": _introspection(9),
    "introspection 200 deep": _introspection(200),
    "introspection of types 15 deep": _of_type(15),
    "introspection of types 500 deep": _of_type(500),
    "introspection 100 times": "{ " + " ".join(f"a{n}: __schema {{ types {{ name }} }}" for n in range(100)) + " }",
    "introspection of every field 19 times": (
        "{ " + " ".join(f"a{n}: __schema {{ types {{ fields {{ name args {{ name }} }} }} }}" for n in range(19)) + " }"
    ),
    "cost of several pages": "{ "
    + " ".join(f"a{n}: connections(first: 10000) {{ nodes {{ host }} }}" for n in range(20))
    + " }",
    "all rows of everything": (
        "{ connections(first: 10000) { nodes { host } } "
        "connectionEvents(first: 10000) { edges { cursor node { host } } } "
        "summaryEvents(first: 10000) { nodes { apiRef } } }"
    ),
    "eight dimensions and fifty measures": (
        "{ summaryEventGroups(limit: 1000) { nodes { dimensions { apiRef appName catalogName planId productRef "
        "statusCode spaceName time(every: MINUTE) } uniq { apiRef appName catalogName planId } timeToServeRequest { "
        + " ".join(f"q{n}: quantile(p: 0.{n:02d})" for n in range(40))
        + " } } } }"
    ),
    "nine dimensions": (
        "{ summaryEventGroups { nodes { dimensions { "
        + " ".join(f"a{n}: time(every: DAY, bin: {n + 1})" for n in range(9))
        + " } } } }"
    ),
    "a hundred measures": (
        "{ summaryEventGroups { nodes { timeToServeRequest { "
        + " ".join(f"q{n}: quantile(p: 0.{n:03d})" for n in range(100))
        + " } } } }"
    ),
    "filled by the minute for a century": (
        '{ summaryEventGroups(fill: true, filter: {time: {start: "1900-01-01T00:00:00Z", '
        'end: "2026-01-01T00:00:00Z"}}) '
        "{ nodes { dimensions { time(every: MINUTE) } count } } }"
    ),
    "filled by the year for ten thousand years": (
        '{ summaryEventGroups(fill: true, filter: {time: {start: "0001-01-01T00:00:00Z", '
        'end: "9999-12-31T00:00:00Z"}}) '
        "{ nodes { dimensions { time(every: YEAR) } count } } }"
    ),
    "compared with a century before the year 1": (
        '{ summaryEventGroups(compareTo: "P99Y", filter: {time: {start: "0002-01-01T00:00:00Z", '
        'end: "2026-12-31T00:00:00Z"}}) '
        "{ nodes { dimensions { time(every: YEAR) } count previous { count } } } }"
    ),
}


def broken_documents() -> Iterator[tuple[str, str]]:
    """A document cut off after each of its characters, and with a strange one in its place."""
    arguments = '(first: $b, filter: {host: {in: ["x", """y"""]}})'
    whole = f"query a($b: Int = 1) {{ c: connections{arguments} @skip(if: false) {{ totalCount }} }}"
    for at in range(len(whole)):
        yield f"cut off at {at}", whole[:at] or " "
        yield f"strange at {at}", whole[:at] + ("\0", "\u202e", '"', "{", "&", "\\")[at % 6] + whole[at + 1 :]
