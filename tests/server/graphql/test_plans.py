"""Plans: the very answer that graphql-core gives without one, to the byte, errors included."""

import gc
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from types import FunctionType, ModuleType
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from hypothesis_graphql import Mode, queries
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext

from app.access.gate import Gate
from app.datasets.connection_events.fields import CONNECTION_EVENTS
from app.datasets.connections.fields import CONNECTIONS
from app.datasets.summary_events.fields import SUMMARY_EVENTS
from app.errors import GatewayError
from app.faces.context import RequestContext
from app.faces.graphql.selection import Selection
from app.faces.rendering import Written
from app.query.dataset import Dataset
from app.query.instants import Instant
from app.query.limits import PLANNED_CHARACTERS, Limit
from app.server.graphql.documents import Documents
from app.server.graphql.execution import Executor, Outcome, Prepared
from app.server.graphql.plans import Plan
from app.server.graphql.request import GraphQLRequest
from app.server.graphql.schema import build_schema
from app.server.writing import write_json
from tests.abuse.drawn_from_schema import ANSWERABLE, ANY, VALID
from tests.abuse.drawn_from_schema import SCHEMA as PRINTED
from tests.gateways import ORG_NAME, ORGANIZATION_ID, Gateway

# A field that is given up while the driver connects leaves its socket to the garbage collector (PyMongo 4.20).
pytestmark = pytest.mark.filterwarnings(
    "ignore:Exception ignored in. <socket.socket:pytest.PytestUnraisableExceptionWarning"
)
SCHEMA = build_schema()
PLANNING = Executor(SCHEMA, Documents(1_000))
ORDINARY = Executor(SCHEMA, Documents(0))
ROOTS = {"summaryEvents": SUMMARY_EVENTS, "connectionEvents": CONNECTION_EVENTS, "connections": CONNECTIONS}
NOW = Instant(17_700_000_000_000_000)
MOMENT = datetime(2026, 4, 20, 19, 30, 38, 550_000)  # noqa: DTZ001 - naive UTC, as BSON has it
ODD_VALUES = st.sampled_from([None, "text", "", 5, -(2**63), 2**63 - 1, 2.5, 4.0, 1e300, True, [1], {"a": 1}, MOMENT])


@st.composite
def documents(draw: st.DrawFn, dataset: Dataset) -> list[dict[str, Any]]:
    """Draw documents as another service may have stored them: a few fields are not what the schema promises."""
    tenant = {"organization_id": ORGANIZATION_ID, "org_name": ORG_NAME}[dataset.tenant_attribute]
    found = []
    for number in range(draw(st.integers(0, 4))):
        document: dict[str, Any] = {field.name: "text" for field in dataset.fields}
        document |= {field.name: MOMENT for field in dataset.fields if field.kind.name == "TIME"}
        document |= {field.name: 7 for field in dataset.fields if field.kind.name == "LONG"}
        names = [field.name for field in dataset.fields if field.name != dataset.tenant_field]
        names += [field.name for field in dataset.fields if field.required and field.name in names] * 4
        odd = draw(st.dictionaries(st.sampled_from(names), ODD_VALUES, max_size=draw(st.sampled_from((0, 0, 1, 3)))))
        missing = draw(st.sets(st.sampled_from(names), max_size=draw(st.sampled_from((0, 0, 2)))))
        document = {name: value for name, value in (document | odd).items() if name not in missing}
        if dataset.ticks_field:
            document[dataset.ticks_field] = draw(st.sampled_from((1, 2, 9999, 0, None, 10_000, 2.0, 2**62, "soon")))
        found.append({**document, dataset.tenant_field: tenant, dataset.id_field: f"{number}"})
    return found


@st.composite
def selections(draw: st.DrawFn, dataset: Dataset) -> str:
    """Draw what is selected of a record: fields, aliases, fragments, the type's name, in any order."""
    names = [field.public_name for field in (*dataset.fields, *(one.field for one in dataset.derived))]
    names += [field.public_name for field in dataset.fields if field.required] * 3
    chosen = draw(st.lists(st.sampled_from([*names, "__typename"]), min_size=1, max_size=6))
    parts = []
    for place, name in enumerate(chosen):
        form = draw(
            st.sampled_from(
                ("{0}", "{0}", "a{1}: {0}", "... {{ {0} }}", "{0} @include(if: $yes)", "{0} @skip(if: $yes)")
            )
        )
        parts.append(form.format(name, place))
    return " ".join(parts)


@st.composite
def questions(draw: st.DrawFn) -> tuple[Dataset, list[dict[str, Any]], str]:
    """Draw a dataset, what is stored of it, and a page that is asked for."""
    root = draw(st.sampled_from(sorted(ROOTS)))
    dataset = ROOTS[root]
    nodes = f"nodes {{ {draw(selections(dataset))} }}"
    edges = f"edges {{ cursor __typename node {{ {draw(selections(dataset))} }} }}"
    shown = draw(
        st.sampled_from(
            (nodes, edges, f"{nodes} {edges}", f"n: {nodes} totalCount", f"{edges} pageInfo {{ endCursor }}")
        )
    )
    query = f"query($yes: Boolean! = true) {{ __typename @include(if: $yes) {root} {{ {shown} }} }}"
    return dataset, draw(documents(dataset)), query


async def contexts(gateway: Gateway) -> RequestContext:
    """What a request brings, at a time that stands still."""
    scope = await Gate(gateway.store.keys, 3_000).admit([(b"x-api-key", (await gateway.key()).encode())])
    return RequestContext(scope, gateway.store.reader(scope), NOW)


async def answer(executor: Executor, context: RequestContext, request: GraphQLRequest) -> tuple[bytes, ...]:
    """Answer as the endpoint does; what of it shows outside."""
    prepared = executor.prepare(request)
    outcome = prepared if isinstance(prepared, Outcome) else await executor.run(prepared, context)
    cost = prepared.cost if isinstance(prepared, Prepared) else 0
    return write_json(outcome.body), repr([outcome.refused, type(outcome.failure), outcome.code, cost]).encode()


async def check_alike(context: RequestContext, query: str, variables: dict[str, Any] | None = None) -> bytes:
    """See that the answer is the same without a plan, with a new one, and with one that was used before."""
    request = GraphQLRequest(query, variables)
    expected = await answer(ORDINARY, context, request)
    assert await answer(PLANNING, context, request) == expected
    assert await answer(PLANNING, context, request) == expected
    return expected[0]


@given(question=questions())
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_pages_of_odd_records(gateway: Gateway, question: tuple[Dataset, list[dict[str, Any]], str]) -> None:
    """Whatever is stored: nulls that must not be, numbers in texts, texts in numbers."""
    dataset, stored, query = question
    await gateway.clear()
    if stored:
        await gateway.store.writer.insert_new(dataset, stored)
    context = await contexts(gateway)
    for yes in (True, False):
        await check_alike(context, query, {"yes": yes})


@given(stored=documents(SUMMARY_EVENTS), selected=selections(SUMMARY_EVENTS))
@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_one_odd_record(gateway: Gateway, stored: list[dict[str, Any]], selected: str) -> None:
    """Found by its id, with another of which there is none."""
    await gateway.clear()
    if stored:
        await gateway.store.writer.insert_new(SUMMARY_EVENTS, stored)
    fields = f'one: summaryEvent(id: "0") {{ {selected} }} other: summaryEvent(id: "none") {{ {selected} }}'
    await check_alike(await contexts(gateway), f"query($yes: Boolean! = true) {{ {fields} }}", {"yes": False})


@pytest.mark.parametrize("compiled", [True, False])
async def test_one_record_is_written_from_the_reply(filled: RequestContext, *, compiled: bool) -> None:
    """So is one by its id; graphql-core can look at it where another field fails."""
    filled.reader.compiled = compiled
    one = 'one: summaryEvent(id: "call-1") { apiRef at: datetime }'
    prepared = PLANNING.prepare(GraphQLRequest(f"{{ {one} }}"))
    assert isinstance(prepared, Prepared)
    assert prepared.plan is not None
    data = await prepared.plan.run(filled, prepared.variables)
    assert isinstance(data["one"], Written if compiled else dict)
    await check_alike(filled, f"{{ {one} }}")
    answered = await check_alike(filled, f'{{ {one} other: summaryEvent(id: "\\u0000") {{ apiRef }} }}')
    assert b'"one":{"apiRef":"api-1:1.0.0"' in answered
    assert b'"errors"' in answered


@pytest.mark.parametrize("compiled", [True, False])
async def test_rows_that_nobody_looks_at_are_written_from_the_reply(filled: RequestContext, *, compiled: bool) -> None:
    """By a plan, unless that is switched off."""
    query = "{ summaryEvents { rows: nodes { apiRef at: datetime } pageInfo { hasNextPage } } }"
    filled.reader.compiled = compiled
    prepared = PLANNING.prepare(GraphQLRequest(query))
    assert isinstance(prepared, Prepared)
    assert prepared.plan is not None
    data = await prepared.plan.run(filled, prepared.variables)
    assert isinstance(data["summaryEvents"]["rows"], Written if compiled else list)
    await check_alike(filled, query)


async def test_rows_that_nobody_looked_at_are_given_to_graphql_core(filled: RequestContext) -> None:
    """Where another field fails, it makes the answer of them."""
    query = '{ summaryEvents { nodes { apiRef datetime } } one: summaryEvent(id: "\\u0000") { apiRef } }'
    answered = await check_alike(filled, query)
    assert b'"apiRef":"api-1:1.0.0"' in answered
    assert b'"errors"' in answered


@pytest.fixture
async def filled(gateway: Gateway) -> RequestContext:
    """A few records of each dataset."""
    await gateway.load_connection_events(
        [
            {
                "eventId": f"event-{number}",
                "organizationId": ORGANIZATION_ID,
                "connectionId": f"connection-{number % 3}",
                "eventType": ("connect", "heartbeat", "disconnect")[number // 3],
                "eventTimestamp": f"2026-04-0{1 + number % 4}T00:0{number}:00.123456{number}Z",
                "serviceName": f"service-{number % 2}",
                "apikeyId": f"key-{number % 2}",
            }
            for number in range(9)
        ]
    )
    await gateway.load_summary_events(
        [
            {
                "summary_event_id": f"call-{number}",
                "org_name": ORG_NAME,
                "datetime": f"2026-04-0{1 + number % 4}T12:00:00.00{number}Z",
                "api_ref": f"api-{number % 2}:1.0.0",
                "status_code": ("200 OK", "404 Not Found", "500 Internal Server Error")[number % 3],
                "time_to_serve_request": number * 7,
            }
            for number in range(9)
        ]
    )
    return await contexts(gateway)


generated = settings(
    max_examples=30,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@given(data=st.data())
@generated
async def test_documents_that_keep_to_the_schema(filled: RequestContext, data: st.DataObject) -> None:
    """Of several root fields, groups, arguments; most of them are answered."""
    await check_alike(filled, data.draw(queries(ANSWERABLE, custom_scalars=VALID, allow_null=False)))


@pytest.mark.parametrize("mode", Mode, ids=[mode.name.lower() for mode in Mode])
@given(data=st.data())
@generated
async def test_documents_of_odd_values(filled: RequestContext, mode: Mode, data: st.DataObject) -> None:
    """Most of them are refused."""
    await check_alike(filled, data.draw(queries(PRINTED, custom_scalars=ANY, mode=mode)))


GROUPS = """query($p: Float = 0.5, $unit: TimeUnit! = DAY, $limit: Int, $yes: Boolean = true, $by: String! = "n") {
  groups: summaryEventGroups(limit: $limit, orderBy: [{by: $by}], filter: {time: {start: 0, end: 1800000000000}}) {
    a: nodes { dimensions { statusClass at: time(every: $unit) __typename } n: count ...Times @include(if: $yes) }
    b: nodes { uniq { apiRef } ratio { error } previous { count } ... @skip(if: $yes) { timeToServeRequest { avg } } }
    window { start end } truncated
  }
  viewer { limits { name value } scopes } __typename
}
fragment Times on SummaryEventGroup { timeToServeRequest { sum min q: quantile(p: $p) r: quantile(p: 1) } }"""
VARIABLES: list[dict[str, Any] | None] = [
    None,
    {"yes": False},
    {"yes": None},
    {"yes": "no"},
    {"p": 2},
    {"p": None},
    {"p": 1e400},
    {"unit": "MONTH", "limit": 2},
    {"unit": "YEARS"},
    {"unit": None},
    {"limit": 0},
    {"limit": None},
    {"limit": 2**40},
    {"by": "apiRef"},
    {"by": "a.n", "other": 1},
]
DOCUMENTS = [
    "{ __schema { queryType { name } } viewer { keyName } }",
    '{ a: __typename __type(name: "Viewer") { fields { name } } }',
    "query @skip(if: true) { viewer { orgName } }",
    "query a { viewer { orgName } } query b { viewer { orgName } }",
    "{ ...A ...B } fragment A on Query { viewer { orgName } } fragment B on Query { viewer { keyName } }",
    "{ viewer { orgName } viewer { a: orgName orgName @skip(if: true) } }",
    "{ viewer @skip(if: true) { orgName } }",
    '{ summaryEvent(id: "none") { apiRef } }',
    '{ summaryEvent(id: "call-1") { apiRef datetime statusCode } other: summaryEvent(id: "") { apiRef } }',
    '{ a: summaryEvents(first: -1) { totalCount } b: summaryEvent(id: "call-1") { apiRef } }',
    '{ a: summaryEvent(id: "call-1") { apiRef } b: summaryEvents(after: "x") { totalCount } __typename }',
    f'{{ __typename a: summaryEvent(id: "call-1") {{ apiRef }} b: summaryEvent(id: "{"x" * 5_000}") {{ apiRef }} }}',
    "{ connectionEvents(first: 0) { nodes { host } pageInfo { hasNextPage endCursor } totalCount } }",
    "{ connectionEvents(first: 2) { edges { cursor node { eventTimestamp } } pageInfo { endCursor hasNextPage } } }",
    "{ connectionSummary { serviceName totalConnections uniqueApiKeys lastActivity __typename } }",
    "{ connectionGroups(limit: 3) { nodes { dimensions { serviceName } activeCount "
    "connectionDurationSeconds { sum avg } } } }",
    '{ summaryEventGroups(fill: true, filter: {time: {start: "2026-04-01T00:00:00Z", end: "2026-04-09T00:00:00Z"}}, '
    'compareTo: "P1D") { nodes { dimensions { time(every: DAY) } count previous { count ratio { success } } } } }',
    "{ connectionGroups { nodes { uniq { __typename } dimensions { __typename } "
    "connectionDurationSeconds { __typename } } } }",
]


@pytest.mark.parametrize("variables", VARIABLES, ids=str)
async def test_variables(filled: RequestContext, variables: dict[str, Any] | None) -> None:
    """Coerced by graphql-core, whatever is sent, each after all the others."""
    for others in VARIABLES:
        await answer(PLANNING, filled, GraphQLRequest(GROUPS, others))
    await check_alike(filled, GROUPS, variables)


@pytest.mark.parametrize("document", DOCUMENTS)
async def test_documents(filled: RequestContext, document: str) -> None:
    """Fragments, aliases, several root fields, failures of some of them, what no plan is made for."""
    await check_alike(filled, document)


@pytest.mark.parametrize("value", [2**63 - 1, 2**63, -(2**63), -(2**63) - 1, True, 1.0, 1.5, "1", None], ids=str)
async def test_whole_numbers(filled: RequestContext, value: Any) -> None:
    """Of 64 bits are written; others are errors, and each position after the first is looked at too."""
    limits = (Limit("usual", 1, ""), Limit("odd", value, ""))
    await check_alike(replace(filled, limits=limits), "{ viewer { limits { name value } } }")


async def test_a_plan_is_taken(filled: RequestContext, monkeypatch: pytest.MonkeyPatch) -> None:
    """For what is asked every day graphql-core executes nothing."""

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError

    monkeypatch.setattr(StrawberryGraphQLCoreExecutionContext, "execute_operation", never)
    for document in (
        "{ viewer { orgName limits { name } } __typename }",
        "query($n: Int) { summaryEvents(first: $n) { edges { cursor node { apiRef } } pageInfo { endCursor } } }",
        "{ connectionSummary { serviceName totalConnections } connectionEvents { nodes { eventTimestamp } } }",
        "{ summaryEventGroups { nodes { dimensions { statusClass time(every: DAY) } timeToServeRequest { avg } } } }",
        '{ summaryEvent(id: "call-1") { datetime } other: summaryEvent(id: "none") { datetime } }',
    ):
        body, _ = await answer(PLANNING, filled, GraphQLRequest(document))
        assert body.startswith(b'{"data":{'), body


async def test_a_root_field_is_resolved_once(filled: RequestContext) -> None:
    """Also where graphql-core has to make the answer, because another one failed."""
    reader = filled.reader
    before = reader.spent.commands
    wrong = "a" * 5_000
    query = f'{{ __typename a: summaryEvent(id: "call-1") {{ apiRef }} b: summaryEvent(id: "{wrong}") {{ apiRef }} }}'
    body, _ = await answer(PLANNING, filled, GraphQLRequest(query))
    assert b'"errors"' in body
    assert b'"api-1:1.0.0"' in body
    assert reader.spent.commands - before == 1


def planned(documents: Documents) -> Executor:
    """Make an executor that keeps its plans there."""
    return Executor(SCHEMA, documents)


def test_documents_are_kept_within_their_number() -> None:
    """The one used longest ago goes first."""
    documents = Documents(2)
    executor = planned(documents)
    for text in ("{ a: __typename }", "{ b: __typename }", "{ a: __typename }", "{ c: __typename }"):
        executor.prepare(GraphQLRequest(text))
    assert (len(documents), documents.hits, documents.misses) == (2, 1, 3)
    executor.prepare(GraphQLRequest("{ a: __typename }"))
    executor.prepare(GraphQLRequest("{ b: __typename }"))
    assert (documents.hits, documents.misses) == (2, 4)


def test_documents_are_kept_within_their_characters() -> None:
    """However many they are; one that would take the room of many is not kept."""
    documents = Documents(1_000_000)
    executor = planned(documents)
    for number in range(12):
        executor.prepare(GraphQLRequest(f"{{ a{number}: __typename }}" + " " * (PLANNED_CHARACTERS.value // 10)))
        assert documents.characters <= PLANNED_CHARACTERS.value
    assert len(documents) == 9
    executor.prepare(GraphQLRequest("{ __typename }" + " " * (PLANNED_CHARACTERS.value // 8)))
    assert len(documents) == 9


def test_what_is_refused_is_not_kept() -> None:
    """Neither what cannot be parsed nor what is not valid."""
    documents = Documents(10)
    for text in ("{", "{ nope }", "{ ...A }", "subscription { a }"):
        assert isinstance(planned(documents).prepare(GraphQLRequest(text)), Outcome)
    assert len(documents) == 0


async def test_choices_of_fields_are_bounded(filled: RequestContext) -> None:
    """Beyond sixteen choices of one operation requests run without a plan, and are answered all the same."""
    documents = Documents(10)
    executor = planned(documents)
    names = [f"v{number}" for number in range(6)]
    query = (
        f"query({' '.join(f'${name}: Boolean!' for name in names)}) {{ __typename "
        + " ".join(f"{name}: __typename @include(if: ${name})" for name in names)
        + " }"
    )
    for choice in range(64):
        variables = {name: bool(choice >> number & 1) for number, name in enumerate(names)}
        request = GraphQLRequest(query, variables)
        assert await answer(executor, filled, request) == await answer(ORDINARY, filled, request)
    gc.collect()
    known = documents.get(query)
    assert known is not None
    operation = known.operation(None)
    assert operation is not None
    assert len(operation.plans) == 16
    assert all(isinstance(plan, Plan) for plan in operation.plans.values())


async def test_nothing_of_a_request_stays_in_its_plan(filled: RequestContext) -> None:
    """No context, no row: what is kept is of the document alone."""
    documents = Documents(10)
    executor = planned(documents)
    text = "{ summaryEvents { nodes { apiRef } } viewer { keyId } }"
    await answer(executor, filled, GraphQLRequest(text))
    known = documents.get(text)
    assert known is not None
    operation = known.operation(None)
    assert operation is not None
    (plan,) = operation.plans.values()
    kept = list(reachable(plan))
    assert any(isinstance(one, Selection) for one in kept)
    for one in kept:
        assert not isinstance(one, RequestContext | GatewayError), one
        assert not (isinstance(one, str) and one in {"api-0:1.0.0", filled.scope.key_id}), one


def reachable(start: object) -> Iterator[Any]:
    """Go through all that an object holds on to, but for what modules and classes hold."""
    seen, found = set[int](), [start]
    while found:
        one = found.pop()
        if id(one) in seen or isinstance(one, type | ModuleType):
            continue
        seen.add(id(one))
        yield one
        # A function's module is no part of what was kept.
        found += one.__closure__ or () if isinstance(one, FunctionType) else gc.get_referents(one)
