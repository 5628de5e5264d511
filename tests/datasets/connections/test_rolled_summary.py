"""The summary is the same with rollups and without, whatever is stored, asked, and dirty."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

from app.datasets.connections.fields import CONNECTIONS
from app.datasets.connections.operations import summarize
from app.datasets.connections.rollup import CONNECTION_ROLLUP
from app.datasets.connections.summary import DEFAULT_ORDER, SUMMARY_FIELDS, SummaryQuery
from app.errors import GatewayError
from app.query.conditions import EVERYTHING, NOTHING, AllOf, AnyOf, Comparison, Condition, Not, Operator
from app.query.instants import TICKS_PER_MILLISECOND, Instant, instant_from_date, split_instant
from app.query.ordering import Direction, OrderBy
from app.query.rollups import HOUR_TICKS, Unit, buckets_of
from app.query.windows import Window
from app.store.rollups import BUCKETS, STATES
from app.store.store import Store
from tests.gateways import ORGANIZATION_ID
from tests.ingest.making import database_of
from tests.store.databases import reader_of, scope_of

Document = dict[str, Any]
BASE = datetime(2026, 2, 27)  # noqa: DTZ001 - BSON dates are naive UTC
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
MILLISECOND = timedelta(milliseconds=1)
FIELDS = CONNECTIONS.by_name

_days = st.sampled_from((0, 0, 1, 1, 2, 3, 9, 70))
_times_of_day = st.sampled_from((0, 1, 7, 23)).map(lambda hour: hour * HOUR) | st.integers(0, 86_399_999).map(
    lambda milliseconds: milliseconds * MILLISECOND
)
_beside = st.sampled_from((0, 0, 0, 1, -1)).map(lambda milliseconds: milliseconds * MILLISECOND)
moments = st.builds(lambda day, time, beside: BASE + day * DAY + time + beside, _days, _times_of_day, _beside)
_durations = st.one_of(
    st.sampled_from((timedelta(), MILLISECOND, HOUR, DAY)),
    st.integers(0, 7_200_000).map(lambda milliseconds: milliseconds * MILLISECOND),
    st.integers(0, 90 * 24).map(lambda hours: hours * HOUR),
)
_texts = st.sampled_from(("a", "b", "\uff5e", "\U0001f600", "", None))
_odd = st.sampled_from((None, 1, 2.5, "text", ["a"], [BASE], {"a": 1}, True, BASE - DAY))


@st.composite
def connections(draw: st.DrawFn, *, odd: bool) -> list[Document]:
    """Draw stored connections; odd ones as no loader would keep them."""
    found = []
    for number in range(draw(st.integers(0, 30))):
        start, lasting = draw(moments), draw(_durations)
        document: Document = {
            "organizationId": ORGANIZATION_ID,
            "connectionId": f"c{number}",
            "connectionStartTime": start,
            "lastActivity": start + lasting,
            "lastHeartbeat": draw(st.sampled_from((start, start + lasting, None))),
            "disconnectedAt": draw(st.sampled_from((start + lasting, start, None))),
            "serviceName": draw(_texts),
            "protocolName": draw(st.sampled_from(("WebSocket", None))),
            "dataCenter": draw(st.sampled_from(("eu", "eu/1"))),
            "apikeyId": draw(st.sampled_from(("k1", "k2", "k3", "", None))),
        }
        for name in draw(st.lists(st.sampled_from(("serviceName", "apikeyId", "disconnectedAt")), max_size=1)):
            del document[name]
        if odd and draw(st.integers(0, 9)) == 0:
            names = ("connectionStartTime", "lastActivity", "lastHeartbeat", "serviceName", "apikeyId")
            document[draw(st.sampled_from(names))] = draw(_odd)
        found.append(document)
    return found


_edges = st.builds(
    lambda date, ticks: Instant(instant_from_date(date) + ticks), moments, st.sampled_from((0, 0, 0, 1, -1, 9_999))
)
_windows = st.one_of(
    st.builds(Window, st.none() | _edges, st.none()),
    st.builds(Window, st.none(), _edges),
    st.builds(lambda a, b: Window(min(a, b), max(a, b, Instant(min(a, b) + 1))), _edges, _edges),
    st.builds(lambda start, length: Window(start, Instant(start + length)), _edges, st.integers(1, HOUR_TICKS)),
)
_service = FIELDS["serviceName"]
_conditions: st.SearchStrategy[Condition] = st.sampled_from(
    (
        EVERYTHING,
        EVERYTHING,
        NOTHING,
        Comparison(_service, Operator.EQ, "a"),
        Not(Comparison(_service, Operator.IN, ("a", "b"))),
        AllOf((Comparison(_service, Operator.IS_NULL, False), Comparison(_service, Operator.NE, ""))),  # noqa: FBT003
        AnyOf((Comparison(FIELDS["dataCenter"], Operator.BELOW, "eu"), Comparison(_service, Operator.CONTAINS, "b"))),
        Comparison(FIELDS["apikeyId"], Operator.EQ, "k1"),
    )
)


@st.composite
def questions(draw: st.DrawFn) -> SummaryQuery:
    """Draw a question: any window, fields, order, limit, a filter that cells know of or not."""
    now = draw(st.sampled_from((instant_from_date(BASE + 200 * DAY),)) | _edges)
    names = draw(st.sets(st.sampled_from([field.name for field in SUMMARY_FIELDS]), min_size=1))
    fields = draw(st.lists(st.sampled_from(SUMMARY_FIELDS), max_size=2, unique=True))
    order = tuple(OrderBy(field, draw(st.sampled_from(Direction))) for field in fields)
    whole = frozenset(field.name for field in SUMMARY_FIELDS)
    return SummaryQuery(
        now=Instant(now // TICKS_PER_MILLISECOND * TICKS_PER_MILLISECOND),
        fields=draw(st.sampled_from((whole, frozenset(names)))),
        window=draw(_windows),
        condition=draw(_conditions),
        order=order or DEFAULT_ORDER,
        limit=draw(st.sampled_from((None, None, 1, 3))),
    )


async def store_connections(store: Store, documents: Sequence[Document]) -> None:
    """Replace all connections by these, as another service would, and build the rollups of them."""
    database = database_of(store)
    for collection in (CONNECTIONS.collection, BUCKETS, STATES):
        await store.writer.delete(collection, {})
    if documents:
        await database[CONNECTIONS.collection].insert_many([dict(document) for document in documents])
    await store.rollups.mark_all(CONNECTION_ROLLUP)
    await store.rebuilding.rebuild(CONNECTION_ROLLUP)
    await store.rollups.set_complete(CONNECTION_ROLLUP, complete=True)


async def settle_at(store: Store, settled: Instant) -> None:
    """Let rollups be used up to this hour only."""
    change = {"$set": {"settled": split_instant(settled)[0]}}
    await database_of(store)[STATES].update_one({"_id": CONNECTION_ROLLUP.name}, change)


async def answers(store: Store, query: SummaryQuery) -> tuple[Any, Any, bool]:
    """Ask with rollups and without; errors by their messages; whether rollups were used."""
    results: list[Any] = []
    used = False
    for reader in (store.reader(scope_of()), reader_of(database_of(store))):
        try:
            summary = await summarize(reader, query)
        except GatewayError as error:
            results.append(error.message)
        else:
            results.append(summary.rows)
            used = used or summary.used is not None
    return results[0], results[1], used


on_a_database = settings(
    max_examples=20,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)


@given(data=st.data(), odd=st.sampled_from((False, False, True)))
@on_a_database
async def test_rollups_do_not_change_the_answer(store: Store, data: st.DataObject, *, odd: bool) -> None:
    """Any connections, windows to the tick, hours from which on they settle, dirty buckets, filters, fields, orders."""
    documents = data.draw(connections(odd=odd))
    await store_connections(store, documents)
    for _ in range(5):
        settled = Unit.HOUR.floor(instant_from_date(data.draw(moments)))
        await settle_at(store, data.draw(st.sampled_from((settled, instant_from_date(BASE + 200 * DAY)))))
        ends = [one["lastActivity"] for one in documents if isinstance(one["lastActivity"], datetime)]
        dirty = data.draw(st.lists(st.sampled_from(ends), max_size=2)) if ends else []
        await store.rollups.mark(CONNECTION_ROLLUP, {b for end in dirty for b in buckets_of(ORGANIZATION_ID, end)})
        rolled, raw, used = await answers(store, data.draw(questions()))
        event(f"rollups used: {used}")
        assert rolled == raw
