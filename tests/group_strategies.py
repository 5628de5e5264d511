"""Hypothesis strategies of groups: records around changes of clocks, and questions that tell them apart."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests import strategies
from tests.oracle import connections, groups, instants
from tests.oracle.buckets import UNITS, Buckets
from tests.oracle.datasets import CONNECTION_EVENTS, CONNECTIONS, SUMMARY_EVENTS, Dataset, Record, deduplicated
from tests.oracle.groups import Dimension, Measure, Question, Row
from tests.oracle.pages import Order
from tests.oracle.specimens import ORG_NAMES, ORGANIZATIONS

Json = Any

# Where clocks change: the first instant of the new time. All lie before now, as records do.
CHANGES: dict[str, tuple[str, ...]] = {
    "Europe/Warsaw": ("2026-03-29T01:00:00Z", "2026-10-25T01:00:00Z", "2025-10-26T01:00:00Z"),
    "America/New_York": ("2026-03-08T07:00:00Z", "2025-11-02T06:00:00Z", "2026-11-01T06:00:00Z"),
    "Australia/Lord_Howe": ("2026-04-04T15:00:00Z", "2026-10-03T15:30:00Z"),
    "America/Sao_Paulo": ("2018-11-04T03:00:00Z", "2019-02-17T02:00:00Z"),
    "Asia/Beirut": ("2026-03-28T22:00:00Z", "2026-10-24T21:00:00Z"),
    # Midnight comes twice.
    "America/Havana": ("2025-11-02T04:00:00Z", "2025-11-02T05:00:00Z"),
    "Atlantic/Azores": ("2025-10-26T00:00:00Z", "2025-10-26T01:00:00Z"),
    "Asia/Kolkata": ("2025-12-31T18:30:00Z",),
    "UTC": ("2026-01-01T00:00:00Z", "2026-02-28T00:00:00Z"),
}
BINS: dict[str, tuple[int, ...]] = {
    "MINUTE": (1, 7, 15, 90),
    "HOUR": (1, 2, 5, 6, 36),
    "DAY": (1, 2, 3, 10),
    "WEEK": (1, 2, 3),
    "MONTH": (1, 2, 5),
    "QUARTER": (1, 2, 3),
    "YEAR": (1, 2, 5),
}
_MINUTE, _HOUR, _DAY = (minutes * instants.TICKS_PER_MINUTE for minutes in (1, 60, 24 * 60))
_LENGTHS = dict(zip(UNITS, (_MINUTE, _HOUR, _DAY, 7 * _DAY, 30 * _DAY, 91 * _DAY, 365 * _DAY), strict=True))
_LONGEST_WINDOW = 800 * _DAY
_STEPS = (0, -10_000, 10_000, -_MINUTE, 30 * _MINUTE, -30 * _MINUTE, _HOUR, -_HOUR, 2 * _HOUR, -3 * _HOUR)
_DAY_STEPS = (0, 0, 0, 23 * _HOUR, -23 * _HOUR, _DAY, -_DAY, 25 * _HOUR, 2 * _DAY, -7 * _DAY, 31 * _DAY, -180 * _DAY)
_SHIFTS = ("PT90M", "PT1H", "P1D", "P1D", "PT25H", "P2DT30M", "P7D", "P1W", "P182D")
_PS = (0.0, 1.0, 0.5, 0.99, 0.9, 0.25, 0.01, 0.1, 0.07, 0.7)


@dataclass(frozen=True)
class Case:
    """What is loaded, what is kept of it (deduplicated; of connections, statuses), and what is asked."""

    loaded: list[Record]
    kept: list[Record]
    question: Question
    conditions: list[dict[str, Json]]
    orders: list[Order]
    limit: int
    shown: frozenset[str]
    """Paths of measures that are selected when conditions, orders and limit are given."""


def tenants(dataset: Dataset) -> tuple[str, str]:
    """The two organizations, as the dataset names them."""
    return ORG_NAMES if dataset is SUMMARY_EVENTS else ORGANIZATIONS


@st.composite
def moments_near(draw: st.DrawFn, changes: Sequence[int]) -> int:
    """Draw an instant at, beside, or some hours or days from one of these."""
    near = draw(st.sampled_from(changes)) + draw(st.sampled_from(_DAY_STEPS))
    return near + draw(st.one_of(st.sampled_from(_STEPS), st.sampled_from((-1, 1, 9_999)), st.integers(-_DAY, _DAY)))


@st.composite
def records_near(draw: st.DrawFn, dataset: Dataset, zones: Sequence[str]) -> list[Record]:
    """Draw records around the clock changes of the zones, with numbers whose sums fit 64 bits.

    For connections these are events. Repeats stay repeats.
    """
    summary = dataset is SUMMARY_EVENTS
    records = draw(strategies.summary_events() if summary else strategies.connection_events())
    changes = [instants.parse(text) for zone in zones for text in CHANGES[zone]]
    time_field = "datetime" if summary else "eventTimestamp"
    tenant_field, id_field = ("org_name", "summary_event_id") if summary else ("organizationId", "eventId")
    times: dict[tuple[str, str], str] = {}
    for record in records:
        identity = (record[tenant_field], record[id_field])
        if identity not in times:
            times[identity] = instants.render(draw(moments_near(changes)), 3 if summary else 7)
    return [
        {name: 7 if isinstance(value, int) and value > 2**53 else value for name, value in record.items()}
        | {time_field: times[record[tenant_field], record[id_field]]}
        for record in records
    ]


def buckets(zones: Sequence[str]) -> st.SearchStrategy[Buckets]:
    """Draw buckets of any unit, in one of these zones more often than in another."""
    zone = st.sampled_from((*zones, *zones, *CHANGES))
    return st.sampled_from(UNITS).flatmap(
        lambda unit: st.builds(Buckets, st.just(unit), st.sampled_from((1, 1, *BINS[unit])), zone)
    )


@st.composite
def dimensions(draw: st.DrawFn, dataset: Dataset, zones: Sequence[str], *, times: int | None) -> list[Dimension]:
    """Draw 0 to 3 dimensions in any order, some under an alias; `times`: exactly so many of them time buckets."""
    if times is None:
        times = draw(st.sampled_from((0, 1, 1, 1, 2, 3)))
    names = [*groups.text_fields(dataset), *([groups.STATUS_CLASS] * 3 if dataset is SUMMARY_EVENTS else [])]
    # Fields that few values are drawn for, more often: their groups hold several records.
    names += [name for name in names if name in {"apiRef", "gatewayServiceName", "protocolName", "dataCenter"}] * 3
    most = max(0, 3 - times)
    chosen: list[str | Buckets] = [*draw(st.lists(st.sampled_from(names), max_size=most, unique=True))]
    chosen += draw(st.lists(buckets(zones), min_size=times, max_size=times, unique=True))
    return [
        # Two time dimensions without an alias would be one response key.
        Dimension(_key("d", place, name, draw(st.booleans()) or (name == "time" and times > 1)), one)
        for place, one in enumerate(draw(st.permutations(chosen)))
        for name in [one if isinstance(one, str) else "time"]
    ]


@st.composite
def measures(draw: st.DrawFn, dataset: Dataset, prefix: str = "") -> list[Measure]:
    """Draw up to 7 measures beside count, some under an alias, several uniq and quantiles among them."""
    parts = ["uniq", "statistic", "statistic", "quantile", "quantile"]
    parts += ["ratio"] if dataset is SUMMARY_EVENTS else []
    parts += ["activeCount"] if dataset is CONNECTIONS else []
    numbers = [] if dataset.digits == 7 and dataset is not CONNECTIONS else groups.number_fields(dataset)
    found = [Measure(f"{prefix}count", "count")]
    aliased = draw(st.booleans())
    for place in range(draw(st.integers(0, 7))):
        kind = draw(st.sampled_from(parts if numbers else ["uniq"]))
        if kind == "activeCount":
            of, part, p = kind, "", 0.0
        elif kind == "uniq":
            of, part, p = kind, draw(st.sampled_from(groups.text_fields(dataset))), 0.0
        elif kind == "ratio":
            of, part, p = kind, draw(st.sampled_from(("error", "success"))), 0.0
        else:
            of, part, p = draw(st.sampled_from(numbers)), draw(st.sampled_from(groups.STATISTICS[:-1])), 0.0
            if kind == "quantile":
                part, p = "quantile", draw(st.sampled_from(_PS) | st.floats(0, 1))
        outer = f"m_{of}" if aliased else of
        inner = _key("q", place, part, part == "quantile" or draw(st.booleans())) if part else ""
        found.append(Measure(".".join(filter(None, (prefix + outer, inner))), of, part, p))
    return list({measure.path: measure for measure in found}.values())


@st.composite
def group_cases(draw: st.DrawFn, dataset: Dataset, now: int) -> Case:
    """Draw records and a question with all that goes with it; no draw is an error by the contract."""
    zones = draw(st.lists(st.sampled_from(sorted(CHANGES)), min_size=1, max_size=2, unique=True))
    loaded = draw(records_near(dataset, zones))
    kept = connections_of(loaded) if dataset is CONNECTIONS else deduplicated(loaded, dataset)
    fill = draw(st.sampled_from((False, False, True)))
    compare_to = draw(st.sampled_from((None, None, *_SHIFTS)))
    chosen = draw(dimensions(dataset, zones, times=1 if fill else None))
    given_filter = draw(st.one_of(st.just({}), st.just({}), strategies.filters(dataset, kept, time=compare_to is None)))
    given_filter = {name: entry for name, entry in given_filter.items() if name != "time"}
    if fill or compare_to is not None:
        (one, *_rest) = [dimension.of for dimension in chosen if isinstance(dimension.of, Buckets)] or [Buckets("DAY")]
        given_filter["time"] = draw(_bounded(kept, dataset, one))
    elif draw(st.booleans()):
        given_filter["time"] = draw(strategies.time_inputs(kept, dataset))
    previous = draw(measures(dataset, "previous.")) if compare_to is not None else []
    question = Question(dataset, chosen, draw(measures(dataset)), given_filter, fill, compare_to, previous)
    found = groups.rows(kept, tenants(dataset)[0], question, now)
    conditions = draw(_conditions(question, found))
    orders = draw(_orders(question))
    named = {one["by"] for one in conditions} | {path for path, _direction in orders}
    paths = [measure.path for measure in (*question.measures, *question.previous)]
    shown = named | set(draw(st.lists(st.sampled_from(paths), min_size=1, unique=True)))
    limit = draw(st.sampled_from((1, 2, 3, 7, 100, max(1, len(found)), 10_000)))
    return Case(loaded, kept, question, conditions, orders, limit, frozenset(shown))


def connections_of(events: Sequence[Record]) -> list[Record]:
    """Statuses of events as they were loaded."""
    return connections.statuses(deduplicated(events, CONNECTION_EVENTS))


def _key(prefix: str, place: int, name: str, aliased: bool) -> str:  # noqa: FBT001 - read beside its draw
    return f"{prefix}{place}" if aliased else name


@st.composite
def _bounded(draw: st.DrawFn, records: Sequence[Record], dataset: Dataset, one: Buckets) -> dict[str, Json]:
    """Draw a window of 1 to 25 buckets that begins at or near a record."""
    times = sorted({instants.parse(record[dataset.time_field]) for record in records})
    near = draw(st.sampled_from(times)) if times else draw(strategies.moments)
    length = min(_LENGTHS[one.every] * one.bin * draw(st.integers(1, 25)), _LONGEST_WINDOW)
    start = near - draw(st.sampled_from((0, 0, 1, length // 2, length - 1))) + draw(st.sampled_from((0, 0, 1, -10_000)))
    end = start + length + draw(st.sampled_from((0, 0, 1, -1)))
    return {name: draw(strategies.instant_inputs(ticks)) for name, ticks in (("start", start), ("end", end))}


@st.composite
def _conditions(draw: st.DrawFn, question: Question, found: Sequence[Row]) -> list[dict[str, Json]]:
    conditions = []
    for measure in draw(st.lists(st.sampled_from(question.measures), max_size=2)):
        values = [value for row in found if (value := row.value(measure.path)) is not None]
        operand = st.builds(
            lambda value, step: float(value + step),
            st.sampled_from(sorted({*values, 0, 1})),
            st.sampled_from((0, 0, 0, 1, -0.5)),
        )
        names = draw(st.sampled_from((*[(name,) for name in groups.COMPARISONS], ("gte", "lte"), ("gt", "ne"))))
        conditions.append({"by": measure.path, **{name: draw(operand) for name in names}})
    return conditions


@st.composite
def _orders(draw: st.DrawFn, question: Question) -> list[Order]:
    # Two response keys of the same measure are refused as one key given twice.
    named: dict[object, str] = {(one.of, one.part, one.p): one.path for one in question.measures}
    paths = [*named.values(), *[dimension.key for dimension in question.dimensions] * 2]
    chosen = draw(st.lists(st.sampled_from(paths), max_size=3, unique=True))
    return [(path, draw(strategies.directions)) for path in chosen]
