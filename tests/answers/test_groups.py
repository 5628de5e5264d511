"""Groups through GraphQL agree with the brute-force oracle, in all that can be asked of them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from hypothesis import given, note, settings

from tests.answers.asking import NOW, fill, keys_of, on_a_database
from tests.gateways import Gateway
from tests.group_strategies import Case, group_cases, tenants
from tests.oracle import groups, instants
from tests.oracle.buckets import Buckets
from tests.oracle.datasets import CONNECTION_EVENTS, CONNECTIONS, SUMMARY_EVENTS, Dataset
from tests.oracle.groups import Measure, Question, Row

_ROOTS = {"eventTimestamp": "ConnectionEvent", "connectionStartTime": "Connection", "datetime": "SummaryEvent"}
on_some_groups = settings(on_a_database, max_examples=60)


def _call(key: str, name: str, rest: str = "") -> str:
    return f"{name}{rest}" if key == name else f"{key}: {name}{rest}"


def _dimension(key: str, of: str | Buckets) -> str:
    if isinstance(of, str):
        return _call(key, of)
    arguments = [f"every: {of.every}"]
    arguments += [f"bin: {of.bin}"] if of.bin != 1 else []
    arguments += [f'timezone: "{of.timezone}"'] if of.timezone != "UTC" else []
    return _call(key, "time", f"({', '.join(arguments)})")


def _measure(measure: Measure, path: str) -> str:
    outer, _dot, inner = path.partition(".")
    if not inner:
        return _call(outer, measure.of)
    argument = f"(p: {measure.p!r})" if measure.part == "quantile" else ""
    return _call(outer, measure.of, f" {{ {_call(inner, measure.part, argument)} }}")


def written(question: Question, shown: Sequence[str]) -> str:
    """Write the query that selects all dimensions, and the measures whose paths are shown."""
    kind = _ROOTS[question.dataset.time_field]
    root = kind[0].lower() + kind[1:] + "Groups"
    selected = [_dimension(dimension.key, dimension.of) for dimension in question.dimensions]
    parts = [f"dimensions {{ {' '.join(selected)} }}"] if selected else []
    parts += [_measure(one, one.path) for one in question.measures if one.path in shown]
    previous = [_measure(one, one.path.removeprefix("previous.")) for one in question.previous if one.path in shown]
    parts += [f"previous {{ {' '.join(previous)} }}"] if previous else []
    return (
        f"query($filter: {kind}Filter, $having: [GroupHaving!], $orderBy: [GroupOrder!], $limit: Int, $fill: Boolean, "
        f"$compareTo: Duration) {{ page: {root}(filter: $filter, having: $having, orderBy: $orderBy, limit: $limit, "
        f"fill: $fill, compareTo: $compareTo) {{ window {{ start end }} truncated nodes {{ {' '.join(parts)} }} }} }}"
    )


def _at(node: Mapping[str, Any], path: str) -> Any:
    for key in path.split("."):
        node = node[key]
    return node


def read(node: Mapping[str, Any], question: Question, shown: Sequence[str]) -> Row:
    """Read one answered node as a row."""
    previous = None
    if node.get("previous") is not None:
        previous = {one.path: _at(node, one.path) for one in question.previous if one.path in shown}
    measures = {one.path: _at(node, one.path) for one in question.measures if one.path in shown}
    dimensions = {one.key: node["dimensions"][one.key] for one in question.dimensions}
    return Row(dimensions, measures, previous)


async def ask(
    gateway: Gateway, key: str, question: Question, shown: Sequence[str], **more: Any
) -> tuple[list[Row], dict[str, Any]]:
    """Ask; the rows, and the page as it came."""
    query = written(question, shown)
    note(query)
    variables = {"filter": question.filter, "fill": question.fill, "compareTo": question.compare_to, **more}
    page = (await gateway.data(key, query, variables))["page"]
    return [read(node, question, shown) for node in page["nodes"]], page


def same(measure: Measure, answered: Any, expected: Any) -> bool:
    """Whether a measure is as promised: a quantile within 1 %, an average to 12 digits, all else exactly."""
    if answered is None or expected is None:
        return answered is expected
    if measure.part == "quantile" and measure.p not in (0.0, 1.0):
        return bool(abs(answered - expected) <= abs(expected) / 100)
    if measure.part == "avg":
        return math.isclose(answered, expected, rel_tol=1e-12)
    return bool(answered == (float(expected) if measure.part == "quantile" else expected))


def _all_same(measures: Sequence[Measure], answered: Mapping[str, Any] | None, expected: Mapping[str, Any]) -> None:
    assert answered is not None
    for one in measures:
        assert same(one, answered[one.path], expected[one.path]), (one, answered, expected)


def _by_dimensions(rows: Sequence[Row]) -> dict[tuple[Any, ...], Row]:
    found = {tuple(row.dimensions.values()): row for row in rows}
    assert len(found) == len(rows), "a group came twice"
    return found


def _rows_agree(answered: Sequence[Row], expected: Sequence[Row], question: Question) -> None:
    wanted, found = _by_dimensions(expected), _by_dimensions(answered)
    assert found.keys() == wanted.keys()
    for key, row in wanted.items():
        _all_same(question.measures, found[key].measures, row.measures)
        if row.previous is None:
            assert found[key].previous is None, key
        elif question.previous:
            _all_same(question.previous, found[key].previous, row.previous)


def _window_agrees(page: Mapping[str, Any], question: Question) -> None:
    window = question.window(NOW)
    for name, ticks in (("start", window.start), ("end", window.end)):
        text = page["window"][name]
        assert (None if text is None else instants.parse(text)) == ticks


def _only(row: Row, shown: frozenset[str]) -> Row:
    previous = {path: value for path, value in (row.previous or {}).items() if path in shown}
    measures = {path: value for path, value in row.measures.items() if path in shown}
    return Row(row.dimensions, measures, previous if row.previous is not None and previous else None)


async def _groups_agree(gateway: Gateway, dataset: Dataset, case: Case) -> None:
    """All rows first; then, of those same rows, what having, orderBy and limit leave of fewer measures."""
    await fill(gateway, CONNECTION_EVENTS if dataset is CONNECTIONS else dataset, case.loaded)
    question = case.question
    every = [one.path for one in (*question.measures, *question.previous)]
    for tenant, key in zip(tenants(dataset), await keys_of(gateway), strict=True):
        expected = groups.rows(case.kept, tenant, question, NOW)
        answered, page = await ask(gateway, key, question, every, limit=10_000)
        _rows_agree(answered, expected, question)
        _window_agrees(page, question)
        assert page["truncated"] is False
        assert answered == groups.ordered(answered, question)
        left = groups.ordered(groups.having(answered, case.conditions), question, case.orders)
        more = {
            "having": case.conditions,
            "orderBy": [{"by": path, "direction": direction} for path, direction in case.orders],
            "limit": case.limit,
        }
        some, page = await ask(gateway, key, question, [path for path in every if path in case.shown], **more)
        assert some == [_only(row, case.shown) for row in left[: case.limit]]
        assert page["truncated"] is (len(left) > case.limit)


@given(case=group_cases(SUMMARY_EVENTS, NOW))
@on_some_groups
async def test_groups_of_summary_events_agree_with_the_oracle(gateway: Gateway, case: Case) -> None:
    """Any dimensions, measures, filter, window, having, order, limit, fill and comparison, for either organization."""
    await _groups_agree(gateway, SUMMARY_EVENTS, case)


@given(case=group_cases(CONNECTION_EVENTS, NOW))
@on_some_groups
async def test_groups_of_connection_events_agree_with_the_oracle(gateway: Gateway, case: Case) -> None:
    """As above; times have seven digits, and windows edges below the millisecond."""
    await _groups_agree(gateway, CONNECTION_EVENTS, case)


@given(case=group_cases(CONNECTIONS, NOW))
@on_some_groups
async def test_groups_of_connections_agree_with_the_oracle(gateway: Gateway, case: Case) -> None:
    """As above, for statuses: durations, and who was active at the end of the window, or of the one before."""
    await _groups_agree(gateway, CONNECTIONS, case)
