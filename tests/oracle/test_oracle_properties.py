"""Who checks the checker: what must hold for whatever the strategies draw."""

from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import strategies
from tests.oracle import connections, filters, pages, summary, windows
from tests.oracle.datasets import CONNECTION_EVENTS, CONNECTIONS, SUMMARY_EVENTS, Dataset, Record, deduplicated
from tests.oracle.examples import NOW, ORGANIZATION

# A busy machine is slow, not wrong.
at_any_pace = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


@at_any_pace
@given(st.data())
@pytest.mark.parametrize("dataset", [CONNECTION_EVENTS, SUMMARY_EVENTS])
def test_not_is_exact_negation_and_every_drawn_filter_is_decided(dataset: Dataset, data: st.DataObject) -> None:
    """No drawn filter is an error, and each record is on one side of it."""
    cases = strategies.connection_cases() if dataset is CONNECTION_EVENTS else strategies.summary_cases()
    records, given_filter, orders = data.draw(cases)
    for record in records:
        holds = filters.matches(record, given_filter, dataset, NOW)
        assert filters.matches(record, {"not": given_filter}, dataset, NOW) is not holds
    unique = deduplicated(records, dataset)
    mine = [record for record in unique if record[dataset.tenant_field] == records[0][dataset.tenant_field]]
    walked = [node for page in pages.walk(pages.ordered(mine, dataset, orders), dataset, 3) for node in page.nodes]
    assert walked == pages.ordered(mine, dataset, orders)


@at_any_pace
@given(strategies.connection_summary_cases(), st.randoms(use_true_random=False))
def test_statuses_do_not_depend_on_arrival_and_the_summary_counts_each_once(
    case: tuple[list[Record], dict[str, Any]], random: Random
) -> None:
    """Shuffled and repeated events give the same statuses; a summary's totals are those in W."""
    events, given_filter = case
    statuses = connections.statuses(deduplicated(events, CONNECTION_EVENTS))
    shuffled = [*events, *events]
    random.shuffle(shuffled)
    again = connections.statuses(deduplicated(shuffled, CONNECTION_EVENTS))
    assert sorted(statuses, key=str) == sorted(again, key=str)
    window = windows.from_graphql(given_filter.get("time"), NOW)
    fields = {name: entry for name, entry in given_filter.items() if name != "time"}
    mine = filters.select(statuses, CONNECTIONS, ORGANIZATION, fields, NOW)
    rows = summary.rows(statuses, ORGANIZATION, given_filter, NOW)
    assert sum(row["totalConnections"] for row in rows) == len([s for s in mine if summary.in_window(s, window)])
