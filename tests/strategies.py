"""Hypothesis strategies: records, and filters, windows and orders that hit or nearly miss them.

The strategies of records are in tests/oracle/record_strategies.py; use them from here.
"""

import ipaddress
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from tests.oracle import connections, datasets, instants, specimens
from tests.oracle.datasets import CONNECTION_EVENTS, CONNECTIONS, SUMMARY_EVENTS, Dataset, Record, deduplicated
from tests.oracle.pages import ASC, DESC, Order
from tests.oracle.record_strategies import connection_events, moments, some_of, summary_events, texts
from tests.oracle.windows import Window

__all__ = [
    "connection_cases",
    "connection_events",
    "connection_summary_cases",
    "filters",
    "instant_inputs",
    "moments",
    "orders",
    "summary_cases",
    "summary_events",
    "texts",
    "time_inputs",
    "windows",
]

Json = Any
Operators = dict[str, st.SearchStrategy[Json]]
_TWO_MINUTES = 2 * instants.TICKS_PER_MINUTE
_EDGE_STEPS = (-10_000, -1, 0, 0, 0, 1, 10_000, _TWO_MINUTES - 1, _TWO_MINUTES, _TWO_MINUTES + 1)
_LONGS = (-specimens.LARGEST_LONG - 1, specimens.LARGEST_LONG)

_NEARLY: tuple[Callable[[str], str], ...] = (
    str.swapcase,
    lambda text: text[1:],
    lambda text: text[:-1],
    lambda text: text[:3],
    lambda text: text + "x",
)

directions = st.sampled_from((ASC, DESC))


def windows(records: Sequence[Record], dataset: Dataset) -> st.SearchStrategy[Window]:
    """Draw [start, end) in ticks, either side open at times, edges at, beside and two minutes after record times."""
    times = [instants.parse(record[field]) for record in records for field in dataset.time_fields if record[field]]
    # Heartbeats thrice: whether a connection is active hangs on them.
    times += 2 * [instants.parse(record["lastHeartbeat"]) for record in records if record.get("lastHeartbeat")]
    near = st.sampled_from(sorted(times)) if times else moments
    beside = st.builds(int.__add__, near, st.sampled_from(_EDGE_STEPS))
    edges = _or_rarely(beside, moments)
    early = st.just(specimens.FIRST_MOMENT)
    pairs = st.tuples(st.one_of(early, edges), edges).filter(lambda pair: pair[0] != pair[1]).map(sorted)
    shown = st.sampled_from(((True, True), (False, True), (True, True), (False, True), (True, False), (False, False)))
    return st.builds(
        lambda pair, show: Window(pair[0] if show[0] else None, pair[1] if show[1] else None), pairs, shown
    )


def instant_inputs(ticks: int) -> st.SearchStrategy[Json]:
    """Draw a way to write this instant as a GraphQL DateTime: in UTC, with an offset, or as epoch milliseconds."""
    shifts = {"Z": 0, "+00:00": 0, "+05:30": 330, "-08:00": -480}
    written = [
        instants.render(ticks + minutes * instants.TICKS_PER_MINUTE).removesuffix("Z") + offset
        for offset, minutes in shifts.items()
    ]
    if ticks % instants.TICKS_PER_MILLISECOND:
        return st.sampled_from(written)
    return st.sampled_from([*written, instants.render(ticks, 3), ticks // instants.TICKS_PER_MILLISECOND])


@st.composite
def time_inputs(draw: st.DrawFn, records: Sequence[Record], dataset: Dataset) -> dict[str, Json]:
    """Draw a TimeWindow input with start, end, both or neither (absent or null)."""
    window = draw(windows(records, dataset))
    edges = {"start": window.start, "end": window.end}
    given = {name: None if ticks is None else draw(instant_inputs(ticks)) for name, ticks in edges.items()}
    return {name: value for name, value in given.items() if value is not None or draw(st.booleans())}


@st.composite
def orders(draw: st.DrawFn, dataset: Dataset) -> list[Order]:
    """Draw up to three (GraphQL field, direction), the tenant's field left out; none: the default order."""
    names = [name for name, stored in dataset.stored.items() if stored != dataset.tenant_field]
    return [(name, draw(directions)) for name in draw(st.lists(st.sampled_from(names), max_size=3, unique=True))]


def filters(
    dataset: Dataset, records: Sequence[Record], *, time: bool = True, tenant: bool = False
) -> st.SearchStrategy[dict[str, Json]]:
    """Draw GraphQL filter inputs for these records, nested by and, or, not; no draw is an error by the contract.

    `time` adds time windows at every depth, `tenant` adds filters on organizationId or orgName.
    """
    options: Operators = {}
    for name, kind in dataset.operators.items():
        if tenant or dataset.stored[name] != dataset.tenant_field:
            values = [record.get(dataset.stored[name]) for record in records]
            known = [value for value in values if value is not None]
            options[name] = _or_rarely(some_of(_OPERATORS_OF[kind](known), 1, 1, 1, 2), st.none() | st.just({}))
    if time:
        options["time"] = time_inputs(records, dataset)
    leaves = some_of(options, 0, 1, 1, 1, 1, 2)
    return st.recursive(leaves, lambda inner: st.builds(dict.__or__, leaves, _branches(inner)), max_leaves=6)


def _branches(inner: st.SearchStrategy[dict[str, Json]]) -> st.SearchStrategy[dict[str, Json]]:
    several = _or_rarely(st.lists(inner, min_size=1, max_size=3), st.none() | st.just([]))
    return some_of({"and": several, "or": several, "not": _or_rarely(inner, st.none())}, 1, 1, 2)


def _or_rarely(usual: st.SearchStrategy[Json], rare: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    return st.sampled_from((usual,) * 7 + (rare,)).flatmap(lambda chosen: chosen)


def _near(known: Sequence[str]) -> st.SearchStrategy[str]:
    """Draw a text that is there, a part of it, or one that only a pattern or a folded case would take for it."""
    if not known:
        return texts
    there = st.sampled_from(sorted(set(known)))
    changed = st.builds(lambda change, text: change(text), st.sampled_from(_NEARLY), there)
    return st.one_of(there, there, changed, texts)


def _equality(values: st.SearchStrategy[Json]) -> Operators:
    lists = _or_rarely(st.lists(values, min_size=1, max_size=3), st.just([]))
    return {"eq": values, "ne": values, "in": lists, "notIn": lists}


def _string_operators(known: Sequence[str]) -> Operators:
    near = _near(known)
    return {**_equality(near), "startsWith": near, "contains": near, "isNull": st.booleans()}


def _long_operators(known: Sequence[int]) -> Operators:
    there = st.sampled_from(sorted({*known, 0, 2**53}))
    near = st.builds(int.__add__, there, st.sampled_from((-1, 0, 0, 1))).map(
        lambda n: min(max(n, _LONGS[0]), _LONGS[1])
    )
    return {**_equality(near), "gt": near, "gte": near, "lt": near, "lte": near, "isNull": st.booleans()}


def _status_code_operators(known: Sequence[str]) -> Operators:
    classes = st.sampled_from(("_1XX", "_2XX", "_3XX", "_4XX", "_5XX"))
    return {**_equality(_near(known)), "class": classes, "outcome": st.sampled_from(("SUCCESS", "ERROR"))}


def _ip_address_operators(known: Sequence[str]) -> Operators:
    around: list[str] = []
    for text in known:
        try:
            address = ipaddress.ip_address(text)
        except ValueError:
            continue
        prefixes = (0, 8, 23, 31, 32) if address.version == 4 else (0, 32, 63, 127, 128)
        around += [str(ipaddress.ip_network(f"{address}/{prefix}", strict=False)) for prefix in prefixes]
    return {**_equality(_near(known)), "cidr": st.sampled_from((*specimens.NETWORKS, *sorted(set(around))))}


_OPERATORS_OF: dict[str, Callable[[Sequence[Any]], Operators]] = {
    datasets.STRING: _string_operators,
    datasets.LONG: _long_operators,
    datasets.STATUS_CODE: _status_code_operators,
    datasets.IP_ADDRESS: _ip_address_operators,
}


@st.composite
def connection_cases(draw: st.DrawFn) -> tuple[list[Record], dict[str, Json], list[Order]]:
    """Draw connection events with a filter and an order for connectionEvents."""
    events = draw(connection_events())
    return events, draw(filters(CONNECTION_EVENTS, events)), draw(orders(CONNECTION_EVENTS))


@st.composite
def summary_cases(draw: st.DrawFn) -> tuple[list[Record], dict[str, Json], list[Order]]:
    """Draw summary events with a filter and an order for summaryEvents."""
    events = draw(summary_events())
    return events, draw(filters(SUMMARY_EVENTS, events)), draw(orders(SUMMARY_EVENTS))


@st.composite
def connection_summary_cases(draw: st.DrawFn) -> tuple[list[Record], dict[str, Json]]:
    """Draw connection events with a filter for connectionSummary: `time`, if any, at the top, around status times."""
    events = draw(connection_events())
    statuses = connections.statuses(deduplicated(events, CONNECTION_EVENTS))
    given = draw(st.one_of(st.just({}), st.just({}), filters(CONNECTIONS, statuses, time=False)))
    time = draw(_or_rarely(time_inputs(statuses, CONNECTIONS).map(lambda window: {"time": window}), st.just({})))
    return events, {**given, **time}
